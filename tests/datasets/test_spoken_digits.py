"""Spoken digits and what is made of them: the official test, groups in proportion, voices apart,
noise as loud."""

import os
from pathlib import Path

import numpy as np
import pytest

from framework.contracts import Ticket, datasets
from framework.datasets import av_mnist
from framework.datasets._prepare.spoken_digits import (
    SAMPLES,
    SPEAKERS,
    Clips,
    clips_of,
    spectrograms,
)
from framework.datasets._sources import tfds_folder
from framework.datasets.spoken_digit import SpokenDigit

GIVEN = os.environ.get("TFDS_DATA_DIR", "")
DIGITS, NUMBERS = 4, 10


def noise(seed, length):
    return np.random.default_rng(seed).uniform(-1, 1, length)


@pytest.fixture(scope="module")
def clips():
    """Ten recordings of each of four digits by each speaker, all different."""
    digits, speakers, numbers = (
        part.ravel() for part in np.indices((DIGITS, len(SPEAKERS), NUMBERS))
    )
    waves = [noise(seed, 400 + seed) for seed in range(len(digits))]
    return Clips(waves, digits, speakers, numbers)


def test_names_say_digit_speaker_and_number():
    samples = [
        {"audio": np.array([0, 5, -20]), "audio/filename": b"7_theo_12.wav"},
        {"audio": np.array([0, 0]), "audio/filename": b"3_george_0.wav"},
    ]
    clips = clips_of(samples)
    assert (clips.digits.tolist(), clips.speakers.tolist(), clips.numbers.tolist()) == (
        [3, 7],
        [0, 3],
        [0, 12],
    )
    # silence stays silence
    assert [wave.tolist() for wave in clips.waves] == [[0, 0], [0, 0.25, -1]]


def test_the_test_is_the_official_one_and_groups_are_in_proportion(clips, tmp_path, monkeypatch):
    class Small(SpokenDigit):
        calibration_size, validation_size = 20, 40

    monkeypatch.setattr(Small, "clips", lambda self, root: clips)
    shapes = Small.info.inputs
    splits = Small().load(tmp_path, shapes)
    test = Small().load_sealed(tmp_path, shapes, Ticket("run", "spec"))
    sounds = spectrograms(clips.waves)
    known = {sound.tobytes(): number for number, sound in enumerate(sounds)}
    groups = clips.digits * 10 + clips.speakers
    for part, each in (
        (splits.train, 2),
        (splits.calibration, 1),
        (splits.validation, 2),
        (test, 5),
    ):
        found = [known.pop(sound.tobytes()) for sound in part.inputs["audio"]]
        assert clips.digits[found].tolist() == part.labels.tolist()
        assert set(np.unique(groups[found], return_counts=True)[1].tolist()) == {each}
        assert (
            (clips.numbers[found] < 5).all() if part is test else (clips.numbers[found] >= 5).all()
        )
    assert not known


# --- AV-MNIST -------------------------------------------------------------------------------------


def test_a_quarter_of_the_energy_is_kept_and_no_more_than_needed():
    random = np.random.RandomState(0)
    images = np.clip(
        random.randn(500, 6, 6, 1) * np.linspace(5, 40, 36).reshape(6, 6, 1) + 128, 0, 255
    ).astype(np.uint8)
    mean, components = av_mnist.principal(images, 0.25)
    flat = images.reshape(500, -1).astype(float) - mean
    assert components.T @ components == pytest.approx(np.eye(components.shape[1]))
    kept, fewer = (
        np.square(flat @ part).sum() / np.square(flat).sum()
        for part in (components, components[:, :-1])
    )
    assert fewer < 0.25 <= kept
    seen = av_mnist.projected(images, mean, components)
    assert (seen.shape, seen.dtype) == (images.shape, np.uint8)
    # twice is once
    assert np.abs(av_mnist.projected(seen, mean, components).astype(int) - seen).max() <= 1


def test_recordings_are_by_the_voices_named_and_used_equally_often(clips, monkeypatch):
    monkeypatch.setattr(av_mnist, "_in_noise", lambda wave, random: wave)
    monkeypatch.setattr(av_mnist, "spectrograms", list)
    digits = np.arange(120) % DIGITS
    sounds = av_mnist.heard(clips, digits, voices=SPEAKERS[3:4], seed=0)
    found = np.array([len(sound) - 400 for sound in sounds])  # the length tells which it is
    assert (clips.digits[found] == digits).all()
    assert set(clips.speakers[found].tolist()) == {3}
    # 30 times each digit, 10 recordings
    assert set(np.unique(found, return_counts=True)[1].tolist()) == {3}


def test_noise_is_as_loud_as_the_recording_and_never_the_same():
    wave = 0.5 * np.sin(np.arange(4000))
    random = np.random.RandomState(0)
    alone = [av_mnist._in_noise(np.full(1, 1e-9), random) for _ in range(2)]
    both = av_mnist._in_noise(wave, random)
    assert both.shape == (SAMPLES,)
    assert np.square(alone[0][1:-1]).mean() ** 0.5 == pytest.approx(av_mnist.LOUDNESS, rel=0.05)
    power = np.square(both).reshape(-1, 100).mean(axis=1)
    loud = power > 1.5 * av_mnist.LOUDNESS**2
    assert 30 <= loud.sum() <= 45  # half of the time the digit sounds, and doubles the power
    assert not np.array_equal(alone[0], alone[1])


def test_voices_and_pictures_are_in_one_split_only():
    assert set(av_mnist.VOICES["train"]) == set(av_mnist.VOICES["calibration"])
    apart = [set(av_mnist.VOICES[split]) for split in ("train", "validation", "test")]
    assert set().union(*apart) == set(SPEAKERS)
    assert sum(map(len, apart)) == len(SPEAKERS)


def test_without_either_source_it_says_which_and_where(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "empty"))
    monkeypatch.setattr(tfds_folder, "can_reach", lambda url: "spoken" not in url)
    state = datasets.build("av_mnist", {}).state(tmp_path)
    assert state.startswith("mnist: can be downloaded; spoken_digit: not here.")


@pytest.mark.slow
def test_the_real_thing(tmp_path):
    if (
        not GIVEN
        or not (Path(GIVEN) / "mnist").is_dir()
        or not (Path(GIVEN) / "spoken_digit").is_dir()
    ):
        pytest.skip("TFDS_DATA_DIR does not hold mnist and spoken_digit")
    dataset = datasets.build("av_mnist", {})
    splits = dataset.load(tmp_path, dataset.info.inputs)
    test = dataset.load_sealed(tmp_path, dataset.info.inputs, Ticket("run", "spec"))
    parts = [splits.train, splits.calibration, splits.validation, test]
    assert [len(part) for part in parts] == [12000, 500, 2000, 2000]
    for name, shape in dataset.info.inputs.items():
        assert {part.inputs[name].shape[1:] for part in parts} == {shape}
        contents = [{sample.tobytes() for sample in part.inputs[name]} for part in parts]
        assert len(set().union(*contents)) == sum(map(len, contents)) == 16500
    for part in parts:
        assert np.bincount(part.labels).min() > 0.08 * len(part)
