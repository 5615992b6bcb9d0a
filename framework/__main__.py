"""`python -m framework` is the command `squeezelab`."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """The command line; an interrupt while it is being loaded ends it as quietly as one later."""
    try:
        from framework.cli import main as command
    except KeyboardInterrupt:
        sys.exit(130)  # as `interrupt.EXIT_CODE`, which may not be loaded yet
    command()


if __name__ == "__main__":
    main()
