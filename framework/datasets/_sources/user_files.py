"""What data sets of the user's own share.

No Python is written for them, knobs say where they are and what is there.
"""

from __future__ import annotations

import hashlib
import logging
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import numpy as np

from framework.contracts import Array, DataInfo, Task, knob
from framework.contracts.project import Project
from framework.datasets._sources.anomalies import joined, kinds_of_samples, set_aside
from framework.datasets._sources.cache import TEST
from framework.datasets._sources.cached import CachedDataset
from framework.datasets._sources.contents import Contents
from framework.datasets._sources.contents import rows as contents_rows
from framework.datasets._sources.splits import LABELS, RULE, Arrays, carve, in_order, take
from framework.datasets._sources.table import wrong
from framework.errors import DataUnavailable, InvalidValue
from framework.system.git_lfs import check_fetched

log = logging.getLogger("framework")
TASKS = ("classes", "binary", "regression", "reconstruction")
KEPT = 64  # what was learnt of as many files is remembered, until they change
PART = "part"
"""The array of read_all that says where a sample belongs, by its place in `GIVEN`."""
GIVEN = ("train", TEST, "validation")
Stamp = tuple[tuple[str, int, int], ...]
"""Name, time of the last change and size of each file: where they differ, all is read anew."""


@dataclass(frozen=True, kw_only=True)
class OwnDataset(CachedDataset):
    """Samples of the user's own.

    The splits are carved off by the published rule, their sizes are shares.

    `info` is read from the data; so the data set is one for `located(root)` to complete.
    """

    task: str = knob(
        "classes",
        choices=TASKS,
        doc="classes, binary (labels 0 and 1), regression, or reconstruction of the input (labels, "
        "if there are any: 0 normal, 1 anomaly)",
    )
    calibration_share: float = knob(
        0.05, low=0.001, high=0.5, doc="of all samples, for post-training quantization"
    )
    validation_share: float = knob(
        0.15, low=0.001, high=0.5, doc="of all samples, for all that a search sees"
    )
    test_share: float = knob(
        0.15, low=0.001, high=0.5, doc="of all samples, sealed: make confirm alone opens it"
    )

    own = True
    licence = "your own"
    calibration_size = 0  # shares say it
    validation_size = 0

    @property
    def asked(self) -> Task:
        """The task, as its type."""
        return cast("Task", self.task)

    @property
    def info(self) -> DataInfo:
        """Task, inputs and classes; read from the data, and remembered until it changes.

        Raises:
            UserError: it is not there, or not what the knobs say.
        """
        self.check_named()
        stamp = self.stamp()
        self.verify(stamp)
        return _described(self, stamp)

    def verify(self, stamp: Stamp) -> None:
        """Return if the content is that which the study names, if it names one.

        Raises:
            InvalidValue: it is another.
        """

    @abstractmethod
    def check_named(self) -> None:
        """Return if the knobs name something that is there.

        Raises:
            DataUnavailable: they do not; the message says which knob to set.
        """

    @abstractmethod
    def stamp(self) -> Stamp:
        """Changes when the data does; fast."""

    @abstractmethod
    def describe(self) -> DataInfo:
        """Task, inputs and classes, read from the data; loads no TensorFlow."""

    @abstractmethod
    def identity(self) -> str:
        """Of the data's content, wherever it lies."""

    @abstractmethod
    def read_all(self) -> Arrays:
        """All samples: pictures as bytes, texts as `packed` words, and `labels`."""

    def rule(self) -> list[object]:
        """The content, all knobs that do not name it, and the split rule."""
        self.check_named()
        return [self.name, self.plugin_version, self.identity(), self.settings(), RULE]

    def settings(self) -> Mapping[str, Any]:
        """The knobs that decide what is made of the data."""
        return self.values()

    def check_source(self, root: Path) -> None:
        """Return if what the knobs name is there, and is what they say."""
        _ = self.info

    def check_available(self, root: Path) -> None:
        """The same: where the data is not, nothing is known of it."""
        self.check_source(root)

    def state(self, root: Path) -> str:
        """Where the data is, or which knob to set."""
        try:
            self.check_named()
        except DataUnavailable as error:
            return f"yours. {error.todo}"
        return super().state(root)

    def read_split(self, root: Path, split: str) -> Arrays:
        """The samples of `train` or `test`."""
        return self.halves()[split]

    def halves(self) -> dict[str, Arrays]:
        """The samples of `test` and, as `train`, all others; `validation`, if it is told apart.

        By default the published rule takes a share for `test` where the data names none.
        """
        arrays = dict(self.read_all())
        given = arrays.pop(PART, np.zeros(len(arrays[LABELS]), np.int8))
        halves: dict[str, Arrays] = {}
        for number, split in enumerate(GIVEN):
            if number in given:
                halves[split] = in_order(take(arrays, np.flatnonzero(given == number)))
        if TEST not in halves:
            halves[TEST], halves["train"] = carve(
                halves["train"], _share(halves["train"], self.test_share)
            )
        return halves

    def make_splits(self, root: Path) -> dict[str, Arrays]:
        """All four splits, as `finish` leaves them."""
        self.check_source(root)
        return self.finish(self.cut())

    def cut(self) -> dict[str, Arrays]:
        """All four splits of what is read, before anything is learnt from it.

        Of a reconstruction the anomalies that are not in `test` are in `validation`: train and
        calibration are what is normal.
        """
        splits, anomalies = self.halves(), None
        if self.task == "reconstruction":
            splits["train"], anomalies = set_aside(splits["train"])
        # shares are of all samples, those of the test included
        count = sum(len(arrays[LABELS]) for arrays in splits.values())
        for split, share in (
            ("calibration", self.calibration_share),
            ("validation", self.validation_share),
        ):
            if split not in splits:
                least = max(1, round(share * count))
                splits[split], splits["train"] = carve(splits["train"], least)
        if anomalies is not None:
            splits["validation"] = joined(splits["validation"], anomalies)
        return splits

    def finish(self, splits: dict[str, Arrays]) -> dict[str, Arrays]:
        """The splits with what is learnt from train applied to all: a vocabulary, a scale."""
        return splits


