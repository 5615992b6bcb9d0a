"""What pages of a report have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from framework.report.facts.gaps import gap_sentences
from framework.report.frame import StudyRuns
from framework.report.tables.markup import table_markdown
from framework.report.tables.table import Table
from framework.report.tables.text import markdown_text

if TYPE_CHECKING:
    from framework.report.facts.checklist import Requirement


def titled(runs: StudyRuns, what: str, tables: Sequence[Table], *, more: Iterable[str] = ()) -> str:
    """A page of tables, each with its caption and notes.

    Args:
        what: it shows, behind the study's name in the title.
        more: blocks of Markdown behind the tables.
    """
    blocks = [f"# {markdown_text(runs.name)}: {what}"]
    blocks += [f"**{markdown_text(capital(line))}.**" for line in gap_sentences(runs)]
    for table in tables:
        blocks += [markdown_text(table.caption), table_markdown(table), listing(table.notes)]
    blocks += [*more, GLOSSARY_LINK]
    return "\n\n".join(filter(None, blocks)) + "\n"


GLOSSARY_LINK = "What each word and column means: [glossary.md](glossary.md)."


def listing(sentences: Iterable[str]) -> str:
    """Sentences without full stops, plain text, as a list."""
    return "\n".join(f"- {markdown_text(capital(sentence))}." for sentence in sentences)


def capital(sentence: str) -> str:
    """With a capital letter in front."""
    return sentence[:1].upper() + sentence[1:]


def asked_of(every: Iterable[Requirement]) -> list[str]:
    """The checklist in words, below its title."""
    return ["## What an honest result contains", "\n".join(_requirements(every))]


def _requirements(every: Iterable[Requirement]) -> Iterator[str]:
    """Those that are not met first, each a sentence."""
    for one in sorted(every, key=lambda one: not one.missing):
        text = markdown_text(one.text)
        if one.missing:
            yield f"- **Not met.** {text}: {markdown_text(one.why)}."
        else:
            yield f"- Met. {text}."
