"""Data sets that come through TFDS: a clear word when one is nowhere.

The real thing where TFDS_DATA_DIR holds it.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from framework.contracts import Ticket, datasets
from framework.datasets._sources import tfds_folder
from framework.errors import DataUnavailable

# what the official training part holds of each class, the sizes of our four splits
FAMOUS = {
    "mnist": (
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        [54000, 1000, 5000, 10000],
    ),
    "fashion_mnist": ([6000] * 10, [54000, 1000, 5000, 10000]),
    "cifar10": ([5000] * 10, [44000, 1000, 5000, 10000]),
    "spoken_digit": ([225] * 10, [1900, 100, 250, 250]),
    "trec": ([1146, 1245, 84, 1215, 856, 823], [4769, 100, 500, 500]),  # copies left out
}
UNTESTED = ["ag_news_subset", "imdb_reviews", "speech_commands"]
GIVEN = os.environ.get("TFDS_DATA_DIR", "")


@pytest.fixture(params=[*FAMOUS, *UNTESTED])
def famous(request):
    return datasets.build(request.param, {})


@pytest.fixture(params=FAMOUS)
def prepared(request):
    """The data set where TFDS_DATA_DIR holds it.

    The test is skipped, visibly, where it does not.
    """
    famous = datasets.build(request.param, {})
    if not GIVEN or not tfds_folder.is_prepared(
        Path(GIVEN) / famous.builder / famous.builder_version
    ):
        pytest.skip(f"TFDS_DATA_DIR does not hold {famous.builder}/{famous.builder_version}")
    return famous


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "empty"))
    return tmp_path


def test_without_data_and_network_both_ways_out_are_said(famous, nowhere, monkeypatch):
    asked = []
    monkeypatch.setattr(tfds_folder, "can_reach", asked.append)
    for action in (famous.check_available, lambda root: famous.load(root, famous.info.inputs)):
        with pytest.raises(DataUnavailable) as caught:
            action(nowhere)
        text = str(caught.value)
        assert "Run once with a network" in text
        assert "TFDS_DATA_DIR" in text
        assert f"{famous.builder}/{famous.builder_version}" in text
        assert str(nowhere / "empty") in text
        assert famous.download.split("/")[2] in text
    assert asked == [famous.download] * 2


def test_with_a_network_it_can_be_fetched(famous, nowhere, monkeypatch):
    monkeypatch.setattr(tfds_folder, "can_reach", lambda url: True)
    famous.check_available(nowhere)
    assert not list(nowhere.iterdir())


def test_a_process_behind_a_dead_proxy_says_so_without_tensorflow(nowhere):
    code = (
        "import sys, pathlib\n"
        "from framework.contracts import datasets\n"
        "from framework.errors import DataUnavailable\n"
        "try:\n"
        "    datasets.build('mnist', {}).check_available(pathlib.Path(sys.argv[1]))\n"
        "except DataUnavailable as error:\n"
        "    heavy = {'tensorflow', 'tf_keras', 'tensorflow_datasets', 'sklearn'} & "
        "set(sys.modules)\n"
        "    sys.exit(f'loaded {heavy}' if heavy else 70)\n"
    )
    dead = "http://127.0.0.1:9"
    environment = {
        **os.environ,
        "https_proxy": dead,
        "HTTPS_PROXY": dead,
        "no_proxy": "",
        "NO_PROXY": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(nowhere)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (70, "")


def test_an_unfinished_folder_is_no_data(famous, nowhere, monkeypatch):
    monkeypatch.setattr(tfds_folder, "can_reach", lambda url: False)
    folder = nowhere / "empty" / famous.builder / famous.builder_version
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text(f'{{"name": "{famous.builder}", "splits": [')
    with pytest.raises(DataUnavailable):
        famous.check_available(nowhere)


def test_the_real_thing(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(
        tfds_folder, "can_reach", lambda url: pytest.fail("there is no need to ask the network")
    )
    prepared.check_available(tmp_path)
    shapes = prepared.info.inputs
    splits = prepared.load(tmp_path, shapes)
    test = prepared.load_sealed(tmp_path, shapes, Ticket("run", "spec"))
    parts = [splits.train, splits.calibration, splits.validation, test]
    official, sizes = FAMOUS[prepared.name]
    assert [len(part) for part in parts] == sizes
    for part in parts:
        for name, shape in shapes.items():
            assert part.inputs[name].shape == (len(part), *shape)
            assert part.inputs[name].dtype == (
                np.int32 if name in prepared.info.tokens else np.float32
            )
        assert part.labels.dtype == np.int64
    share = np.array(official) * sizes[2] / sum(sizes[:3])
    assert np.abs(np.bincount(splits.validation.labels) - share).max() < 1
    check_contents(prepared, parts, tmp_path)
    assert not (tmp_path / ".cache" / "tfds").exists()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    again = prepared.load(tmp_path, shapes)  # from the cache
    assert again.digests == splits.digests


def check_contents(dataset, parts, root):
    """No sample twice, nor in two splits; values in their range."""
    (name,) = dataset.info.inputs
    # other words may be the same unknown one: the texts are compared
    if name in dataset.info.tokens:
        contents = [set(arrays[name].tolist()) for arrays in dataset.texts(root).values()]
        assert dataset.vocabulary(root, name)[:2] == ("<pad>", "<unknown>")
        assert (
            parts[0].inputs[name].max()
            == dataset.info.tokens[name] - 1
            == len(dataset.vocabulary(root, name)) - 1
        )
    else:
        contents = [{sample.tobytes() for sample in part.inputs[name]} for part in parts]
        low, high = {"image": (0, 1), "audio": (-1, 1.2)}[name]
        assert all(
            part.inputs[name].min() >= low and part.inputs[name].max() <= high for part in parts
        )
        assert name != "image" or all(
            (part.inputs[name].min(), part.inputs[name].max()) == (0, 1) for part in parts
        )
    assert len(set().union(*contents)) == sum(map(len, contents)) == sum(map(len, parts))
