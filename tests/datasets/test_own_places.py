"""What `path` may name: files and folders of the right kind, of a size that can be read."""

import gzip
import os
import re

import numpy as np
import pytest
from PIL import Image

from framework.contracts import datasets
from framework.datasets._sources import table
from framework.errors import DataUnavailable, InvalidValue

TABLE = "x,label\n" + "\n".join(f"{n / 3},{n % 2}" for n in range(40)) + "\n"


def own(root, name, path):
    return datasets.build(name, {"path": path}).located(root)


@pytest.mark.parametrize("name", ["csv", "arrays", "image_folder"])
@pytest.mark.parametrize("kind", ["pipe", "device", "other"])
def test_what_is_no_file_or_folder_of_the_kind_is_refused_and_never_read(tmp_path, name, kind):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "other").mkdir()
    if name == "image_folder":
        (tmp_path / "other").rmdir()
        (tmp_path / "other").write_text("x")
    dataset = own(tmp_path, name, kind)
    if name == "arrays" and kind == "other":  # a folder of .npy, though empty
        with pytest.raises(InvalidValue, match="labels and at least one input"):
            dataset.check_available(tmp_path)
        return
    said = {"other": "is a fi|is a fo"}.get(kind, "is a device or pipe")
    with pytest.raises(DataUnavailable, match=said):
        dataset.check_available(tmp_path)
    assert dataset.state(tmp_path).startswith("yours. Set path")


def test_a_packed_table_is_the_same_data(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    plain, packed = (own(tmp_path, "csv", path).read_all() for path in ("t.csv", "t.csv.gz"))
    assert (plain["sequence"] == packed["sequence"]).all()
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TABLE.encode())[:-20])
    with pytest.raises(InvalidValue, match="cannot be unpacked"):
        own(tmp_path, "csv", "t.csv.gz").check_available(tmp_path)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_table_that_memory_cannot_hold_is_refused_before_it_is_read(tmp_path, monkeypatch, name):
    monkeypatch.setattr(table, "most_bytes", lambda: 100 * table.TEXT_TIMES)
    content = TABLE.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(InvalidValue, match="too large, for this machine"):
        own(tmp_path, "csv", name).check_available(tmp_path)


def test_classes_one_folder_deeper_are_found_by_the_way_out(tmp_path):
    for number in range(20):
        path = tmp_path / "zip" / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(path)
    with pytest.raises(InvalidValue) as caught:
        own(tmp_path, "image_folder", "zip").check_available(tmp_path)
    (path,) = re.findall('"(.*)"', caught.value.todo)
    assert own(tmp_path, "image_folder", path).info.classes == 2
