"""One row for one configuration: what was measured of it, over its seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import TYPE_CHECKING

import numpy as np

from framework.report.compare import budgets
from framework.report.compare.pairs import region_of
from framework.report.statistics.comparison import difference
from framework.report.statistics.intervals import Summary, summary
from framework.report.statistics.verdicts import EQUAL, TOO_SMALL, verdicts
from framework.results.fronts import on_front
from framework.results.quantities import RATIO, ledger_lines
from framework.results.record import (
    BASELINE_PREFIX,
    CHANCE_ACCURACY,
    CHANCE_LIMIT,
    EPOCH_PREFIX,
    MACHINE,
)

if TYPE_CHECKING:
    from framework.contracts import Catalog
    from framework.report.compare.configurations import Configuration, Net
    from framework.report.compare.methods import Named, Setting

EDITED = "edited"
FAILED = "a seed failed"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A configuration in the table.

    Args:
        kind: `dense`, `control` or `method`.
        method, setting: its name; of the dense net and the control the setting is empty.
        quality: of the validation split; None where no seed has finished.
        drop: of the quality against the dense net of the same seed.
        behind: of the quality against the control of the same seed.
        test: of the same configuration on the test split, under seeds of its own; None where it was
            not confirmed.
        means: metric -> mean over the seeds, and ratios baseline / row; none that depends on the
            machine.
        flags: what a reader has to know of it.
        epochs: of the dense net and of each step; empty where they are not known.
        front: on the front of the means of its net.
        best: the best of its setting, or of its net where methods share no setting.
        equal: as good as the best one in practice.
    """

    one: Configuration
    kind: str
    method: str
    setting: Setting
    quality: Summary | None
    drop: Summary | None
    behind: Summary | None
    means: Mapping[str, float]
    test: Summary | None = None
    flags: Sequence[str] = ()
    epochs: str = ""
    front: bool = False
    best: bool = False
    equal: bool = False


def rows_of(net: Net, names: Sequence[Named], size: str, catalog: Catalog) -> list[Row]:
    """The dense net, its controls and all compressed configurations, in the order of the names.

    Args:
        names: of the compressed configurations.
        size: the metric that a front weighs against the quality; less is better.
    """
    marked = budgets.other_epochs(net, catalog)
    rows = [_row(net, net.dense, "dense", catalog)]
    rows += [_row(net, one, "control", catalog) for one in net.controls]
    methods = []
    for name in names:
        row = _row(net, name.one, "method", catalog)
        flags = [*row.flags, *([budgets.MARK] if name.one.digest in marked else [])]
        methods.append(replace(row, method=name.method, setting=name.setting, flags=flags))
    return [*rows, *_with_best(net, _with_front(methods, size))]


def _row(net: Net, one: Configuration, kind: str, catalog: Catalog) -> Row:
    quality = net.quality_of(one)
    # of the quality alone: a size that no seed changes is no mark of anything
    flags = list(quality.flags) if quality is not None else []
    if one.failed:
        flags.append(f"{FAILED}: {' '.join(map(str, sorted(one.failed)))}")
    if one.edited:
        flags.append(EDITED)
    flags += one.beyond
    control = net.controls[0] if net.controls else None
    return Row(
        one=one,
        kind=kind,
        method=kind,
        setting=(),
        quality=quality,
        # against itself there is nothing to say
        drop=_behind(net, net.dense, one) if kind != "dense" else None,
        behind=_behind(net, control, one) if control and kind == "method" else None,
        means=_means(one, ledger_lines(catalog)),
        test=net.test_of(one),
        flags=flags,
        epochs=budgets.epochs_text(budgets.epochs_of(one, catalog)),
    )


def _behind(net: Net, reference: Configuration, one: Configuration) -> Summary | None:
    """What the reference of the same seed has more."""
    wanted, values = reference.values(net.quality), one.values(net.quality)
    drops = [wanted[seed] - values[seed] for seed in sorted(wanted.keys() & values.keys())]
    if not drops:
        return None
    behind = summary(drops, resolution=net.resolution, above_chance=net.above_chance)
    quality = net.quality_of(one)
    flagged = quality is not None and quality.flags
    # what is flagged has no interval, of whatever is made of it
    return replace(behind, low=None, high=None) if flagged else behind


def _means(one: Configuration, lines: Iterable[str]) -> dict[str, float]:
    """Means of what all seeds have; ratios are of the same seed's baseline."""
    runs = list(one.runs.values())
    names = set.intersection(*(set(run.metrics) for run in runs)) if runs else set()
    means = {}
    for name in sorted(names - {*MACHINE, CHANCE_ACCURACY, CHANCE_LIMIT}):
        if not name.startswith((BASELINE_PREFIX, EPOCH_PREFIX)):
            means[name] = mean(run.metrics[name] for run in runs)
    for line in sorted(lines):
        base = BASELINE_PREFIX + line
        # a net that is pruned to nothing has no ratio
        if {line, base} <= names and all(run.metrics[line] > 0 for run in runs):
            means[line + RATIO] = mean(run.metrics[base] / run.metrics[line] for run in runs)
        elif line in names and not one.spec.compress:
            means[line + RATIO] = 1.0
    return means


def _with_front(rows: Sequence[Row], size: str) -> list[Row]:
    """The front of the means.

    A configuration with a failed seed, or beyond a constraint of its study, is on none.
    """
    measured = [row for row in rows if row.quality is not None and size in row.means]
    rivals = [row for row in measured if not row.one.failed and not row.one.beyond]
    points = [(row.means[size], row.quality.mean) for row in rivals if row.quality is not None]
    kept = on_front(points, ["min", "max"])
    best = {row.one.digest for row, is_best in zip(rivals, kept, strict=True) if is_best}
    return [replace(row, front=row.one.digest in best) for row in rows]


def _with_best(net: Net, rows: Sequence[Row]) -> list[Row]:
    """The best of each setting that methods share, and those that are equal to it in practice."""
    groups: dict[Setting, list[Row]] = {}
    for row in rows:
        if row.quality is not None:
            groups.setdefault(row.setting, []).append(row)
    shared = [group for group in groups.values() if len(group) > 1]
    measured = [row for row in rows if row.quality is not None]
    best, equal = set(), set()
    for group in shared or [measured] * bool(measured):
        # the digest decides between equals, so that the same runs mark the same row
        first = max(group, key=lambda row: (_mean(row), row.one.digest))
        best.add(first.one.digest)
        equal |= _equal_to(net, first, group)
    marked = []
    for row in rows:
        digest = row.one.digest
        marked.append(replace(row, best=digest in best, equal=digest in equal - best))
    return marked


def _mean(row: Row) -> float:
    return -np.inf if row.quality is None else row.quality.mean


def _equal_to(net: Net, best: Row, group: Sequence[Row]) -> set[str]:
    """Of one setting: descriptive, and no verdict on the methods."""
    differences = {}
    wanted = best.one.values(net.quality)
    for row in group:
        values = row.one.values(net.quality)
        seeds = sorted(wanted.keys() & values.keys())
        if row is not best and len(seeds) > 1:
            table = np.array([[wanted[seed] - values[seed] for seed in seeds]])
            differences[row.one.digest] = difference(table)
    answers = verdicts(differences, region=region_of(net), resolution=net.resolution)
    return {digest for digest, one in answers.items() if one.word in (EQUAL, TOO_SMALL)}
