"""Commands that look and run nothing: list, check, show."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from framework.cli.base import Settings, app, find_project, say, tell, text_of
from framework.errors import UserError

PLUGINS = {  # title of the list -> kind of plug-in
    "data sets": "dataset",
    "architectures": "architecture",
    "strategies": "strategy",
    "metrics": "metric",
}
LIST_COLUMNS = 100
LIST_INDENT = 31  # the longest name so far is size_tflite_compressed_bytes


@app.command("list")
def list_() -> None:
    """Studies, data sets, architectures, strategies and metrics, one line each."""
    from framework.planning.own_plugins import catalog_of
    from framework.planning.project import study_names

    root = find_project()
    catalog = catalog_of(root)
    _tell_rows("studies", [(name, _question(root, name)) for name in study_names(root)])
    for title, kind in PLUGINS.items():
        registry = catalog.of(kind)
        _tell_rows(title, [(name, registry.get(name).summary()) for name in registry.names()])


@app.command()
def check(
    name: Annotated[
        str | None, typer.Argument(help="one study; all by default", show_default=False)
    ] = None,
) -> None:
    """Check study files against the plug-ins; what is your own is tried on a few samples."""
    from framework.planning.own_plugins import catalog_of
    from framework.planning.project import study_names
    from framework.runner.smoke import gate
    from framework.tracking.lookup import plan_of

    root = find_project()
    catalog = catalog_of(root)
    wrong = 0
    for study in [name] if name else study_names(root):
        try:
            planned = plan_of(root, study, settings=[], catalog=catalog)
            gate.check(planned, root, catalog=catalog, say=say)
            tell(f"ok     {study}  {planned.study.digest[:8]}")
        except UserError as error:
            wrong += 1
            tell(f"WRONG  {study}\n{textwrap.indent(text_of(error), '       ')}")
    # only now, so that one wrong file hides no other
    if wrong:
        raise typer.Exit(UserError.exit_code)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="a study, a plug-in, or a run id", show_default=False)
    ],
    settings: Settings = None,
) -> None:
    """What a study asks, what a plug-in can be given, or what a run measured."""
    from framework.display.describe import describe
    from framework.planning.own_plugins import catalog_of
    from framework.planning.project import study_names
    from framework.runner.smoke import gate
    from framework.tracking.lookup import plan_of

    root = find_project()
    tell(describe(root, name, settings=settings or []))
    if name in study_names(root):
        catalog = catalog_of(root)
        planned = plan_of(root, name, settings=settings or [], catalog=catalog)
        gate.check(planned, root, catalog=catalog, say=say)


def _question(root: Path, name: str) -> str:
    from framework.planning.project import load_study

    try:
        return load_study(root, name).question
    except (UserError, OSError):
        return f"does not load: squeezelab check {name}"


def _tell_rows(title: str, rows: Sequence[tuple[str, str]]) -> None:
    tell(title)
    for name, text in rows:
        tell(row(name, text))


def row(item: str, text: str) -> str:
    """One line of a list; a long text goes on below itself."""
    width = min(shutil.get_terminal_size((LIST_COLUMNS, 24)).columns, LIST_COLUMNS)
    indent = " " * LIST_INDENT
    return textwrap.fill(
        text,
        max(width, 2 * LIST_INDENT),
        initial_indent=f"  {item:<{LIST_INDENT - 2}}",
        subsequent_indent=indent,
        break_long_words=False,  # a path stays whole
        break_on_hyphens=False,
    )
