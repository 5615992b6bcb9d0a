"""The comparison as one Markdown page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from framework.errors import UnknownName
from framework.report.compare.checklist import requirements
from framework.report.compare.fronts import MethodFront, fronts_table
from framework.report.compare.methods import setting_names
from framework.report.compare.pairs import sentence
from framework.report.compare.tables import Side, net_table, notes, over_table
from framework.report.facts.checklist import at_chance, edited_metrics, toy_warning
from framework.report.facts.gaps import gap_sentences
from framework.report.frame import StudyRuns
from framework.report.pages import GLOSSARY_LINK, asked_of, capital
from framework.report.statistics.verdicts import NO_VERDICT
from framework.report.tables.markup import table_markdown
from framework.report.tables.table import Table
from framework.report.tables.text import listed, markdown_text

if TYPE_CHECKING:
    from framework.contracts import Catalog


MOST_VERDICTS = 4  # below a table on paper


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
        if side.net.name in tables:
            blocks.append(table_markdown(tables[side.net.name]))
        blocks.append(table_markdown(net_table(side, catalog)))
        blocks.append("\n".join(f"- {text}" for text in sentences(side)))
        if fronts[side.net.name]:
            blocks.append(table_markdown(fronts_table(side, fronts[side.net.name])))
    blocks += [GLOSSARY_LINK, *asked_of(requirements(studies, sides))]
    return "\n\n".join(filter(None, blocks)) + "\n"


def tables_of(
    sides: Sequence[Side],
    fronts: Mapping[str, Sequence[MethodFront]],
    catalog: Catalog,
    *,
    over: str,
    name: str,
) -> list[Table]:
    """All tables of a comparison: of each net its configurations, a setting's values, its fronts.

    Args:
        fronts, over: as of `page`.
        name: of the comparison.

    Raises:
        UnknownName: no net varies that setting.
    """
    across = _over_tables(sides, over, catalog, name=name)
    tables = []
    for number, side in enumerate(sides):
        said = [*notes(side), *_verdict_notes(side)]
        table = net_table(side, catalog, name=f"{name}-{number}").without(("flags",))
        tables.append(replace(table, notes=said))
        if side.net.name in across:
            tables.append(replace(across[side.net.name], name=f"{name}-{number}-over"))
        if fronts[side.net.name]:
            tables.append(fronts_table(side, fronts[side.net.name], name=f"{name}-{number}-fronts"))
    return tables


def _verdict_notes(side: Side) -> list[str]:
    """The verdicts that there are, as many as stand below a table; on paper, others are counted."""
    decided = [pair for pair in side.pairs if pair.verdict.word != NO_VERDICT]
    texts = [sentence(side.net, pair) for pair in decided[:MOST_VERDICTS]]
    more = len(side.pairs) - len(texts)
    if more:
        texts.append(f"{more} {'pair' if more == 1 else 'pairs'} of methods more: compare.md")
    return texts


def sentences(side: Side) -> list[str]:
    """What is said of each pair of methods, in Markdown."""
    return [f"{markdown_text(sentence(side.net, pair))}." for pair in side.pairs]


def _over_tables(
    sides: Sequence[Side], over: str, catalog: Catalog, *, name: str = "over"
) -> dict[str, Table]:
    """Of the nets that vary this setting."""
    if not over:
        return {}
    tables = {}
    for side in sides:
        if {over, over.rpartition(".")[2]} & set(setting_names(side.names)):
            tables[side.net.name] = over_table(side, over, catalog, name=name)
    if not tables:
        known = {setting for side in sides for setting in setting_names(side.names)}
        raise UnknownName("setting that varies", over, known)
    return tables


def _warnings(studies: Sequence[StudyRuns]) -> list[str]:
    """What a reader has to know before any number, each once."""
    paragraphs: dict[str, None] = {}
    several = len({study.name for study in studies}) > 1
    for study in studies:
        paragraphs.update(dict.fromkeys(toy_warning(study)))
        of = f"study {study.name}: " if several else ""
        for line in (*at_chance(study), *edited_metrics(study), *gap_sentences(study)):
            paragraphs[f"**{markdown_text(capital(f'{of}{line}'))}.**"] = None
    return list(paragraphs)
