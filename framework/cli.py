"""The command line. Each command imports what it needs inside itself, so that help and lists answer at once."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from framework.errors import SqueezelabError, UserError

app = typer.Typer(
    name="squeezelab",
    help="Compress TensorFlow networks; every number is measured on the exported file and can be rebuilt.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Name = Annotated[str, typer.Argument(help="a file of studies/, without .py", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="override, as dataset=mnist or compress.0.epochs=8"),
]
INTERRUPTED = 130
LIST_COLUMNS = 100
LIST_INDENT = 31  # the longest name so far is size_tflite_compressed_bytes


@app.command()
def study(
    name: Name,
    settings: Settings = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="begin anew; the earlier trials stay in the store")] = False,
) -> None:
    """Run a study, or go on with it where it stopped; ends with its Pareto table."""
    from framework.contracts import Catalog
    from framework.plan import plan

    root = _root()
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

    root = _root()
    planned = plan(root, name, settings=settings or [], catalog=Catalog())
    store = Store.open(root, create=False)
    out = root / "reports" / "out" / planned.folder
    made = run_report(store, name, root=root, out=out, kind=kind, digest=planned.study.digest)
    _print(made.table)
    _say(f"\nWritten to {_relative(out, root)}: {', '.join(sorted(path.name for path in made.paths))}")


@app.command("list")
def list_() -> None:
    """Studies, data sets, architectures, strategies and metrics, one line each."""
    from framework.contracts import Catalog
    from framework.project import study_names

    root = _root()
    catalog = Catalog()
    lines = [("studies", [(name, _question(root, name)) for name in study_names(root)])]
    for title, kind in (
        ("data sets", "dataset"),
        ("architectures", "architecture"),
        ("strategies", "strategy"),
        ("metrics", "metric"),
    ):
        registry = catalog.of(kind)
        lines.append((title, [(item, registry.get(item).summary()) for item in registry.names()]))
    for title, rows in lines:
        _print(title)
        for item, text in rows:
            _print(_row(item, text))


@app.command()
def check(
    name: Annotated[str | None, typer.Argument(help="one study; all by default", show_default=False)] = None,
) -> None:
    """Check study files against the plug-ins; nothing is run."""
    from framework.contracts import Catalog
    from framework.plan import plan
    from framework.project import study_names

    root = _root()
    catalog = Catalog()
    wrong = 0
    for item in [name] if name else study_names(root):
        try:
            planned = plan(root, item, settings=[], catalog=catalog)
            _print(f"ok     {item}  {planned.study.digest[:8]}")
        except UserError as error:
            wrong += 1
            _print(f"WRONG  {item}\n{textwrap.indent(_text(error), '       ')}")
    if wrong:
        raise typer.Exit(UserError.exit_code)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="a study, a plug-in, or a run id", show_default=False)],
    settings: Settings = None,
) -> None:
    """What a study asks, what a plug-in can be given, or what a run measured."""
    from framework.show import describe

    _print(describe(_root(), name, settings=settings or []))


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

    root = _root()
    catalog = Catalog()
    planned = plan(root, name, settings=settings or [], catalog=catalog)
    for line in confirm_trial(planned, root, number=trial, catalog=catalog):
        _print(line)


@app.command()
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="of 127.0.0.1")] = 5000) -> None:
    """Start the MLflow UI on this project's runs."""
    from framework.tracking import Store, ui_command

    root = _root()
    command = ui_command(root, port=port)
    store = Store.open(root, create=False)
    _say("Open, once it runs; stop it with Ctrl-C:")
    for name in store.studies():
        _say(f"  {name}: http://127.0.0.1:{port}/{store.page(name)}")
    os.execv(command[0], command)


def main() -> NoReturn:
    """Entry point: errors of our own tree become a few lines and an exit code, never a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False, prog_name="squeezelab")
        sys.stdout.flush()
    except SqueezelabError as error:
        _say(_text(error))
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:  # whoever read our output has read enough, as `squeezelab list | head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        if str(error):  # empty after `squeezelab` alone, which has shown the help
            _say(_usage(error))
        code = UserError.exit_code
    if code == INTERRUPTED:  # typer makes this code of an interrupt, in some of its versions
        _say("Stopped. What is done is kept; the same command goes on from here.")
    sys.exit(code or 0)


def _usage(error: Any) -> str:
    """A mistake in the command itself: typer's sentence, and where the right words stand.

    Typer's own class of such errors is private, and another one in each of its versions.
    """
    context = getattr(error, "ctx", None)
    return f"{error.format_message()}\nSee: {context.command_path if context else 'squeezelab'} --help"


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
    _print(made.table)
    publish(store, outcome, made)
    _say(f"\nReport: {_relative(out, root)}/ ({', '.join(sorted(path.name for path in made.paths))})")
    _say("Compare the runs in the MLflow UI: make ui")
    if outcome.out_of_time:
        _say("The time of `hours` is used up; the same command goes on from here.")


def _root() -> Path:
    from framework.project import find_root

    return find_root(Path.cwd())


def _relative(path: Path, root: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(root))
    return str(path)


def _question(root: Path, name: str) -> str:
    from framework.project import load_study

    try:
        return load_study(root, name).question
    except UserError:
        return f"does not load: squeezelab check {name}"


def _row(item: str, text: str) -> str:
    """One line of a list; a long text goes on below itself."""
    width = min(shutil.get_terminal_size((LIST_COLUMNS, 24)).columns, LIST_COLUMNS)
    indent = " " * LIST_INDENT
    return textwrap.fill(
        text, max(width, 2 * LIST_INDENT), initial_indent=f"  {item:<{LIST_INDENT - 2}}", subsequent_indent=indent
    )


def _print(text: str) -> None:
    """Results go to stdout."""
    print(text)


def _say(text: str) -> None:
    """All else goes to stderr."""
    print(text, file=sys.stderr)


def _text(error: SqueezelabError) -> str:
    """What was wrong, what was given and where, what to do next."""
    return "\n".join(filter(None, [error.what, error.given, *getattr(error, "__notes__", []), error.todo]))
