"""What this data set is, in one line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import DataInfo, dataset
from framework.datasets._sources.arrays import ArrayDataset
from framework.datasets._sources.splits import LABELS, Arrays


# The name is the file's name. Raise the version when the samples change: results are found again by
# it.
@dataset("new_name", version=1)
@dataclass(frozen=True, kw_only=True)
class NewName(ArrayDataset):
    """1 200 grey pictures of a bright bar in noise, 12 x 12, four places.

    Replace by what yours holds.

    Source: made by rule in this file; of your own data, say who collected it, when, and under which
    licence.
    """

    # The task is classes, binary, regression or reconstruction; of a toy, reports warn. Channels:
    # 1 (grey) or 3 (colour).
    info = DataInfo(task="classes", classes=4, inputs={"image": (12, 12, 1)}, toy=True)
    licence = "made by rule"  # of your data: as CC-BY-4.0, or who may use it

    # Four disjoint splits. The published rule carves these off with the classes in proportion; the
    # rest is for training. The content of a sample decides where it falls: the same on every
    # machine, in whatever order it came.
    test_size = 200  # sealed: only `make confirm` opens it
    calibration_size = 100  # for post-training quantization
    validation_size = 200  # all that a search sees

    # From your own arrays: take the comment signs away, and take `make` out. The file holds
    # `image`, uint8 of shape (n, 12, 12, 1), and `labels`, whole numbers of shape (n,):
    # np.savez("new_name.npz", image=..., labels=...)
    # The sha256 to write here is said by `make data NAME=new_name`.
    # It assures readers: this file and no other.
    # file = "new_name.npz"
    # sha256 = ""

    def make(self) -> Arrays:
        """All samples, the same each time: (1200, 12, 12, 1) bytes and (1200,) labels."""
        # the generator whose numbers stay the same in every version of numpy
        random = np.random.RandomState(0)
        labels = np.arange(1200) % 4
        images = random.randint(0, 200, (1200, 12, 12, 1)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[3 * label : 3 * label + 2] += np.uint8(50)
        return {"image": images, LABELS: labels}
