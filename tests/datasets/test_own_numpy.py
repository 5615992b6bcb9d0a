"""Arrays as numpy users have them: names, labels, splits, ranges of pictures; what is refused, with
the code of each way out run."""

import ast
import re
import struct
import zipfile

import numpy as np
import pytest

from framework.contracts import Ticket, datasets
from framework.errors import InvalidValue

COUNT = 60
RANDOM = np.random.default_rng(0)
CLASS = np.arange(COUNT) % 3
BYTES = RANDOM.integers(0, 256, (COUNT, 6, 8, 3)).astype(np.uint8)
ROWS = RANDOM.normal(50, 9, (COUNT, 4))


def own(root, arrays, **knobs):
    np.savez(root / "mine.npz", **arrays)
    return datasets.build("arrays", {"path": "mine.npz"} | knobs).located(root)


def refusal(dataset):
    with pytest.raises(InvalidValue) as caught:
        dataset.check_available(dataset.path)
    return caught.value


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "inputs"),
    [
        ({"x": BYTES, "y": CLASS}, {"image": (6, 8, 3)}),
        ({"X": ROWS, "y": CLASS}, {"sequence": (4, 1)}),
        ({"data": ROWS, "target": CLASS}, {"sequence": (4, 1)}),
        ({"images": BYTES, "labels": CLASS}, {"image": (6, 8, 3)}),
        ({"x": BYTES[..., 0], "labels": CLASS}, {"image": (6, 8, 1)}),
        ({"x": ROWS[:, 0], "labels": CLASS}, {"sequence": (1, 1)}),
        ({"image": BYTES / 255, "sequence": ROWS, "labels": CLASS}, None),
        ({"left": ROWS, "right": ROWS, "labels": CLASS}, {"left": (4, 1), "right": (4, 1)}),
    ],
)
def test_names_that_are_usual_are_known(tmp_path, names, inputs):
    found = own(tmp_path, names).info.inputs
    assert found == (inputs or {"image": (6, 8, 3), "sequence": (4, 1)})


def test_what_is_no_input_is_left_out_and_said(tmp_path, caplog):
    names = {"ids": np.arange(COUNT), "classes": np.array(["a", "b", "c"])}
    dataset = own(tmp_path, {"image": BYTES, "labels": CLASS} | names)
    assert set(dataset.info.inputs) == {"image"}
    assert caplog.text.count("left out: ids, classes.") == 1


def test_numbers_in_three_dimensions_under_no_name_are_refused_and_either_name_is_taken(tmp_path):
    x = RANDOM.random((COUNT, 6, 8))
    error = refusal(own(tmp_path, {"x": x, "y": CLASS}))
    for name, shape in (("image", (6, 8, 1)), ("sequence", (6, 8))):
        assert f"{name}=x" in error.todo
        assert own(tmp_path, {name: x, "y": CLASS}).info.inputs == {name: shape}


@pytest.mark.parametrize(
    ("train", "test", "validation"),
    [
        ("x_train y_train", "x_test y_test", ""),
        ("train_images train_labels", "test_images test_labels", "val_images val_labels"),
        ("X_train y_train", "", "X_valid y_valid"),
    ],
)
def test_splits_that_come_told_apart_stay_so(tmp_path, train, test, validation):
    arrays, places = {}, {"train": slice(0, 42), "test": slice(42, 51), "val": slice(51, 60)}
    for names, place in zip((train, test, validation), places.values(), strict=True):
        for name, array in zip(names.split(), (BYTES, CLASS), strict=False):
            arrays[name] = array[place]
    dataset = own(tmp_path, arrays)
    splits = dataset.load(tmp_path, dataset.info.inputs)
    sealed = dataset.load_sealed(tmp_path, dataset.info.inputs, Ticket("run", "spec"))
    for samples, place, is_told in (
        (sealed, places["test"], test),
        (splits.validation, places["val"], validation),
    ):
        given = {image.tobytes() for image in (BYTES[place] / np.float32(255))}
        assert ({image.tobytes() for image in samples.inputs["image"]} == given) == bool(is_told)
    parts = (splits.train, splits.calibration, splits.validation, sealed)
    assert sum(map(len, parts)) == sum(map(len, (v for k, v in arrays.items() if v.ndim == 1)))


def test_splits_that_do_not_hold_the_same_are_refused(tmp_path):
    both = {"x_train": ROWS, "y_train": CLASS}
    assert "the split test has other arrays" in str(refusal(own(tmp_path, both | {"x_test": ROWS})))
    only = {"x_test": ROWS, "y_test": CLASS}
    assert "none to train on" in str(refusal(own(tmp_path, only)))


