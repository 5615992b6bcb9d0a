"""docs/statistics.md: what each verdict means, and the simulation's figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.simulate.coverage import DIFFERENCE, MEAN, MEAN_SHOWN, VOLUME
from benchmarks.simulate.decisions import ALIKE, EDGE
from benchmarks.simulate.membership import MEMBERSHIP
from benchmarks.simulate.outcomes import Outcome
from docs.markdown import page, table

PAGE = Path("docs") / "statistics.md"
TEXT = Path(__file__).with_name("head.md")
HEADS = {
    MEAN: "Mean of one configuration: how often the 95 % interval holds it (90 to 98 %)",
    MEAN_SHOWN: "The same where flags forbid intervals, shown beside and held to nothing; in "
    "brackets how often there is an interval at all",
    DIFFERENCE: "Mean difference of two methods: how often the 95 % interval holds it (90 to 98 %)",
    VOLUME: "Hypervolume of a front of means: how often the 95 % interval holds it (90 to 98 %)",
    ALIKE: "Equal methods that are called different (at most 7 %); in brackets how often there is "
    "a verdict of any kind",
    EDGE: "Methods that differ by exactly the region and are called equal (at most 7 %); in "
    "brackets how often there is a verdict of any kind",
    MEMBERSHIP: "Probability of being on the front: how often it is true; in brackets the share of "
    "all configurations. What is said is not what is true, so **no report shows it**",
}


def text(outcomes: Sequence[Outcome]) -> str:
    """The whole page."""
    return page([TEXT.read_text("utf-8").strip(), *tables(outcomes)])


def tables(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A sentence and a table for each kind of outcome."""
    for what, head in HEADS.items():
        of_kind = [one for one in outcomes if one.what == what]
        # in the order in which they were simulated
        columns = list(dict.fromkeys(one.column for one in of_kind))
        rows: dict[str, dict[str, str]] = {}
        for one in of_kind:
            rows.setdefault(one.case, {})[one.column] = _cell(one)
        yield f"{head}:"
        yield table(["", *columns], [[case, *cells.values()] for case, cells in rows.items()])


def _cell(one: Outcome) -> str:
    rate = "none" if one.rate is None else f"{100 * one.rate:.1f} %"
    said = f" ({100 * one.said:.0f})" if one.said < 1 else ""
    return f"**{rate}**{said}" if one.broken else f"{rate}{said}"
