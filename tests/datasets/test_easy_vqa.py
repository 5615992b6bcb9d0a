"""easy-VQA: read from files fetched by hand, in each form they come in.

No picture in two splits.
"""

import io
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from framework.contracts import Ticket
from framework.datasets import easy_vqa
from framework.datasets._sources import tfds_folder
from framework.datasets.easy_vqa import ANSWERS, EasyVqa, read_source
from framework.errors import DataUnavailable
from framework.nn.backend import tf

TRAIN, TEST, ASKED = 20, 5, 6  # pictures, and questions on each
SHAPES = EasyVqa.info.inputs
TICKET = Ticket("run", "spec")


class Small(EasyVqa):
    calibration_size, validation_size = 3, 5


def made_up():
    """The files: each picture has one colour of its own, the n-th question is answered by the n-th
    answer."""
    files = {"answers.txt": "\n".join(ANSWERS).encode()}
    for split, count, shift in (("train", TRAIN, 0), ("test", TEST, 100)):
        for number in range(count):
            image = tf.fill((64, 64, 3), tf.constant(number + shift, tf.uint8))
            files[f"{split}/images/{number}.png"] = tf.io.encode_png(image).numpy()
        asked = [
            [f"is it {split} {n}?", ANSWERS[n], number]
            for number in range(count)
            for n in range(ASKED)
        ]
        files[f"{split}/questions.json"] = json.dumps(asked).encode()
    return files


def write_folder(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_archive(path, files, top=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{top}{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.fixture(scope="module")
def files():
    return made_up()


@pytest.fixture
def manual(tmp_path, monkeypatch):
    """The folder for files fetched by hand; nothing else has any."""
    monkeypatch.setattr(easy_vqa, "QUESTIONS", {"train": TRAIN * ASKED, "test": TEST * ASKED})
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TFDS_MANUAL_DIR", str(tmp_path / "manual"))
    return tmp_path / "manual"


@pytest.mark.parametrize("top", ["", "./", "easy-VQA-master/data/"])
def test_the_archive_may_be_the_authors_or_packed_by_hand(tmp_path, files, top):
    path = tmp_path / "easy_vqa.tar.gz"
    write_archive(path, files, top)
    assert read_source(path) == files


def test_pictures_are_split_and_questions_follow(tmp_path, files, manual):
    write_archive(manual / "easy_vqa.tar.gz", files)
    dataset, root = Small(questions=4), tmp_path / "root"
    assert dataset.state(root) == f"files in {manual / 'easy_vqa.tar.gz'}, to be read"
    splits = dataset.load(root, SHAPES)
    parts = [
        splits.train,
        splits.calibration,
        splits.validation,
        dataset.load_sealed(root, SHAPES, TICKET),
    ]
    assert [len(part) for part in parts] == [12 * 4, 3 * 4, 5 * 4, TEST * ASKED]
    words = dataset.vocabulary(root, "question")
    pictures = []
    for part in parts:
        image, question = part.inputs["image"], part.inputs["question"]
        assert (image.shape[1:], image.dtype) == ((64, 64, 3), np.float32)
        assert (question.shape[1:], question.dtype) == ((10,), np.int32)
        told = [" ".join(words[token] for token in row if token) for row in question]
        if part is parts[-1]:
            assert set(told) == {f"is it <unknown> {n} ?" for n in range(ASKED)}
        assert [int(text.split()[3]) for text in told] == part.labels.tolist()
        assert (image == image[:, :1, :1, :1]).all()
        shades = np.rint(image[:, 0, 0, 0] * 255).astype(int).tolist()
        assert len(set(zip(shades, told, strict=True))) == len(part)
        pictures.append(set(shades))
    assert [len(shades) for shades in pictures] == [12, 3, 5, TEST]
    assert set().union(*pictures) == {*range(TRAIN), *range(100, 100 + TEST)}
    small = dataset.load(root, {"image": (32, 32, 1)}).train
    assert small.inputs["image"].shape == (48, 32, 32, 1)
    assert np.array_equal(small.labels, splits.train.labels)
    more = Small(questions=6).load(root, SHAPES)  # the same pictures, more questions on each
    assert len(more.train) == 72
    assert {image.tobytes() for image in more.train.inputs["image"]} == {
        image.tobytes() for image in splits.train.inputs["image"]
    }


def test_a_folder_will_do(tmp_path, files, manual):
    write_folder(manual / "easy_vqa", files)
    assert len(Small().load(tmp_path / "root", SHAPES).train) == 48


def test_where_to_put_it_is_said(tmp_path, manual, monkeypatch):
    assert "TFDS_MANUAL_DIR" in Small().state(tmp_path)
    monkeypatch.delenv("TFDS_MANUAL_DIR")
    with pytest.raises(DataUnavailable) as caught:
        Small().load(tmp_path, SHAPES)
    said = str(caught.value)
    assert f"easy_vqa.tar.gz into {tmp_path / '.cache' / 'tfds' / 'downloads' / 'manual'}" in said
    assert str(tmp_path / "data" / "downloads" / "manual") in said


@pytest.mark.parametrize("harm", ["cut", "other"])
def test_a_file_that_is_something_else(tmp_path, files, manual, harm):
    write_archive(manual / "easy_vqa.tar.gz", {"train/images/0.png": b"", "read.me": b""})
    if harm == "cut":
        content = (manual / "easy_vqa.tar.gz").read_bytes()
        (manual / "easy_vqa.tar.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataUnavailable, match=r"easy_vqa\.tar\.gz (cannot be read|does not hold)"):
        Small().load(tmp_path / "root", SHAPES)
    assert not list((tmp_path / "root" / ".cache" / "data").glob("easy_vqa-*"))


def test_another_number_of_questions_is_refused(tmp_path, files, manual, monkeypatch):
    monkeypatch.setattr(easy_vqa, "QUESTIONS", {"train": 7, "test": 7})
    write_archive(manual / "easy_vqa.tar.gz", files)
    with pytest.raises(DataUnavailable, match="has 7 questions in train"):
        Small().load(tmp_path / "root", SHAPES)


def test_the_real_thing(tmp_path):
    if not os.environ.get("TFDS_MANUAL_DIR") or not tfds_folder.find_manual(tmp_path, "easy_vqa"):
        pytest.skip("TFDS_MANUAL_DIR does not hold easy_vqa")
    dataset = EasyVqa()
    splits = dataset.load(tmp_path, SHAPES)
    test = dataset.load_sealed(tmp_path, SHAPES, TICKET)
    parts = [splits.train, splits.calibration, splits.validation, test]
    assert [len(part) for part in parts] == [13958, 399, 1594, 9673]
    assert len(dataset.vocabulary(tmp_path, "question")) == dataset.info.tokens["question"]
    assert max(part.inputs["question"].max() for part in parts) == 28
    assert min(part.inputs["question"][:, 3].min() for part in parts) > 0
    pictures = [{image[::2, ::2].tobytes() for image in part.inputs["image"]} for part in parts]
    assert [len(some) for some in pictures] == [3500, 100, 400, 1000]
    assert len(set().union(*pictures)) == 5000
    for part in parts:
        share = np.bincount(part.labels, minlength=13) / len(part)
        assert share[[ANSWERS.index("yes"), ANSWERS.index("no")]] == pytest.approx(0.365, abs=0.05)
    assert Path(tmp_path / ".cache" / "tfds" / "easy_vqa").is_dir()
