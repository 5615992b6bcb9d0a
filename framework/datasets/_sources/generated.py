"""tensorflow-datasets builders of our own, from arrays that a rule makes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.datasets._sources import tfds_folder
from framework.datasets._sources.cache import OPEN, TEST
from framework.datasets._sources.cached import TfdsDataset
from framework.datasets._sources.splits import LABELS, Arrays, in_order

if TYPE_CHECKING:
    from framework.contracts import DataInfo

Make = Callable[[], Mapping[str, Arrays]]
"""Makes the arrays of each split: the inputs by name, and `labels`."""


class MadeDataset(TfdsDataset):
    """All four splits made by rule, the same on every machine.

    Knobs choose a configuration of the builder.

    `builder_version` goes up when what `make` gives changes.
    """

    @abstractmethod
    def make(self) -> Mapping[str, Arrays]:
        """The arrays of all four splits by name, with the inputs of `info` and `labels`."""

    def folder_name(self) -> str:
        """The builder's name, and the knobs if there are any."""
        return "/".join(filter(None, (self.builder, self._configuration())))

    def rule(self) -> list[object]:
        """What decides the arrays: the builder, and the knobs."""
        return [*super().rule(), self.values()]

    def make_builder(self, tfds: ModuleType, data_dir: Path) -> Any:
        """Our own builder."""
        made = builder_class(
            tfds, self.builder, version=self.builder_version, info=self.info, make=self.make
        )
        config = self._configuration()
        if not config:
            return made(data_dir=str(data_dir))
        named = tfds.core.BuilderConfig(name=config, version=made.VERSION)
        return made(data_dir=str(data_dir), config=named)

    def read_split(self, root: Path, split: str) -> Arrays:
        """The samples that the builder has prepared; its features are called as our inputs."""
        features = dict(zip(self.info.inputs, self.info.inputs, strict=True))
        reader = partial(tfds_folder.read_split, split=split, features=features, label=self.label)
        return self.read(root, reader)

    def make_splits(self, root: Path) -> dict[str, Arrays]:
        """All four splits as the rule makes them, in the order of the published split rule."""
        return {split: in_order(self.read_split(root, split)) for split in (*OPEN, TEST)}

    def _configuration(self) -> str:
        return "_".join(f"{name}_{value}" for name, value in self.values().items())


def builder_class(tfds: Any, builder: str, *, version: str, info: DataInfo, make: Make) -> Any:
    """The class of a builder.

    Made when it is needed, because its base class is in tensorflow-datasets.

    Args:
        tfds: tensorflow_datasets.
        builder: its name.
        version: "major.minor.patch".
        info: of the data set: each input is a feature of the same name, pictures as `Image`.
        make: called when the data set is prepared.
    """

    class Own(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg, unused-ignore]
        """Made by rule; the data set's own file says how."""

        name = builder
        VERSION = tfds.core.Version(version)

        def _info(self) -> Any:
            # `dataset_info_from_configs` would look for metadata files in a package folder of the
            # builder's own.
            features = tfds.features.FeaturesDict(_features(tfds, info))
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(
            self, dl_manager: Any
        ) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
            return {split: self._generate_examples(arrays) for split, arrays in make().items()}

        def _generate_examples(self, arrays: Arrays) -> Iterator[tuple[int, dict[str, Any]]]:
            for index, label in enumerate(arrays[LABELS]):
                inputs = {name: arrays[name][index] for name in info.inputs}
                yield index, {"label": label, **inputs}

    return Own


def _features(tfds: Any, info: DataInfo) -> dict[str, Any]:
    features = {name: _feature(tfds, info, name) for name in info.inputs}
    if info.task == "classes":
        return {**features, "label": tfds.features.ClassLabel(num_classes=info.classes)}
    return {**features, "label": tfds.features.Scalar(np.float32)}


def _feature(tfds: Any, info: DataInfo, name: str) -> Any:
    if name == "image":
        return tfds.features.Image(shape=info.inputs[name], dtype=np.uint8)
    kind = np.int32 if name in info.tokens else np.float32
    # as bytes, because records have whole numbers of 64 bits only
    return tfds.features.Tensor(shape=info.inputs[name], dtype=kind, encoding="bytes")
