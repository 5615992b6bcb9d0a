"""Spoken digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from framework.contracts import Array, DataInfo, dataset
from framework.datasets._prepare.spoken_digits import (
    SHAPE,
    SPEAKERS,
    Clips,
    read_clips,
    spectrograms,
)
from framework.datasets._sources.cache import TEST
from framework.datasets._sources.cached import TfdsDataset
from framework.datasets._sources.splits import LABELS, Arrays, carve, in_order, take

# of each digit and speaker, the recordings numbered below this are the official test
TEST_NUMBERS = 5
GROUP = "group"


@dataset("spoken_digit", version=1)
@dataclass(frozen=True, kw_only=True)
class SpokenDigit(TfdsDataset):
    """English digits by five speakers, as spectrograms.

    1 900 train, 100 calibration, 250 validation, 250 test.

    Source: Jackson et al. 2018, Free Spoken Digit Dataset 1.0.9 (TFDS `spoken_digit`); its own rule
    says what is test.

    The official rule: recordings 0 to 4 of each digit and speaker are for the test. Calibration and
    validation come off the rest with each pair of digit and speaker in proportion, so all five
    speakers are in all splits: what is measured is a new recording by a known voice. Each recording
    is scaled to a peak of 1, cut or filled up to one second at 8 kHz, and made a log-mel
    spectrogram: 49 frames of 40 ms every 20 ms, 32 bins from 60 to 4 000 Hz.
    """

    info = DataInfo(task="classes", classes=10, inputs={"audio": SHAPE})
    licence = "CC-BY-SA-4.0"
    builder = "spoken_digit"
    builder_version = "1.0.9"
    features: ClassVar[Mapping[str, str]] = {"audio": "audio"}
    calibration_size = 100
    validation_size = 250
    download = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz"

    def clips(self, root: Path) -> Clips:
        """All recordings; prepared first if need be."""
        return self.read(root, read_clips)

    def make_splits(self, root: Path) -> dict[str, Arrays]:
        """The official test.

        Calibration and validation with each digit and speaker in proportion.
        """
        clips = self.clips(root)
        arrays = {"audio": spectrograms(clips.waves), LABELS: clips.digits, GROUP: _groups(clips)}
        is_test = clips.numbers < TEST_NUMBERS
        test = in_order(take(arrays, np.flatnonzero(is_test)))
        others = take(arrays, np.flatnonzero(~is_test))
        calibration, others = carve(others, self.calibration_size, by=GROUP)
        validation, train = carve(others, self.validation_size, by=GROUP)
        splits: dict[str, Arrays] = {
            "train": train,
            "calibration": calibration,
            "validation": validation,
            TEST: test,
        }
        # the group has done its work: it is no input
        for split, parts in splits.items():
            splits[split] = {"audio": parts["audio"], LABELS: parts[LABELS]}
        return splits


def _groups(clips: Clips) -> Array:
    """One number for each pair of digit and speaker."""
    return clips.digits * len(SPEAKERS) + clips.speakers
