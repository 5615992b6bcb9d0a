"""Pieces of HTML. Whatever comes from outside is escaped here, and nowhere else."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from framework.report.html.encode import is_number, shown_whole, word
from framework.report.html.model import SD, WORDS, Entry, Field, RunLink, Sentence, Table

MANY = 24  # rows; more of them scroll
MLFLOW = "http://127.0.0.1:5000/#/runs/"  # where `make ui` shows a run


def text(value: str) -> str:
    """Plain text, on one line."""
    return html.escape(shown_whole(value))


def element(name: str, content: str, **attributes: str) -> str:
    """An element.

    Args:
        content: HTML.
        attributes: plain text; `class_` is `class`, and other underscores are hyphens.
    """
    pairs = []
    for key, value in attributes.items():
        written = key.rstrip("_").replace("_", "-")
        pairs.append(f' {written}="{html.escape(value)}"')
    return f"<{name}{''.join(pairs)}>{content}</{name}>"


def link(label: str, run_id: str) -> str:
    """What leads to a run; the label alone where no run is known."""
    if not run_id:
        return text(label)
    return element("a", text(label), href=MLFLOW + run_id)


def sentence(parts: Sentence) -> str:
    """A sentence, of which some parts lead to runs."""
    return "".join(map(_part, parts))


def _part(part: str | RunLink) -> str:
    if isinstance(part, RunLink):
        return link(part.text, part.run_id)
    # spaces at the ends of a part belong to the sentence
    head, tail = " " * part[:1].isspace(), " " * part[-1:].isspace()
    return f"{head}{text(part)}{tail}"


def listing(sentences: Iterable[str]) -> str:
    """A list of plain sentences."""
    return element("ul", "".join(element("li", text(one)) for one in sentences))


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they stand for."""
    terms = [element("dt", text(name)) + element("dd", text(value)) for name, value in rows]
    return element("dl", "".join(terms))


def table(shown: Table, fields: Mapping[str, Field], number: int) -> str:
    """A table whose rows lead to their runs."""
    columns = [fields[name] for name in shown.fields]
    heads = element("th", "Net", scope="col") + "".join(map(_head, columns))
    rows = [_row(entry, columns) for entry in shown.entries]
    body = element("tbody", "\n".join(rows))
    frame = element("table", element("thead", element("tr", heads)) + body)
    caption = element("figcaption", f"<b>Table {number}.</b> {text(shown.caption)}")
    # it scrolls by itself, and with a keyboard: the page never does sideways
    look = {"class_": "wide tall" if len(rows) > MANY else "wide", "tabindex": "0"}
    scrolled = element("div", frame, role="region", aria_label=f"Table {number}", **look)
    return element("figure", caption + scrolled, class_="tabular")


def _head(one: Field) -> str:
    title = {"title": one.doc} if one.doc else {}
    return element("th", text(one.head), scope="col", **_side(one), **title)


def _row(entry: Entry, columns: Sequence[Field]) -> str:
    cells = [element("td", text(with_spread(one, entry)), **_side(one)) for one in columns]
    name = element("th", _name(entry), scope="row")
    return element("tr", name + "".join(cells), class_=entry.kind)


def _side(one: Field) -> dict[str, str]:
    """Numbers are aligned right by default: most columns are of numbers."""
    return {"class_": "word"} if one.format == WORDS else {}


def _name(entry: Entry) -> str:
    """What leads to its run, or to those of each seed."""
    if len(entry.runs) <= 1:
        return link(entry.label, "".join(entry.runs.values()))
    seeds = [link(name.rpartition(" ")[2], run_id) for name, run_id in entry.runs.items()]
    return f"{text(entry.label)} " + element("span", f"seeds {' '.join(seeds)}", class_="seeds")


def with_spread(one: Field, entry: Entry) -> str:
    """`97.20 ± 0.31`, the standard deviation over seeds where there are several."""
    value, spread = entry.values.get(one.name), entry.values.get(one.name + SD)
    return f"{cell(one, value)} ± {cell(one, spread)}" if is_number(spread) else cell(one, value)


def cell(one: Field, value: Any) -> str:
    """A value as it is shown; nothing for a gap."""
    if value is None:
        return ""
    if one.format == WORDS:
        return word(value)
    return one.text(value) if is_number(value) else ""
