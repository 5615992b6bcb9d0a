"""A change of bits fails until the plug-in's version goes up.

`pins.py` beside this file says how pins are added.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

PLACE = Path(__file__).with_name("pins.py")
SPEC = importlib.util.spec_from_file_location("pins", PLACE)
pins = sys.modules["pins"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(pins)

LONG = {"ds_cnn", "image_text", "transformer"}  # to trace and train
CASES = [(kind, name) for kind, (names, _) in pins.TRAINED.items() for name in names]
MARKED = [
    pytest.param(*case, marks=[pytest.mark.slow] if case[1] in LONG else []) for case in CASES
]
ADD = "python tests/contract/pins.py --write"
NEAR = 0.1  # of accuracy, between machines: 4 of 40 samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pins")


def older(key, known):
    """Whether a version of this plug-in has a pin, though not this one."""
    return any(other.split()[:2] == key.split()[:2] for other in known)


@pytest.mark.parametrize(("kind", "name"), MARKED)
def test_a_short_training_gives_the_bits_of_its_version(kind, name, folder):
    key, known = pins.key_of(kind, name), pins.read(pins.file_of(pins.fingerprint()))
    expected = known.get(key) or pins.elsewhere().get(key)
    assert expected or not older(key, known | pins.elsewhere()), (
        f"{key} is a new version without a pin: {ADD}"
    )
    if not expected:
        pytest.skip(f"{key} has no pin on any machine. {ADD} adds one.")
    found = pins.TRAINED[kind][1](name, folder)
    if key in known:
        assert found == expected, f"{key} has other bits than it had: raise its version, then {ADD}"
        return
    assert found["quality"] == pytest.approx(expected["quality"], abs=NEAR)
    pytest.skip(
        f"{key} has no pin for this machine; its quality is that of another. {ADD} adds one."
    )


@pytest.mark.parametrize("name", pins.PRUNING)
def test_fixed_numbers_give_the_masks_of_their_version_on_every_machine(name):
    key, known = pins.key_of("strategy", name), pins.read(pins.MASKS)
    assert key in known or not older(key, known), (
        f"The masks of {key}, a new version, have no pin: {ADD}"
    )
    if key not in known:
        pytest.skip(f"The masks of {key} have no pin. {ADD} adds one.")
    found = pins.mask_pin(name)
    assert found["zeros"] > 0
    assert found == known[key], (
        f"{key} draws other masks than it did: raise its version, then {ADD}"
    )


def test_a_pin_that_is_there_is_never_written_over(tmp_path, monkeypatch, capsys):
    kept = {pins.key_of(kind, name): {"weights": "kept"} for kind, name in CASES}
    masks = {pins.key_of("strategy", name): {"masks": "kept"} for name in pins.PRUNING[1:]}
    monkeypatch.setattr(pins, "FOLDER", tmp_path)
    monkeypatch.setattr(pins, "MASKS", tmp_path / "masks.json")
    pins.file_of(pins.fingerprint()).write_text(pins.json.dumps({"pins": kept}))
    pins.MASKS.write_text(pins.json.dumps({"pins": masks}))
    pins.main(["--write"])
    first = pins.key_of("strategy", pins.PRUNING[0])
    assert f"no pin: masks of {first}" in capsys.readouterr().out
    assert pins.read(pins.file_of(pins.fingerprint())) == kept
    assert pins.read(pins.MASKS) == masks | {first: pins.mask_pin(pins.PRUNING[0])}
