"""Search domains: what a study may vary, and over which values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from framework.errors import InvalidStudy, InvalidValue


@dataclass(frozen=True)
class Float:
    """A real interval, both ends included.

    Args:
        low: lower end, finite.
        high: upper end, above `low`.
        log: sample on a logarithmic scale; needs `low` > 0.
        step: distance of allowed values; makes the domain finite.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        for end in (self.low, self.high):
            if not _is_number(end):
                raise InvalidValue("The ends of Float are finite numbers.", given=f"Given: {self}.")
        # frozen, so it is set as dataclasses themselves do it
        object.__setattr__(self, "low", float(self.low))
        object.__setattr__(self, "high", float(self.high))
        _check_interval(self)
        if self.step is not None and (not _is_number(self.step) or self.step <= 0 or self.log):
            raise InvalidValue(
                "The step of Float is a number above 0, and goes without log.",
                given=f"Given: {self}.",
            )

    @property
    def finite(self) -> bool:
        """Whether the values can be enumerated."""
        return self.step is not None

    @property
    def size(self) -> float:
        """How many values there are; infinity without a step."""
        if self.step is None:
            return math.inf
        # (0.7 - 0.1) / 0.1 is 5.999999999999999 in floating point
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1

    def values(self) -> list[float]:
        """All values of a stepped domain, ascending."""
        if self.step is None:
            raise InvalidStudy(
                f"{self} has infinitely many values.", todo="Give it a step, or use Choice."
            )
        # 0.1 + 2 * 0.1 is above 0.3 in floating point
        return [min(self.low + index * self.step, self.high) for index in range(int(self.size))]


@dataclass(frozen=True)
class Int:
    """The whole numbers from `low` to `high`, both included.

    Args:
        low: lower end.
        high: upper end, above `low`.
        log: sample on a logarithmic scale; needs `low` >= 1 and `step` 1.
        step: distance of allowed values, at least 1.
    """

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        for number in (self.low, self.high, self.step):
            if isinstance(number, bool) or not isinstance(number, int):
                raise InvalidValue(
                    "The ends and the step of Int are whole numbers.", given=f"Given: {self}."
                )
        _check_interval(self)
        if self.step < 1 or (self.log and self.step != 1):
            raise InvalidValue(
                "The step of Int is at least 1, and 1 with log.", given=f"Given: {self}."
            )

    @property
    def finite(self) -> bool:
        """Always true."""
        return True

    @property
    def size(self) -> float:
        """How many values there are."""
        return len(range(self.low, self.high + 1, self.step))

    def values(self) -> list[int]:
        """All values, ascending."""
        return list(range(self.low, self.high + 1, self.step))


@dataclass(frozen=True, init=False)
class Choice:
    """One of the values given.

    Over `use(...)` values it chooses between plug-ins, `None` leaves a step out.
    """

    options: tuple[Any, ...]

    def __init__(self, *options: Any) -> None:
        if len(options) < 2:
            raise InvalidValue("Choice takes at least two values.", given=f"Given: {options}.")
        # by their texts: a `Use` cannot be hashed, and True equals 1
        if len(set(map(repr, options))) != len(options):
            raise InvalidValue(
                "The values of Choice are all different.", given=f"Given: {options}."
            )
        object.__setattr__(self, "options", options)

    def __repr__(self) -> str:
        return f"Choice({', '.join(map(repr, self.options))})"

    @property
    def finite(self) -> bool:
        """Always true (what lies inside an alternative is asked on its own)."""
        return True

    @property
    def size(self) -> float:
        """How many values there are, without what lies inside them."""
        return len(self.options)

    def values(self) -> list[Any]:
        """The values, in the order given."""
        return list(self.options)


Domain = Float | Int | Choice


