"""Data sets that none of our machines has: TFDS's own features, filled with made-up samples by its
`mock_data`."""

from collections import Counter

import numpy as np
import pytest

from framework.contracts import Ticket, datasets
from framework.datasets._prepare.text import SPECIAL
from framework.datasets._sources import tfds_folder

RANDOM = np.random.default_rng(0)
WORDS = [f"word{number}" for number in range(60)]
OFTEN, ONLY_IN_TEST, IN_BOTH = "the", "testword", "Seen TWICE."


def review(split, number):
    if number == 0:
        return {"text": IN_BOTH, "label": 1}
    drawn = [*[OFTEN] * 20, *RANDOM.choice(WORDS, RANDOM.integers(200, 300))]
    return {"text": " ".join([ONLY_IN_TEST] * (split == "test") + drawn), "label": number % 2}


def news(split, number):
    if number == 0:
        return {"title": "Seen", "description": "TWICE.", "label": 1}
    title = f"{OFTEN} {OFTEN.upper()} {ONLY_IN_TEST if split == 'test' else ''}"
    return {"title": title, "description": " ".join(RANDOM.choice(WORDS, 80)), "label": number % 4}


def command(split, number):
    """Up to one second of noise; of other words four times as many as of each known one."""
    noise = RANDOM.integers(-9000, 9000, RANDOM.integers(9000, 16000))
    return {"audio": noise.astype(np.int16), "label": min(number % 15, 11)}


MADE = {
    "imdb_reviews": (review, {"train": 120, "test": 40}),
    "ag_news_subset": (news, {"train": 120, "test": 40}),
    "speech_commands": (command, {"train": 150, "validation": 60, "test": 30}),
}


@pytest.fixture(params=MADE)
def mocked(request, tmp_path, monkeypatch):
    """The data set, smaller, whose TFDS builder gives made-up samples."""
    make, sizes = MADE[request.param]
    dataset = datasets.build(request.param, {})
    tfds, folder = tfds_folder.load_tfds(), tmp_path / "prepared"
    from framework.nn.backend import tf

    def as_dataset(self, split, **kwargs):
        samples = [make(split, number) for number in range(sizes[split])]
        spec = {
            name: tf.TensorSpec(item.shape, item.dtype)
            for name, item in self.info.features.get_tensor_info().items()
        }
        return tf.data.Dataset.from_generator(lambda: iter(samples), output_signature=spec)

    monkeypatch.setattr(type(dataset), "calibration_size", 10)
    monkeypatch.setattr(type(dataset), "validation_size", 20)
    monkeypatch.setattr(type(dataset), "_source", lambda self, root: folder)
    folder.mkdir()
    own = tfds.builder(f"{dataset.builder}:{dataset.builder_version}", data_dir=str(tmp_path))
    own.info.write_to_directory(folder)
    with tfds.testing.mock_data(as_dataset_fn=as_dataset, data_dir=str(folder)):
        yield dataset


def test_made_up_samples_become_four_splits(mocked, tmp_path):
    assert type(mocked).untested
    splits = mocked.load(tmp_path, mocked.info.inputs)
    test = mocked.load_sealed(tmp_path, mocked.info.inputs, Ticket("run", "spec"))
    parts = [splits.train, splits.calibration, splits.validation, test]
    sizes = {"speech_commands": [110, 10, 48, 30]}.get(mocked.name, [89, 10, 20, 40])
    assert [len(part) for part in parts] == sizes
    for part in parts:
        for name, shape in mocked.info.inputs.items():
            assert part.inputs[name].shape == (len(part), *shape)
            assert part.inputs[name].dtype == (
                np.int32 if name in mocked.info.tokens else np.float32
            )
        assert part.labels.dtype == (np.float32 if mocked.info.task == "binary" else np.int64)
        assert set(part.labels.tolist()) <= set(range(mocked.info.classes))
    if mocked.info.tokens:
        check_texts(mocked, tmp_path, splits.train.inputs["text"], test.inputs["text"])
    else:
        assert set(
            Counter(splits.train.labels.tolist() + splits.calibration.labels.tolist()).values()
        ) == {10}
        assert set(Counter(splits.validation.labels.tolist()).values()) == {4}
        assert np.bincount(test.labels)[11] == 8  # the official test is as it is


def check_texts(mocked, root, train, test):
    """The vocabulary is that of the train split, as is known from its words.

    What test has alone is unknown.
    """
    vocabulary = mocked.vocabulary(root, "text")
    assert vocabulary[:3] == (*SPECIAL, OFTEN)
    assert sorted(vocabulary[3:]) == sorted(WORDS)
    assert train.min() > 0  # all texts are longer than what is kept
    told = [" ".join(vocabulary[token] for token in row) for row in test]
    # IN_BOTH
    assert (
        sum(
            text.startswith(f"{SPECIAL[1]} {SPECIAL[1]} {SPECIAL[1]} {SPECIAL[0]}") for text in told
        )
        == 1
    )
    assert sum(SPECIAL[1] in text for text in told) == len(test)
