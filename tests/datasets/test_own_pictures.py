"""Which files of a folder are read, which way up they are, and what is said of the others."""

import io
import logging

import numpy as np
import pytest
from PIL import Image

from framework.contracts import datasets
from framework.datasets._prepare.images import read_picture
from framework.datasets.image_folder import ENDINGS
from framework.errors import InvalidValue

CORNERS = (
    np.array([[[200, 0, 0], [0, 200, 0]], [[0, 0, 200], [100, 100, 100]]], np.uint8)
    .repeat(16, 0)
    .repeat(16, 1)
)


def own(root, path="photos", **knobs):
    return datasets.build("image_folder", {"path": path, "side": 8} | knobs).located(root)


def photo(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    kinds = {".jfif": "JPEG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
    Image.fromarray(image).save(path, kinds.get(path.suffix.lower(), path.suffix[1:].upper()))


@pytest.fixture
def folder(tmp_path):
    for number in range(40):
        photo(tmp_path / "photos" / ("cat", "dog")[number % 2] / f"{number}.png", number)
    return tmp_path / "photos"


def seen(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return read_picture(buffer.getvalue(), side=2, channels=3)


def corners(found):
    """Which of the four colours each corner has, row by row."""
    known = CORNERS[8::16, 8::16].reshape(4, 3).astype(int)
    return [
        int(np.abs(known - pixel).sum(axis=1).argmin()) for pixel in found.reshape(4, 3).astype(int)
    ]


@pytest.mark.parametrize(
    ("orientation", "wanted"),
    [
        (1, [0, 1, 2, 3]),
        (2, [1, 0, 3, 2]),
        (3, [3, 2, 1, 0]),
        (4, [2, 3, 0, 1]),
        (5, [0, 2, 1, 3]),
        (6, [2, 0, 3, 1]),
        (7, [3, 1, 2, 0]),
        (8, [1, 3, 0, 2]),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_stand_upright(kind, orientation, wanted):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert corners(seen(Image.fromarray(CORNERS), format=kind, exif=exif)) == wanted


def test_every_mode_becomes_bytes_of_three_channels():
    grey = np.full((4, 4), 0xC8FF, np.uint16)
    assert (seen(Image.fromarray(grey), format="PNG") == 0xC8).all()
    assert (seen(Image.fromarray(grey), format="TIFF") == 0xC8).all()
    for mode in ("RGBA", "P", "CMYK", "LA", "L", "1"):
        found = seen(Image.new("RGB", (4, 4), "white").convert(mode), format="TIFF")
        assert (found.shape, found.dtype, found.min()) == ((2, 2, 3), np.uint8, 255)
    with pytest.raises(ValueError, match="16 bits"):
        seen(Image.fromarray(np.zeros((4, 4), np.float32)), format="TIFF")


def test_every_ending_is_read(tmp_path):
    for number, ending in enumerate(ENDINGS * 3):
        for name in ("cat", "dog"):
            photo(
                tmp_path / "photos" / name / f"{number}{ending if number % 2 else ending.upper()}",
                number,
            )
    assert len(own(tmp_path).read_all()["labels"]) == 2 * 3 * len(ENDINGS)


@pytest.mark.parametrize(
    "names", [("test", "VAL"), ("training", "train"), ("validation", "valid"), ("cat", "train")]
)
def test_splits_are_no_classes_and_the_way_out_works(tmp_path, names):
    for number in range(40):
        photo(
            tmp_path / "photos" / names[number % 2] / ("a", "b")[number // 2 % 2] / f"{number}.png",
            number,
        )
    with pytest.raises(InvalidValue, match="splits, not classes") as caught:
        own(tmp_path).prepare(tmp_path)
    path = caught.value.todo.split('"')[1]
    assert own(tmp_path, path).info.classes == 2
    for name in names:
        (tmp_path / "photos" / name).rename(tmp_path / "photos" / f"{name}s")
    assert own(tmp_path).info.classes == 2


def test_the_way_out_names_the_split_with_most_pictures(tmp_path):
    for number in range(9):
        photo(
            tmp_path / "photos" / ("train" if number > 2 else "cat") / "a" / f"{number}.png",
            number,
        )
    with pytest.raises(InvalidValue, match=r'Set path .*"photos/train"'):
        own(tmp_path).prepare(tmp_path)


def in_splits(root, names):
    """Nine pictures of each of two classes for each split."""
    for number in range(18 * len(names)):
        kind = ("cat", "dog")[number % 2]
        photo(root / "photos" / names[number // 18] / kind / f"{number}.png", number)


@pytest.mark.parametrize("names", [("train", "test"), ("Train", "TESTING", "val")])
def test_folders_of_splits_stay_what_they_are(tmp_path, names):
    in_splits(tmp_path, names)
    dataset = own(tmp_path)
    assert dataset.info.classes == 2
    rows = dataset.preview()
    assert "18 test" in rows["splits"]
    assert ("18 validation" in rows["splits"]) == ("val" in names)
    assert rows["classes"] == f"cat {9 * len(names)}, dog {9 * len(names)}"
    splits = dataset.make_splits(tmp_path)
    assert f"{len(splits['train']['labels'])} train" in rows["splits"]
    # the pictures of the folder, and no other
    folder = tmp_path / "photos" / names[1]
    alone = own(tmp_path, str(folder)).read_all()["image"]
    assert {image.tobytes() for image in alone} == {
        image.tobytes() for image in splits["test"]["image"]
    }


def test_a_class_that_only_another_split_has_is_refused_and_the_way_out_works(tmp_path):
    in_splits(tmp_path, ("train", "test"))
    for number in range(3):
        photo(tmp_path / "photos" / "test" / "owl" / f"{number}.png", 90 + number)
    with pytest.raises(InvalidValue, match=r"(?s)train has no picture.*Classes: owl\."):
        own(tmp_path).prepare(tmp_path)
    (tmp_path / "photos" / "train" / "owl").mkdir()
    (tmp_path / "photos" / "test" / "owl" / "0.png").rename(
        tmp_path / "photos" / "train" / "owl" / "0.png"
    )
    assert own(tmp_path).info.classes == 3


def test_a_class_without_a_picture_in_any_split_is_refused(tmp_path):
    in_splits(tmp_path, ("train", "test"))
    (tmp_path / "photos" / "test" / "owl").mkdir()
    (tmp_path / "photos" / "test" / "owl" / "1.heic").write_bytes(b"")
    with pytest.raises(InvalidValue, match=r"(?s)owl.*Files: 1 \.heic"):
        own(tmp_path).prepare(tmp_path)


def test_what_macos_puts_into_archives_is_no_class(tmp_path, folder):
    (folder / "__MACOSX" / "cat").mkdir(parents=True)
    (folder / "__MACOSX" / "cat" / "._1.png").write_bytes(b"")
    photo(folder / "__MACOSX" / "cat" / "1.png", 1)
    assert own(tmp_path).info.classes == 2


def test_what_is_not_read_is_counted(tmp_path, folder, caplog):
    with caplog.at_level(logging.WARNING, "framework"):
        assert own(tmp_path).info.classes == 2
    assert not caplog.records
    (folder / "cat" / "a.heic").write_bytes(b"")
    (folder / "cat" / "B.HEIC").write_bytes(b"")
    (folder / "dog" / "README").write_bytes(b"")
    photo(folder / "loose.png")
    with caplog.at_level(logging.WARNING, "framework"):
        assert own(tmp_path, side=9).info.classes == 2
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "photos: 4 files are not read: 2 .heic, 1 .png in no class, 1 without an ending."
    ]


@pytest.mark.parametrize("files", [["1.heic", "2.heic"], []])
def test_a_class_of_which_nothing_can_be_read_is_refused(tmp_path, folder, files):
    (folder / "owl").mkdir()
    for name in files:
        (folder / "owl" / name).write_bytes(b"")
    with pytest.raises(InvalidValue, match=rf"(?s)owl.*Files: {'2 .heic' if files else 'none'}"):
        own(tmp_path).prepare(tmp_path)


def test_a_class_of_one_picture_is_refused(tmp_path, folder):
    photo(folder / "owl" / "1.png")
    with pytest.raises(InvalidValue, match=r"(?s)one picture.*owl"):
        own(tmp_path).prepare(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0"]
)
def test_a_file_that_is_cut_off_is_refused_by_its_name(tmp_path, folder, content):
    (folder / "dog" / "x.jpg").write_bytes(content)
    with pytest.raises(InvalidValue, match=r"x\.jpg") as caught:
        own(tmp_path).prepare(tmp_path)
    assert " object at " not in str(caught.value)