def test_a_folder_of_npy_files_is_the_same_data(tmp_path):
    arrays = {"image": BYTES, "labels": CLASS}
    digests = own(tmp_path, arrays).load(tmp_path, {"image": (6, 8, 3)}).digests
    (tmp_path / "folder").mkdir()
    for name, array in arrays.items():
        np.save(tmp_path / "folder" / f"{name}.npy", array)
    folder = datasets.build("arrays", {"path": "folder"}).located(tmp_path)
    assert folder.load(tmp_path, folder.info.inputs).digests == digests


# --- labels ---------------------------------------------------------------------------------------

NAMES = np.array(["owl", "cat", "dog"])[CLASS]


@pytest.mark.parametrize(
    ("labels", "numbers"),
    [
        (CLASS[:, np.newaxis], CLASS),
        (np.eye(3)[CLASS], CLASS),
        (np.eye(3, dtype=bool)[CLASS], CLASS),
        (CLASS > 0, CLASS > 0),
        (CLASS * 2.0, CLASS),
        (NAMES, (CLASS + 2) % 3),
        (NAMES[:, np.newaxis], (CLASS + 2) % 3),
        (np.char.encode(NAMES), (CLASS + 2) % 3),
        (np.array(["9", "10", "2"])[CLASS], np.array([1, 2, 0])[CLASS]),
    ],
)
def test_labels_of_one_meaning_are_taken(tmp_path, labels, numbers):
    assert own(tmp_path, {"x": ROWS, "y": labels}).read_all()["labels"].tolist() == list(numbers)


def test_labels_that_differ_in_capitals_alone_are_said(tmp_path, caplog):
    assert own(tmp_path, {"x": ROWS, "y": np.array(["a", "A", "b"])[CLASS]}).info.classes == 3
    assert "'A' and 'a' are classes of their own" in caplog.text


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_numbers_of_a_regression_may_stand_in_a_column(tmp_path, shape):
    dataset = own(tmp_path, {"x": ROWS, "y": ROWS[:, 0].reshape(shape)}, task="regression")
    assert (dataset.read_all()["labels"] == ROWS[:, 0]).all()


# --- ranges ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (BYTES.transpose(0, 3, 1, 2), BYTES / 255),
        (BYTES.astype(np.float64), BYTES / 255),
        (BYTES / 255, BYTES / 255),
        (BYTES * 0.99, BYTES * 0.99 / 255),
        (BYTES / 127.5 - 1, BYTES / 255),
        (BYTES.astype(np.uint16) * 257, BYTES / 255),
    ],
    ids=["channels first", "raw floats", "unit", "fractions", "signed", "16 bits"],
)
def test_pictures_of_one_meaning_are_brought_to_0_to_1(tmp_path, image, expected):
    dataset = own(tmp_path, {"image": image, "labels": CLASS})
    assert dataset.info.inputs == {"image": (6, 8, 3)}
    train = dataset.load(tmp_path, dataset.info.inputs).train.inputs["image"]
    wanted = expected.reshape(COUNT, -1).astype(np.float32)
    for picture in train.reshape(len(train), -1):
        assert np.abs(wanted - picture).max(axis=1).min() < 1e-5


def test_pictures_of_fractions_are_resized_like_bytes(tmp_path):
    shapes = {"image": (12, 12, 1)}
    resized = []
    for image in (BYTES, BYTES / 255):
        dataset = own(tmp_path, {"image": image, "labels": CLASS})
        splits = dataset.load(tmp_path, shapes)
        resized.append(np.sort(splits.train.inputs["image"].mean(axis=(1, 2, 3))))
    assert resized[0].mean() == pytest.approx(resized[1].mean(), abs=0.02)
    assert splits.train.inputs["image"].shape[1:] == (12, 12, 1)


def test_numbers_have_the_scale_of_the_train_split(tmp_path):
    series = RANDOM.normal((5, 1e6), (2, 1e4), (COUNT, 7, 2))
    series[:, :, 0] += np.arange(7) * 100  # of steps that grow, the growth stays
    dataset = own(tmp_path, {"rows": ROWS, "series": series, "labels": CLASS})
    train = dataset.load(tmp_path, dataset.info.inputs).train.inputs
    assert train["rows"].mean(axis=0) == pytest.approx(0, abs=1e-5)
    assert train["rows"].std(axis=0) == pytest.approx(1, abs=1e-5)
    assert train["series"].mean(axis=(0, 1)) == pytest.approx(0, abs=1e-4)
    assert train["series"].std(axis=(0, 1)) == pytest.approx(1, abs=1e-4)
    assert train["series"][:, 6, 0].mean() > 1
    plain = own(tmp_path, {"rows": ROWS, "labels": CLASS}, scale="none")
    unscaled = plain.load(tmp_path, plain.info.inputs).train.inputs["rows"]
    assert set(unscaled.ravel()) < set(ROWS.astype(np.float32).ravel())


