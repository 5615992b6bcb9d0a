"""Speech Commands: ten words, silence, and all other words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from framework.contracts import Array, DataInfo, dataset
from framework.datasets._prepare.audio import fixed_length, log_mel
from framework.datasets._sources import tfds_folder
from framework.datasets._sources.cache import TEST
from framework.datasets._sources.cached import TfdsDataset
from framework.datasets._sources.splits import LABELS, Arrays, carve, in_order, take

RATE_HZ = 16_000  # and as many samples: one second
SHAPE = (49, 32, 1)
UNKNOWN = 11  # the class of all other words
FULL_SCALE = 32768
CHUNK = 1024  # sounds at a time


@dataset("speech_commands", version=1)
@dataclass(frozen=True, kw_only=True)
class SpeechCommands(TfdsDataset):
    """Spoken words, 12 classes.

    About 33 600 train, 1 000 calibration, 4 200 validation, 4 890 test.

    Source: Warden 2018, arXiv:1804.03209; TFDS `speech_commands` 0.0.3, official validation and
    test (other speakers).

    Classes: down, go, left, no, off, on, right, stop, up, yes; silence; any other word. In training
    and validation the other words outnumber each of the ten by far: as many are kept as the most
    frequent word has, by the split rule. Sounds are cut or filled up to one second at 16 kHz and
    made log-mel spectrograms: 49 frames of 40 ms every 20 ms, 32 bins from 60 to 8 000 Hz.

    Tried on made-up sounds only.
    """

    info = DataInfo(task="classes", classes=12, inputs={"audio": SHAPE})
    licence = "CC-BY-4.0"
    untested = True
    builder = "speech_commands"
    builder_version = "0.0.3"
    features: ClassVar[Mapping[str, str]] = {"audio": "audio"}
    calibration_size = 1000
    validation_size = 0  # the official one
    download = "http://download.tensorflow.org/data/speech_commands_test_set_v0.02.tar.gz"

    def read_split(self, root: Path, split: str) -> Arrays:
        """The spectrograms of `train`, `validation` or `test`."""
        return self.read(root, lambda folder: _spectrograms(tfds_folder.samples(folder, split)))

    def make_splits(self, root: Path) -> dict[str, Arrays]:
        """The official splits; calibration comes off that for training."""
        calibration, train = carve(thinned(self.read_split(root, "train")), self.calibration_size)
        validation = thinned(self.read_split(root, "validation"))
        test = in_order(self.read_split(root, TEST))
        return {"train": train, "calibration": calibration, "validation": validation, TEST: test}


def thinned(arrays: Arrays) -> dict[str, Array]:
    """The samples in the rule's order, unknown words cut to the most frequent known one."""
    ordered = in_order(arrays)
    unknown = ordered[LABELS] == UNKNOWN
    most = int(np.bincount(ordered[LABELS][~unknown], minlength=1).max())
    return take(ordered, np.flatnonzero(~unknown | (unknown.cumsum() <= most)))


def _spectrograms(samples: Iterable[Mapping[str, Any]]) -> Arrays:
    stream = iter(samples)
    sounds = [np.empty((0, *SHAPE), np.float32)]
    labels: list[int] = []
    # all waves at once would take gigabytes, spectrograms a tenth of it
    while chunk := list(islice(stream, CHUNK)):
        waves = fixed_length([sample["audio"] / FULL_SCALE for sample in chunk], RATE_HZ)
        sounds.append(
            log_mel(waves, rate=RATE_HZ, frame=640, hop=320, bins=SHAPE[1], low_hz=60, high_hz=8000)
        )
        labels.extend(map(itemgetter("label"), chunk))
    return {"audio": np.concatenate(sounds), LABELS: np.array(labels, np.int64)}
