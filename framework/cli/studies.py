"""Commands on studies: run, cancel, report, compare in the MLflow UI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from framework.cli.base import Name, Settings, app, find_project, relative, say, tell
from framework.cli.places import Cluster, Memory, Workers, place_of
from framework.system import paths


@app.command()
def study(  # noqa: PLR0917  (each is an option of the command line)
    name: Name,
    settings: Settings = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="begin anew; the earlier trials stay in the store")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="what it would run and cost; nothing is run")
    ] = False,
    workers: Workers = "auto",
    memory: Memory = None,
    cluster: Cluster = "",
) -> None:
    """Run a study, or go on with it where it stopped; ends with its Pareto table."""
    from framework.planning.own_plugins import catalog_of
    from framework.runner.events import Interrupted
    from framework.system import interrupt
    from framework.tracking.lookup import plan_of

    root = find_project()
    planned = plan_of(root, name, settings=settings or [], catalog=catalog_of(root))
    if dry_run:
        with interrupt.listening(ends=True):
            _foretell(planned, root, fresh=fresh, **place_of(workers, memory, cluster))
        return
    with interrupt.listening(ends=True):
        try:
            place = place_of(workers, memory, cluster)
            outcome = _run_study(planned, root, fresh=fresh, **place)
        except Interrupted as error:
            # what was done until then is reported; without a trial there is nothing to show
            if error.outcome.done:
                _report(root, error.outcome)
            raise
        _report(root, outcome)


@app.command()
def cancel(
    name: Name,
    trial: Annotated[int, typer.Option(help="number of the trial that is at work")],
    settings: Settings = None,
) -> None:
    """End one trial of a study that runs: it is FAILED, and the others go on."""
    from framework.maintenance.cancel import cancel as cancel_trial
    from framework.planning.own_plugins import catalog_of
    from framework.tracking.lookup import asked

    root = find_project()
    study = asked(root, name, settings=settings or [], catalog=catalog_of(root))
    tell(cancel_trial(root, study, trial))


@app.command()
def report(  # noqa: PLR0917  (each is an option of the command line)
    name: Name,
    settings: Settings = None,
    kind: Annotated[
        str, typer.Option(help="pareto, compare, ledger, ...; all; or a file of reports/")
    ] = "pareto",
    over: Annotated[
        str, typer.Option(help="the knob that is compared over, or that an ablation is of")
    ] = "",
    columns: Annotated[str, typer.Option(help="of tables for a paper, by name")] = "",
    width: Annotated[str, typer.Option(help="of tables for a paper: column or page")] = "",
    axes: Annotated[str, typer.Option(help="of the figure: horizontal, then vertical")] = "",
) -> None:
    """Tables and figures of a study, from the runs in the store; compare: of several."""
    from framework.planning.own_plugins import catalog_of
    from framework.report import compares, names_of, run_report
    from framework.report.choices import choices_of
    from framework.tracking.lookup import asked
    from framework.tracking.store import Store

    root = find_project()
    if compares(root, kind) and not settings:
        # all that the store has of these names, with or without a file
        digest, folder = None, "+".join(names_of(name))
    else:
        study = asked(root, name, settings=settings or [], catalog=catalog_of(root))
        digest, folder = study.digest, study.folder
    choices = choices_of(columns=columns, width=width, axes=axes, over=over)
    store = Store.open(root, create=False)
    # an overridden study is another one, so its reports have a folder of their own
    out = paths.report_output(root) / folder
    made = run_report(store, name, root=root, out=out, kind=kind, digest=digest, choices=choices)
    tell(made.table)
    if made.refused:
        raise made.refused
    say(
        f"\nWritten to {relative(out, root)}: {', '.join(sorted(path.name for path in made.paths))}"
    )


@app.command()
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="of 127.0.0.1")] = 5000) -> None:
    """Start the MLflow UI on this project's runs."""
    from framework.tracking.store import Store
    from framework.tracking.ui.pages import addresses
    from framework.tracking.ui.server import ui_command

    root = find_project()
    command = ui_command(root, port=port)
    store = Store.open(root, create=False)
    say("Open, once it runs; stop it with Ctrl-C:")
    for name in store.studies():
        say(f"\n  {name}")
        for page, path in addresses(store, name).items():
            say(f"    {page:<9}http://127.0.0.1:{port}/{path}")
    # in place of this process, which has nothing left to do
    os.execv(command[0], command)


def _foretell(planned: Any, root: Path, *, fresh: bool, **place: Any) -> None:
    """The resolved study, and what is left of it to run at which cost."""
    from framework.display.describe import describe_plan
    from framework.planning.own_plugins import catalog_of
    from framework.runner.engine.choice import Place
    from framework.runner.forecast.estimate import estimate, rows
    from framework.runner.smoke import gate

    catalog = catalog_of(root)
    # before its trials are timed, which takes longer and says less of what is wrong
    gate.check(planned, root, catalog=catalog, say=say)
    options: Any = {"catalog": catalog, "fresh": fresh, "say": say}
    work, cost = estimate(planned, root, place=Place(**place), **options)
    left = rows(work, cost, study=planned.study, catalog=catalog)
    tell(describe_plan(planned, root, catalog=catalog, more=left))


def _run_study(planned: Any, root: Path, **options: Any) -> Any:
    from framework.display.progress import Progress, screen
    from framework.planning.own_plugins import catalog_of
    from framework.runner.coordinator import run

    with Progress(screen(), root=root) as observer:
        return run(planned, root, catalog=catalog_of(root), observer=observer, **options)


def _report(root: Path, outcome: Any) -> None:
    """Build the report at the end of a study, show its table and say how to go on."""
    from framework.display.publish import conclude
    from framework.tracking.address import where_to_look
    from framework.tracking.store import Store

    out = paths.report_output(root) / outcome.plan.folder
    made = conclude(Store.open(root), outcome, root=root, out=out)
    tell(made.table)
    if made.refused:
        raise made.refused
    say(f"\nReport: {relative(out, root)}/ ({', '.join(sorted(path.name for path in made.paths))})")
    say(f"Compare the runs in the MLflow UI: {where_to_look(root)}")
    if outcome.out_of_time:
        hours = f"{outcome.plan.study.hours:g} h are used up"
        say(
            f"{hours}: {outcome.done} of {outcome.wanted} trials are done. The same command goes "
            f"on from here."
        )
