"""Each pair of methods on one net: the difference, the verdict, and both in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from framework.report.compare.methods import by_method
from framework.report.statistics.comparison import Difference, difference
from framework.report.statistics.intervals import SEEDS_DISAGREE
from framework.report.statistics.verdicts import (
    BETTER,
    EQUAL,
    NO_VERDICT,
    REGIONS,
    TOO_SMALL,
    UNDECIDED,
    Verdict,
    further_seeds,
    verdicts,
)

if TYPE_CHECKING:
    from framework.report.compare.configurations import Configuration, Net
    from framework.report.compare.methods import Named, Setting

Of: TypeAlias = "Mapping[Setting, Configuration]"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two methods on one net.

    Args:
        first, second: names.
        settings, seeds: what both have.
        left_out: settings where seeds of one of them disagree.
        mean: of the quality of the first minus the second; None without a setting in common.
        difference: the same with its error; None of fewer than two seeds.
    """

    first: str
    second: str
    verdict: Verdict
    settings: int = 0
    seeds: int = 0
    left_out: int = 0
    mean: float | None = None
    difference: Difference | None = None


def region_of(net: Net) -> float:
    """Within +- this a difference of the quality does not matter."""
    return REGIONS[net.quality.removeprefix("val_")]


def pairs_of(net: Net, names: Sequence[Named]) -> list[Pair]:
    """All pairs of methods, one family of verdicts.

    Args:
        names: of the net's compressed configurations.
    """
    methods = by_method(names)
    tables, left_out = {}, {}
    for first, second in combinations(methods, 2):
        tables[first, second], left_out[first, second] = _table(
            net, methods[first], methods[second]
        )
    differences = {}
    for pair, table in tables.items():
        if table.size and table.shape[1] > 1:
            differences[pair] = difference(table)
    # one family: who looks at all pairs is more often wrong somewhere
    judged = verdicts(differences, region=region_of(net), resolution=net.resolution)
    answers = []
    for pair, table in tables.items():
        why = _why_not(table, left_out[pair])
        answers.append(
            Pair(
                first=pair[0],
                second=pair[1],
                verdict=judged.get(pair) or Verdict(word=NO_VERDICT, why=why),
                settings=table.shape[0],
                seeds=table.shape[1],
                left_out=left_out[pair],
                mean=float(table.mean()) if table.size else None,
                difference=differences.get(pair),
            )
        )
    return answers


def sentence(net: Net, pair: Pair) -> str:
    """A pair in words, without full stop: the verdict, the difference, what it stands on."""
    names = f"{pair.first} and {pair.second}"
    better, worse = pair.first, pair.second
    # of the one that has more, so that no reader has to turn a sign round
    if pair.mean is not None and pair.mean < 0:
        better, worse = worse, better
    word = pair.verdict.word
    heads = {
        BETTER: f"{better} is better than {worse}",
        TOO_SMALL: f"{names} are different, too small to matter",
        EQUAL: f"{names} are equal in practice",
        UNDECIDED: f"{names}: undecided, {_further(net, pair)}",
        NO_VERDICT: f"{names}: no verdict, {pair.verdict.why}",
    }
    if pair.mean is None:
        return heads[word]
    whose = "it" if word == BETTER else better
    text = f"{heads[word]}: {whose} has {_size(net, abs(pair.mean))} more on average"
    return f"{text} over {_counted(pair)}{_interval(net, pair)}"


def _table(net: Net, first: Of, second: Of) -> tuple[Any, int]:
    """First minus second, (settings, seeds), and how many settings were left out."""
    common, left_out = [], 0
    for setting in first:
        if setting not in second:
            continue
        sides = [net.quality_of(first[setting]), net.quality_of(second[setting])]
        flags = {flag for side in sides if side is not None for flag in side.flags}
        if SEEDS_DISAGREE in flags:
            left_out += 1
        elif None not in sides:
            common.append(setting)
    values = [(first[one].values(net.quality), second[one].values(net.quality)) for one in common]
    # a seed that one of them lacks somewhere would compare different things in different settings
    seeds = set.intersection(*(set(one) & set(other) for one, other in values)) if values else set()
    rows = [[one[seed] - other[seed] for seed in sorted(seeds)] for one, other in values]
    return np.array(rows, dtype=float).reshape(len(common), len(seeds)), left_out


def _why_not(table: Any, left_out: int) -> str:
    if not table.shape[0]:
        return "their seeds disagree" if left_out else "they have no setting in common"
    return "fewer than 3 seeds" if table.shape[1] else "they have no seed in common"


def _further(net: Net, pair: Pair) -> str:
    if pair.difference is None or pair.verdict.level is None:
        return "more seeds would tell"
    seeds = further_seeds(pair.difference, region=region_of(net), level=pair.verdict.level)
    if seeds is None:
        return "a thousand seeds more would not decide"
    return (
        f"{seeds[0]} to {seeds[1]} seeds more would decide"
        if seeds[0] < seeds[1]
        else (f"{seeds[0]} more would decide")
    )


def _counted(pair: Pair) -> str:
    settings = f"{pair.settings} setting{'s' if pair.settings > 1 else ''}"
    text = f"{settings} and {pair.seeds} seed{'s' if pair.seeds > 1 else ''}"
    without = f", {pair.left_out} left out where seeds disagree" if pair.left_out else ""
    return text + without


def _interval(net: Net, pair: Pair) -> str:
    """` (98.75 % interval 1.05 to 5.35)`, of the better one; empty without a verdict."""
    low, high, confidence = pair.verdict.low, pair.verdict.high, pair.verdict.confidence
    if low is None or high is None or confidence is None:
        return ""
    if pair.mean is not None and pair.mean < 0:
        low, high = -high, -low
    scale = 100 if net.quality == "val_accuracy" else 1
    return f" ({100 * confidence:.4g} % interval {scale * low:.2f} to {scale * high:.2f})"


def _size(net: Net, value: float) -> str:
    if net.quality == "val_accuracy":
        return f"{100 * value:.2f} points"
    return f"{value:.4f} R2"
