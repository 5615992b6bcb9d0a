"""The page as one HTML document that fetches nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from framework.report.html.elements import element, listing, pairs, sentence, table, text
from framework.report.html.encode import block
from framework.report.html.images import data_address
from framework.report.html.model import Page

STYLE = "page.css"
# in this order one module: each part uses those before it
SCRIPTS = ("base.js", "scales.js", "state.js", "run.js", "scatter.js", "paths.js", "table.js")
NO_SCRIPTS = (
    "Scripts are off: the tables, figures and lists of this page are all here; the drawing that "
    "answers to the mouse and the table of all runs need them."
)
FEW = 4  # sentences; more are a list
MEANS = {
    "pareto": "Quality against size of every finished run",
    "compare": "Quality against size, methods side by side; bars are standard deviations over "
    "seeds",
}


def write_page(
    page_of: Callable[..., Page], subject: Any, written: Sequence[Path], target: Path
) -> Path:
    """Write the page of a report that has written all its other files.

    Args:
        page_of: `of_study.page` or `of_comparison.page`.
        subject: what it is of.
        written: the other files, figures among them.
    """
    figures = [path for path in written if path.suffix == ".png"]
    names = sorted(path.name for path in written)
    page = page_of(subject, out=target.parent, figures=figures, files=names)
    target.write_text(document(page), encoding="utf-8", newline="\n")
    return target


def document(page: Page) -> str:
    """The whole file; the same for the same page."""
    style, script = asset(STYLE), program()
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy(style, script)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        element("title", text(page.title)),
        # not `element`: what a digest is of must stay as it is
        f"<style>{style}</style>",
    ]
    body = [
        element("header", _header(page)),
        element("main", "\n".join(_sections(page))),
        _template(),
        f'<script type="application/json" id="data">{block(page)}</script>',
        f'<script type="module">{script}</script>',
    ]
    lines = ["<!doctype html>", '<html lang="en">', "<head>", *head, "</head>"]
    return "\n".join([*lines, "<body>", *body, "</body>", "</html>", ""])


def policy(style: str, script: str) -> str:
    """Nothing is allowed but this style, this script and pictures that are in the page."""
    parts = (
        "default-src 'none'",
        f"style-src '{_digest(style)}'",
        f"script-src '{_digest(script)}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(parts)


@cache
def asset(name: str) -> str:
    """A file of the package, as it stands in the page."""
    return (files(__package__) / "assets" / name).read_text("utf-8")


def program() -> str:
    """All scripts as one, without the comments and the indentation of the files."""
    lines = "".join(map(asset, SCRIPTS)).splitlines()
    code = filter(None, map(str.strip, lines))
    return "\n".join(line for line in code if not line.startswith("//"))


def _digest(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _header(page: Page) -> str:
    lines = [element("h1", text(page.title))]
    if page.question:
        lines.append(element("p", text(page.question), class_="question"))
    lines += [element("p", text(warning), class_="warning") for warning in page.warnings]
    return "\n".join(lines)


def _sections(page: Page) -> Iterator[str]:
    """From what came out to how it was made."""
    yield _section("results", "Results", _results(page))
    yield _section("figure", "Trade-off", _hole("scatter"))
    if page.axes:
        yield _section("paths", "Configurations", _hole("paths"))
    yield _section("runs", "All runs", _hole("table"))
    if page.figures:
        yield _section("print", "Figures for print", "\n".join(_figures(page)))
    if page.facts:
        yield _section("setup", "Set-up", pairs(page.facts))
    if page.notes:
        yield _section("notes", "How to read it", listing(f"{note}." for note in page.notes))
    if page.requirements:
        yield _section("limits", "What an honest result contains", _requirements(page))
    yield _section("columns", "What the columns mean", _meanings(page))
    yield _section("origin", "How this page was made", _origin(page))


def _section(name: str, title: str, content: str) -> str:
    head = element("h2", title, id=f"{name}-title")
    return element("section", f"{head}\n{content}", id=name, aria_labelledby=f"{name}-title")


def _hole(name: str) -> str:
    """What a script fills."""
    note = element("noscript", element("p", NO_SCRIPTS, class_="note"))
    return element("div", note, id=f"{name}-view")


def _template() -> str:
    """The panel of a run, closed."""
    label = {"role": "dialog", "aria_labelledby": "run-title"}
    return element("aside", "", id="run", hidden="", **label)


def _results(page: Page) -> str:
    fields = {one.name: one for one in page.fields}
    lines = [element("p", sentence(one)) for one in page.results]
    if len(lines) > FEW:
        # verdicts on all pairs of methods
        lines = [element("ul", "".join(element("li", sentence(one)) for one in page.results))]
    for number, one in enumerate(page.tables, start=1):
        lines.append(table(one, fields, number))
    return "\n".join(lines)


def _figures(page: Page) -> Iterator[str]:
    for path in page.figures:
        meaning = MEANS.get(path.stem, path.stem.replace("_", " "))
        image = f'<img src="{data_address(path)}" alt="{text(meaning)}">'
        kinds = _file_links([f"{path.stem}.{kind}" for kind in ("pdf", "svg", "png")])
        caption = element("figcaption", f"{text(meaning)}. {kinds}")
        yield element("figure", image + caption, class_="plate")


def _file_links(names: Iterable[str]) -> str:
    """Files beside the page."""
    return ", ".join(element("a", text(name), href=name) for name in names)


def _requirements(page: Page) -> str:
    """Those that are not met first, with the reason."""
    lines = []
    for what, why in sorted(page.requirements, key=lambda one: not one[1]):
        head = element("b", "Not met.") if why else "Met."
        lines.append(element("li", f"{head} {text(f'{what}: {why}' if why else what)}."))
    return element("ul", "".join(lines))


def _meanings(page: Page) -> str:
    stated = [(one.head, one.doc) for one in page.fields if one.doc]
    return element("details", element("summary", "Each column in a sentence") + pairs(stated))


def _origin(page: Page) -> str:
    lead = element("p", "These commands make the runs and this page again:")
    commands = element("pre", element("code", "\n".join(map(text, page.commands))))
    beside = element("p", f"Beside this page: {_file_links(page.files)}.") if page.files else ""
    return "\n".join(filter(None, [lead + commands, pairs(page.origin), beside]))
