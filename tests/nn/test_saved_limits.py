"""Nets of files that are against their reader: each is refused, within limits, in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from saved_files import write_keras

from benchmarks.attacks import nets
from framework.errors import InvalidStudy
from framework.nn import saved
from framework.nn.saved import Feed, limits
from framework.system.child import ChildEnded

IMAGE = Feed("image", (8, 8, 1), (8, 8, 1))


def words_of(root: Path, name: str) -> str:
    file, content = nets.contents()[name]
    (root / file).write_bytes(content())
    with pytest.raises(InvalidStudy) as caught:
        saved.model(saved.load(root / file), [IMAGE])
    assert file in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("declares 100 GB", "too large: (10, 2500000000)"),
        ("declares 900 MB", "too large"),
        ("a billion units", "is to end in"),
        ("models 100 deep", "more than 32 deep"),
        ("lists 100 000 deep", "recursion"),
        ("models doubled 25 times", "more than 2,000 layers"),
        ("a circle", "in a circle"),
        ("a heap without end", "damaged"),
    ],
)
def test_what_a_file_says_of_itself_is_not_believed(tmp_path: Path, name: str, words: str) -> None:
    assert words in words_of(tmp_path, name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("repeats 3 million times", "192,000,000 for one sample"),
        ("scales up to 33 000 x 33 000", "1,073,741,824 for one sample"),
        ("pads by a million", "for one sample"),
        ("a loop of 100 000 steps", "At most 1,024"),
        ("a GRU of 5 000 steps", "5,000 steps, which are exported one by one"),
    ],
)
def test_a_net_that_makes_too_much_of_little_is_refused(
    tmp_path: Path, name: str, words: str
) -> None:
    assert words in words_of(tmp_path, name)


def test_attention_over_too_many_steps_is_refused(tmp_path: Path) -> None:
    layers = [
        nets.layer("Flatten", "flat", "x"),
        nets.layer("RepeatVector", "many", "flat", n=5000),
        nets.layer("Attention", "held", "many", "many"),
        nets.layer("GlobalAveragePooling1D", "mean", "held"),
    ]
    (tmp_path / "net.h5").write_bytes(nets.sound(*layers))
    with pytest.raises(InvalidStudy, match="5,000 steps against one another"):
        saved.model(saved.load(tmp_path / "net.h5"), [IMAGE])


@pytest.mark.parametrize("told", [None, 1000])
def test_what_is_packed_in_a_file_is_not_unpacked_whole(tmp_path: Path, told: int | None) -> None:
    path = tmp_path / "bomb.keras"
    path.write_bytes(nets.bomb("model.weights.h5", 2**27 + 2**20, told=told))
    assert path.stat().st_size < 2**19
    with pytest.raises(InvalidStudy, match=r"bomb\.keras cannot be used"):
        saved.load(path)


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (ChildEnded("silent", "its time"), "more than 10 s of computing"),
        (ChildEnded("memory", "384.0 MB"), "more memory than"),
        (ChildEnded("crashed", "SIGSEGV"), "ended with SIGSEGV"),
    ],
)
def test_a_file_that_its_reader_does_not_survive_is_not_read_here(
    tmp_path: Path, ended: ChildEnded, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object, **__: object) -> None:
        raise ended

    monkeypatch.setattr(limits._worker, "ask", ask)
    monkeypatch.setattr(saved.net, "read_here", lambda *_: pytest.fail("it is read here"))
    path = write_keras(tmp_path / "net.keras")
    for _ in range(2):
        with pytest.raises(InvalidStudy) as caught:
            saved.load(path)
        assert words in str(caught.value)
