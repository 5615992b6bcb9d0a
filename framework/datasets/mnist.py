"""MNIST."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import DataInfo, dataset
from framework.datasets._sources.cached import TfdsDataset


@dataset("mnist", version=1)
@dataclass(frozen=True, kw_only=True)
class Mnist(TfdsDataset):
    """70 000 handwritten digits in grey, 28 x 28.

    54 000 train, 1 000 calibration, 5 000 validation, 10 000 test.

    Source: LeCun, Cortes & Burges 2010, MNIST handwritten digit database; TFDS `mnist` 3.0.1,
    official test.
    """

    info = DataInfo(task="classes", classes=10, inputs={"image": (28, 28, 1)}, toy=True)
    licence = "CC-BY-SA-3.0"
    builder = "mnist"
    builder_version = "3.0.1"
    calibration_size = 1000
    validation_size = 5000
    download = "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz"
