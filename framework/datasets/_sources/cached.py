"""Data sets of four splits, made once and cached as arrays.

A subclass says where the samples come from.

`TfdsDataset` takes them from a tensorflow-datasets builder; `ArrayDataset` in `arrays.py` from
arrays of the user's own.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, TypeVar

import numpy as np

from framework.contracts import Array, DataInfo, Dataset, Samples, Splits, Ticket
from framework.datasets._sources import tfds_folder
from framework.datasets._sources.cache import OPEN, TEST, Cache, NotCached, put_aside_loudly
from framework.datasets._sources.splits import LABELS, RULE, Arrays, carve, digest, in_order
from framework.errors import DataUnavailable, InvalidStudy, InvalidValue, SqueezelabError
from framework.nn.images import prepare_images

T = TypeVar("T")
SOUND = "audio"  # the input of this name has a shape like a picture's, and is none


class CachedDataset(Dataset):
    """Samples with labels; calibration and validation are carved off what is not the test split.

    Arrays are cached in the form that takes least room: pictures as bytes, everything else as a net
    reads it.

    Class attributes:
        calibration_size, validation_size: samples, classes in proportion; the rest is for training.
    """

    calibration_size: ClassVar[int]
    validation_size: ClassVar[int]

    @abstractmethod
    def rule(self) -> list[object]:
        """All that decides the arrays of `read_split`, for JSON.

        Another rule never meets files of this one.
        """

    @abstractmethod
    def check_source(self, root: Path) -> None:
        """Return if `read_split` will find the samples; loads no TensorFlow.

        Raises:
            DataUnavailable: it will not; the message says how to get them.
        """

    @abstractmethod
    def source_state(self, root: Path) -> str:
        """Where the samples are, while they are not cached."""

    @abstractmethod
    def read_split(self, root: Path, split: str) -> Arrays:
        """The samples of `train` or `test`.

        Each input (n, ...), pictures as bytes, and `labels` (n,).
        """

    def make_splits(self, root: Path) -> dict[str, Arrays]:
        """All four splits.

        By default calibration and validation are carved off `train` by the published rule.
        """
        others, test = self.read_split(root, "train"), self.read_split(root, TEST)
        calibration, others = carve(others, self.calibration_size)
        validation, train = carve(others, self.validation_size)
        return {
            "train": train,
            "calibration": calibration,
            "validation": validation,
            TEST: in_order(test),
        }

    def check_available(self, root: Path) -> None:
        """Return if the data is cached or can be had."""
        if not self._cache(root).folder.is_dir():
            self.check_source(root)

    def state(self, root: Path) -> str:
        """`cached`, or where the samples are."""
        return "cached" if self._cache(root).folder.is_dir() else self.source_state(root)

    def prepare(self, root: Path) -> None:
        """Cache the splits; those that are cached are read and verified."""
        self._open_splits(root)

    def load(self, root: Path, shapes: Mapping[str, tuple[int, ...]]) -> Splits:
        """The open splits; the file of the test split is not touched once it is written."""
        check_inputs(self.info, shapes)
        splits, digests = self._open_splits(root)
        train, calibration, validation = (self._samples(splits[split], shapes) for split in OPEN)
        return Splits(train, calibration, validation, digests)

    def load_sealed(
        self, root: Path, shapes: Mapping[str, tuple[int, ...]], ticket: Ticket
    ) -> Samples:
        """The test split, for whoever has a ticket."""
        # its run is in the store by then, so that looks at the test split can be counted
        if not isinstance(ticket, Ticket) or not ticket.run_id.strip():
            raise SqueezelabError(
                f"The test split of {self.name} is sealed.",
                given=f"Ticket: {ticket!r}.",
                todo="`squeezelab confirm` opens it, once its run is in the store.",
            )
        check_inputs(self.info, shapes)
        return self._samples(self._test_split(root), shapes)

    def _cache(self, root: Path) -> Cache:
        text = json.dumps([*self.rule(), self.calibration_size, self.validation_size])
        return Cache(root.resolve(), self.name, hashlib.sha256(text.encode()).hexdigest()[:8])

    def _open_splits(self, root: Path) -> tuple[dict[str, Arrays], dict[str, str]]:
        cache = self._cache(root)
        try:
            return cache.read_open()  # without the lock: a folder that is there is whole
        except NotCached:
            with cache.lock():
                return self._prepared_splits(cache)

    def _prepared_splits(self, cache: Cache) -> tuple[dict[str, Arrays], dict[str, str]]:
        try:
            return cache.read_open()  # another process was faster
        except NotCached:
            put_aside_loudly(cache.folder)
        splits = self.make_splits(cache.root)
        self._check_finite(splits)
        cache.write(splits)
        return cache.read_open()

    def _check_finite(self, splits: Mapping[str, Arrays]) -> None:
        """Refuse what float32, in which nets read and learn, cannot represent.

        It would spread over every number.

        Raises:
            InvalidValue: there is such a value, or NaN.
        """
        for split, arrays in splits.items():
            for name, array in arrays.items():
                sample = first_not_finite(array)
                if sample is not None:
                    raise InvalidValue(
                        f"The data set {self.name!r} holds NaN, inf, or a number too large for "
                        f"float32.",
                        given=f"In {name}, sample {sample} of the {split} split.",
                        todo="Leave such samples out, put a number there, or choose a larger unit.",
                    )

    def _test_split(self, root: Path) -> Arrays:
        self._open_splits(root)  # prepared by now, whoever asks first
        cache = self._cache(root)
        with cache.lock():
            try:
                return cache.read_sealed()
            except NotCached:
                put_aside_loudly(cache.sealed)
            cache.write_sealed(self._test_split_anew(cache))
            return cache.read_sealed()

    def _test_split_anew(self, cache: Cache) -> Arrays:
        """The test split, made again in place of a damaged one.

        Raises:
            SqueezelabError: it would be another: runs are compared on one test split.
        """
        test = self.make_splits(cache.root)[TEST]
        if digest(test) != cache.digests()[TEST]:
            raise SqueezelabError(
                f"The test split of {self.name} is no longer the one that the runs were "
                f"recorded with.",
                given=f"Now: {self.source_state(cache.root)}.",
                todo="Bring back the data that the cache was made from.",
            )
        return test

    def _samples(self, arrays: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> Samples:
        inputs = {name: prepared(name, arrays[name], shape) for name, shape in shapes.items()}
        return Samples(
            inputs, arrays[LABELS].astype("int64" if self.info.task == "classes" else "float32")
        )


def first_not_finite(array: Array) -> int | None:
    """The first sample that float32 cannot represent, if there is one."""
    if array.dtype.kind != "f" or not array.size:
        return None
    with np.errstate(over="ignore"):  # what is too large becomes inf here
        good = np.isfinite(array.astype(np.float32)).reshape(len(array), -1).all(axis=1)
    return None if good.all() else int(np.argmin(good))


class TfdsDataset(CachedDataset):
    """Samples prepared by a TFDS builder; calibration and validation come off its `train` split.

    Class attributes:
        builder: name of the TFDS builder.
        builder_version: its version, "major.minor.patch".
        features: input name -> the feature's name in TFDS.
        label: the name of the feature that is the label.
        download: one file that preparing would download, to see whether it can; empty if nothing is
        downloaded.
    """

    builder: ClassVar[str]
    builder_version: ClassVar[str]
    features: ClassVar[Mapping[str, str]] = {"image": "image"}
    label: ClassVar[str] = "label"
    download: ClassVar[str] = ""

    def make_builder(self, tfds: ModuleType, data_dir: Path) -> Any:
        """The TFDS builder that can prepare the data; one of TFDS's own by default."""
        return tfds.builder(f"{self.builder}:{self.builder_version}", data_dir=str(data_dir))

    def folder_name(self) -> str:
        """Its folder in TFDS's.

        The builder's name, and that of the configuration if knobs choose one.
        """
        return self.builder

    def manual_dir(self, root: Path) -> Path | None:
        """The folder of files that the user fetched by hand, for a builder that reads such."""
        return None

    def rule(self) -> list[object]:
        """Names and versions of plug-in, builder and split rule."""
        return [
            self.name,
            self.plugin_version,
            self.builder,
            self.builder_version,
            dict(self.features),
            RULE,
        ]

    def check_source(self, root: Path) -> None:
        """Return if the data is prepared, made by rule, or can be downloaded."""
        if not self.download or self._find_prepared(root):
            return
        if not tfds_folder.can_reach(self.download):
            looked = ", ".join(map(str, tfds_folder.data_dirs(root)))
            raise DataUnavailable(
                f"The data set {self.name!r} is not on this machine and cannot be downloaded from "
                f"here.",
                given=f"Looked in {looked}; no answer from {self.download.split('/')[2]}.",
                todo=self._ways_out(),
            )

    def source_state(self, root: Path) -> str:
        """Prepared, made by rule, to be downloaded, or how to get it."""
        folder = self._find_prepared(root)
        if folder is not None and tfds_folder.is_own(root, folder):
            return "prepared in .cache/tfds"
        if folder is not None:
            return f"prepared in {folder}, read-only"
        if not self.download:
            return "made by rule"
        if tfds_folder.can_reach(self.download):
            return "can be downloaded"
        return f"not here. {self._ways_out()}"

    def read_split(self, root: Path, split: str) -> Arrays:
        """The samples as TFDS has them.

        Prepared first if need be, and again if our own are damaged.
        """
        reader = partial(
            tfds_folder.read_split, split=split, features=self.features, label=self.label
        )
        return self.read(root, reader)

    def read(self, root: Path, reader: Callable[[Path], T]) -> T:
        """What `reader` makes of the prepared folder, made first or anew if need be.

        Raises:
            DataUnavailable: it cannot be had, or is damaged and not ours to mend.
        """
        folder = self._source(root)
        try:
            return reader(folder)
        except tfds_folder.DamagedRecords as error:
            if tfds_folder.discard_own(root, folder):
                return reader(self._source(root))
            raise DataUnavailable(
                f"The prepared data of {self.builder} is damaged.",
                given=str(error),
                todo=self._ways_out(),
            ) from error

    def _find_prepared(self, root: Path) -> Path | None:
        # What we make by rule is ours alone: a foreign folder of the same name is something else.
        directories = tfds_folder.data_dirs(root) if self.download else [tfds_folder.own_dir(root)]
        return tfds_folder.find_prepared(
            directories, name=self.folder_name(), version=self.builder_version
        )

    def _source(self, root: Path) -> Path:
        """The prepared folder; made or downloaded first if there is none."""
        folder = self._find_prepared(root)
        if folder is None:
            self.check_source(root)
            names = {"name": self.folder_name(), "version": self.builder_version}
            tfds_folder.prepare(root, self.make_builder, **names, manual_dir=self.manual_dir(root))
            folder = tfds_folder.own_dir(root) / self.folder_name() / self.builder_version
        return folder

    def _ways_out(self) -> str:
        return (
            "Run once with a network, or set TFDS_DATA_DIR to a folder that has "
            f"{self.builder}/{self.builder_version} as tensorflow-datasets prepares it."
        )


def check_inputs(info: DataInfo, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a net that reads nothing, or an input that the data set does not have.

    Raises:
        InvalidStudy: it does.
    """
    if not shapes or set(shapes) - set(info.inputs):
        raise InvalidStudy(
            "The net's inputs are not those of the data set.",
            given=f"The net asks for {sorted(shapes)}, the data set has {sorted(info.inputs)}.",
            todo="Choose another architecture or data set.",
        )


def prepared(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    """One input as a net reads it: bytes are pictures, scaled and resized, as are others.

    All else has its shape already.

    Raises:
        InvalidStudy: the net asks for a shape that the input cannot have.
    """
    is_picture = array.ndim == 4 and array.shape[3] in (1, 3) and name != SOUND
    # one of fractions that has its shape already stays as it is, to the bit
    if array.dtype == np.uint8 or (is_picture and array.shape[1:] != tuple(shape)):
        return prepare_images(array, shape)
    if array.shape[1:] != tuple(shape):
        raise InvalidStudy(
            f"The input {name!r} comes in one shape only.",
            given=f"The net asks for {tuple(shape)}, the data set has {array.shape[1:]}.",
            todo="Choose another architecture or data set.",
        )
    return np.ascontiguousarray(array)
