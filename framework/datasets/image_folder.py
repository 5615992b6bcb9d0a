"""Pictures of your own, sorted into folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.contracts import Array, DataInfo, dataset, knob
from framework.datasets._own import FileDataset, Stamp, files_in, stamp_of
from framework.datasets._pictures import read_picture
from framework.datasets._splits import LABELS, Arrays

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


@dataset("image_folder", version=1)
@dataclass(frozen=True, kw_only=True)
class ImageFolder(FileDataset):
    """Pictures of your own in a folder that has one folder for each class.

    Source: the folder named by `path`: photos/cat/1.jpg, photos/dog/a/2.png ...; PNG, JPEG, BMP, first frames of GIF.

    Classes are the folders in the order of their names; of a binary task the second is 1. The middle square of each
    picture is resized to `side`, bilinear with antialiasing. Pictures that only look alike, as frames of one film, fall
    into different splits and make them too easy: put one of each into the folder.
    """

    side: int = knob(32, low=8, high=1024, unit="pixels", doc="height and width of the pictures as they are cached")
    grey: bool = knob(False, doc="one channel in place of three")
    mirror: bool = knob(False, doc="whether a mirrored picture keeps its label")

    def stamp(self) -> Stamp:
        """Of the pictures; what else is there does not count."""
        return stamp_of(file for _, file in self._listed())

    def describe(self) -> DataInfo:
        """As many classes as there are folders with pictures."""
        classes = len(self._classes())
        if classes < 2 or (self.task == "binary" and classes != 2) or self.task == "regression":
            raise self.wrong(
                "there is one folder for each class: two or more for the task classes, two for binary.",
                f"Task {self.task}, folders with pictures: {', '.join(self._classes()) or 'none'}.",
                f"Pictures end in {', '.join(ENDINGS)}.",
            )
        inputs = {"image": (self.side, self.side, self._channels)}
        return DataInfo(task=self.asked, classes=classes, inputs=inputs, mirror=self.mirror)

    def read_all(self) -> Arrays:
        """Each picture, and the number of its folder."""
        classes = {name: number for number, name in enumerate(self._classes())}
        listed = self._listed()
        images = np.empty((len(listed), self.side, self.side, self._channels), np.uint8)
        for image, (_, file) in zip(images, listed, strict=True):
            image[:] = self._read(file)
        return {"image": images, LABELS: np.array([classes[name] for name, _ in listed], np.int64)}

    @property
    def _channels(self) -> int:
        return 1 if self.grey else 3

    def _read(self, file: Path) -> Array:
        try:
            return read_picture(file.read_bytes(), side=self.side, channels=self._channels)
        except ValueError as error:
            raise self.wrong("there is a file that is no picture.", f"{file}: {error}", "Take it away.") from error

    def _classes(self) -> list[str]:
        return sorted({name for name, _ in self._listed()})

    def _listed(self) -> list[tuple[str, Path]]:
        """Class and file of each picture."""
        top = Path(self.path)
        found = ((file.relative_to(top).parts, file) for file in files_in(top) if file.suffix.lower() in ENDINGS)
        return [(parts[0], file) for parts, file in found if len(parts) > 1]
