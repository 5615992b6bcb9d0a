"""Refusals of arrays and prepared data that are met nowhere else, each with its way out tried."""

from dataclasses import dataclass

import numpy as np
import pytest

from framework.contracts import DataInfo, datasets
from framework.datasets._prepare.label_arrays import NoLabels, understood
from framework.datasets._sources import array_file, tfds_folder
from framework.datasets._sources.arrays import ArrayDataset
from framework.errors import DataUnavailable, InvalidValue

COUNT = 60
LABELS = np.arange(COUNT) % 3


def own(root, **arrays):
    np.savez(root / "mine.npz", **arrays)
    return datasets.build("arrays", {"path": "mine.npz"}).located(root)


@pytest.mark.parametrize(
    ("labels", "said", "mended"),
    [
        (np.zeros((6, 2, 2)), "labels have shape", lambda labels: labels[:, 0, 0]),
        (np.array(["a", "b", " ", "a"]), r"labels\[2\] is empty", lambda labels: labels[:2]),
        (
            np.array(["2024-01-01", "2024-01-02"], "datetime64[D]"),
            "labels are datetime64",
            lambda labels: labels.astype(str),
        ),
    ],
)
def test_labels_of_no_meaning_are_refused_and_the_way_out_works(labels, said, mended):
    with pytest.raises(NoLabels, match=said) as told:
        understood(labels, regression=False)
    assert told.value.todo
    assert len(understood(mended(labels), regression=False).numbers)


def test_arrays_larger_than_memory_are_refused_and_fewer_samples_are_read(tmp_path, monkeypatch):
    rows = np.random.default_rng(0).random((COUNT, 40))
    monkeypatch.setattr(array_file, "most_bytes", lambda: rows.nbytes)
    with pytest.raises(InvalidValue, match="half of this machine's memory") as told:
        _ = own(tmp_path, sequence=rows, labels=LABELS).info
    assert "fewer samples" in told.value.todo
    assert own(tmp_path, sequence=rows[:30], labels=LABELS[:30]).info.classes == 3


# a small array is read with its head, a large one after it
@pytest.mark.parametrize("columns", [4, 400])
def test_a_file_whose_head_alone_is_sound_is_refused_and_written_again(tmp_path, columns):
    arrays = {"sequence": np.ones((COUNT, columns)) * LABELS[:, None], "labels": LABELS}
    dataset = own(tmp_path, **arrays)
    content = bytearray((tmp_path / "mine.npz").read_bytes())
    content[content.rindex(np.float64(2).tobytes())] ^= 0xFF
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(InvalidValue, match=r"no \.npz file of plain arrays") as told:
        _ = dataset.info
    assert "np.savez" in told.value.todo
    assert own(tmp_path, **arrays).info.classes == 3


@dataclass(frozen=True, kw_only=True)
class Bare(ArrayDataset):
    """Neither a file nor a rule."""

    name, plugin_version, licence, test_size = "bare", 1, "none", 2
    calibration_size = validation_size = 2
    info = DataInfo("classes", 2, {"sequence": (3, 1)})


def test_a_data_set_without_a_file_or_a_rule_says_so():
    with pytest.raises(InvalidValue, match="neither a `file` nor a rule, `make`"):
        Bare().make()


def test_records_of_a_prepared_data_set_that_are_damaged_are_told(monkeypatch, tmp_path):
    def damaged(*_):
        raise tfds_folder.DamagedRecords("Records cannot be read.", given="train: checksum")

    dataset = datasets.build("tfds", {"builder": str(tmp_path), "image": "image"})
    info = DataInfo("classes", 2, {"image": (8, 8, 1)})
    monkeypatch.setattr(type(dataset), "info", info)
    monkeypatch.setattr(type(dataset), "_head", lambda self, name: {"splits": [{"name": "train"}]})
    monkeypatch.setattr(tfds_folder, "samples", damaged)
    with pytest.raises(DataUnavailable, match="is damaged") as told:
        dataset._split("train")
    assert told.value.todo == "Prepare it anew."
