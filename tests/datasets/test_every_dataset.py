"""What every data set promises, and what those that come with Squeezelab promise besides."""

import inspect
import re

import pytest
from nets_support import CATALOG

from framework.datasets._sources.generated import MadeDataset
from framework.testing.datasets import *  # noqa: F403
from framework.testing.datasets import OPEN
from framework.testing.datasets import TestDataset as Contract

datasets = CATALOG.datasets
# The published splits of what is made by rule: whoever prepares them gets these, on whatever
# machine.
PUBLISHED = {
    "digits": "09b2578422ea31c3cbebcd1a5834ef01",
    "digits_anomaly": "118901de7e7e4fe7d772cc90899df930",
    "digits_audio": "dac85ad93c3716b069e1d48b6087db0d",
    "digits_rows": "dad78d7e7810e4dc3ef42399016a4f5c",
    "digits_vqa": "c52c4d4c81ead31447e740aad2dc754c",
    "listops": "be70aed1b1dc2f2072fd395b8edb9e21",
    "mackey_glass": "21481606c7e6b8f69310323beb28248c",
}


class TestDataset(Contract):
    """What every data set promises; where the digest is published, one preparation shows it."""

    def test_prepared_again_it_is_the_same(self, loaded, tmp_path):
        if loaded.plugin.name in PUBLISHED:
            pytest.skip("test_the_same_splits_whoever_prepares_them holds it")
        super().test_prepared_again_it_is_the_same(loaded, tmp_path)


def test_its_sizes_are_those_of_its_card(loaded):
    sizes = {}
    for split in (*OPEN, "test"):
        count = re.search(rf"([\d ]*\d) {split}", inspect.getdoc(type(loaded.plugin)))
        sizes[split] = int(count[1].replace(" ", ""))
    assert {split: len(part) for split, part in loaded.parts.items()} == sizes
    assert all(sizes.values())


def test_the_same_splits_whoever_prepares_them(loaded):
    if loaded.plugin.name not in PUBLISHED:
        pytest.skip("not made by a rule of ours")
    assert loaded.digest == PUBLISHED[loaded.plugin.name]


def test_every_rule_of_ours_is_published():
    made = {name for name in datasets.names() if issubclass(datasets.get(name), MadeDataset)}
    assert set(PUBLISHED) == made | {"digits"}
