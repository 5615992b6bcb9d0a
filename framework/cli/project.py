"""Commands on the project itself: data sets, new files, what is wrong, what to delete."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from framework.cli.base import Name, app, find_project, relative, say, tell
from framework.cli.plugins import row
from framework.errors import SqueezelabError, UserError
from framework.system import paths
from framework.system.commands import as_typed

Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]


@app.command()
def data(
    name: Annotated[
        str | None, typer.Argument(help="one data set; the state of all by default")
    ] = None,
) -> None:
    """Prepare a data set, or say where to put its files; without a name, where each one is."""
    from concurrent.futures import ThreadPoolExecutor

    from framework.planning.own_plugins import catalog_of

    root = find_project()
    catalog = catalog_of(root)
    if name is None:
        names = catalog.datasets.names()
        with ThreadPoolExecutor(max_workers=len(names)) as pool:  # some ask the network
            states = pool.map(lambda each: catalog.datasets.build(each, {}).state(root), names)
            for each, state in zip(names, states, strict=True):
                tell(row(each, state))
        return
    plugin = catalog.datasets.build(name, {})
    plugin.prepare(root)
    tell(row(name, plugin.state(root)))


@app.command()
def init(
    folder: Annotated[
        Path, typer.Argument(help="to be the project's; this one by default", show_default=False)
    ] = Path(),
) -> None:
    """Make a folder a project with the shipped studies; nothing that is there is written over."""
    from framework.maintenance.new_project import make_project
    from framework.planning.project import study_names

    written = make_project(folder)
    root = folder.resolve()
    for path in written:
        tell(str(path))
    say(f"{len(study_names(root))} studies are in {paths.studies(root)}. What there is, and one:")
    for command in ("make list", "make study NAME=squeezenet_prune"):
        say(f"  {as_typed(command, root)}")


@app.command()
def new(
    kind: Annotated[
        str,
        typer.Argument(
            help="study, strategy, architecture, dataset, metric or report", show_default=False
        ),
    ],
    name: Annotated[str, typer.Argument(help="of the new file, without .py", show_default=False)],
) -> None:
    """Write a commented file that works as it stands, to be edited."""
    from framework.maintenance.scaffold import make
    from framework.planning.own_plugins import catalog_of

    root = find_project()
    made = make(root, kind, name, catalog=catalog_of(root))
    tell(relative(made.path, root))
    say("It works as it stands; its comments say what to change. To try it:")
    for command in made.tries:
        say(f"  {command}")


@app.command()
def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="compare every file of every run with its sha256")
    ] = False,
) -> None:
    """Look for what is wrong here, and say what to do; nothing is changed."""
    from framework.maintenance.doctor import examine
    from framework.planning.own_plugins import catalog_of

    wrong = False
    root = find_project()
    for finding in examine(root, catalog_of(root), deep=deep):
        tell(finding.line())
        wrong = wrong or finding.level == "WRONG"
    if wrong:
        raise typer.Exit(SqueezelabError.exit_code)


@app.command()
def forget(name: Name, yes: Yes = False) -> None:
    """Delete a study's runs, artifacts and reports, after asking; its file in studies/ stays."""
    from framework.maintenance.forget import find
    from framework.maintenance.forget import forget as delete
    from framework.system.locks import study_lock

    root = find_project()
    kept = find(root, name)
    # locked while the question is open too, so that what is deleted is what was listed
    with study_lock(root, name):
        tell(f"{name}:")
        for line in kept.lines(root):
            tell(line)
        if _agreed("Delete this for good?", yes=yes):
            delete(root, kept)
            say(f"Forgotten: {name}. Run it again from the start: make study NAME={name}")


@app.command("clean-cache")
def clean_cache(yes: Yes = False) -> None:
    """Delete .cache, after asking; all of it is made again when it is needed."""
    from framework.maintenance.cache import clean, entries, refuse_if_busy
    from framework.system.disk import size_text

    root = find_project()
    cached = entries(root)
    if not cached:
        say("There is nothing in .cache.")
        return
    # before the question: who has said yes is not to be refused afterwards
    refuse_if_busy(root)
    for entry in cached:
        tell(f"{size_text(entry.size):>10}  {relative(entry.path, root)}: {entry.meaning}")
    total = size_text(sum(entry.size for entry in cached))
    if _agreed(f"Delete {total}? Runs, artifacts and reports stay.", yes=yes):
        clean(root, cached)
        say(f"Deleted: {total}.")


def _agreed(question: str, *, yes: bool) -> bool:
    """Whether the user says yes; nobody to ask is a mistake in the command."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UserError(
            "Nothing was deleted: there is no terminal to ask at.",
            todo="To delete it without a question: YES=1.",
        )
    agreed = typer.confirm(question, err=True)
    if not agreed:
        say("Nothing was deleted.")
    return agreed
