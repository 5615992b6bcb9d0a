"""`python -m framework` is the command `squeezelab`."""

from __future__ import annotations

# what `signal` is made of: its names for numbers take milliseconds, in which nothing would be taken
import _signal as signal  # type: ignore[import-not-found]
import os

TYPE_CHECKING = False  # nothing that takes time is loaded before `main` has its first line
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

EXIT_CODE = 130  # as `interrupt.EXIT_CODE`, which is not loaded yet
STOPPED = b"Stopped before anything was done.\n"
# objects made between two looks for garbage: Python's 700 walk through libraries as they are loaded
LOOK_AFTER = 10_000


def main() -> NoReturn:
    """The command line; an interrupt while it is being loaded ends it as quietly as one later."""
    # what is ignored, as in a script's background, stays so
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    import atexit
    import gc

    gc.set_threshold(LOOK_AFTER)
    # at its end Python would look through half a million objects of libraries, for a second
    atexit.register(gc.freeze)
    # from here on libraries are loaded, some of which turn an exception into one of their own
    from framework.cli import main as command

    command()


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End at once: nothing is open yet, and nothing has been written."""
    try:
        os.write(2, STOPPED)
    finally:
        os._exit(EXIT_CODE)


if __name__ == "__main__":
    main()