@dataclass(frozen=True, kw_only=True)
class FileDataset(OwnDataset):
    """Samples in a file or folder of the user's own.

    Its sha256 is filled in when a study is resolved.
    """

    takes: ClassVar[tuple[str, ...]] = ("file",)
    """What `path` may be: `file`, `folder`."""

    path: str = knob("", unit="path", doc="seen from the project's folder")
    sha256: str | None = knob(
        None,
        unit="name",
        optional=True,
        doc="of the content; filled in, so that a study belongs to its bytes",
    )

    def located(self, root: Path) -> Self:
        """The same, with the path seen from the project's folder."""
        return replace(self, path=str(root / self.path)) if self.path else self

    def pinned(self, project: Project) -> Mapping[str, Any]:
        """The sha256 of the content.

        Raises:
            DataUnavailable: there is no such file.
            InvalidValue: it is not the one that the study names.
        """
        located = self.located(project.root)
        located.check_source(project.root)
        return {"sha256": content_sha256(Path(located.path), located.stamp())}

    def check_named(self) -> None:
        """Return if `path` is set and there is something."""
        if not self.path or not Path(self.path).exists():
            raise DataUnavailable(
                f"The data set {self.name!r} needs a file of yours."
                if not self.path
                else "There is no such file.",
                given=f"Looked for: {self.path}." if self.path else "",
                todo=f'Set path, seen from the project\'s folder: use("{self.name}", path="...").',
            )
        check_fetched(Path(self.path))

        self._check_kind()

    def _check_kind(self) -> None:
        """Refuse a folder in place of a file, and what is neither: reading it may never end."""
        path = Path(self.path)
        kind = "folder" if path.is_dir() else "file" if path.is_file() else "device or pipe"
        if kind not in self.takes:
            wanted = " or ".join(self.takes)
            raise DataUnavailable(
                f"{path.name} is a {kind}; the data set {self.name!r} reads a {wanted}.",
                given=f"Given: {path}.",
                todo=f'Set path to a {wanted}: use("{self.name}", path="...").',
            )

    def verify(self, stamp: Stamp) -> None:
        """Return if the content has the sha256 that the study names."""
        if self.sha256 is None:
            return
        sha256 = content_sha256(Path(self.path), stamp)
        if sha256 != self.sha256:
            raise self.wrong(
                "it is not the one that the study names.",
                f"Its sha256: {sha256}; in the study: {self.sha256}.",
                "Bring back that content, or leave sha256= out: trials then begin anew.",
            )

    def source_state(self, root: Path) -> str:
        """The file."""
        return f"in {self.path}"

    def stamp(self) -> Stamp:
        """Of the file, or of all files in the folder."""
        return stamp_of(files_in(Path(self.path)))

    def identity(self) -> str:
        """The sha256 of the content."""
        return self.sha256 or content_sha256(Path(self.path), self.stamp())

    def settings(self) -> Mapping[str, Any]:
        """All knobs but where it lies and what its sha256 is."""
        knobs = dict(self.values())
        # one content is one data set, wherever it lies and whether or not a study pins it
        del knobs["path"], knobs["sha256"]
        return knobs

    def kinds_of_samples(self, labels: Array) -> int:
        """Of a reconstruction: 2 where anomalies are labelled, 0 where none is."""
        return kinds_of_samples(labels, self.wrong)

    @abstractmethod
    def contents(self) -> Contents:
        """What the file or folder was understood to hold."""

    def preview(self) -> Mapping[str, str]:
        """The same, as rows of text, with what nets are given."""
        info, contents = self.info, self.contents()
        rows = {"read as": f"{self.name}, task {info.task}"}
        rows |= contents_rows(contents, self._sizes(contents))
        for name, shape in info.inputs.items():
            rows[f"nets are given {name}"] = " x ".join(map(str, shape))
        return rows

    def _sizes(self, contents: Contents) -> dict[str, int]:
        """Samples of each split; of a reconstruction none, for it depends on the anomalies."""
        if self.task == "reconstruction":
            return {}
        sizes, count = dict(contents.given), len(contents.labels)
        # as they are carved off, one after another
        train = sizes.pop("train", count)
        for split, share, of in (
            (TEST, self.test_share, train),
            ("calibration", self.calibration_share, count),
            ("validation", self.validation_share, count),
        ):
            if split not in sizes:
                sizes[split] = max(1, round(share * of))
                train -= sizes[split]
        others = ("calibration", "validation", TEST)
        return {"train": train} | {split: sizes[split] for split in others}

    def say(self, what: str) -> None:
        """Warn of something in the file; once, until it changes."""
        _say(f"{Path(self.path).name}: {what}", self.stamp())

    def say_alike(self, classes: Iterable[str]) -> None:
        """Warn of classes whose names differ in capitals alone."""
        names: dict[str, list[str]] = {}
        for name in classes:
            names.setdefault(name.casefold(), []).append(name)
        for alike in names.values():
            if len(alike) > 1:
                self.say(
                    f"{' and '.join(map(repr, alike))} are classes of their own. If they are one, "
                    "write them alike."
                )

    def wrong(self, what: str, given: str = "", todo: str = "") -> InvalidValue:
        """An error that names the file."""
        return wrong(Path(self.path), what, given, todo)


