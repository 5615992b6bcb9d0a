"""Commands on studies: run, report, confirm, compare in the MLflow UI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from framework.cli.base import Name, Settings, app, find_project, relative, say, tell


@app.command()
def study(
    name: Name,
    settings: Settings = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="begin anew; the earlier trials stay in the store")] = False,
) -> None:
    """Run a study, or go on with it where it stopped; ends with its Pareto table."""
    from framework.contracts import Catalog
    from framework.plan import plan

    root = find_project()
    planned = plan(root, name, settings=settings or [], catalog=Catalog())
    outcome = _run_study(planned, root, fresh=fresh)
    _report(root, outcome, kind="pareto")


@app.command()
def report(
    name: Name,
    settings: Settings = None,
    kind: Annotated[str, typer.Option(help="a file of reports/, without .py")] = "pareto",
) -> None:
    """Tables and figures of a study, from the runs in the store."""
    from framework.contracts import Catalog
    from framework.plan import plan
    from framework.report import run_report
    from framework.tracking import Store

    root = find_project()
    planned = plan(root, name, settings=settings or [], catalog=Catalog())
    store = Store.open(root, create=False)
    out = root / "reports" / "out" / planned.folder
    made = run_report(store, name, root=root, out=out, kind=kind, digest=planned.study.digest)
    tell(made.table)
    say(f"\nWritten to {relative(out, root)}: {', '.join(sorted(path.name for path in made.paths))}")


@app.command()
def confirm(
    name: Name,
    trial: Annotated[int, typer.Option(help="number of the trial, as in the Pareto table")],
    settings: Settings = None,
) -> None:
    """Measure one trial's file on the sealed test split; each look is a run of its own."""
    from framework.confirm import confirm as confirm_trial
    from framework.contracts import Catalog
    from framework.plan import plan

    root = find_project()
    catalog = Catalog()
    planned = plan(root, name, settings=settings or [], catalog=catalog)
    for line in confirm_trial(planned, root, number=trial, catalog=catalog):
        tell(line)


@app.command()
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="of 127.0.0.1")] = 5000) -> None:
    """Start the MLflow UI on this project's runs."""
    from framework.tracking import Store, ui_command

    root = find_project()
    command = ui_command(root, port=port)
    store = Store.open(root, create=False)
    say("Open, once it runs; stop it with Ctrl-C:")
    for name in store.studies():
        say(f"  {name}: http://127.0.0.1:{port}/{store.page(name)}")
    os.execv(command[0], command)


def _run_study(planned: Any, root: Path, *, fresh: bool) -> Any:
    from rich.console import Console

    from framework.contracts import Catalog
    from framework.progress import Progress
    from framework.study import run

    with Progress(Console(stderr=True)) as view:
        return run(planned, root, catalog=Catalog(), view=view, fresh=fresh)


def _report(root: Path, outcome: Any, *, kind: str) -> None:
    """Build the report at the end of a study, show its table and say how to go on."""
    from framework.publish import publish
    from framework.report import run_report
    from framework.tracking import Store

    planned = outcome.plan
    store = Store.open(root)
    out = root / "reports" / "out" / planned.folder
    made = run_report(
        store, planned.name, root=root, out=out, kind=kind, digest=planned.study.digest, generation=outcome.generation
    )
    tell(made.table)
    publish(store, outcome, made)
    say(f"\nReport: {relative(out, root)}/ ({', '.join(sorted(path.name for path in made.paths))})")
    say("Compare the runs in the MLflow UI: make ui")
    if outcome.out_of_time:
        say("The time of `hours` is used up; the same command goes on from here.")
