"""The comparison as one Markdown page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from framework.errors import UnknownName
from framework.report.compare.fronts import MethodFront, fronts_grid
from framework.report.compare.methods import setting_names
from framework.report.compare.pairs import region_of, sentence
from framework.report.compare.tables import Side, net_grid, over_grid
from framework.report.facts.checklist import at_chance, edited_metrics, toy_warning
from framework.report.frame import StudyRuns
from framework.report.tables.grid import grid_markdown
from framework.report.tables.text import listed, markdown_text

if TYPE_CHECKING:
    from framework.contracts import Catalog

NOTES = (
    "**±** is the sample standard deviation over n seeds, of the exported file on the validation "
    "split; it is not over images. Intervals are in `compare.csv`",
    "**drop** is against the dense net of the same seed, **against control** against the identity "
    "strategy with the same fine-tuning; below 0 is a gain",
    "Ratios are baseline / row on the same line of the size ledger",
    "**Bold** is the best of a setting, or of the net where methods share no setting; **≈** is "
    "equal to it in practice, which describes one setting and is no verdict on the methods",
    "**front** is that of the means; a configuration of which a seed failed is on none",
    "**below resolution**: the standard deviation is below two samples of the split; **seeds "
    "disagree**: some have collapsed. Neither has an interval or a verdict",
    "**epochs spent** are those of the dense net and of each step; **other budget**: more than 10 "
    "% off the median of the net's methods. Seconds are in `compare_budgets.csv`",
    "The **hypervolume** is in octaves of the size below the dense net's times quality above "
    "chance; readings lie between two measured points, or are not reached; **at least**: all that "
    "was measured is better than asked",
    "Verdicts are of all pairs of methods on one net together (Holm), at a level that allows to "
    "add seeds and to ask again; docs/statistics.md says what each means and how often it is right",
    "**test** stands where `make confirm` has trained a configuration anew under seeds of its own; "
    "what it lost from validation is told by `confirm.md`, not by two columns of different seeds",
)


def page(
    studies: Sequence[StudyRuns],
    sides: Sequence[Side],
    fronts: Mapping[str, Sequence[MethodFront]],
    catalog: Catalog,
    over: str,
) -> str:
    """The page.

    Args:
        fronts: by the name of the net.
        over: the setting whose values are columns; empty for none.

    Raises:
        UnknownName: no net varies that setting.
    """
    names = list(dict.fromkeys(study.name for study in studies))
    blocks = [
        f"# {markdown_text(listed(names))}: methods side by side",
        *_warnings(studies),
        "![quality against size](compare.svg)",
    ]
    # before all else: a knob that nothing varies is a mistake of whoever asked
    tables = _over_tables(sides, over, catalog)
    for side in sides:
        blocks.append(f"## {markdown_text(side.net.name)}")
        blocks += tables.get(side.net.name, [])
        blocks.append(grid_markdown(net_grid(side, catalog)))
        blocks.append("\n".join(f"- {text}" for text in sentences(side)))
        if fronts[side.net.name]:
            blocks.append(grid_markdown(fronts_grid(side, fronts[side.net.name])))
    blocks += ["## How to read it", "\n".join(f"- {note}." for note in NOTES)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def sentences(side: Side) -> list[str]:
    """What is said of each pair of methods, in Markdown."""
    return [f"{markdown_text(sentence(side.net, pair))}." for pair in side.pairs]


def caption(side: Side) -> str:
    """Of the table of one net: what its numbers mean."""
    seeds = sorted({len(row.one.runs) for row in side.rows})
    count = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])
    unit = "points" if side.net.quality == "val_accuracy" else "R2"
    region = region_of(side.net) * (100 if unit == "points" else 1)
    return (
        f"{side.net.name}: mean ± sample standard deviation over n = {count} seeds, exported "
        f"file, validation split. Drop: against the dense net of the same seed; control: identity "
        f"strategy with the same fine-tuning. Bold: best of a setting; ≈: equal to it within "
        f"{region:g} {unit}."
    )


def _over_tables(sides: Sequence[Side], over: str, catalog: Catalog) -> dict[str, list[str]]:
    """Of the nets that vary this setting."""
    if not over:
        return {}
    tables = {}
    for side in sides:
        if {over, over.rpartition(".")[2]} & set(setting_names(side.names)):
            tables[side.net.name] = [grid_markdown(over_grid(side, over, catalog))]
    if not tables:
        known = {name for side in sides for name in setting_names(side.names)}
        raise UnknownName("setting that varies", over, known)
    return tables


def _warnings(studies: Sequence[StudyRuns]) -> list[str]:
    """What a reader has to know before any number, each once."""
    paragraphs: dict[str, None] = {}
    for study in studies:
        paragraphs.update(dict.fromkeys(toy_warning(study)))
        for line in (*at_chance(study), *edited_metrics(study)):
            paragraphs[f"**{markdown_text(line[0].upper() + line[1:])}.**"] = None
    return list(paragraphs)
