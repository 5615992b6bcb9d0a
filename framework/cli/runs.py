"""Commands on runs: what differs between two, one or all handed out as a file, one made again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from framework.cli.base import Name, Settings, app, find_project, say, tell

RUN = "a run: its id, the first 6 or more digits of it, or NAME:12 for trial 12 of a study"


@app.command()
def diff(
    first: Annotated[
        str, typer.Argument(metavar="A", help=f"a study, or {RUN}", show_default=False)
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="the same", show_default=False)],
    files: Annotated[
        bool, typer.Option("--files", help="let the files of two runs answer validation, too")
    ] = False,
) -> None:
    """What differs between two studies or two runs: parameters, metrics, code, environment."""
    from framework.display.compare import compare

    tell(compare(find_project(), first, second))
    if files:
        from framework.display.answers import answers

        tell(answers(find_project(), first, second))


@app.command()
def export(
    run: Annotated[str, typer.Argument(help=RUN, show_default=False)],
    out: Annotated[
        Path, typer.Argument(help="the file to write, as model.tflite", show_default=False)
    ],
    settings: Settings = None,
    force: Annotated[bool, typer.Option("--force", help="overwrite")] = False,
) -> None:
    """Copy a run's .tflite file, and write a card beside it.

    What it is, how good, how to use it.
    """
    from framework.display.model_card import export as export_run

    paths = export_run(find_project(), run, out, settings=settings or [], force=force)
    for path in paths:
        tell(str(path))
    say("The card says what it is, how good it is and how to load it.")


@app.command("export-optuna")
def export_optuna(
    name: Name,
    out: Annotated[Path, typer.Argument(help="the file to write, as study.db", show_default=False)],
    settings: Settings = None,
    force: Annotated[bool, typer.Option("--force", help="overwrite")] = False,
) -> None:
    """Write a study's trials as an Optuna storage, which optuna-dashboard opens."""
    from framework.planning.own_plugins import catalog_of
    from framework.runner.export.optuna_storage import export as export_study
    from framework.tracking.store import Store

    root = find_project()
    store, catalog = Store.open(root, create=False), catalog_of(root)
    options: dict[str, Any] = {"settings": settings or [], "force": force}
    count = export_study(store, root, name, out, catalog=catalog, **options)
    tell(str(out))
    say(f"{count} trials. optuna-dashboard sqlite:///{out} shows them.")


@app.command()
def reproduce(
    run: Annotated[str, typer.Argument(help=RUN, show_default=False)],
    settings: Settings = None,
) -> None:
    """Train a run again and compare: 0 the same bits, 4 within tolerance elsewhere, 5 different."""
    from framework.planning.own_plugins import catalog_of
    from framework.runner.reproduce import reproduce as make_again
    from framework.system import interrupt

    root = find_project()
    with interrupt.listening(ends=True):
        verdict = make_again(root, run, settings=settings or [], catalog=catalog_of(root))
    tell("\n".join(verdict.lines))
    raise typer.Exit(verdict.code)