def _is_number(value: Any) -> bool:
    """A finite number that a float can hold; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the range of floats
        return False


def _check_interval(domain: Float | Int) -> None:
    if not domain.low < domain.high:
        raise InvalidValue("The lower end is below the upper.", given=f"Given: {domain}.")
    if domain.log and domain.low <= 0:
        raise InvalidValue("A logarithmic domain begins above 0.", given=f"Given: {domain}.")


KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}


@dataclass(frozen=True)
class Knob:
    """What one hyperparameter may be: the only declaration of its type, range, unit and text.

    Args:
        default: the value when none is given; its type is the knob's type.
        low, high: smallest and largest value, both included (numbers only).
        choices: the values allowed; None for any within the range.
        unit: as "epochs", "bytes"; empty for none.
        doc: one line for help, docs and tables.
        optional: None is allowed.
    """

    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] | None = None
    unit: str = ""
    doc: str = ""
    optional: bool = False

    @property
    def type(self) -> type:
        """bool, int, float or str; of a knob that may be left open, float where it has a range."""
        if self.default is not None:
            return type(self.default)
        return str if self.low is None and self.high is None else float

    def normal(self, owner: str, name: str, value: Any) -> Any:
        """`value` as this knob's type: `1` is 1.0 for a float, `4.0` is 4 for an int.

        Raises:
            InvalidValue: wrong type or out of range.
        """
        if value is None and self.optional:
            return None
        value = self._typed(owner, name, value)
        below = self.low is not None and value < self.low
        above = self.high is not None and value > self.high
        if below or above or (self.choices is not None and value not in self.choices):
            raise InvalidValue(
                f"{owner}: {name} is out of its range.",
                given=f"Given: {value!r}.",
                todo=f"Allowed: {self.range_text()}.",
            )
        return value

    def normal_domain(self, owner: str, name: str, domain: Domain) -> Domain:
        """A search domain whose values are all normal for this knob, in this knob's type."""
        if isinstance(domain, Choice):
            return Choice(*(self.normal(owner, name, option) for option in domain.options))
        for end in (domain.low, domain.high):
            self.normal(owner, name, end)
        if self.type is float and isinstance(domain, Int):
            # the same values as floats; Float has either a logarithm or a step
            return Float(
                domain.low, domain.high, log=domain.log, step=None if domain.log else domain.step
            )
        if self.type is int and isinstance(domain, Float):
            raise InvalidValue(
                f"{owner}: {name} takes whole numbers.",
                given=f"Given: {domain}.",
                todo="Use Int or Choice.",
            )
        return domain

    def range_text(self) -> str:
        """The allowed values in words."""
        if self.choices is not None:
            return ", ".join(map(repr, self.choices))
        ends = []
        if self.low is not None:
            ends.append(f"at least {self.low:g}")
        if self.high is not None:
            ends.append(f"at most {self.high:g}")
        text = KINDS[self.type] + (" " + " and ".join(ends) if ends else "")
        return f"{text}, or None" if self.optional else text

    def _typed(self, owner: str, name: str, value: Any) -> Any:
        number = _is_number(value)
        if self.type is float and number:
            return float(value)
        if self.type is int and number and float(value).is_integer():
            return int(value)
        if self.type in (bool, str) and isinstance(value, self.type):
            return value
        raise InvalidValue(
            f"{owner}: {name} is {KINDS[self.type]}.",
            given=f"Given: {value!r}.",
            todo=f"Allowed: {self.range_text()}.",
        )


def knob(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Any, ...] | None = None,
    unit: str = "",
    doc: str = "",
    optional: bool = False,
) -> Any:
    """A dataclass field that declares a hyperparameter; see `Knob` for the arguments."""
    declared = Knob(default, low, high, choices, unit, doc, optional)
    return field(default=default, metadata={"knob": declared})


class Knobbed:
    """A frozen dataclass whose fields are knobs; values are checked and normalised on creation.

    Where `searchable` is true a search domain is a value too, and checked against the knob.
    """

    searchable: ClassVar[bool] = False

    @classmethod
    def knobs(cls) -> dict[str, Knob]:
        """The knobs by name, in the order of the file."""
        knobs: dict[str, Knob] = {}
        # while the decorator `dataclass` is at work the class has no fields yet
        for name, declared in getattr(cls, "__dataclass_fields__", {}).items():
            if "knob" in declared.metadata:
                knobs[name] = declared.metadata["knob"]
        return knobs

    def __post_init__(self) -> None:
        # a registered plug-in has a name; `Train` is called after its class
        owner = getattr(self, "name", type(self).__name__.lower())
        for name, declared in self.knobs().items():
            value = getattr(self, name)
            if self.searchable and isinstance(value, (Float, Int, Choice)):
                value = declared.normal_domain(owner, name, value)
            else:
                value = declared.normal(owner, name, value)
            object.__setattr__(self, name, value)

    def values(self) -> dict[str, Any]:
        """The knobs' values by name."""
        return {name: getattr(self, name) for name in self.knobs()}
