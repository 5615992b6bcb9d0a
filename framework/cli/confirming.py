"""The command that opens the sealed test split: one stored file, or a front trained anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from framework.cli.base import Name, Settings, app, find_project, relative, say, tell
from framework.cli.places import Cluster, Memory, Workers, place_of
from framework.errors import InvalidValue
from framework.system import paths

MOST_SEEDS = 1000


@app.command()
def confirm(  # noqa: PLR0917  (each is an option of the command line)
    name: Name,
    trials: Annotated[
        str,
        typer.Option(
            "--trial",
            "--trials",
            metavar="3,9,17",
            help="numbers of trials; with --seeds the front",
        ),
    ] = "",
    settings: Settings = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_SEEDS, help="train them anew under so many new seeds first"),
    ] = None,
    workers: Workers = "auto",
    memory: Memory = None,
    cluster: Cluster = "",
) -> None:
    """Measure on the sealed test split: stored files, or a front trained under new seeds."""
    root = find_project()
    numbers = _numbers(trials)
    if seeds is None:
        _look(root, name, numbers, settings or [])
        return
    place = place_of(workers, memory, cluster)
    _train_anew(root, name, numbers, settings or [], seeds=seeds, **place)


def _numbers(text: str) -> list[int]:
    """The trials that were named, each once.

    Raises:
        InvalidValue: a word is no number.
    """
    words = text.replace(",", " ").split()
    if not all(word.isdecimal() for word in words):
        raise InvalidValue(
            "--trials takes numbers of trials with commas between.",
            given=f"Given: {text}.",
            todo="For example 3,9,17; the numbers stand in the table: make report NAME=...",
        )
    return list(dict.fromkeys(map(int, words)))


def _look(root: Path, name: str, numbers: list[int], settings: list[str]) -> None:
    """Measure stored files, one look each."""
    from framework.planning.own_plugins import catalog_of
    from framework.runner.confirm.stored import confirm as confirm_trial
    from framework.tracking.lookup import asked

    # a look cannot be taken back, so nothing is looked at by default
    if not numbers:
        raise InvalidValue(
            "Confirm what? The test split is opened for what was named only.",
            todo=f"The front, trained anew under new seeds: make confirm NAME={name} SEEDS=5. "
            f"The stored file of one trial: make confirm NAME={name} TRIAL=12.",
        )
    catalog = catalog_of(root)
    study = asked(root, name, settings=settings, catalog=catalog)
    for number in numbers:
        if len(numbers) > 1:
            tell(f"trial {number}")
        for line in confirm_trial(study, root, number=number, catalog=catalog):
            tell(line)


def _train_anew(
    root: Path, name: str, numbers: list[int], settings: list[str], *, seeds: int, **place: Any
) -> None:
    """Train the trials, their dense nets and controls, look at each once, show the table."""
    from framework.display.progress import Progress, screen
    from framework.planning.own_plugins import catalog_of
    from framework.runner.confirm.anew import Wish, confirm_anew
    from framework.runner.engine.choice import Place
    from framework.system import interrupt
    from framework.tracking.lookup import plan_of

    catalog = catalog_of(root)
    planned = plan_of(root, name, settings=settings, catalog=catalog)
    wish = Wish(numbers=numbers or _front(root, planned, catalog), seeds=seeds)
    # as of a study: the first Ctrl-C ends it in order, the second at once
    with interrupt.listening(ends=True), Progress(screen(), root=root) as observer:
        options: dict[str, Any] = {"catalog": catalog, "observer": observer}
        confirm_anew(planned, root, wish, place=Place(**place), **options)
    _show(root, planned)


def _front(root: Path, planned: Any, catalog: Any) -> list[int]:
    from framework.report.confirm.confirmation import front_numbers
    from framework.tracking.store import Store

    store = Store.open(root, create=False)
    study = {"digest": planned.study.digest, "catalog": catalog}
    numbers, count = front_numbers(store, planned.name, **study)
    if len(numbers) < count:
        which = ", ".join(map(str, numbers))
        say(f"{len(numbers)} of the {count} trials on the front, evenly along it: {which}.")
    return numbers


def _show(root: Path, planned: Any) -> None:
    """The table of all that is confirmed of the study."""
    from framework.report import CONFIRM, run_report
    from framework.tracking.store import Store

    out = paths.report_output(root) / planned.folder
    study = {"digest": planned.study.digest, "kind": CONFIRM}
    made = run_report(Store.open(root), planned.name, root=root, out=out, **study)
    tell(made.table)
    if made.refused:
        raise made.refused
    say(f"\nReport: {relative(out, root)}/ ({', '.join(sorted(path.name for path in made.paths))})")
