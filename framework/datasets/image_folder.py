"""Pictures of your own, sorted into folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.contracts import Array, DataInfo, dataset, knob
from framework.datasets._prepare.images import read_picture, told
from framework.datasets._sources.anomalies import NAMES
from framework.datasets._sources.cache import TEST
from framework.datasets._sources.contents import Contents, spread_out
from framework.datasets._sources.splits import LABELS, Arrays
from framework.datasets._sources.user_files import (
    GIVEN,
    PART,
    FileDataset,
    Stamp,
    files_in,
    stamp_of,
)

ENDINGS = (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
SPLITS = {
    "train": "train", "training": "train", "test": TEST, "testing": TEST,
    "val": "validation", "valid": "validation", "validation": "validation", "eval": "validation",
}  # fmt: skip
"""What folders of splits are called: a net is not to learn a picture's split."""

ANOMALY = "anomaly"  # the folder whose pictures no reconstruction learns from


@dataset("image_folder", version=2)
@dataclass(frozen=True, kw_only=True)
class ImageFolder(FileDataset):
    """Pictures of your own in a folder that has one folder for each class.

    Source: the folder named by `path`: photos/cat/1.jpg, photos/dog/a/2.png ...; PNG, JPEG, WebP,
    BMP, first frames of TIFF and GIF. How many other files there are is said.

    Classes are the folders in the order of their names; of a binary task the second is 1. Where all
    folders are splits (train, with test and validation or one of them) that hold a folder for each
    class, they stay what they are; `test` becomes the sealed split. Each picture is turned as its
    EXIF data says, and its middle square is resized to `side`, bilinear with antialiasing.
    For `reconstruction` the pictures of a folder called anomaly are anomalies, all others normal.
    Pictures that only look alike, as frames of one film, fall into different splits and make them
    too easy: put one of each into the folder.
    """

    takes = ("folder",)

    side: int = knob(
        32,
        low=8,
        high=1024,
        unit="pixels",
        doc="height and width of the pictures as they are cached",
    )
    grey: bool = knob(False, doc="one channel in place of three")
    mirror: bool = knob(False, doc="whether a mirrored picture keeps its label")

    def stamp(self) -> Stamp:
        """Of the pictures; what else is there does not count."""
        return stamp_of(self._pictures())

    def describe(self) -> DataInfo:
        """As many classes as there are folders with pictures."""
        self._check_splits()
        self._check_task()
        self._check_folders()
        self._check_more_than_one()
        self._say_what_is_left_out()
        classes = len(self._classes())
        if self.task == "reconstruction":
            classes = self.kinds_of_samples(self._numbers())
        inputs = {"image": (self.side, self.side, self._channels)}
        return DataInfo(task=self.asked, classes=classes, inputs=inputs, mirror=self.mirror)

    def contents(self) -> Contents:
        """Classes with their pictures, and a few of these."""
        pictures, left_out = self._listed(), self._left_out()
        samples = {}
        for number in spread_out(len(pictures)):
            name = pictures[number][1]
            size = told(name.read_bytes())
            samples[number] = f"{name.relative_to(self.path).as_posix()}, {size}"
        classes = NAMES if self.task == "reconstruction" else self._classes()
        parts = {"pictures": f"{len(pictures)}, of each the middle square"}
        others = [_endings(left_out)] if left_out else []
        given = {split: len(list(_in_classes(top))) for split, top in self._splits().items()}
        return Contents(parts, self._numbers(), classes, samples, others, given)

    def read_all(self) -> Arrays:
        """Each picture, and the number of its folder."""
        pictures = self._listed()
        images = np.empty((len(pictures), self.side, self.side, self._channels), np.uint8)
        # one picture at a time into its place: a list of all would need the memory twice
        for row, (_, file) in enumerate(pictures):
            images[row] = self._read(file)
        read = {"image": images, LABELS: self._numbers()}
        if not self._splits():
            return read
        part = [
            np.full(len(list(_in_classes(top))), GIVEN.index(split), np.int8)
            for split, top in self._splits().items()
        ]
        return read | {PART: np.concatenate(part)}

    def _numbers(self) -> Array:
        """(n,) the number of each picture's folder; of a reconstruction 1 for an anomaly."""
        names = self._classes()
        if self.task == "reconstruction":
            return np.array([name.lower() == ANOMALY for name, _ in self._listed()], np.int64)
        return np.array([names.index(name) for name, _ in self._listed()], np.int64)

    @property
    def _channels(self) -> int:
        return 1 if self.grey else 3

    def _splits(self) -> dict[str, Path]:
        """The folder of each split, train first; none where classes lie at the top.

        Pictures that lie in a split without a class, as those that a contest keeps the labels of,
        make it none; so do two folders of one split.
        """
        splits = {}
        folders = _folders_in(Path(self.path))
        for name in folders:
            folder = Path(self.path) / name
            if name.lower() in SPLITS and any(_in_classes(folder)):
                splits[SPLITS[name.lower()]] = folder
        is_split = len(splits) == len(folders) and "train" in splits
        return {name: splits[name] for name in GIVEN if name in splits} if is_split else {}

    def _check_splits(self) -> None:
        """Refuse folders of splits beside classes, and classes that none learns."""
        splits = [name for name in self._folders() if name.lower() in SPLITS]
        if splits and not self._splits():
            pictures = self._counts()
            # of train and test train
            largest = max(splits, key=lambda name: (pictures[name], name))
            raise self.wrong(
                "its folders are splits, not classes.",
                f"Found: {', '.join(splits)}.",
                f"Set path to the one whose pictures are to be split "
                f'("{Path(self.path).name}/{largest}"), or put all '
                "pictures of a class into one folder. Splits are folders called train, test and "
                "validation, each with a folder for each class and nothing beside them. If it is a "
                "class, give its folder another name.",
            )
        learnt = {name for name, _ in _in_classes(self._splits().get("train", Path(self.path)))}
        unlearnt = sorted(set(self._classes()) - learnt)
        if unlearnt:
            raise self.wrong(
                "there are classes of which the split train has no picture.",
                f"Classes: {', '.join(unlearnt)}.",
                "Move pictures of theirs to train, or take their folders away.",
            )

    def _check_task(self) -> None:
        """Refuse a task that the number of classes does not suit."""
        classes = self._classes()
        suits = {
            "classes": len(classes) >= 2,
            "binary": len(classes) == 2,
            "regression": False,
            "reconstruction": len(classes) >= 1,
        }
        if not suits[self.task]:
            raise self.wrong(
                "there is one folder for each class: two or more for the task classes, two for "
                "binary, one or more for reconstruction.",
                f"Task {self.task}, folders with pictures: {', '.join(classes) or 'none'}.",
                self._wrapped(classes)
                or "Put the pictures of each class into a folder of its own. Pictures end in "
                f"{', '.join(ENDINGS)}.",
            )

    def _wrapped(self, classes: list[str]) -> str:
        """The way out where the only folder holds those of the classes, as archives unpack."""
        if len(classes) != 1:
            return ""
        inner = Path(self.path) / classes[0]
        inside = {class_name for class_name, _ in _in_classes(inner)}
        return f'Set path to "{Path(self.path).name}/{inner.name}".' if len(inside) > 1 else ""

    def _check_folders(self) -> None:
        """Refuse a class of which no picture can be read."""
        empty = sorted(set(self._folders()) - set(self._classes()))
        if empty:
            files = [
                file
                for top in self._tops()
                if (top / empty[0]).is_dir()
                for file in files_in(top / empty[0])
            ]
            raise self.wrong(
                "there are folders without a picture that can be read.",
                f"Folders: {', '.join(empty)}. Files: {_endings(files) or 'none'}.",
                f"Save the pictures as .png or .jpg, or take the folders away. Pictures end in "
                f"{', '.join(ENDINGS)}.",
            )

    def _check_more_than_one(self) -> None:
        """Refuse a class of a single picture, which cannot be both learnt and measured."""
        alone = [name for name, count in self._counts().items() if count == 1]
        if alone and self.task != "reconstruction":
            raise self.wrong(
                "there are folders with one picture.",
                f"Folders: {', '.join(alone)}.",
                "Add pictures of theirs, or take the folders away where two classes are left.",
            )

    def _say_what_is_left_out(self) -> None:
        left_out = self._left_out()
        if left_out:
            self.say(f"{len(left_out)} files are not read: {_endings(left_out)}.")

    def _left_out(self) -> set[Path]:
        return set(files_in(Path(self.path))) - set(self._pictures())

    def _folders(self) -> list[str]:
        """The folders that are classes, those of all splits, in the order of their names."""
        folders: set[str] = set()
        for top in self._tops():
            folders |= set(_folders_in(top))
        return sorted(folders)

    def _tops(self) -> list[Path]:
        """What holds the folders of classes: the folder itself, or each split."""
        return list(self._splits().values()) or [Path(self.path)]

    def _read(self, file: Path) -> Array:
        try:
            return read_picture(file.read_bytes(), side=self.side, channels=self._channels)
        except ValueError as error:
            raise self.wrong(
                "there is a file that is no picture.", f"{file}: {error}", "Take it away."
            ) from error

    def _classes(self) -> list[str]:
        return sorted(self._counts())

    def _counts(self) -> Counter[str]:
        """How many pictures each class has."""
        return Counter(class_name for class_name, _ in self._listed())

    def _pictures(self) -> list[Path]:
        return [file for _, file in self._listed()]

    def _listed(self) -> list[tuple[str, Path]]:
        """Class and file of each picture, split by split; one next to the folders has no class."""
        listed: list[tuple[str, Path]] = []
        for top in self._tops():
            listed += _in_classes(top)
        return listed


def _folders_in(top: Path) -> list[str]:
    """Names of its folders, sorted.

    Hidden ones do not count, nor does what macOS puts into archives, __MACOSX.
    """
    if not top.is_dir():
        return []
    return sorted(entry.name for entry in filter(Path.is_dir, top.iterdir())
                  if _may_be_class(entry.name))  # fmt: skip


def _may_be_class(name: str) -> bool:
    return not name.startswith((".", "__"))


def _in_classes(top: Path) -> Iterator[tuple[str, Path]]:
    """Class and file of each picture below `top`."""
    for file in files_in(top):
        parts = file.relative_to(top).parts  # none where `top` itself is a file
        if len(parts) > 1 and _may_be_class(parts[0]) and file.suffix.lower() in ENDINGS:
            yield parts[0], file


def _endings(files: Iterable[Path]) -> str:
    """How many files there are of each ending, in the order of the alphabet."""
    counts = Counter(file.suffix.lower() or "without an ending" for file in files)
    parts = []
    for ending, count in sorted(counts.items()):
        # a picture that is left out lies next to the folders
        place = " in no class" if ending in ENDINGS else ""
        parts.append(f"{count} {ending}{place}")
    return ", ".join(parts)
