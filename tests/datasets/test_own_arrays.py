"""What the numbers of one's own arrays are taken for: known answers for pictures, tables, tokens
and labels."""

import numpy as np
import pytest

from framework.contracts import architectures, datasets
from framework.errors import InvalidValue

COUNT = 24
LABELS = np.arange(COUNT) % 3
BYTES = (np.arange(COUNT * 12).reshape(COUNT, 2, 2, 3) % 256).astype(np.uint8)


def own(root, *, task="classes", labels=LABELS, scale="auto", **inputs):
    np.savez(root / "mine.npz", labels=labels, **inputs)
    knobs = {"path": "mine.npz", "task": task, "scale": scale}
    return datasets.build("arrays", knobs).located(root)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300], ids=str)
@pytest.mark.parametrize("name", ["image", "sequence", "audio", "text"])
def test_what_is_no_finite_number_is_refused_with_its_sample(tmp_path, name, value):
    array = np.zeros(
        (COUNT, *{"image": (2, 2, 3), "audio": (4, 3, 1), "sequence": (5, 2)}.get(name, (5,)))
    )
    array[[7, 11]] = value
    with pytest.raises(InvalidValue, match=rf"(?s){name} holds NaN, inf.*{name}\[7\]"):
        own(tmp_path, **{name: array}).check_available(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_labels_of_a_regression_are_finite(tmp_path, value):
    labels = np.linspace(-1, 1, COUNT)
    labels[5] = value
    with pytest.raises(InvalidValue, match=r"labels\[5\]"):
        own(tmp_path, task="regression", labels=labels, sequence=np.zeros((COUNT, 4))).prepare(
            tmp_path
        )


@pytest.mark.parametrize(
    "kind", ["uint8", "int16", "int64", "uint16", ">i4", "float16", "float32", "float64"]
)
def test_whole_numbers_of_any_type_are_bytes(tmp_path, kind):
    found = own(tmp_path, image=BYTES.astype(kind)).read_all()["image"]
    assert found.dtype == np.uint8
    assert (found == BYTES).all()


def test_the_same_pictures_are_the_same_splits_whatever_their_type(tmp_path):
    digests = []
    for kind in ("uint8", "int64", "float32"):
        dataset = own(tmp_path, image=BYTES.astype(kind))
        digests.append(dataset.load(tmp_path, dataset.info.inputs).digests)
        assert dataset.load(tmp_path, dataset.info.inputs).train.inputs["image"].max() <= 1
    assert digests[0] == digests[1] == digests[2]


@pytest.mark.parametrize(
    "image",
    [
        BYTES / 255,  # scaled already
        (BYTES > 9).astype(np.float32),  # black and white
        BYTES > 9,
        BYTES.astype(np.float32) - 1,  # centred
        BYTES.astype(np.int32) * 4,  # more than bytes hold
        BYTES + 0.5,
    ],
    ids=["unit", "two", "bool", "negative", "wide", "fractions"],
)
def test_other_pictures_stay_as_they_are_if_asked(tmp_path, image):
    found = own(tmp_path, scale="none", image=image).read_all()["image"]
    assert found.dtype == np.float32
    assert (found == image.astype(np.float32)).all()


@pytest.mark.parametrize("smallest", [0, -5])
def test_a_table_of_whole_numbers_holds_numbers(tmp_path, smallest):
    table = np.stack([np.arange(COUNT) + smallest, np.arange(COUNT) * 10_000], axis=1)
    dataset = own(tmp_path, sequence=table)
    assert (dict(dataset.info.inputs), dict(dataset.info.tokens)) == ({"sequence": (2, 1)}, {})
    found = dataset.read_all()["sequence"]
    assert found.dtype == np.float32
    assert (found[:, :, 0] == table).all()


@pytest.mark.parametrize("name", ["text", "question", "tokens"])
@pytest.mark.parametrize("kind", ["int64", "uint8", "float32"])
def test_tokens_are_under_the_names_of_texts(tmp_path, name, kind):
    tokens = (np.arange(COUNT * 5).reshape(COUNT, 5) % 40).astype(kind)
    dataset = own(tmp_path, **{name: tokens})
    assert (dict(dataset.info.inputs), dict(dataset.info.tokens)) == ({name: (5,)}, {name: 40})
    found = dataset.read_all()[name]
    assert found.dtype == np.int32
    assert (found == tokens).all()


@pytest.mark.parametrize(
    ("labels", "task", "classes"),
    [
        (LABELS + 1, "classes", 3),
        (LABELS.astype(np.uint8) + 1, "classes", 3),
        (LABELS * 7 - 7, "classes", 3),
        ((LABELS > 0) + 1, "binary", 2),
        (np.where(LABELS > 0, 1, -1), "binary", 2),
    ],
)
def test_classes_are_numbered_by_what_occurs(tmp_path, labels, task, classes):
    dataset = own(tmp_path, task=task, labels=labels, sequence=np.zeros((COUNT, 4)))
    assert dataset.info.classes == classes
    found = dataset.read_all()["labels"]
    assert found.dtype == np.int64
    assert found.tolist() == [sorted(set(labels.tolist())).index(label) for label in labels]


def test_a_class_of_one_sample_is_refused_with_its_number(tmp_path):
    labels = LABELS.copy()
    labels[9] = 77
    with pytest.raises(InvalidValue, match=r"77 is that of one sample only: labels\[9\]"):
        own(tmp_path, labels=labels, image=BYTES).check_available(tmp_path)


PICTURES = (np.arange(COUNT * 16 * 16 * 3).reshape(COUNT, 16, 16, 3) % 251).astype(np.uint8)


@pytest.mark.parametrize(
    "images",
    [PICTURES / 255, np.moveaxis(PICTURES, -1, 1), PICTURES[..., 0]],
    ids=["floats", "channels first", "no channels"],
)
def test_pictures_of_every_kind_have_every_size(tmp_path, images):
    asked = {"image": (28, 28, 3)}
    dataset = own(tmp_path, image=images)
    assert dataset.load(tmp_path, asked).train.inputs["image"].shape[1:] == (28, 28, 3)
    lenet = architectures.build("lenet5", {})
    channels = dataset.info.inputs["image"][-1]
    assert lenet.input_shapes(dataset.info) == {"image": (28, 28, channels)}
