"""A confirmation as one Markdown page, and the gap between validation and test in words."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from framework.report.compare.methods import setting_text
from framework.report.confirm.tables import confirm_table, in_table_order, trial_of
from framework.report.facts.checklist import at_chance, edited_metrics, toy_warning
from framework.report.tables.markup import table_markdown
from framework.report.tables.text import markdown_text
from framework.results import looks

if TYPE_CHECKING:
    from framework.contracts import Catalog
    from framework.report.compare.configurations import Net
    from framework.report.compare.rows import Row
    from framework.report.compare.tables import Side
    from framework.report.frame import StudyRuns
    from framework.report.statistics.intervals import Summary
    from framework.results.record import Run

NOTES = (
    "Every net was trained anew under **n** seeds that the study had not used; its exported file "
    "was measured on validation, and once on the sealed test split after all were trained",
    "**±** is the sample standard deviation over seeds, not over images: that validation and test "
    "are other images moves all rows alike, and no number of seeds removes it",
    "**gap** is validation minus test of the same file, mean ± s.d. over the seeds. The dense net "
    "was chosen by no search: its gap is between the splits; what a trial has beyond it may be "
    "what choosing by validation has added",
    "Ratios are baseline / row on the same line of the size ledger",
    "**below resolution**: the standard deviation on validation is below two samples of the split; "
    "**seeds disagree**: some have collapsed. Neither has an interval",
    "A look that was cut off is counted and never repeated: the next seed takes its place. Run ids "
    "stand in `confirm_provenance.json`",
)


def page(study: StudyRuns, sides: Sequence[Side], counted: Sequence[Run], catalog: Catalog) -> str:
    """The page.

    Args:
        counted: runs that have looked at the test split, over the life of the study.
    """
    blocks = [
        f"# {markdown_text(study.name)}: confirmed on test",
        *toy_warning(study),
        *(f"**{markdown_text(line)}.**" for line in (*at_chance(study), *edited_metrics(study))),
    ]
    for side in sides:
        blocks.append(f"## {markdown_text(side.net.name)}")
        blocks.append(table_markdown(confirm_table(side, catalog)))
        blocks.append("\n".join(f"- {markdown_text(text)}" for text in sentences(side)))
    blocks += [looks_text(sides, counted), "## How to read it"]
    blocks.append("\n".join(f"- {note}." for note in NOTES))
    return "\n\n".join(filter(None, blocks)) + "\n"


def sentences(side: Side) -> list[str]:
    """The gap of each row in words, and what the search may have added to it."""
    rows = [row for row in in_table_order(side) if row.test is not None]
    texts = [f"{_called(row)}: {_gap_text(side.net, row)}." for row in rows]
    dense, chosen = _gaps(side, "dense"), _gaps(side, "method")
    if not (dense and chosen):
        return texts
    return [*texts, _chosen_text(side.net, chosen, fmean(dense))]


def _chosen_text(net: Net, gaps: Sequence[float], between: float) -> str:
    """What the trials lose beyond the dense net, which no search has chosen.

    Args:
        gaps: of the trials; `between`: of the dense net.
    """
    trials = "trial loses" if len(gaps) == 1 else f"{len(gaps)} trials lose"
    whole = fmean(gaps)
    added = f"choosing by validation has added {_amount(net, whole - between)}"
    if whole <= between:
        added = "choosing by validation has added nothing"
    return (
        f"On average the {trials} {_amount(net, whole)} from validation to test, the dense net, "
        f"which nothing chose, {_amount(net, between)}: {added}, as far as these seeds tell."
    )


def looks_text(sides: Sequence[Side], counted: Sequence[Run]) -> str:
    """How often the test split was opened for this study."""
    shown = sum(len(row.one.values(side.net.tested)) for side in sides for row in side.rows)
    lost = sum(map(looks.is_lost, counted))
    cut = f", {lost} of these cut off without an answer" if lost else ""
    times = "once" if len(counted) == 1 else f"{len(counted)} times"
    return (
        f"The test split was opened {times} over the life of this study: {shown} for the rows "
        f"above, {len(counted) - shown} otherwise{cut}."
    )


def _gaps(side: Side, kind: str) -> list[float]:
    """The mean gap of each row of a kind."""
    gaps = [side.net.gap_of(row.one) for row in side.rows if row.kind == kind]
    return [gap.mean for gap in gaps if gap is not None]


def _called(row: Row) -> str:
    number = trial_of(row)
    if number is None:
        return row.method
    settings = setting_text(row.setting)
    return f"trial {number} ({', '.join(filter(None, [row.method, settings]))})"


def _gap_text(net: Net, row: Row) -> str:
    gap = net.gap_of(row.one)
    if gap is None:
        return "not measured on both"
    where = "above" if gap.mean >= 0 else "below"
    spread = "" if gap.deviation is None else f" ± {_number(net, gap.deviation)}"
    size = f"{_number(net, abs(gap.mean))}{spread} {_unit(net)}"
    counted = f"n = {gap.seeds}"
    return f"validation is {size} {where} test ({counted}), {_verdict(net, gap, row)}"


def _verdict(net: Net, gap: Summary, row: Row) -> str:
    """What the interval says of the gap, if there may be one."""
    if gap.seeds < 2:
        return "of one seed, which tells no spread"
    if gap.low is None or gap.high is None:
        flags = [*(row.quality.flags if row.quality is not None else ()), *gap.flags]
        return f"without an interval: {', '.join(dict.fromkeys(flags))}"
    ends = f"{_signed(net, gap.low)} to {_signed(net, gap.high)}"
    if gap.low <= 0 <= gap.high:
        return f"no gap that {gap.seeds} seeds can tell (95 % interval {ends})"
    return f"a gap beyond the spread of the seeds (95 % interval {ends})"


def _amount(net: Net, value: float) -> str:
    return f"{_signed(net, value)} {_unit(net)}"


def _unit(net: Net) -> str:
    return "points" if net.quality == "val_accuracy" else "of R2"


def _number(net: Net, value: float) -> str:
    return f"{100 * value:.2f}" if net.quality == "val_accuracy" else f"{value:.4f}"


def _signed(net: Net, value: float) -> str:
    text = _number(net, value)
    return text if float(text) or not text.startswith("-") else text[1:]
