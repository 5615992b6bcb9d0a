"""CIFAR-10."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import DataInfo, dataset
from framework.datasets._sources.cached import TfdsDataset


@dataset("cifar10", version=1)
@dataclass(frozen=True, kw_only=True)
class Cifar10(TfdsDataset):
    """60 000 photographs in colour, 32 x 32.

    44 000 train, 1 000 calibration, 5 000 validation, 10 000 test.

    Source: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images; TFDS `cifar10`
    3.0.2, official test.
    """

    info = DataInfo(task="classes", classes=10, inputs={"image": (32, 32, 3)}, mirror=True)
    licence = "none stated"
    builder = "cifar10"
    builder_version = "3.0.2"
    calibration_size = 1000
    validation_size = 5000
    download = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
