"""Data sets of one's own arrays: split by the published rule, refused where they are not what is
said of them."""

import hashlib
import io

import numpy as np
import pytest

from framework.contracts import DataInfo, Ticket
from framework.datasets._sources.arrays import ArrayDataset
from framework.errors import DataUnavailable, InvalidValue

SHAPES = {"image": (4, 4, 1)}


def arrays(count=60, classes=3):
    images = np.arange(count * 16, dtype=np.uint32).reshape(count, 4, 4, 1) * 7 % 256
    return {"image": images.astype(np.uint8), "labels": np.arange(count) % classes}


class Made(ArrayDataset):
    """Made by rule."""

    name, plugin_version = "made", 1
    info = DataInfo(task="classes", classes=3, inputs=SHAPES)
    test_size, calibration_size, validation_size = 12, 6, 9
    given = arrays()

    def make(self):
        return self.given


class Filed(Made):
    """From a file."""

    name = "filed"
    file = "mine.npz"


def whole(dataset, root):
    splits = dataset.load(root, SHAPES)
    test = dataset.load_sealed(root, SHAPES, Ticket("run", "spec"))
    return [splits.train, splits.calibration, splits.validation, test]


def test_four_disjoint_splits_with_the_classes_in_proportion(tmp_path):
    assert Made().state(tmp_path) == "made by rule"
    Made().prepare(tmp_path)
    assert Made().state(tmp_path) == "cached"
    parts = whole(Made(), tmp_path)
    assert [len(part) for part in parts] == [33, 6, 9, 12]
    for part in parts:
        assert np.bincount(part.labels).tolist() == [len(part) // 3] * 3
        assert part.labels.dtype == np.int64
    seen = [image.tobytes() for part in parts for image in part.inputs["image"]]
    given = [(image / np.float32(255)).astype(np.float32).tobytes() for image in arrays()["image"]]
    assert sorted(seen) == sorted(given)


def test_the_order_in_which_samples_come_does_not_matter(tmp_path):
    class Shuffled(Made):
        def make(self):
            return {name: value[::-1] for name, value in self.given.items()}

    assert (
        Shuffled().load(tmp_path / "a", SHAPES).digests
        == Made().load(tmp_path / "b", SHAPES).digests
    )


def test_a_file_says_where_it_belongs_and_is_held_to_its_sha256(tmp_path):
    filed, path = Filed(), tmp_path / "mine.npz"
    assert filed.state(tmp_path).startswith("not here. Put mine.npz into the project's folder")
    with pytest.raises(DataUnavailable, match=r"image \(uint8, n x 4 x 4 x 1\) and labels"):
        filed.prepare(tmp_path)
    np.savez(path, **arrays())
    with pytest.raises(InvalidValue) as caught:
        filed.check_available(tmp_path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found in str(caught.value)

    class Named(Filed):
        sha256 = found

    assert Named().state(tmp_path) == "in mine.npz"
    assert Named().load(tmp_path, SHAPES).digests == Made().load(tmp_path, SHAPES).digests
    np.savez(path, **arrays(59))
    Named().check_available(tmp_path)  # cached: the file is not needed any more
    assert [len(part) for part in whole(Named(), tmp_path)] == [33, 6, 9, 12]

    class Other(Filed):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    assert len(whole(Other(), tmp_path)[0]) == 32


def changed(**changes):
    return {name: value for name, value in (arrays() | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (changed(labels=None), "The arrays are image, labels"),
        (changed(sound=np.zeros(60)), "Given: image, labels, sound"),
        (changed(image=arrays()["image"] / 255), "'image' is uint8 of shape"),
        (changed(image=arrays()["image"][..., 0]), "Given: uint8 of shape"),
        (changed(image=arrays(59)["image"]), "one label for each sample"),
        (changed(labels=np.arange(60) % 4), "whole numbers, 0 to 2"),
        (changed(labels=np.arange(60) % 3 - 1), "-1 to 1"),
        (changed(labels=np.arange(60) / 60), "whole numbers"),
        (changed(labels=np.zeros((60, 3), int)), "of shape \\(60, 3\\)"),
    ],
)
def test_arrays_that_are_not_what_is_said_of_them(tmp_path, given, said):
    class Wrong(Made):
        pass

    Wrong.given = given
    with pytest.raises(InvalidValue, match=said):
        Wrong().prepare(tmp_path)
    assert not list(tmp_path.glob(".cache/data/made-*"))


def lone_array():
    buffer = io.BytesIO()
    np.save(buffer, arrays()["image"])
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", b"PK\x03\x04cut", lone_array()],
    ids=["empty", "text", "cut", "npy"],
)
def test_a_file_that_is_no_archive(tmp_path, content):
    (tmp_path / "mine.npz").write_bytes(content)

    class Broken(Filed):
        sha256 = hashlib.sha256(content).hexdigest()

    with pytest.raises(InvalidValue, match=r"no \.npz file"):
        Broken().prepare(tmp_path)


def test_a_regression_keeps_its_numbers(tmp_path):
    class Regression(Made):
        info = DataInfo(task="regression", classes=0, inputs=SHAPES)
        given = changed(labels=np.linspace(-1, 1, 60))

    train = Regression().load(tmp_path, SHAPES).train
    assert train.labels.dtype == np.float32
    assert train.labels.min() < 0


def test_inputs_besides_pictures_have_the_types_that_nets_read(tmp_path):
    class Several(Made):
        info = DataInfo(
            task="classes",
            classes=3,
            inputs={**SHAPES, "text": (5,), "sequence": (6, 2)},
            tokens={"text": 9},
        )
        given = changed(text=np.ones((60, 5), np.int32), sequence=np.ones((60, 6, 2), np.float32))

    train = Several().load(tmp_path, Several.info.inputs).train
    assert {name: array.dtype for name, array in train.inputs.items()} == {
        "image": np.float32,
        "text": np.int32,
        "sequence": np.float32,
    }
    Several.given = Several.given | {"text": np.ones((60, 5))}
    with pytest.raises(InvalidValue, match="'text' is int32"):
        Several().prepare(tmp_path / "other")