def test_the_scale_is_left_open_where_a_net_comes_trained(tmp_path):
    rows = own(tmp_path, {"x": ROWS, "y": CLASS})
    assert rows.left_open(trained=True) == {"scale": ("train", "none")}
    assert rows.left_open(trained=False) == {"scale": ("train",)}
    images = own(tmp_path, {"x": BYTES, "y": CLASS})
    assert images.left_open(trained=True) == {"scale": ("train",)}


NAMED = re.compile(r"\b(image|sequence|labels)=")


def code_at(text):
    """The piece of code that a text begins with, up to a comma, or to the end of the sentence."""
    for end in range(1, len(text)):
        if text[end] == "," or f"{text[end:]} ".startswith(". "):
            try:
                ast.parse(text[:end], mode="eval")
            except SyntaxError:
                continue
            return text[:end]
    raise AssertionError(text)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrays", "knobs", "said"),
    [
        ({"image": np.concatenate([BYTES, BYTES[..., :1]], 3)}, {}, "1 or 3 channels"),
        ({"image": BYTES[..., :2]}, {}, "1 or 3 channels"),
        ({"image": BYTES * 4.5}, {}, "in 0 to 1, 0 to 255 or -1 to 1; the array has 0 to 1147.5"),
        ({"sequence": ROWS * 1j}, {}, "something else than numbers"),
        ({"sequence": ROWS[:-3]}, {}, "not as many samples"),
        ({"sequence": np.where(ROWS > 60, np.inf, ROWS)}, {}, r"first such sample: sequence\["),
        ({"sequence": np.where(ROWS > 60, np.nan, ROWS)}, {}, r"first such sample: sequence\["),
        ({"sequence": ROWS * 1e300}, {}, "larger unit"),
        ({"labels": np.eye(3)[CLASS] * 0.4 + 0.2}, {}, "not one-hot"),
        ({"labels": ROWS}, {"task": "regression"}, "one number a sample"),
        ({"labels": NAMES.astype(object)}, {}, "objects of Python"),
        ({"labels": CLASS / 2}, {}, 'task="regression"'),
        ({"labels": CLASS}, {"task": "binary"}, 'task="classes"'),
    ],
)
def test_the_code_of_each_way_out_makes_data_of_it(tmp_path, arrays, knobs, said):
    arrays = {"sequence": ROWS, "labels": CLASS} | arrays
    error = refusal(own(tmp_path, arrays, **knobs))
    assert re.search(said, str(error))
    written = [
        (match[1], code_at(error.todo[match.end() :])) for match in NAMED.finditer(error.todo)
    ]
    settings = re.findall(r'\b(task|scale)="(\w+)"', error.todo)
    assert written or settings
    for name, code in written:
        arrays |= {name: eval(code, {"np": np, **arrays})}
    for knob, value in settings:
        knobs |= {knob: value}
    own(tmp_path, arrays, **knobs).prepare(tmp_path)


def test_heads_are_held_against_what_is_there(tmp_path):
    """A head of 10^9 rows with nothing behind it, and zeros that unpack to much, cost no memory."""
    own(tmp_path, {"image": BYTES, "labels": CLASS})
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    head = content["image.npy"]
    lie = head.replace(b"(60, 6", b"(1000000000, 6")[: len(head)]
    lie = lie[:8] + struct.pack("<H", struct.unpack("<H", head[8:10])[0] + 8) + lie[10:]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("image.npy", lie)
        archive.writestr("labels.npy", content["labels.npy"])
    assert "is not all there" in str(refusal(datasets_of(path)))
    np.savez_compressed(path, image=np.zeros((COUNT, 1100, 1100), np.uint8), labels=CLASS)
    error = refusal(datasets_of(path))
    assert re.search(r"are \d+ times as large as the file.*\n.*\n.*np\.savez", str(error))


def datasets_of(path):
    return datasets.build("arrays", {"path": path.name}).located(path.parent)


def test_a_split_without_samples_is_refused_and_the_ways_out_work(tmp_path):
    error = refusal(own(tmp_path, {"image": BYTES[:0], "labels": CLASS[:0]}))
    assert error.what.endswith("image and labels hold no sample.")
    split = {"x_train": BYTES, "y_train": CLASS}
    empty = {"x_test": BYTES[:0], "y_test": CLASS[:0]}
    assert "leave its arrays out" in refusal(own(tmp_path, split | empty)).todo
    assert own(tmp_path, split).info.classes == 3
