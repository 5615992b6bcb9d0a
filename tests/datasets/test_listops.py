"""ListOps: known answers, every list worked out again by other means, knobs that change what is
made."""

import re

import numpy as np
import pytest

from framework.contracts import Ticket
from framework.datasets import listops
from framework.datasets.listops import WORDS, Listops, work_out
from framework.errors import InvalidValue


@pytest.fixture(scope="module")
def made():
    return Listops().make()


def written(row):
    return " ".join(WORDS[number] for number in row if number)


def worked_out(text):
    """What a list comes to, innermost lists first, by numpy."""
    known = {
        "MAX": np.max,
        "MIN": np.min,
        "MED": lambda v: int(np.median(v)),
        "SM": lambda v: np.sum(v) % 10,
    }
    while text.startswith("["):
        text = re.sub(
            r"\[([A-Z]+) ([\d ]+) \]",
            lambda list_: str(known[list_[1]]([int(d) for d in list_[2].split()])),
            text,
        )
    return int(text)


@pytest.mark.parametrize(
    ("operator", "values", "answer"),
    [
        ("[MAX", [2, 9, 4], 9),
        ("[MIN", [2, 9, 4], 2),
        ("[MED", [2, 9, 4], 4),
        ("[MED", [1, 2, 9, 4], 3),
        ("[MED", [1, 2, 9, 5], 3),  # 3.5, rounded down
        ("[SM", [9, 9, 4], 2),
    ],
)
def test_operators(operator, values, answer):
    assert work_out(operator, values) == answer


def test_every_answer_is_right(made):
    for arrays in made.values():
        for row, label in zip(arrays["text"], arrays["labels"], strict=True):
            assert worked_out(written(row)) == label


def test_lists_are_as_long_and_as_deep_as_the_rule_says(made):
    texts = np.concatenate([arrays["text"] for arrays in made.values()])
    lengths = (texts > 0).sum(axis=1)
    assert (lengths.min(), lengths.max()) == (8, 32)
    opens, closes = np.isin(texts, [2, 3, 4, 5]), texts == WORDS.index("]")
    depths = np.cumsum(opens.astype(int) - closes, axis=1)
    assert set(depths.max(axis=1)) == {2, 3}
    assert (depths[:, -1] == 0).all()


def test_answers_are_equally_frequent_in_every_split(made):
    for split, arrays in made.items():
        assert np.bincount(arrays["labels"]).tolist() == [listops.SIZES[split] // 10] * 10


def test_knobs_choose_another_data_set(monkeypatch, tmp_path):
    monkeypatch.setattr(
        listops, "SIZES", {"train": 60, "calibration": 10, "validation": 20, "test": 10}
    )
    found = {}
    for knobs in ({"length": 16, "depth": 2}, {"length": 64, "depth": 6}):
        plugin = Listops(**knobs)
        splits = plugin.load(tmp_path, plugin.info.inputs)
        assert splits.train.inputs["text"].shape == (60, knobs["length"])
        assert len(plugin.load_sealed(tmp_path, plugin.info.inputs, Ticket("run", "spec"))) == 10
        found[knobs["length"]] = splits.digests["train"]
    assert len(set(found.values())) == 2
    prepared = {path.name for path in (tmp_path / ".cache" / "tfds" / "listops").iterdir()}
    assert prepared == {"length_16_depth_2", "length_64_depth_6"}
    assert Listops(length=16, depth=2).load(tmp_path, {"text": (16,)}).digests["train"] == found[16]


@pytest.mark.parametrize("knobs", [{"length": 15}, {"depth": 1}, {"length": 10.5}])
def test_lists_that_cannot_be_are_refused(knobs):
    with pytest.raises(InvalidValue):
        Listops(**knobs)
