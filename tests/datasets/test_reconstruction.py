"""Data whose task is to rebuild the input: what is learnt from, what is an anomaly, what is
refused."""

import numpy as np
import pytest
from PIL import Image

from framework import Study, use
from framework.contracts import Catalog, DataInfo, Head, Ticket, datasets
from framework.datasets._prepare.digits import digits_by_split
from framework.datasets.digits_anomaly import halved
from framework.errors import InvalidStudy, InvalidValue, UnknownName
from framework.planning.resolve import resolve

COUNT, ANOMALIES = 80, 10
ROWS = np.random.default_rng(0).normal(size=(COUNT, 6)).astype(np.float32)
LABELS = (np.arange(COUNT) % (COUNT // ANOMALIES) == 0).astype(np.int64)


def own(root, name, **knobs):
    return datasets.build(name, {"task": "reconstruction"} | knobs).located(root)


def arrays(root, **more):
    np.savez(root / "mine.npz", sequence=ROWS, **more)
    return own(root, "arrays", path="mine.npz")


def table(root, head, rows, **knobs):
    lines = [head, *(",".join(map(str, row)) for row in rows)]
    (root / "mine.csv").write_text("\n".join(lines), "utf-8")
    return own(root, "csv", path="mine.csv", **knobs)


def split_labels(dataset, root):
    shapes = dataset.info.inputs
    splits = dataset.load(root, shapes)
    test = dataset.load_sealed(root, shapes, Ticket("run", "spec"))
    return splits.train.labels, splits.calibration.labels, splits.validation.labels, test.labels


def with_labels(root, labels):
    return table(
        root, "a,b,label", [(*row[:2], label) for row, label in zip(ROWS, labels, strict=True)]
    )


def pictures(root, labels):
    for number, label in enumerate(labels):
        folder = root / "photos" / ("anomaly" if label else ("good", "fine")[number % 2])
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return own(root, "image_folder", path="photos", side=8)


@pytest.mark.parametrize(
    "made", [lambda root, labels: arrays(root, labels=labels), with_labels, pictures]
)
def test_only_normal_samples_are_learnt_from(tmp_path, made):
    dataset = made(tmp_path, LABELS)
    assert (dataset.info.task, dataset.info.classes) == ("reconstruction", 2)
    train, calibration, validation, test = split_labels(dataset, tmp_path)
    assert not train.any()
    assert not calibration.any()
    # none is lost: each is where it can be told
    assert validation.sum() + test.sum() == ANOMALIES
    assert 0 < validation.sum() < len(validation)
    assert sum(map(len, (train, calibration, validation, test))) == COUNT


def test_few_normal_samples_are_enough_beside_many_anomalies(tmp_path):
    labels = (np.arange(COUNT) >= 20).astype(np.int64)
    train, calibration, validation, _ = split_labels(arrays(tmp_path, labels=labels), tmp_path)
    assert len(train) > len(calibration) > 0
    assert 0 < validation.sum() < len(validation)


@pytest.mark.parametrize(
    "made",
    [arrays, lambda root: table(root, "a,b", ROWS[:, :2]), lambda root: pictures(root, LABELS * 0)],
)
def test_without_labels_every_sample_is_normal(tmp_path, made):
    dataset = made(tmp_path)
    assert dataset.info.classes == 0
    assert not np.concatenate(split_labels(dataset, tmp_path)).any()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (LABELS + 1, r"0 for normal samples and 1.*\n.*Found: 2, in sample 0"),
        (np.eye(1, COUNT, 5, dtype=np.int64)[0], r"\nAnomalies: 1 of 80"),
        (np.ones(COUNT, np.int64), r"\nAnomalies: 80 of 80"),
    ],
)
def test_other_labels_are_refused_and_may_be_left_out(tmp_path, labels, said):
    with pytest.raises(InvalidValue, match=said) as told:
        arrays(tmp_path, labels=labels).check_available(tmp_path)
    assert "leave the labels out" in str(told.value).lower()
    assert arrays(tmp_path).info.classes == 0  # the way out


def test_words_in_a_table_are_no_labels_of_anomalies(tmp_path):
    words = np.where(LABELS, "broken", "good")
    with pytest.raises(InvalidValue, match="Found: 'broken' in the column 'label', row 2"):
        with_labels(tmp_path, words).check_available(tmp_path)


def test_a_column_that_is_asked_for_has_to_be_there(tmp_path):
    with pytest.raises(InvalidValue, match="there is no column 'state'"):
        table(tmp_path, "a,b", ROWS[:, :2], target="state").check_available(tmp_path)


def asking_for_auc(root, dataset):
    data = use(dataset.name, path=dataset.path, task="reconstruction")
    return resolve(
        Study(
            dataset=data,
            architecture=use("autoencoder"),
            objectives={"val_auc": "max", "params_nonzero": "min"},
        ),
        Catalog(),
        root,
    )


def test_the_auc_can_be_asked_for_where_anomalies_are_labelled(tmp_path):
    assert "val_auc" in asking_for_auc(tmp_path, arrays(tmp_path, labels=LABELS)).objectives
    with pytest.raises(UnknownName, match="called 'val_auc'"):
        asking_for_auc(tmp_path, arrays(tmp_path))


@pytest.mark.parametrize(
    ("more", "net"),
    [
        ({"audio": np.zeros((COUNT, 4, 3, 1))}, "image_audio"),
        ({"text": np.ones((COUNT, 4), np.int64)}, "image_text"),
    ],
)
def test_a_net_of_several_inputs_rebuilds_none(tmp_path, more, net):
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "mine.npz", image=images, **more)
    data = use("arrays", path="mine.npz", task="reconstruction")
    knobs = {"reads": "both"} if net == "image_audio" else {}
    with pytest.raises(InvalidStudy, match="one input"):
        resolve(Study(dataset=data, architecture=use(net, **knobs)), Catalog(), tmp_path)


def test_an_autoencoder_is_for_reconstruction_only():
    with pytest.raises(InvalidStudy, match=r"rebuilds its input.*\n.*classes"):
        resolve(Study(dataset=use("digits"), architecture=use("autoencoder")), Catalog())


def test_the_head_has_a_unit_for_each_number_of_the_input():
    info = DataInfo(task="reconstruction", classes=0, inputs={"audio": (5, 4, 1)})
    assert Head.of(info) == Head(20, "linear")


def test_an_anomaly_has_the_halves_of_two_different_digits():
    digits = digits_by_split()["validation"]
    made = halved(digits["image"], digits["labels"])
    assert (made[:, :, :4] == digits["image"][:, :, :4]).all()
    for picture, digit in zip(made, digits["labels"], strict=True):
        same = (digits["image"][:, :, 4:] == picture[:, 4:]).all(axis=(1, 2, 3))
        assert set(digits["labels"][same]) - {digit}
