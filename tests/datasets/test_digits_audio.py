"""Digits to be seen and heard: tones where Q.23 has them, one side missing as often as said, never
both."""

import numpy as np
import pytest

from framework.datasets import digits_audio
from framework.datasets.digits_audio import DigitsAudio, clip, noisy_images, spectrograms

# ITU-T Q.23: the two frequencies of each key, in Hz
Q23 = {
    1: (697, 1209),
    2: (697, 1336),
    3: (697, 1477),
    4: (770, 1209),
    5: (770, 1336),
    6: (770, 1477),
}
Q23 |= {7: (852, 1209), 8: (852, 1336), 9: (852, 1477), 0: (941, 1336)}


@pytest.fixture(scope="module")
def made():
    return DigitsAudio().make()


@pytest.mark.parametrize("digit", range(10))
def test_a_clip_has_the_two_tones_of_its_digit(digit):
    wave = clip(digit, np.random.RandomState(digit))
    (sounding,) = np.nonzero(wave)
    assert sounding[-1] - sounding[0] < digits_audio.TONE
    assert np.abs(wave).max() <= 2 * digits_audio.AMPLITUDE
    spectrum = np.abs(np.fft.rfft(wave, 1 << 15))
    hz = np.arange(len(spectrum)) * 8000 / (1 << 15)
    for tone, (low, high) in zip(Q23[digit], ((600, 1050), (1100, 1600)), strict=True):
        band = (hz > low) & (hz < high)
        assert hz[band][spectrum[band].argmax()] == pytest.approx(tone, rel=0.02)


def test_what_is_missing_is_noise_alone():
    random = np.random.RandomState(1)
    missing = np.array([True, False, False, True])
    images = noisy_images(np.full((4, 8, 8, 1), 255, np.uint8), missing, random)
    assert ((images.mean(axis=(1, 2, 3)) > 128) == ~missing).all()
    waves = np.stack([np.sin(np.arange(2000) * 0.7)] * 4)  # 891 Hz, far above the noise
    loudest = spectrograms(waves, missing, random).max(axis=(1, 2, 3))
    assert ((loudest > 0.9) == ~missing).all()


def test_sides_are_missing_as_often_as_said_and_never_both(monkeypatch):
    seen = {}
    monkeypatch.setattr(
        digits_audio, "SIZES", {"train": 400, "calibration": 40, "validation": 40, "test": 40}
    )
    for kind in ("noisy_images", "spectrograms"):
        whole = getattr(digits_audio, kind)
        monkeypatch.setattr(
            digits_audio,
            kind,
            lambda a, b, r, k=kind, w=whole: seen.setdefault(k, []).append(b) or w(a, b, r),
        )
    made = DigitsAudio().make()
    for no_image, no_audio, arrays in zip(
        seen["noisy_images"], seen["spectrograms"], made.values(), strict=True
    ):
        each = len(arrays["labels"]) // 10
        for digit in range(10):
            of_digit = arrays["labels"] == digit
            assert of_digit.sum() == each
            assert abs(no_image[of_digit].sum() - each / 4) < 1
            assert abs(no_audio[of_digit].sum() - each / 4) < 1
        assert not (no_image & no_audio).any()


def test_noise_has_its_size(made):
    dark = np.sort(made["train"]["image"].reshape(-1, 64), axis=1)
    assert 0.3 < (dark == 0).mean() < 0.5  # half of the noise around no ink is cut
    assert made["train"]["audio"].shape == (6000, 14, 40, 1)
    assert -0.7 < made["train"]["audio"].mean() < 0.5
