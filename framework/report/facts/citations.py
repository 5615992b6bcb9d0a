"""What is to be cited: the sources that the plug-ins of a study state, as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from framework.report.facts.titles import TITLES
from framework.report.resolved import names_of
from framework.report.tables.text import latex_signs

if TYPE_CHECKING:
    from framework.report.frame import StudyRuns

# `Zhu & Gupta 2017, arXiv:1710.01878 (schedule)`; what comes between year and end is kept as it is
CITATION = re.compile(r"((?:[A-Z][\w'.-]*(?: et al\.|, | & | )?)+?)\s(\d{4})\b([^;]*)")
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def bibtex(runs: StudyRuns) -> str:
    """An entry for each source of a plug-in that the study may use.

    Authors, year and arXiv number are those that the plug-in states, and what it says of the source
    stands in the note. A plug-in from elsewhere may cite what has no title here.
    """
    entries: dict[str, str] = {}
    for use, source in sources(runs):
        for authors, year, said in CITATION.findall(source):
            number = ARXIV.search(said)
            identity = number[1] if number else f"{authors} {year}"
            # the same paper may be the source of several plug-ins: the first says what for
            if identity not in entries:
                fields = _fields(use, authors, year, said, number[1] if number else "")
                entries[identity] = _entry(TITLES.get(identity, ""), fields)
    return "\n".join(entries.values())


def sources(runs: StudyRuns) -> Iterator[tuple[str, str]]:
    """(plug-in, its source) of all that the study may use."""
    study, catalog = runs.resolved, runs.catalog
    parts: list[tuple[Any, Any]] = [
        (catalog.datasets, study["dataset"]),
        (catalog.architectures, study["architecture"]),
    ]
    parts += [(catalog.strategies, step) for step in study["compress"]]
    for registry, part in parts:
        for name in names_of(part):
            # a store may be of a project whose plug-ins are elsewhere
            if name in registry.names():
                yield name, registry.get(name).source()


def _fields(use: str, authors: str, year: str, said: str, arxiv: str) -> dict[str, str]:
    names = re.split(r", | & ", authors.replace(" et al.", " & others"))
    note = latex_signs(f"Source of {use}{said}".strip().rstrip("."))
    fields = {"author": " and ".join(map(latex_signs, names)), "year": year, "note": note}
    return fields | ({"eprint": arxiv, "archivePrefix": "arXiv"} if arxiv else {})


def _entry(title: str, fields: dict[str, str]) -> str:
    first = fields["author"].partition(" and ")[0].lower()
    key = re.sub(r"[^a-z0-9]", "", f"{first}{fields['year']}{fields.get('eprint', '')}")
    # a second pair of braces keeps its capitals
    head = {"title": f"{{{latex_signs(title)}}}"} if title else {}
    lines = [f"  {name} = {{{value}}}," for name, value in (head | fields).items()]
    return "\n".join([f"@misc{{{key},", *lines, "}", ""])
