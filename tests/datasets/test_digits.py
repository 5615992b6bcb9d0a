"""The digits, prepared for real: splits, sealed test split, damaged files."""

import dataclasses
import json
import logging
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from framework.contracts import Splits, Ticket, datasets
from framework.datasets._sources.cache import Cache
from framework.datasets.digits import Digits
from framework.errors import InvalidStudy, SqueezelabError, UserError

NATIVE = {"image": (8, 8, 1)}
TICKET = Ticket("run", "spec")
DIGESTS = {  # the published split: whoever prepares the digits gets these
    "train": "b281a45a76cac3825682d1eee516bec3865b4646919c728266d39cac26e880b8",
    "calibration": "526358e37bc9c3b874a670603f7777a293709ce741b1127b580559c238a58926",
    "validation": "ddcdb162835b08feeb6e728a1e6c3db6d0614d21176084164dc37538247fca7f",
    "test": "e0a4af384a5335b1693010fcdf84954d76ecee7a4fa8dfe295d1c29bfbff1f74",
}


@pytest.fixture(scope="module")
def digits():
    return datasets.build("digits", {})


@pytest.fixture(scope="module")
def root(digits, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    digits.load(root, NATIVE)
    return root


@pytest.fixture
def cache(root):
    (folder,) = (root / ".cache" / "data").glob("digits-????????")
    return Cache(root, "digits", folder.name.removeprefix("digits-"))


@pytest.fixture
def warnings_said(caplog):
    caplog.set_level(logging.WARNING, logger="framework")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "framework"]


def parts_of(digits, root):
    splits = digits.load(root, NATIVE)
    return [
        splits.train,
        splits.calibration,
        splits.validation,
        digits.load_sealed(root, NATIVE, TICKET),
    ]


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_splits_are_the_published_ones(digits, root):
    assert digits.load(root, NATIVE).digests == DIGESTS


def test_no_digit_is_in_two_splits(digits, root):
    parts = parts_of(digits, root)
    assert [len(part) for part in parts] == [1200, 50, 250, 297]
    contents = [image.tobytes() for part in parts for image in part.inputs["image"]]
    assert len(set(contents)) == 1797


def test_every_split_has_the_classes_in_proportion(digits, root):
    of_all = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    for part in parts_of(digits, root):
        # two or three roundings
        assert np.abs(np.bincount(part.labels) - of_all * len(part) / 1797).max() < 2


def test_pictures_keep_the_values_of_scikit_learn(digits, root):
    from sklearn.datasets import load_digits

    here = np.concatenate([part.inputs["image"] for part in parts_of(digits, root)]).reshape(
        1797, 64
    )
    labels = np.concatenate([part.labels for part in parts_of(digits, root)])
    there = load_digits()
    sixteenths = np.rint(here * 16).astype(int)
    assert np.abs(here * 16 - sixteenths).max() <= 16 / 255 / 2 + 1e-6  # the rounding to bytes
    assert sorted(zip(map(tuple, sixteenths), labels, strict=True)) == sorted(
        zip(map(tuple, there.data.astype(int)), there.target, strict=True)
    )


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28, 3)])
def test_samples_have_the_shape_asked(digits, root, shape):
    splits = digits.load(root, {"image": shape})
    for part in (splits.train, splits.calibration, splits.validation):
        image = part.inputs["image"]
        assert (image.shape, image.dtype, image.flags.c_contiguous) == (
            (len(part), *shape),
            np.float32,
            True,
        )
        assert 0 <= image.min() < 0.01
        assert 0.9 < image.max() <= 1
        assert (part.labels.dtype, part.labels.shape) == (np.int64, (len(part),))
        assert set(part.labels) == set(range(10))


def test_the_same_samples_each_time(digits, root):
    first, second = (digits.load(root, {"image": (28, 28, 3)}) for _ in range(2))
    for name in ("train", "calibration", "validation"):
        here, there = getattr(first, name), getattr(second, name)
        assert here.inputs["image"].tobytes() == there.inputs["image"].tobytes()
        assert here.labels.tobytes() == there.labels.tobytes()


def test_a_net_with_other_inputs_is_refused(digits, root):
    for shapes in ({}, {"text": (10,)}, {**NATIVE, "sound": (8000,)}):
        with pytest.raises(InvalidStudy, match="inputs"):
            digits.load(root, shapes)


# --- the sealed split -----------------------------------------------------------------------------


def test_open_splits_have_no_test(digits, root):
    assert {field.name for field in dataclasses.fields(Splits)} == {
        "train",
        "calibration",
        "validation",
        "digests",
    }
    assert not hasattr(digits.load(root, NATIVE), "test")


