"""What `show` says of one's own data before anything is trained is what a study then uses."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from framework.contracts import Ticket, datasets
from framework.datasets._prepare.images import MOST_PIXELS, read_picture
from framework.display.describe import describe
from framework.errors import UserError

CLASS = np.arange(60) % 3


@pytest.fixture
def project(tmp_path):
    (tmp_path / "studies").mkdir()
    rows = [f"{n},{('red', 'blue')[n // 3 % 2]},{n * 2},{'abc'[n % 3]}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["id,colour,size,kind", *rows]) + "\n")
    image = np.arange(60 * 48, dtype=np.uint8).reshape(60, 4, 4, 3)
    parts = {"x_train": image[:40], "y_train": CLASS[:40], "x_test": image[40:]}
    np.savez(tmp_path / "t.npz", **parts, y_test=CLASS[40:], names=np.array(["a"]))
    for number in range(60):
        path = tmp_path / "photos" / "abc"[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.repeat(image[number], 3, 0)).save(path)
    (tmp_path / "photos" / "notes.txt").write_text("")
    return tmp_path


OWN = {
    "csv": {"path": "t.csv", "target": "kind", "skip": "id"},
    "arrays": {"path": "t.npz"},
    "image_folder": {"path": "photos", "side": "8"},
}
SAID = {
    "csv": [
        "column colour text, 2 values: red 30, blue 30",
        "column size numbers, 0 to 118",
        "left out column id",
        "classes a 20, b 20, c 20",
        "sample 2 id=0, colour=red, size=0, kind=a",
        "sample 61 id=59",
        "nets are given sequence 3 x 1",
    ],
    "arrays": [
        "image: pictures, 60 x 4 x 4 x 3, 0 to 255",
        "left out array names",
        "classes 0 20, 1 20, 2 20",
        "0 1 2 3 4 5 ... -> 0",
    ],
    "image_folder": [
        "classes a 20, b 20, c 20",
        "1 .txt",
        "c/8.png, 4 x 12 PNG (RGB)",
    ],
}


@pytest.mark.parametrize("name", OWN)
def test_show_says_what_was_understood(project, name):
    settings = [f"{key}={text}" for key, text in OWN[name].items()]
    shown = re.sub(" +", " ", describe(project, name, settings=settings))
    for text in SAID[name]:
        assert text in shown
    assert not (project / ".cache").exists()
    dataset = datasets.build(name, OWN[name] | ({"side": 8} if "side" in OWN[name] else {}))
    located = dataset.located(project)
    splits = located.load(project, located.info.inputs)
    sealed = located.load_sealed(project, located.info.inputs, Ticket("run", "spec"))
    sizes = [len(splits.train), len(splits.calibration), len(splits.validation), len(sealed)]
    named = zip(sizes, ("train", "calibration", "validation", "test"), strict=True)
    assert ", ".join(f"{size} {split}" for size, split in named) in shown


def test_settings_may_be_written_as_in_a_study_and_are_checked(project):
    whole = describe(project, "csv", settings=["dataset.path=t.csv", "dataset.target=kind"])
    assert "column id" in whole
    for setting, said in (
        ("path", "KEY=VALUE"),
        ("pfad=t.csv", "Did you mean 'path'"),
        ("path=no.csv", "no such file"),
        ("separator=dot", "separator"),
    ):
        with pytest.raises(UserError, match=said):
            describe(project, "csv", settings=[setting])
    assert "here 64" in describe(project, "cnn", settings=["side=64"])


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(project):
    wide = Image.new("1", (MOST_PIXELS // 4000 + 1, 4000))
    file = io.BytesIO()
    wide.save(file, "PNG")
    with pytest.raises(ValueError, match="pixels, more than"):
        read_picture(file.getvalue(), side=8, channels=3)


def test_an_empty_category_is_told_as_the_value_that_it_is(tmp_path):
    (tmp_path / "studies").mkdir()
    rows = [f"{n},{('red', '')[n % 2]},{'ab'[n // 2 % 2]}" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["size,colour,kind", *rows]) + "\n")
    settings = ["path=t.csv", "target=kind", "empty=fill"]
    shown = re.sub(" +", " ", describe(tmp_path, "csv", settings=settings))
    assert "column colour text, 2 values: red 20, (empty) 20\n" in shown
