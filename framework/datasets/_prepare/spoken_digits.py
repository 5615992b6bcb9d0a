"""Free Spoken Digit Dataset: clips with their speaker and number, as the file names say them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.datasets._prepare.audio import fixed_length, log_mel
from framework.datasets._sources import tfds_folder

if TYPE_CHECKING:
    from framework.contracts import Array

RATE_HZ = 8000
SAMPLES = 8000  # one second: 4 of 2 500 clips are longer
SHAPE = (49, 32, 1)
SPEAKERS = ("george", "jackson", "nicolas", "theo", "yweweler")


@dataclass(frozen=True)
class Clips:
    """All recordings.

    Args:
        waves: each (samples,) float64 at 8 kHz, its largest value 1 or -1.
        digits: (n,) int64, what is said.
        speakers: (n,) int64, position in `SPEAKERS`.
        numbers: (n,) int64, 0 to 49: which recording of this digit by this speaker.
    """

    waves: list[Array]
    digits: Array
    speakers: Array
    numbers: Array


def read_clips(folder: Path) -> Clips:
    """All recordings of a prepared folder, in the order of their names."""
    return clips_of(tfds_folder.samples(folder, "train"))


def clips_of(samples: Iterable[Mapping[str, Any]]) -> Clips:
    """The same from samples as TFDS has them.

    `audio`, and `audio/filename` as `digit_speaker_number.wav`.
    """
    waves, rows = [], []
    # by name, because TFDS shuffles what it writes
    for sample in sorted(samples, key=itemgetter("audio/filename")):
        wave = sample["audio"]
        waves.append(wave / max(1, np.abs(wave).max()))
        digit, speaker, number = sample["audio/filename"].decode().removesuffix(".wav").split("_")
        rows.append((int(digit), SPEAKERS.index(speaker), int(number)))
    digits, speakers, numbers = np.array(rows, np.int64).reshape(-1, 3).T
    return Clips(waves, digits, speakers, numbers)


def spectrograms(waves: list[Array]) -> Array:
    """(n, 49, 32, 1).

    Frames of 40 ms every 20 ms, 32 mel bins from 60 to 4 000 Hz, of the first second.
    """
    return log_mel(
        fixed_length(waves, SAMPLES),
        rate=RATE_HZ,
        frame=320,
        hop=160,
        bins=SHAPE[1],
        low_hz=60,
        high_hz=4000,
    )
