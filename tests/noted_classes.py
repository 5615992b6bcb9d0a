"""Classes that note where they are made, besides those of the tree of errors."""

from __future__ import annotations

from typing import Any

from framework.datasets._prepare.label_arrays import NoLabels
from framework.datasets._prepare.picture_arrays import NoPictures
from framework.maintenance.doctor.finding import Finding
from framework.nn.saved.file import Unusable

ERRORS: tuple[type[Exception], ...] = (Unusable, NoLabels, NoPictures)
"""Each becomes one of the tree."""
VALUES: tuple[type[Any], ...] = (Finding,)