@pytest.mark.parametrize(
    "ticket", [None, Ticket("", "spec"), Ticket(" ", "spec"), SimpleNamespace(run_id="run")]
)
def test_without_a_ticket_the_test_split_stays_shut(digits, root, ticket):
    with pytest.raises(SqueezelabError, match="sealed") as caught:
        digits.load_sealed(root, NATIVE, ticket)
    assert not isinstance(caught.value, UserError)


def test_loading_does_not_open_the_sealed_file(digits, root, cache, warnings_said):
    kept = cache.sealed.read_bytes()
    for content in (b"garbage", None):
        cache.sealed.unlink()
        if content is not None:
            cache.sealed.write_bytes(content)
        assert digits.load(root, NATIVE).digests == DIGESTS
        assert (cache.sealed.read_bytes() if content else cache.sealed.exists()) == (
            content or False
        )
    cache.sealed.write_bytes(kept)
    assert warnings_said() == []


def test_a_damaged_sealed_file_is_put_aside_and_made_again(digits, root, cache, warnings_said):
    flip_a_byte(cache.sealed)
    assert len(digits.load_sealed(root, NATIVE, TICKET)) == 297
    (said,) = warnings_said()
    assert "put aside" in said
    assert list(cache.sealed.parent.glob("*.damaged-*"))


def test_a_test_split_that_has_changed_is_refused(digits, root, cache, monkeypatch):
    cache.sealed.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(
            Digits,
            "read_split",
            lambda self, root, split: {
                "image": np.zeros((400, 8, 8, 1)),
                "labels": np.arange(400) % 10,
            },
        )
        with pytest.raises(SqueezelabError, match="no longer the one"):
            digits.load_sealed(root, NATIVE, TICKET)
    assert not cache.sealed.exists()
    assert len(digits.load_sealed(root, NATIVE, TICKET)) == 297


# --- damage and change ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["train.npz", "validation.npz", "digests.json"])
def test_a_damaged_cache_is_put_aside_and_made_again(digits, root, cache, warnings_said, name):
    flip_a_byte(cache.folder / name)
    assert digits.load(root, NATIVE).digests == DIGESTS
    (said,) = warnings_said()
    assert "damaged" in said
    assert "prepared again" in said
    assert (cache.folder.parent / said.split("put aside as ")[1].split(" ")[0] / name).is_file()


@pytest.mark.parametrize(
    "harm", [flip_a_byte, lambda path: path.write_bytes(path.read_bytes()[:1000])]
)
def test_damaged_records_are_put_aside_and_made_again(digits, root, cache, warnings_said, harm):
    (records,) = (root / ".cache" / "tfds" / "digits").glob("1.0.0/digits-train.tfrecord-*")
    harm(records)
    left_by_a_killed_process = root / ".cache" / "tfds" / "digits" / "incomplete.ABC_1.0.0"
    left_by_a_killed_process.mkdir()
    (cache.folder / "digests.json").unlink()
    assert digits.load(root, NATIVE).digests == DIGESTS
    assert len(warnings_said()) == 2
    assert not left_by_a_killed_process.exists()


def test_a_foreign_data_set_of_the_same_name_is_not_taken(digits, root, tmp_path, monkeypatch):
    (tmp_path / "digits").symlink_to(root / ".cache" / "tfds" / "digits")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert digits._find_prepared(tmp_path) is None


def test_another_split_rule_never_meets_old_files(root):
    class Other(Digits):
        calibration_size = 60

    splits = Other().load(root, NATIVE)
    assert [len(part) for part in (splits.train, splits.calibration, splits.validation)] == [
        1190,
        60,
        250,
    ]
    assert splits.digests["test"] == DIGESTS["test"]
    assert datasets.build("digits", {}).load(root, NATIVE).digests == DIGESTS


# --- processes ------------------------------------------------------------------------------------


def test_two_processes_may_prepare_at_once(tmp_path):
    code = (
        "import json, pathlib, sys\n"
        "from framework.contracts import datasets\n"
        "splits = datasets.build('digits', {}).load(pathlib.Path(sys.argv[1]), {'image': (28, 28, "
        "1)})\n"
        "print(json.dumps(dict(splits.digests)))\n"
    )
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", code, str(tmp_path)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        out, chatter = process.communicate()
        assert (process.returncode, chatter) == (0, "")
        assert json.loads(out) == DIGESTS
    names = {path.name for path in (tmp_path / ".cache" / "data").iterdir()}
    assert not [name for name in names if "damaged" in name or "part" in name]


def test_plug_ins_load_without_tensorflow():
    code = (
        "import sys\n"
        "from framework.contracts import datasets\n"
        "assert {'digits', 'mnist'} <= set(datasets.names())\n"
        "heavy = {'tensorflow', 'tf_keras', 'tensorflow_datasets', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
