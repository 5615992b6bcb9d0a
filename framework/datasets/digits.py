"""The handwritten digits that come with scikit-learn, as a tensorflow-datasets builder of our own.

No download.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from framework.contracts import DataInfo, dataset
from framework.datasets._prepare.digits import CALIBRATION_SIZE, SHAPE, VALIDATION_SIZE, read_digits
from framework.datasets._sources.cached import TfdsDataset
from framework.datasets._sources.generated import builder_class


@dataset("digits", version=1)
@dataclass(frozen=True, kw_only=True)
class Digits(TfdsDataset):
    """1 797 handwritten digits in grey, 8 x 8.

    1 200 train, 50 calibration, 250 validation, 297 test.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (UCI), its test part,
    in scikit-learn.
    """

    info = DataInfo(task="classes", classes=10, inputs={"image": SHAPE}, toy=True)
    licence = "CC-BY-4.0"
    builder = "digits"
    builder_version = "1.0.0"  # goes up when what `read_digits` gives changes
    calibration_size = CALIBRATION_SIZE
    validation_size = VALIDATION_SIZE

    def make_builder(self, tfds: ModuleType, data_dir: Path) -> Any:
        """Our own builder."""
        made = builder_class(
            tfds, self.builder, version=self.builder_version, info=self.info, make=read_digits
        )
        return made(data_dir=str(data_dir))
