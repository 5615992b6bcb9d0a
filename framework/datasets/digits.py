"""The handwritten digits that come with scikit-learn, as a tensorflow-datasets builder of our own: no download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from framework.contracts import Array, DataInfo, dataset
from framework.datasets._cached import TfdsDataset
from framework.datasets._splits import LABELS, carve

TEST_SIZE = 297
LARGEST_VALUE = 16  # of a pixel in scikit-learn's arrays; all are whole numbers
SHAPE = (8, 8, 1)


@dataset("digits", version=1)
@dataclass(frozen=True, kw_only=True)
class Digits(TfdsDataset):
    """1 797 handwritten digits in grey, 8 x 8: 1 200 train, 50 calibration, 250 validation, 297 test.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (UCI), its test part, in scikit-learn.
    """

    info = DataInfo(task="classes", classes=10, inputs={"image": SHAPE}, toy=True)
    builder = "digits"
    builder_version = "1.0.0"  # goes up when what `read_digits` gives changes
    calibration_size = 50
    validation_size = 250

    def make_builder(self, tfds: ModuleType, data_dir: Path) -> Any:
        """Our own builder."""
        return builder_class(tfds, self.builder_version)(data_dir=str(data_dir))


def read_digits() -> dict[str, dict[str, Array]]:
    """The pictures as bytes (16 becomes 255) with their labels, by split of the builder: `train` and `test`."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    images = np.rint(raw.images[..., np.newaxis] * (255 / LARGEST_VALUE)).astype(np.uint8)
    test, train = carve({"image": images, LABELS: raw.target.astype(np.int64)}, TEST_SIZE)
    return {"train": train, "test": test}


def builder_class(tfds: Any, version: str) -> Any:
    """The builder's class; made here because its base class is in tensorflow_datasets."""

    class Digits(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg, unused-ignore]
        """1 797 handwritten digits, 8 x 8."""

        VERSION = tfds.core.Version(version)

        def _info(self) -> Any:
            # `dataset_info_from_configs` would look for metadata files in a package folder of the builder's own.
            features = {
                "image": tfds.features.Image(shape=SHAPE, dtype=np.uint8),
                "label": tfds.features.ClassLabel(num_classes=10),
            }
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
            return {split: self._generate_examples(arrays) for split, arrays in read_digits().items()}

        def _generate_examples(self, arrays: dict[str, Array]) -> Iterator[tuple[int, dict[str, Any]]]:
            for index, (image, label) in enumerate(zip(arrays["image"], arrays[LABELS], strict=True)):
                yield index, {"image": image, "label": int(label)}

    return Digits
