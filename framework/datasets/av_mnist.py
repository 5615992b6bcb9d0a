"""AV-MNIST: a digit seen badly and heard badly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from framework.contracts import Array, DataInfo, dataset, datasets
from framework.datasets._prepare.spoken_digits import SAMPLES, SHAPE, SPEAKERS, Clips, spectrograms
from framework.datasets._sources.cache import TEST
from framework.datasets._sources.cached import CachedDataset
from framework.datasets._sources.splits import LABELS, RULE, Arrays, carve

ENERGY = 0.25  # of the pictures' variance that is kept
LOUDNESS = 0.05  # root mean square of each recording before noise
NOISE_DB = 0.0  # loudness of the recording over that of the noise
TRAIN_SIZE, TEST_SIZE = 12_000, 2_000
VOICES = {  # the five speakers in alphabetical order
    "train": SPEAKERS[:3],
    "calibration": SPEAKERS[:3],
    "validation": SPEAKERS[3:4],
    TEST: SPEAKERS[4:],
}


@dataset("av_mnist", version=1)
@dataclass(frozen=True, kw_only=True)
class AvMnist(CachedDataset):
    """Blurred digits with their names spoken in noise.

    12 000 train, 500 calibration, 2 000 validation, 2 000 test.

    Source: after Vielzeuf et al. 2018, arXiv:1808.07275; made from TFDS `mnist` 3.0.1 and
    `spoken_digit` 1.0.9.

    Pictures: MNIST, of which as few principal components are kept as hold 25 % of the variance,
    which are four; they and the mean are those of the train split. Test pictures are from the
    official test, all others from the official training part, each used once. Sounds: a recording
    of the same digit, at a loudness (root mean square) of 0.05, somewhere within one second of
    white noise of the same loudness (0 dB); then a log-mel spectrogram as in `spoken_digit`. Each
    recording is used for several pictures, at another place and with other noise. Voices: george,
    jackson, nicolas for training and calibration, theo for validation, yweweler for the test: a new
    voice is measured.

    These numbers were fixed before any net was trained. Small convolutional nets then reached 0.64
    on pictures alone, 0.44 on sounds alone and 0.81 on both (validation, one seed, 8 epochs).

    Departures: the paper takes the sounds from TIDIGITS and the noise from ESC-50, and more pairs.
    """

    info = DataInfo(task="classes", classes=10, inputs={"image": (28, 28, 1), "audio": SHAPE})
    licence = "CC-BY-SA-3.0 (mnist), CC-BY-SA-4.0 (spoken_digit)"
    calibration_size = 500
    validation_size = 2000

    def rule(self) -> list[object]:
        """Those of both sources, and what is done to them."""
        sources = [source.rule() for source in _sources()]
        made = [ENERGY, LOUDNESS, NOISE_DB, TRAIN_SIZE, TEST_SIZE]
        return [self.name, self.plugin_version, sources, *made, RULE]

    def check_source(self, root: Path) -> None:
        """Return if both sources can be had."""
        for source in _sources():
            source.check_source(root)

    def source_state(self, root: Path) -> str:
        """Where the two sources are."""
        return "; ".join(f"{source.name}: {source.source_state(root)}" for source in _sources())

    def read_split(self, root: Path, split: str) -> Arrays:
        """The pictures of MNIST and what they show."""
        return _sources()[0].read_split(root, split)

    def make_splits(self, root: Path) -> dict[str, Arrays]:
        """Pictures are split by the published rule.

        Each gets a recording of its digit by a voice of its split.
        """
        clips: Clips = _sources()[1].clips(root)  # type: ignore[attr-defined]
        pictures = self._pictures(root)
        mean, components = principal(pictures["train"]["image"], ENERGY)
        splits: dict[str, Arrays] = {}
        # each split has a seed of its own: what is heard in one depends on no other
        for seed, (split, arrays) in enumerate(pictures.items()):
            splits[split] = {
                "image": projected(arrays["image"], mean, components),
                "audio": heard(clips, arrays[LABELS], voices=VOICES[split], seed=seed),
                LABELS: arrays[LABELS],
            }
        return splits

    def _pictures(self, root: Path) -> dict[str, Arrays]:
        """The digits that are seen, of each split."""
        calibration, others = carve(self.read_split(root, "train"), self.calibration_size)
        validation, others = carve(others, self.validation_size)
        train, _ = carve(others, TRAIN_SIZE)
        test, _ = carve(self.read_split(root, TEST), TEST_SIZE)
        return {"train": train, "calibration": calibration, "validation": validation, TEST: test}


def principal(images: Array, energy: float) -> tuple[Array, Array]:
    """The mean picture, and as few principal components as hold this share of the variance.

    Args:
        images: (n, ...) bytes.
        energy: 0 to 1.

    Returns:
        (pixels,) and (pixels, components) float64, of length 1 and at right angles.
    """
    flat = images.reshape(len(images), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(flat - mean, rowvar=False))
    held = np.cumsum(values[::-1]) / values.sum()
    count = int(np.searchsorted(held, energy)) + 1
    return mean, vectors[:, ::-1][:, :count]


def projected(images: Array, mean: Array, components: Array) -> Array:
    """The pictures with these components alone, as bytes."""
    flat = images.reshape(len(images), -1).astype(np.float64) - mean
    return (
        np.clip(np.rint(flat @ components @ components.T + mean), 0, 255)
        .astype(np.uint8)
        .reshape(images.shape)
    )


def heard(clips: Clips, digits: Array, *, voices: tuple[str, ...], seed: int) -> Array:
    """A spectrogram for each digit.

    A recording by one of the voices, somewhere in one second of noise.

    The recordings of a digit are gone through in an order drawn anew each time, so that all are
    used equally often.
    """
    # the generator whose numbers stay the same in every version of numpy
    random = np.random.RandomState(seed)
    by_voice = np.isin(clips.speakers, list(map(SPEAKERS.index, voices)))
    waiting: dict[int, list[int]] = {}
    sounds = []
    for digit in digits.tolist():
        if not waiting.get(digit):
            recordings = np.flatnonzero(by_voice & (clips.digits == digit))
            waiting[digit] = random.permutation(recordings).tolist()
        sounds.append(_in_noise(clips.waves[waiting[digit].pop()][:SAMPLES], random))
    return spectrograms(sounds)


def _in_noise(wave: Array, random: np.random.RandomState) -> Array:
    sound = random.randn(SAMPLES) * LOUDNESS * 10 ** (-NOISE_DB / 20)
    start = random.randint(0, SAMPLES - len(wave) + 1)
    sound[start : start + len(wave)] += wave * (LOUDNESS / np.sqrt(np.mean(np.square(wave))))
    return sound.astype(np.float32)


def _sources() -> tuple[CachedDataset, CachedDataset]:
    mnist, spoken_digit = datasets.build("mnist", {}), datasets.build("spoken_digit", {})
    return cast(CachedDataset, mnist), cast(CachedDataset, spoken_digit)
