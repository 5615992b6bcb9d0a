"""What every data set promises: disjoint splits, shapes, types, ranges, the same each time.

Data sets that are not on this machine and not made by rule are skipped, visibly: TFDS_DATA_DIR says
where they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framework.contracts import Catalog, Dataset, Samples, Ticket
from framework.datasets._prepare.text import SPECIAL
from framework.datasets._prepare.text_dataset import TextDataset
from framework.datasets._sources import tfds_folder
from framework.errors import UserError
from framework.planning.own_plugins import catalog_of
from framework.testing.cases import Case, Names, cases, pytest_generate_tests, root_of

__all__ = ["TestDataset", "loaded", "pytest_generate_tests"]

TICKET = Ticket("run", "spec")
OPEN = ("train", "calibration", "validation")
GROUPED = {"easy_vqa"}  # pictures are split, and their questions follow
RANGES = {"image": (0, 1), "audio": (-1, 2)}  # others are standardised


@dataclass(frozen=True)
class Loaded:
    """One data set with its four splits."""

    plugin: Dataset
    root: Path
    parts: dict[str, Samples]
    digests: dict[str, str]

    @property
    def digest(self) -> str:
        """Of all four splits."""
        return hashlib.sha256(json.dumps(self.digests, sort_keys=True).encode()).hexdigest()[:32]


@cases("loaded", fixture=True)
def datasets(catalog: Catalog, names: Names) -> Iterator[Case]:
    """The names of all that need no knob set."""
    for name in names["dataset"]:
        yield name, name


@pytest.fixture(scope="module")
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A data set, if it is here or made by rule."""
    catalog = catalog_of(root_of(request.config))
    plugin = catalog.datasets.build(request.param, {})
    root = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        # nothing is downloaded for a test
        patch.setattr(tfds_folder, "can_reach", lambda url: False)
        try:
            plugin.check_available(root)
        except UserError as error:
            pytest.skip(f"{request.param}: {error.what}")
        return load(plugin, root)


def load(plugin: Dataset, root: Path) -> Loaded:
    """All four splits, the sealed one included."""
    splits = plugin.load(root, plugin.info.inputs)
    test = plugin.load_sealed(root, plugin.info.inputs, TICKET)
    parts = {split: getattr(splits, split) for split in OPEN}
    return Loaded(plugin, root, {**parts, "test": test}, dict(splits.digests))


def contents(samples: Samples) -> set[int]:
    """A hash of each sample as a net sees it."""
    hashes = set()
    for row in zip(*samples.inputs.values(), strict=True):
        hashes.add(hash(b"".join(array.tobytes() for array in row)))
    return hashes


def check_classes(part: Samples, train: Samples, *, classes: int, slack: float) -> None:
    """Every class has its share of the split: to 2 samples, and `slack` standard deviations."""
    shares = np.bincount(train.labels.astype(int), minlength=classes) / len(train)
    wanted = shares * len(part)
    off = np.abs(np.bincount(part.labels.astype(int), minlength=classes) - wanted)
    assert (off < 2 + slack * np.sqrt(wanted)).all()


class TestDataset:
    """What every data set promises."""

    def test_its_card_names_licence_and_source(self, loaded: Loaded) -> None:
        assert len(loaded.plugin.licence) >= 3
        assert len(loaded.plugin.source()) >= 10

    def test_no_sample_is_in_two_splits(self, loaded: Loaded) -> None:
        # two texts may have the same numbers, where a word is unknown
        if isinstance(loaded.plugin, TextDataset):
            texts = loaded.plugin.texts(loaded.root).values()
            seen: list[set[Any]] = [set(arrays["text"].tolist()) for arrays in texts]
        else:
            seen = [contents(part) for part in loaded.parts.values()]
        assert len(set().union(*seen)) == sum(map(len, seen))

    def test_inputs_have_the_shapes_and_types_that_are_said(self, loaded: Loaded) -> None:
        info = loaded.plugin.info
        assert info.inputs
        assert set(info.tokens) <= set(info.inputs)
        for part in loaded.parts.values():
            assert set(part.inputs) == set(info.inputs)
            for name, array in part.inputs.items():
                assert array.dtype == (np.int32 if name in info.tokens else np.float32)
                assert array.shape == (len(part), *info.inputs[name])
                assert array.flags.c_contiguous

    def test_inputs_keep_their_range(self, loaded: Loaded) -> None:
        for part in loaded.parts.values():
            for name, array in part.inputs.items():
                assert np.isfinite(array).all()
                low, high = RANGES.get(name, (-10, 10))
                if name in loaded.plugin.info.tokens:
                    low, high = 0, loaded.plugin.info.tokens[name] - 1
                assert low <= array.min() < array.max() <= high, name

    def test_labels_are_those_of_the_task(self, loaded: Loaded) -> None:
        info = loaded.plugin.info
        classes = set(range(info.classes))
        for part in loaded.parts.values():
            assert part.labels.shape == (len(part),)
            assert part.labels.dtype == (np.int64 if info.task == "classes" else np.float32)
            assert np.isfinite(part.labels).all()
            assert info.task == "regression" or set(part.labels) <= (classes or {0})
        if info.task == "reconstruction":
            # what is normal is learnt from normal samples alone
            assert not loaded.parts["train"].labels.any()
            assert not loaded.parts["calibration"].labels.any()
        elif info.task != "regression":
            assert set(loaded.parts["train"].labels) == classes

    def test_labels_are_alike_in_all_splits_that_search_sees(self, loaded: Loaded) -> None:
        train, info = loaded.parts["train"], loaded.plugin.info
        if info.task == "reconstruction":
            assert set(loaded.parts["validation"].labels) == set(range(info.classes)) | {0}
            return
        for part in (loaded.parts["calibration"], loaded.parts["validation"]):
            if info.task == "regression":
                assert abs(part.labels.mean() - train.labels.mean()) < 0.3 * train.labels.std()
                assert 0.7 < part.labels.std() / train.labels.std() < 1.4
            else:
                slack = 3 if loaded.plugin.name in GROUPED else 0
                check_classes(part, train, classes=max(info.classes, 2), slack=slack)

    def test_its_texts_are_numbers_of_its_vocabulary(self, loaded: Loaded) -> None:
        for name, tokens in loaded.plugin.info.tokens.items():
            words = loaded.plugin.vocabulary(loaded.root, name)
            assert len(words) == len(set(words)) == tokens
            assert words[: len(SPECIAL)] == SPECIAL
            for part in loaded.parts.values():
                rows = part.inputs[name] != 0
                assert (np.sort(rows, axis=1)[:, ::-1] == rows).all()  # 0 only behind a text
                assert rows[:, 0].all()
            seen = set(np.unique(loaded.parts["train"].inputs[name])) | {0, 1}
            # all that training has, and nothing that other splits alone have
            assert len(seen) == tokens

    def test_a_net_may_read_one_input_of_several(self, loaded: Loaded) -> None:
        for name, shape in loaded.plugin.info.inputs.items():
            alone = loaded.plugin.load(loaded.root, {name: shape}).validation.inputs
            assert set(alone) == {name}
            assert alone[name].tobytes() == loaded.parts["validation"].inputs[name].tobytes()

    def test_prepared_again_it_is_the_same(self, loaded: Loaded, tmp_path: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tfds_folder, "can_reach", lambda url: False)
            assert load(loaded.plugin, tmp_path).digest == loaded.digest
