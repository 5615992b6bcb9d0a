"""Where matplotlib keeps its list of fonts: in the project, and not under the home folder."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from framework.system import paths


def keep_in(root: Path) -> None:
    """Let matplotlib, which tfmot loads, too, write below the project only.

    For before it is loaded. A variable that is set already stays.
    """
    os.environ.setdefault("MPLCONFIGDIR", str(paths.fonts(root)))
    # where a project cannot be written to it takes a folder for temporary files, and says so
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
