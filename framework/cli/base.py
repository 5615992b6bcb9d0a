"""What all commands share.

The application, its arguments, where text goes, and how errors are shown.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from framework.cli import streams
from framework.errors import MachineError, SqueezelabError, UserError
from framework.system import interrupt, refusal
from framework.system.commands import as_typed
from framework.system.paths import written
from framework.system.text import visible

app = typer.Typer(
    name="squeezelab",
    help="Compress TensorFlow networks; every number is measured on the exported file and can be "
    "rebuilt.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Name = Annotated[str, typer.Argument(help="a file of studies/, without .py", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="override, as dataset=mnist or compress.0.epochs=8"
    ),
]


def main() -> NoReturn:
    """Entry point: errors of our own tree become a few lines and an exit code."""
    streams.prepare()
    try:
        interrupt.as_interrupts()
        code = app(standalone_mode=False, prog_name="squeezelab")
        # here too: a signal before it is one of the interrupts below, one after it is none
        interrupt.ignore()
    except SqueezelabError as error:
        say(text_of(error))
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = interrupt.EXIT_CODE
    # whoever read our output has read enough, as `squeezelab list | head` does
    except BrokenPipeError:
        streams.silence_stdout()
        code = 0
    # raised anywhere, in libraries too: a traceback would say no more than its path and reason
    except (OSError, MemoryError) as error:
        root = _project_or_none()
        refused = refusal.explained(error, written(root) if root else ())
        say(text_of(refused))
        code = refused.exit_code
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        if str(error):  # empty after `squeezelab` alone, which has shown the help
            say(_usage(error))
        code = UserError.exit_code
    interrupt.ignore()
    # typer makes this code of an interrupt, in some of its versions
    if code == interrupt.EXIT_CODE:
        # one that came in code that a library makes of text is noted as unhandled, and Python would
        # end with the signal in place of the code; the next such code begins the note anew
        exec("")  # noqa: S102
        say("Stopped. What is done is kept; the same command goes on from here.")
    sys.exit(code or 0)


def _usage(error: Any) -> str:
    """A mistake in the command itself: typer's sentence, and where the right words are.

    Typer's own class of such errors is private, and another one in each of its versions.
    """
    context = getattr(error, "ctx", None)
    return (
        f"{error.format_message()}\nSee: {context.command_path if context else 'squeezelab'} --help"
    )


def find_project() -> Path:
    """The project that the working directory lies in."""
    from framework.system.paths import find_root

    try:
        return find_root(Path.cwd())
    except FileNotFoundError as error:
        raise UserError(
            "The folder you are in is there no longer.", todo="Change to a project: cd FOLDER."
        ) from error


def _project_or_none() -> Path | None:
    with contextlib.suppress(OSError, UserError):
        return find_project()
    return None


def relative(path: Path, root: Path) -> str:
    """A path as seen from the project."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(root))
    return str(path)


def tell(text: str) -> None:
    """Results go to stdout.

    Raises:
        MachineError: it cannot be written, as a file on a full disk.
        typer.Exit: whoever reads it has read enough.
    """
    try:
        print(visible(as_typed(text, _project_or_none())), flush=True)
    except BrokenPipeError as error:
        streams.silence_stdout()
        raise typer.Exit(0) from error
    except OSError as error:
        streams.silence_stdout()
        raise MachineError(
            f"The output cannot be written: {error.strerror or error}.",
            todo="Write it elsewhere: what stands behind > in the command.",
        ) from error


def say(text: str) -> None:
    """All else goes to stderr."""
    print(visible(as_typed(text, _project_or_none())), file=sys.stderr)


def text_of(error: SqueezelabError) -> str:
    """What was wrong, what was given and where, what to do next."""
    return "\n".join(
        filter(None, [error.what, error.given, *getattr(error, "__notes__", []), error.todo])
    )
