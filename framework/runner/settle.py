"""What a spec leaves to `auto` and the data alone can tell.

Tried on the calibration split, then written into the spec.

A study keeps its `auto`, for its digest is computed before any data is read. No spec that is run
does: two values of a knob never share one digest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from framework.errors import StudyStopped
from framework.planning.parts import dataset_of
from framework.results import record
from framework.runner import measurement
from framework.study.spec import Spec

if TYPE_CHECKING:
    from framework.results.record import Run
    from framework.runner.baseline import Lab

Values = Mapping[str, str]
"""Dotted name of a knob, as `architecture.pixels` -> its value."""


class Settler:
    """Settles the specs of one session.

    Args:
        lab: data and nets.
        say: called with what was tried and taken.
        qualities: as of an engine, which may have processes that load what this one need not; by
            itself this one's.
    """

    def __init__(
        self,
        lab: Lab,
        *,
        say: Callable[[str], None] = lambda text: None,
        qualities: Callable[[Sequence[Spec]], list[float]] | None = None,
    ) -> None:
        self._lab, self._say = lab, say
        self._qualities = qualities or partial(qualities_of, lab=lab)
        self._runs: tuple[Run, ...] = ()
        self._open: dict[tuple[str, ...], Mapping[str, Sequence[str]]] = {}
        self._taken: dict[tuple[str, ...], Values] = {}

    def recall(self, runs: Iterable[Run]) -> None:
        """Take what these runs of the study were settled to, so that all its trials are alike."""
        self._runs = tuple(runs)

    def recalled(self, spec: Spec) -> Spec:
        """The spec as earlier runs settled it, or with the only option; as it is if neither.

        Loads no TensorFlow.
        """
        options = self._options(spec)
        only = {name: values[0] for name, values in options.items() if len(values) == 1}
        return with_values(spec, _as_before(spec, options, self._runs) or only)

    def settle(self, spec: Spec) -> Spec:
        """The spec with a value wherever its plug-ins leave one open.

        Raises:
            StudyStopped: three workers ended while they tried the values.
        """
        key = _key(spec)
        if key not in self._taken:
            self._taken[key] = self._take(spec)
            self._remark(spec)
        return with_values(spec, self._taken[key])

    def _options(self, spec: Spec) -> Mapping[str, Sequence[str]]:
        key = _key(spec)
        if key not in self._open:
            self._open[key] = left_open(spec, self._lab)
        return self._open[key]

    def _take(self, spec: Spec) -> Values:
        try:
            options = self._options(spec)
            return _as_before(spec, options, self._runs) or self._tried(spec, options)
        except StudyStopped:
            raise
        except Exception:  # noqa: BLE001  (its own run fails of the same, and tells why)
            return {}

    def _remark(self, spec: Spec) -> None:
        """Say what the net is that people may not expect, once for each net."""
        try:
            remarks = self._lab.architecture(spec).remarks()
        except Exception:  # noqa: BLE001  (as above)
            return
        for remark in remarks:
            self._say(f"{_net(spec)}: {remark}.")

    def _tried(self, spec: Spec, options: Mapping[str, Sequence[str]]) -> Values:
        """The values with the best quality on the calibration split; of equal ones the first."""
        candidates = _candidates(options)
        if len(candidates) == 1:
            return candidates[0]
        qualities = self._qualities([with_values(spec, values) for values in candidates])
        # of equal ones the first: options are likeliest first
        best = qualities.index(max(qualities))
        texts = []
        for values, quality in zip(candidates, qualities, strict=True):
            texts.append(f"{_text(values)} {quality:.4f}")
        del texts[best]
        name = record.QUALITY[self._lab.info(spec).task]
        self._say(
            f"{_net(spec)}: {_text(candidates[best])} is taken for auto: {name} "
            f"{qualities[best]:.4f} on the calibration split, as the net comes "
            f"({', '.join(texts)})."
        )
        return candidates[best]


def left_open(spec: Spec, lab: Lab) -> Mapping[str, Sequence[str]]:
    """Dotted name of each knob that the spec leaves open -> what it may be, likeliest first.

    Loads no TensorFlow.
    """
    data, net = dataset_of(spec, lab.catalog, lab.root), lab.architecture(spec)
    options: dict[str, Sequence[str]] = {}
    for name, values in data.left_open(trained=net.trained).items():
        options[f"dataset.{name}"] = values
    for name, values in net.left_open(data.info).items():
        options[f"architecture.{name}"] = values
    return options


def _candidates(options: Mapping[str, Sequence[str]]) -> list[Values]:
    """Every combination of values."""
    return [dict(zip(options, values, strict=True)) for values in product(*options.values())]


def with_values(spec: Spec, values: Values) -> Spec:
    """The spec with these knobs, by their dotted names."""
    if not values:
        return spec
    parts = {"dataset": spec.dataset, "architecture": spec.architecture}
    for path, value in values.items():
        part, _, name = path.partition(".")
        parts[part] = replace(parts[part], knobs={**parts[part].knobs, name: value})
    return replace(spec, dataset=parts["dataset"], architecture=parts["architecture"])


def _as_before(
    spec: Spec, options: Mapping[str, Sequence[str]], runs: Iterable[Run]
) -> Values | None:
    """What a run with the same net on the same data was settled to."""
    fixed = {}
    for name, value in spec.parameters().items():
        is_of_net_or_data = name.partition(".")[0] in ("dataset", "architecture")
        if is_of_net_or_data and name not in options:
            fixed[name] = value
    for run in runs:
        is_alike = fixed.items() <= run.params.items()
        # a run without such a knob, or with a value that is no option, says nothing
        if is_alike and all(run.params.get(name) in options[name] for name in options):
            return {name: run.params[name] for name in options}
    return None


def qualities_of(specs: Sequence[Spec], lab: Lab) -> list[float]:
    """Of each net as it comes, on the calibration split.

    What is not finite is worse than all else.
    """
    return [_quality(spec, lab) for spec in specs]


def _quality(spec: Spec, lab: Lab) -> float:
    value = measurement.quality(
        lab.initial(spec), lab.splits(spec).calibration, lab.info(spec), lab.catalog
    )
    return value if math.isfinite(value) else -math.inf


def _key(spec: Spec) -> tuple[str, ...]:
    """Data, net, and what that is called."""
    return spec.dataset.canonical, spec.architecture.canonical, _net(spec)


def _text(values: Values) -> str:
    return " ".join(f"{path.rpartition('.')[2]}={value}" for path, value in values.items())


def _net(spec: Spec) -> str:
    return spec.architecture.label or spec.architecture.name
