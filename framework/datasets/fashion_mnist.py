"""Fashion-MNIST."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import DataInfo, dataset
from framework.datasets._sources.cached import TfdsDataset


@dataset("fashion_mnist", version=1)
@dataclass(frozen=True, kw_only=True)
class FashionMnist(TfdsDataset):
    """70 000 pieces of clothing in grey, 28 x 28.

    54 000 train, 1 000 calibration, 5 000 validation, 10 000 test.

    Source: Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747; TFDS `fashion_mnist` 3.0.1, official
    test. Licence: MIT.
    """

    info = DataInfo(task="classes", classes=10, inputs={"image": (28, 28, 1)}, mirror=True)
    licence = "MIT"
    builder = "fashion_mnist"
    builder_version = "3.0.1"
    calibration_size = 1000
    validation_size = 5000
    download = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz"
    )
