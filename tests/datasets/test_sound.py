"""Log-mel spectrograms: a tone is where it belongs, silence is -1, loudness moves all by a known
step."""

import numpy as np
import pytest

from framework.datasets._prepare.audio import fixed_length, log_mel, mel_filters
from framework.errors import InvalidValue

ASKED = {"rate": 8000, "frame": 256, "hop": 128, "bins": 40, "low_hz": 60.0, "high_hz": 3800.0}


def tone(hz, amplitude=1.0, samples=2048):
    return amplitude * np.sin(2 * np.pi * hz * np.arange(samples) / 8000)


def test_shape_and_type():
    found = log_mel(np.zeros((3, 1000), np.float32), **ASKED)
    assert (found.shape, found.dtype) == ((3, 1 + (1000 - 256) // 128, 40, 1), np.float32)
    assert log_mel(np.zeros((0, 1000), np.float32), **ASKED).shape == (0, 6, 40, 1)


def test_silence_is_minus_one_and_a_full_tone_about_one():
    assert (log_mel(np.zeros((1, 512)), **ASKED) == -1).all()
    # lines of one filter add up
    assert log_mel(tone(1000)[np.newaxis], **ASKED).max() == pytest.approx(1.1, abs=0.15)


@pytest.mark.parametrize("hz", [150, 697, 1000, 1633, 3000])
def test_a_tone_is_loudest_in_the_filter_around_it(hz):
    found = log_mel(tone(hz)[np.newaxis], **ASKED)[0, :, :, 0]
    mel = lambda value: 2595 * np.log10(1 + value / 700)  # noqa: E731
    expected = (mel(hz) - mel(60)) / (mel(3800) - mel(60)) * 41 - 1
    assert np.abs(found.argmax(axis=1) - expected).max() <= 1


def test_a_tenth_of_the_amplitude_is_two_thirds_less():
    loud, soft = (log_mel(tone(1000, a)[np.newaxis], **ASKED).max() for a in (1.0, 0.1))
    assert loud - soft == pytest.approx(2 / 3, abs=1 / 128)


def test_values_are_on_the_grid_that_all_machines_share():
    found = log_mel(np.random.default_rng(0).normal(0, 0.1, (300, 600)), **ASKED) * 256
    assert (found == np.rint(found)).all()
    one = log_mel(np.random.default_rng(0).normal(0, 0.1, (300, 600))[290:291], **ASKED) * 256
    assert (one == found[290:291]).all()  # a sound does not depend on those beside it


def test_filters_overlap_to_one_between_the_outer_centres():
    filters = mel_filters(rate=8000, frame=256, bins=40, low_hz=60.0, high_hz=3800.0)
    lines = np.arange(257) * 8000 / 512
    assert filters[(lines > 150) & (lines < 3500)].sum(axis=1) == pytest.approx(1)


def test_what_cannot_be_is_refused():
    with pytest.raises(InvalidValue, match="one frame long"):
        log_mel(np.zeros((1, 255)), **ASKED)
    for change in ({"bins": 400}, {"high_hz": 4100.0}):
        with pytest.raises(InvalidValue, match="filter"):
            log_mel(np.zeros((1, 512)), **(ASKED | change))


def test_sounds_of_one_length():
    found = fixed_length([np.ones(2), np.ones(5)], 4)
    assert (found.tolist(), found.dtype) == ([[1, 1, 0, 0], [1, 1, 1, 1]], np.float32)
