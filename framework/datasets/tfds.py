"""Any data set that tensorflow-datasets has prepared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from framework.contracts import Array, DataInfo, dataset, knob
from framework.contracts.project import Project
from framework.datasets._prepare.images import squared
from framework.datasets._prepare.text import first_words
from framework.datasets._prepare.text_dataset import VOCABULARY, encoded, packed, unpacked
from framework.datasets._sources import tfds_folder
from framework.datasets._sources.cache import TEST
from framework.datasets._sources.splits import LABELS, Arrays, in_order
from framework.datasets._sources.user_files import OwnDataset, Stamp, stamp_of
from framework.errors import DataUnavailable, InvalidValue

HEADS = ("dataset_info.json", "features.json")


@dataset("tfds", version=2)
@dataclass(frozen=True, kw_only=True)
class PreparedData(OwnDataset):
    """Any classification, regression or reconstruction that tensorflow-datasets has prepared.

    Pictures, texts or both.

    Source: the data set named by `builder`, https://www.tensorflow.org/datasets/catalog/overview;
    cite its own source.

    It is looked for where prepared data sets lie (TFDS_DATA_DIR, ~/tensorflow_datasets,
    .cache/tfds) and only read. Pictures go to the net as `image`: as they are, or their middle
    square resized to `side`. Texts go as `text`: lower-case words and marks of punctuation, the
    most frequent of the train split are the vocabulary. The split named by `test` is the sealed
    one; where it is empty, a share of `train` is. Calibration and validation come off `train`. A
    `reconstruction` reads no label: every sample is normal.
    """

    builder: str = knob(
        "",
        unit="name",
        doc="name:version as tensorflow-datasets calls it, as mnist:3.0.1; or its folder",
    )
    image: str = knob("", unit="name", doc="the feature that is a picture, if there is one")
    text: str = knob("", unit="name", doc="the feature that is a text, if there is one")
    target: str = knob("label", unit="name", doc="the feature that is to be told from the others")
    test: str = knob(
        "test", unit="name", doc="the official test split; empty: a share is taken off train"
    )
    side: int = knob(
        0, low=0, high=1024, unit="pixels", doc="height and width of the pictures; 0: as they are"
    )
    mirror: bool = knob(False, doc="whether a mirrored picture keeps its label")
    length: int = knob(64, low=1, high=4096, unit="tokens", doc="of a text; longer ones are cut")
    vocabulary_size: int = knob(
        2000, low=3, high=1_000_000, unit="tokens", doc="of texts: how many words are told apart"
    )

    licence = "that of the data set named"

    def located(self, root: Path) -> Self:
        """The same, with the folder where it lies in place of the name."""
        name, _, version = self.builder.partition(":")
        if not name or not version:
            return self
        folder = tfds_folder.find_prepared(tfds_folder.data_dirs(root), name=name, version=version)
        return replace(self, builder=str(folder)) if folder else self

    def pinned(self, project: Project) -> Mapping[str, Any]:
        """Nothing more: name and version say which data it is."""
        self.located(project.root).check_named()
        return {}

    def check_named(self) -> None:
        """Return if it is prepared."""
        if self.builder and tfds_folder.is_prepared(Path(self.builder)):
            return
        name, _, version = self.builder.partition(":")
        named = bool(name and version)
        raise DataUnavailable(
            f"{self.builder or 'The data set'} is not prepared on this machine.",
            todo=f"Prepare it once: .venv/bin/python -c 'import tensorflow_datasets as tfds; "
            f'tfds.builder("{self.builder}").download_and_prepare()\'; or set TFDS_DATA_DIR to a '
            f"folder that has it."
            if named
            else 'Set builder to name:version, as use("tfds", builder="mnist:3.0.1", '
            'image="image").',
        )

    def stamp(self) -> Stamp:
        """Of its description."""
        return stamp_of(Path(self.builder) / name for name in HEADS)

    def identity(self) -> str:
        """Name, configuration and version."""
        head = self._head(HEADS[0])
        return ":".join(str(head.get(key, "")) for key in ("name", "configName", "version"))

    def settings(self) -> Mapping[str, Any]:
        """All knobs but the folder."""
        knobs = dict(self.values())
        del knobs["builder"]
        return knobs

    def source_state(self, root: Path) -> str:
        """The folder."""
        return f"prepared in {self.builder}"

    def describe(self) -> DataInfo:
        """From the description of the features."""
        features = self._head(HEADS[1])["featuresDict"]["features"]
        inputs = {"image": self._picture(features)} if self.image else {}
        inputs |= {"text": (self.length,)} if self.text else {}
        # a feature that is not named is an empty text
        target = "" if self.task == "reconstruction" else self.target
        missing = {self.image, self.text, target} - {"", *features}
        if missing or not inputs:
            raise self._wrong(
                "Set image or text, and target, to features that it has.", ", ".join(features)
            )
        tokens = {"text": self.vocabulary_size} if self.text else {}
        classes = self._classes(features[target]) if target else 0
        return DataInfo(
            task=self.asked, classes=classes, inputs=inputs, tokens=tokens, mirror=self.mirror
        )

    def vocabulary(self, root: Path, name: str) -> tuple[str, ...]:
        """What each token of the text stands for."""
        return (
            unpacked(self._open_splits(root)[0]["train"][VOCABULARY])
            if self.text and name == "text"
            else ()
        )

    def read_all(self) -> Arrays:
        """The samples of `train`."""
        return self._split("train")

    def halves(self) -> dict[str, Arrays]:
        """The official test, if there is one; else a share of `train`."""
        return (
            {"train": self._split("train"), TEST: in_order(self._split(self.test))}
            if self.test
            else super().halves()
        )

    def finish(self, splits: dict[str, Arrays]) -> dict[str, Arrays]:
        """Words become token numbers."""
        return (
            encoded(splits, size=self.vocabulary_size, length=self.length) if self.text else splits
        )

    def _split(self, split: str) -> Arrays:
        names = [entry["name"] for entry in self._head(HEADS[0])["splits"]]
        if split not in names:
            raise self._wrong(
                f'There is no split {split!r}; test="" takes a share of train.', ", ".join(names)
            )
        inputs = self.info.inputs
        try:
            # what is read is resized or cut at once: the whole split as it is may not fit
            samples = tfds_folder.samples(Path(self.builder), split)
            return self._arrays([self._sample(sample, inputs) for sample in samples])
        except tfds_folder.DamagedRecords as error:
            raise DataUnavailable(
                f"{self.builder} is damaged.", given=str(error), todo="Prepare it anew."
            ) from error

    def _sample(
        self, sample: Mapping[str, Any], inputs: Mapping[str, tuple[int, ...]]
    ) -> dict[str, Any]:
        is_normal = self.task == "reconstruction"
        taken: dict[str, Any] = {LABELS: 0 if is_normal else sample[self.target]}
        if self.image:
            image, channels = sample[self.image], inputs["image"][2]
            taken["image"] = (
                squared(image, side=self.side, channels=channels) if self.side else image
            )
        if self.text:
            text = sample[self.text].decode("utf-8", "replace")
            taken["text"] = first_words(text, self.length)
        return taken

    def _arrays(self, samples: list[dict[str, Any]]) -> Arrays:
        arrays: dict[str, Array] = {}
        for name in self.info.inputs:
            column = [sample[name] for sample in samples]
            arrays[name] = packed(column) if name == "text" else np.stack(column)
        labels = np.array([sample[LABELS] for sample in samples])
        return {
            **arrays,
            LABELS: labels.astype(np.float64 if self.task == "regression" else np.int64),
        }

    def _picture(self, features: Mapping[str, Any]) -> tuple[int, ...]:
        """The shape of a picture, as a net gets it."""
        feature = features.get(self.image, {}).get("image", {})
        shape = tuple(map(int, feature.get("shape", {}).get("dimensions", ())))
        if len(shape) != 3 or feature.get("dtype", "uint8") != "uint8" or shape[2] not in (1, 3):
            raise self._wrong(
                f"{self.image!r} is no picture of bytes with 1 or 3 channels.", f"{feature}"
            )
        if not self.side and min(shape) < 1:
            raise self._wrong("The pictures differ in size: set side, as side=64.", f"{shape}")
        return (self.side, self.side, shape[2]) if self.side else shape

    def _classes(self, label: Mapping[str, Any]) -> int:
        if self.task == "regression":
            return 0
        count = int(label.get("classLabel", {}).get("numClasses", 0))
        if count < 2 or (self.task == "binary" and count != 2):
            raise self._wrong(
                f"The label {self.target!r} does not suit the task {self.task}.", f"{count} classes"
            )
        return count

    def _head(self, name: str) -> Any:
        return json.loads((Path(self.builder) / name).read_text("utf-8"))

    def _wrong(self, what: str, given: str) -> InvalidValue:
        return InvalidValue(f"{self.identity()}: {what}", given=f"It has: {given}.")
