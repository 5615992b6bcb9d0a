"""The cache of raw arrays: what is read is what was written, or nothing."""

from pathlib import Path

import numpy as np
import pytest

from framework.datasets._sources.cache import Cache, NotCached, put_aside
from framework.datasets._sources.splits import digest

SPLITS = {
    split: {"image": np.full((size, 2, 2, 1), size, np.uint8), "labels": np.arange(size)}
    for split, size in {"train": 5, "calibration": 2, "validation": 3, "test": 4}.items()
}


@pytest.fixture
def cache(tmp_path):
    cache = Cache(tmp_path, "sample", "0123abcd")
    with cache.lock():
        cache.write(SPLITS)
    return cache


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def test_what_was_written_is_read(cache):
    splits, digests = cache.read_open()
    assert digests == {split: digest(arrays) for split, arrays in SPLITS.items()}
    assert {split: digest(arrays) for split, arrays in splits.items()} | {
        "test": digests["test"]
    } == digests
    assert digest(cache.read_sealed()) == digests["test"]


def test_the_test_split_lies_apart(cache, tmp_path):
    names = {path.name for path in cache.folder.iterdir()}
    assert names == {"train.npz", "calibration.npz", "validation.npz", "digests.json"}
    assert cache.sealed.parent == tmp_path / ".cache" / "sealed"
    assert not list(tmp_path.rglob("*.part"))


def test_nothing_there_is_not_cached(tmp_path):
    with pytest.raises(NotCached):
        Cache(tmp_path, "sample", "0123abcd").read_open()


@pytest.mark.parametrize("name", ["train.npz", "calibration.npz", "validation.npz", "digests.json"])
@pytest.mark.parametrize(
    "harm", [damage, Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:40])]
)
def test_a_damaged_open_file_is_not_cached(cache, name, harm):
    harm(cache.folder / name)
    with pytest.raises(NotCached):
        cache.read_open()


@pytest.mark.parametrize("split", SPLITS)
def test_a_changed_digest_is_seen(cache, split):
    digests = cache.digests()
    path = cache.folder / "digests.json"
    path.write_text(path.read_text().replace(digests[split], digest({})))
    with pytest.raises(NotCached):
        cache.digests()


def test_a_damaged_sealed_file_is_not_cached(cache):
    damage(cache.sealed)
    cache.read_open()
    with pytest.raises(NotCached):
        cache.read_sealed()


def test_arrays_of_another_run_are_not_cached(cache):
    (cache.folder / "validation.npz").replace(cache.folder / "train.npz")
    with pytest.raises(NotCached, match="not those that were written"):
        cache.read_open()


def test_pickles_are_never_loaded(cache):
    objects = np.array([{"code": 1}], object)
    np.savez(cache.folder / "train.npz", image=objects, labels=objects)
    with pytest.raises(NotCached, match="allow_pickle"):
        cache.read_open()


def test_what_a_killed_process_left_is_written_over(cache):
    put_aside(cache.folder)
    part = cache.folder.with_name(cache.folder.name + ".part")
    part.mkdir()
    (part / "train.npz").write_bytes(b"half")
    with cache.lock():
        cache.write(SPLITS)
    assert len(cache.read_open()[0]["train"]["labels"]) == 5


def test_things_put_aside_never_meet(tmp_path):
    for number in (1, 2, 3):
        path = tmp_path / "thing"
        path.write_text(str(number))
        assert put_aside(path) == tmp_path / f"thing.damaged-{number}"
    assert put_aside(tmp_path / "thing") is None