def files_in(path: Path) -> list[Path]:
    """The file itself, or all files in the folder and below, in the order of their names.

    Hidden ones do not count.
    """
    if not path.is_dir():
        return [path]
    # sorted by the names within the folder: content has one digest wherever the folder lies
    files = filter(Path.is_file, path.rglob("*"))
    names = sorted(file.relative_to(path) for file in files)
    return [path / name for name in names if not _is_hidden(name)]


def _is_hidden(path: Path) -> bool:
    """Whether a file, or a folder on the way to it, begins with a dot."""
    return path.as_posix().startswith(".") or "/." in path.as_posix()


def stamp_of(files: Iterable[Path]) -> Stamp:
    """Of these files."""
    return tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files)


@lru_cache(KEPT)
def content_sha256(path: Path, stamp: Stamp) -> str:
    """sha256 of a file; of a folder, of the names and contents of its files.

    Args:
        stamp: of its files: the digest is remembered as long as it stays the same.
    """
    if not path.is_dir():
        return _file_sha256(path)
    running = hashlib.sha256()
    for name, _, _ in stamp:
        file = Path(name)
        running.update(f"{file.relative_to(path).as_posix()} {_file_sha256(file)}\n".encode())
    return running.hexdigest()


@lru_cache(KEPT)
def _say(text: str, stamp: Stamp) -> None:  # noqa: ARG001 - part of what is remembered
    log.warning(text)


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(KEPT)
def _described(dataset: OwnDataset, stamp: Stamp) -> DataInfo:  # noqa: ARG001 - part of what is remembered
    return dataset.describe()


def _share(arrays: Arrays, share: float) -> int:
    return max(1, round(share * len(arrays[LABELS])))
