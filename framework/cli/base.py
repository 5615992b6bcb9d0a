"""What all commands share.

The application, its arguments, where text goes, and how errors are shown.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from framework.errors import SqueezelabError, UserError
from framework.system import interrupt
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
    interrupt.as_interrupts()
    try:
        code = app(standalone_mode=False, prog_name="squeezelab")
        sys.stdout.flush()
        # here too: a signal before it is one of the interrupts below, one after it is none
        interrupt.ignore()
    except SqueezelabError as error:
        say(text_of(error))
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = interrupt.EXIT_CODE
    # whoever read our output has read enough, as `squeezelab list | head` does
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        if str(error):  # empty after `squeezelab` alone, which has shown the help
            say(_usage(error))
        code = UserError.exit_code
    interrupt.ignore()
    # typer makes this code of an interrupt, in some of its versions
    if code == interrupt.EXIT_CODE:
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

    return find_root(Path.cwd())


def relative(path: Path, root: Path) -> str:
    """A path as seen from the project."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(root))
    return str(path)


def tell(text: str) -> None:
    """Results go to stdout."""
    print(visible(text))


def say(text: str) -> None:
    """All else goes to stderr."""
    print(visible(text), file=sys.stderr)


def text_of(error: SqueezelabError) -> str:
    """What was wrong, what was given and where, what to do next."""
    return "\n".join(
        filter(None, [error.what, error.given, *getattr(error, "__notes__", []), error.todo])
    )
