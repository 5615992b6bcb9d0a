"""A `Study`: a question asked of many trials, with what it leaves open as search domains.

It is a frozen value. Its canonical JSON decides what is the same: two studies with one digest share
their trials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, cast

from framework.study.checks import as_tuple, check_study
from framework.study.choosing import (
    Ask,
    alternatives,
    fix_part,
    fix_values,
    without_gaps,
)
from framework.study.constraints import AtLeast, AtMost
from framework.study.space import Choice, Float, Int
from framework.study.spec import (
    HOW_MUCH,
    SCHEMA,
    Spec,
    Train,
    Use,
    added,
    digest_of,
    label_of,
    plain,
)


@dataclass(frozen=True, kw_only=True)
class Study:
    """A question asked of many trials.

    `None` in `compress`, or as an alternative, leaves a step out.

    What is in `HOW_MUCH` is not part of the question: `trial_seconds` ends a trial, `hours` ends a
    session, and `keep="front"` removes the nets of trials that are not on the front. With `seeds=5`
    every trial is trained under the seeds `seed` to `seed + 4`, each with a baseline and a control
    of its own; a search asks from the results of the first, fronts are of means.

    `ahead` is how many trials may run side by side: trial n is suggested from the results of trials
    0 to n - ahead, however many have ended; 1 to 64, or `"auto"`, which is written out when the
    study is resolved.
    """

    dataset: Use
    architecture: Use | Choice
    train: Train = field(default_factory=Train)
    compress: tuple[Use | Choice | None, ...] = ()
    objectives: Mapping[str, Literal["max", "min"]] = field(
        default_factory=lambda: {"quality": "max", "params_nonzero": "min"}
    )
    constraints: tuple[AtMost | AtLeast, ...] = ()
    sampler: str = "tpe"
    ahead: int | str = 1
    trials: int = 30
    seed: int = 0
    seeds: int = 1
    trial_seconds: float | None = None
    hours: float | None = None
    keep: str = "all"

    def __post_init__(self) -> None:
        for name, allowed in (("compress", (Use, Choice)), ("constraints", (AtMost, AtLeast))):
            object.__setattr__(self, name, as_tuple(name, getattr(self, name), allowed))
        check_study(self)

    def json(self) -> dict[str, Any]:
        """What decides the trials: without its name and what is in `HOW_MUCH`."""
        stated = {
            "schema": SCHEMA,
            "dataset": self.dataset.json(),
            "architecture": plain(self.architecture),
            "train": self.train.json(),
            "compress": list(map(plain, self.compress)),
            # pairs, because canonical JSON sorts the keys of a dict and their order counts
            "objectives": list(map(list, self.objectives.items())),
            "constraints": list(map(_constraint_json, self.constraints)),
            "sampler": self.sampler,
            "seed": self.seed,
        }
        return stated | added(self, (*stated, *HOW_MUCH))

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical JSON, 64 hex digits."""
        return digest_of(self.json())

    def steps(self) -> Iterator[tuple[str, Use | Choice | None]]:
        """The steps of the chain, each with its path, as `compress.0`."""
        for index, step in enumerate(self.compress):
            yield f"compress.{index}", step

    @cached_property
    def searched(self) -> tuple[str, ...]:
        """Flat names of what is searched, as `compress.0.sparsity`: training, plug-ins, knobs."""
        names = [path for path, step in self.architecture_and_steps() if isinstance(step, Choice)]
        knobs = [f"train.{name}" for name in _open(self.train.values())]
        for _, path, part in self.parts():
            # an alternative's path is `compress.0=label`, its parameters are `compress.0.sparsity`
            step_path = path.partition("=")[0]
            names += [f"{step_path}.{name}" for name in _open(part.knobs)]
        # one that several alternatives share is there once
        return tuple(dict.fromkeys([*knobs, *names]))

    def architecture_and_steps(self) -> Iterator[tuple[str, Use | Choice | None]]:
        """What may be a choice between plug-ins, each with its path."""
        yield "architecture", self.architecture
        yield from self.steps()

    def fix(self, ask: Ask) -> Spec:
        """The fixed spec that `ask` chooses.

        Asks only for what the choices made so far leave open.
        """
        # the chain first, always: the order of a grid, and a sampler's draws, follow that of asking
        steps = [fix_part(path, step, ask) for path, step in self.steps()]
        # never left out, as a step may be: a study is refused without one
        architecture = cast("Use", fix_part("architecture", self.architecture, ask))
        return Spec(
            dataset=self.dataset,
            architecture=architecture,
            train=self._fixed_train(ask),
            compress=without_gaps(steps),
            seed=self.seed,
        )

    def _fixed_train(self, ask: Ask) -> Train:
        stated = self.train.values()
        fixed = fix_values("train", stated, ask)
        # checking a dozen values costs more than looking whether one was searched
        return self.train if fixed == stated else Train(**fixed)

    def parts(self) -> list[tuple[str, str, Use]]:
        """Every plug-in that may be used: (kind, path, use), alternatives included."""
        uses = [("dataset", "dataset", self.dataset)]
        uses += alternatives("architecture", "architecture", self.architecture)
        for path, step in self.steps():
            uses += alternatives("strategy", path, step)
        return uses

    def rebuilt(self, change: Callable[[str, str, Use], Use]) -> Study:
        """The same study with every `Use` replaced by `change(kind, path, use)`."""

        def renew(kind: str, path: str, part: Any) -> Any:
            if isinstance(part, Choice):
                return Choice(
                    *(renew(kind, f"{path}={label_of(option)}", option) for option in part.options)
                )
            return None if part is None else change(kind, path, part)

        # in the order of `parts`: of several mistakes, `change` refuses the first one
        dataset = renew("dataset", "dataset", self.dataset)
        architecture = renew("architecture", "architecture", self.architecture)
        steps = [renew("strategy", path, step) for path, step in self.steps()]
        return replace(self, dataset=dataset, architecture=architecture, compress=tuple(steps))


def _open(values: Mapping[str, Any]) -> list[str]:
    """The names of those that are search domains."""
    return [name for name, value in values.items() if isinstance(value, (Float, Int, Choice))]


def _constraint_json(constraint: AtMost | AtLeast) -> list[Any]:
    return [type(constraint).__name__, constraint.metric, float(constraint.limit)]
