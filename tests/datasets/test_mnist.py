"""MNIST: a clear word when it is nowhere; the real thing where TFDS_DATA_DIR holds it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from framework.contracts import Ticket, datasets
from framework.datasets import _tfds
from framework.errors import DataUnavailable

SHAPES = {"image": (28, 28, 1)}
GIVEN = os.environ.get("TFDS_DATA_DIR", "")
needs_mnist = pytest.mark.skipif(
    not GIVEN or not _tfds.is_prepared(Path(GIVEN) / "mnist" / "3.0.1"),
    reason="TFDS_DATA_DIR does not hold mnist/3.0.1",
)


@pytest.fixture
def mnist():
    return datasets.build("mnist", {})


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "empty"))
    return tmp_path


def test_without_data_and_network_both_ways_out_are_said(mnist, nowhere, monkeypatch):
    asked = []
    monkeypatch.setattr(_tfds, "can_reach", asked.append)
    for action in (mnist.check_available, lambda root: mnist.load(root, SHAPES)):
        with pytest.raises(DataUnavailable) as caught:
            action(nowhere)
        text = str(caught.value)
        assert "Run once with a network" in text
        assert "TFDS_DATA_DIR" in text
        assert "mnist/3.0.1" in text
        assert str(nowhere / "empty") in text
        assert "storage.googleapis.com" in text
    assert asked == [mnist.download] * 2


def test_with_a_network_it_can_be_fetched(mnist, nowhere, monkeypatch):
    monkeypatch.setattr(_tfds, "can_reach", lambda url: True)
    mnist.check_available(nowhere)
    assert not list(nowhere.iterdir())


def test_a_process_behind_a_dead_proxy_says_so_without_tensorflow(nowhere):
    code = (
        "import sys, pathlib\n"
        "from framework.contracts import datasets\n"
        "from framework.errors import DataUnavailable\n"
        "try:\n"
        "    datasets.build('mnist', {}).check_available(pathlib.Path(sys.argv[1]))\n"
        "except DataUnavailable as error:\n"
        "    heavy = {'tensorflow', 'tf_keras', 'tensorflow_datasets', 'sklearn'} & set(sys.modules)\n"
        "    sys.exit(f'loaded {heavy}' if heavy else 70)\n"
    )
    dead = "http://127.0.0.1:9"
    environment = {**os.environ, "https_proxy": dead, "HTTPS_PROXY": dead, "no_proxy": "", "NO_PROXY": ""}
    done = subprocess.run(
        [sys.executable, "-c", code, str(nowhere)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (70, "")


def test_an_unfinished_folder_is_no_data(mnist, nowhere, monkeypatch):
    monkeypatch.setattr(_tfds, "can_reach", lambda url: False)
    folder = nowhere / "empty" / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text('{"name": "mnist", "splits": [')
    with pytest.raises(DataUnavailable):
        mnist.check_available(nowhere)


@needs_mnist
def test_the_real_thing(mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(_tfds, "can_reach", lambda url: pytest.fail("there is no need to ask the network"))
    mnist.check_available(tmp_path)
    splits = mnist.load(tmp_path, SHAPES)
    test = mnist.load_sealed(tmp_path, SHAPES, Ticket("run", "spec"))
    parts = [splits.train, splits.calibration, splits.validation, test]
    assert [len(part) for part in parts] == [54000, 1000, 5000, 10000]
    for part in parts:
        image = part.inputs["image"]
        assert (image.dtype, image.shape, image.min(), image.max()) == (np.float32, (len(part), 28, 28, 1), 0, 1)
        assert part.labels.dtype == np.int64
    official = np.array([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])  # of the 60 000
    assert np.abs(np.bincount(splits.validation.labels) - official / 12).max() < 1
    contents = [hash(image.tobytes()) for part in parts for image in part.inputs["image"]]
    assert len(set(contents)) == 70000
    assert not (tmp_path / ".cache" / "tfds").exists()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    again = mnist.load(tmp_path, SHAPES)  # from the cache
    assert again.digests == splits.digests
