"""What every data set promises: disjoint splits, sizes as its card says, shapes, types, ranges, the
same each time.

Data sets that are not on this machine and not made by rule are skipped, visibly: TFDS_DATA_DIR says
where they lie.
"""

import hashlib
import json
import re
from dataclasses import dataclass

import numpy as np
import pytest
from nets_support import CATALOG

from framework.contracts import Dataset, Samples, Ticket
from framework.datasets._prepare.text import SPECIAL
from framework.datasets._prepare.text_dataset import TextDataset
from framework.datasets._sources import tfds_folder
from framework.datasets._sources.generated import MadeDataset
from framework.errors import UserError

TICKET = Ticket("run", "spec")
datasets = CATALOG.datasets
OPEN = ("train", "calibration", "validation")
GROUPED = {"easy_vqa"}  # pictures are split, and their questions follow
# The published splits of what is made by rule: whoever prepares them gets these, on whatever
# machine.
PUBLISHED = {
    "digits": "09b2578422ea31c3cbebcd1a5834ef01",
    "digits_audio": "dac85ad93c3716b069e1d48b6087db0d",
    "digits_rows": "dad78d7e7810e4dc3ef42399016a4f5c",
    "digits_vqa": "c52c4d4c81ead31447e740aad2dc754c",
    "listops": "be70aed1b1dc2f2072fd395b8edb9e21",
    "mackey_glass": "21481606c7e6b8f69310323beb28248c",
}


@dataclass(frozen=True)
class Loaded:
    """One data set with its four splits."""

    plugin: Dataset
    root: object
    parts: dict[str, Samples]
    digests: dict[str, str]


@pytest.fixture(scope="module", params=datasets.names())
def loaded(request, tmp_path_factory):
    plugin, root = datasets.build(request.param, {}), tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        # nothing is downloaded for a test
        patch.setattr(tfds_folder, "can_reach", lambda url: False)
        try:
            plugin.check_available(root)
        except UserError as error:
            pytest.skip(f"{request.param}: {error.what}")
        return load(plugin, root)


def load(plugin, root):
    splits = plugin.load(root, plugin.info.inputs)
    parts = {split: getattr(splits, split) for split in OPEN}
    test = plugin.load_sealed(root, plugin.info.inputs, TICKET)
    return Loaded(plugin, root, {**parts, "test": test}, dict(splits.digests))


def contents(samples):
    """A hash of each sample as a net sees it."""
    rows = zip(*samples.inputs.values(), strict=True)
    return {hash(b"".join(array.tobytes() for array in row)) for row in rows}


def digest_of(loaded):
    """One digest of all four splits."""
    return hashlib.sha256(json.dumps(loaded.digests, sort_keys=True).encode()).hexdigest()[:32]


def test_its_sizes_are_those_of_its_card(loaded):
    said = {
        split: re.search(rf"([\d ]*\d) {split}", loaded.plugin.summary())
        for split in (*OPEN, "test")
    }
    sizes = {split: int(found[1].replace(" ", "")) for split, found in said.items()}
    assert {split: len(part) for split, part in loaded.parts.items()} == sizes
    assert all(sizes.values())


def test_its_card_names_licence_and_source(loaded):
    assert len(loaded.plugin.licence) >= 3
    assert len(loaded.plugin.source()) >= 20


def test_no_sample_is_in_two_splits(loaded):
    # two texts may have the same numbers, where a word is unknown
    if isinstance(loaded.plugin, TextDataset):
        seen = [
            set(arrays["text"].tolist()) for arrays in loaded.plugin.texts(loaded.root).values()
        ]
    else:
        seen = [contents(part) for part in loaded.parts.values()]
    assert len(set().union(*seen)) == sum(map(len, seen))


def test_inputs_have_the_shapes_and_types_that_are_said(loaded):
    info = loaded.plugin.info
    assert info.inputs
    assert set(info.tokens) <= set(info.inputs)
    for part in loaded.parts.values():
        assert set(part.inputs) == set(info.inputs)
        for name, array in part.inputs.items():
            kind = np.int32 if name in info.tokens else np.float32
            assert (array.dtype, array.shape, array.flags.c_contiguous) == (
                kind,
                (len(part), *info.inputs[name]),
                True,
            )


def test_inputs_keep_their_range(loaded):
    for part in loaded.parts.values():
        for name, array in part.inputs.items():
            assert np.isfinite(array).all()
            low, high = {"image": (0, 1), "audio": (-1, 2)}.get(name, (-10, 10))
            if name in loaded.plugin.info.tokens:
                low, high = 0, loaded.plugin.info.tokens[name] - 1
            assert low <= array.min() < array.max() <= high, name


def test_labels_are_those_of_the_task(loaded):
    info = loaded.plugin.info
    for part in loaded.parts.values():
        assert part.labels.shape == (len(part),)
        assert part.labels.dtype == (np.int64 if info.task == "classes" else np.float32)
        assert np.isfinite(part.labels).all()
    if info.task != "regression":
        assert set(loaded.parts["train"].labels) == set(range(info.classes))
        assert all(set(part.labels) <= set(range(info.classes)) for part in loaded.parts.values())


def test_labels_are_alike_in_all_splits_that_search_sees(loaded):
    train = loaded.parts["train"].labels
    for split in ("calibration", "validation"):
        labels = loaded.parts[split].labels
        if loaded.plugin.info.task == "regression":
            assert abs(labels.mean() - train.mean()) < 0.3 * train.std()
            assert 0.7 < labels.std() / train.std() < 1.4
        else:
            classes = max(loaded.plugin.info.classes, 2)
            wanted = np.bincount(train.astype(int), minlength=classes) / len(train) * len(labels)
            off = np.abs(np.bincount(labels.astype(int), minlength=classes) - wanted)
            assert (off < 2 + (3 * np.sqrt(wanted) if loaded.plugin.name in GROUPED else 0)).all()


def test_its_texts_are_numbers_of_its_vocabulary(loaded):
    for name, tokens in loaded.plugin.info.tokens.items():
        words = loaded.plugin.vocabulary(loaded.root, name)
        assert len(words) == len(set(words)) == tokens
        assert words[: len(SPECIAL)] == SPECIAL
        for part in loaded.parts.values():
            rows = part.inputs[name] != 0
            assert (np.sort(rows, axis=1)[:, ::-1] == rows).all()  # 0 only behind a text
            assert rows[:, 0].all()
        known = set(np.unique(loaded.parts["train"].inputs[name])) | {0, 1}
        # all that training has, and nothing that other splits alone have
        assert len(known) == tokens


def test_a_net_may_read_one_input_of_several(loaded):
    for name, shape in loaded.plugin.info.inputs.items():
        alone = loaded.plugin.load(loaded.root, {name: shape}).validation.inputs
        assert set(alone) == {name}
        assert alone[name].tobytes() == loaded.parts["validation"].inputs[name].tobytes()


def test_the_same_splits_whoever_prepares_them(loaded, tmp_path, monkeypatch):
    monkeypatch.setattr(tfds_folder, "can_reach", lambda url: False)
    if loaded.plugin.name in PUBLISHED:
        assert digest_of(loaded) == PUBLISHED[loaded.plugin.name]
    else:
        assert digest_of(loaded) == digest_of(load(loaded.plugin, tmp_path))


def test_every_rule_of_ours_is_published():
    made = {name for name in datasets.names() if issubclass(datasets.get(name), MadeDataset)}
    assert set(PUBLISHED) == made | {"digits"}
