"""What notes where it is made or called, besides the tree of errors."""

from __future__ import annotations

from typing import Any

from framework.datasets._prepare.label_arrays import NoLabels
from framework.datasets._prepare.picture_arrays import NoPictures
from framework.display.progress import Progress
from framework.maintenance.doctor.finding import Finding
from framework.nn.saved.file import Unusable

ERRORS: tuple[type[Exception], ...] = (Unusable, NoLabels, NoPictures)
"""Each becomes one of the tree."""
CALLED: tuple[tuple[type[Any], str], ...] = ((Finding, "__init__"), (Progress, "say"))
"""Methods that are called with what they make or say."""
