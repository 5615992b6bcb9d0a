"""What a run needs of the project, as files, for a machine that has nothing else of it.

    .cache/handed/<data set>/<shapes>/   info.json train.npz calibration.npz validation.npz
    .cache/baselines/<digest>/           as `runner.baseline` writes them
    <path of a net>                      a file that an architecture reads

The test split is not among it: whoever measures there has no use for it.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framework.contracts.data import DataInfo, Samples, Splits
from framework.errors import InvalidStudy
from framework.runner.baseline import baseline_digest
from framework.study.spec import digest_of
from framework.system import paths

if TYPE_CHECKING:
    from framework.runner.baseline import Lab
    from framework.study.spec import Spec

Parcel = bytes | Mapping[str, bytes]  # a file, or the files of a folder by their names
Shapes = Mapping[str, tuple[int, ...]]
INFO_JSON, LABELS = "info.json", "labels"
OPEN = ("train", "calibration", "validation")
PATH = "path"  # the unit of a knob that names a file


def data_of(spec: Spec, shapes: Shapes) -> Path:
    """Where the samples of a spec lie, as a path from the project."""
    return _folder(spec) / digest_of(dict(shapes))


def baseline_of(spec: Spec) -> Path:
    """Where its dense net lies, as a path from the project."""
    return paths.baselines(Path()) / baseline_digest(spec)


def net_files(spec: Spec, lab: Lab) -> list[Path]:
    """The files that its architecture reads, as paths from the project.

    Raises:
        InvalidStudy: one lies outside of the project, so that it has no place elsewhere.
    """
    knobs = lab.architecture(spec).knobs()
    named = [spec.architecture.knobs[name] for name in knobs if knobs[name].unit == PATH]
    files = []
    for name in filter(None, named):
        path = Path(os.path.normpath(str(name)))
        if path.is_absolute() or path.parts[0] == os.pardir:
            raise InvalidStudy(
                "A net that is run on other machines is read from a file of the project.",
                given=f"The file lies outside of it: {name}.",
                todo="Copy it into the project's folder and name it from there.",
            )
        files.append(path)
    return files


def pack(spec: Spec, lab: Lab) -> Parcel:
    """The open splits as the spec's net reads them, and what is known of the data set."""
    splits, buffers = lab.splits(spec), dict[str, bytes]()
    for name in OPEN:
        samples: Samples = getattr(splits, name)
        buffer = io.BytesIO()
        # by position: an input may have any name, that of an argument of savez too
        inputs = {f"input {key}": value for key, value in samples.inputs.items()}
        np.savez(buffer, allow_pickle=False, **inputs, **{LABELS: samples.labels})
        buffers[f"{name}.npz"] = buffer.getvalue()
    described = {"info": asdict(lab.source(spec).info), "digests": dict(splits.digests)}
    return buffers | {INFO_JSON: json.dumps(described).encode()}


def read(path: Path) -> Parcel:
    """A file, or a folder of files, as it lies there."""
    if path.is_file():
        return path.read_bytes()
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


def write(path: Path, parcel: Parcel) -> None:
    """Put a file or a folder where it belongs, unless it is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # whole or not at all: other workers of this machine look for it at the same time
    aside = Path(tempfile.mkdtemp(dir=path.parent))
    made = aside / path.name
    if isinstance(parcel, bytes):
        made.write_bytes(parcel)
    else:
        made.mkdir()
        for name, content in parcel.items():
            (made / name).write_bytes(content)
    with suppress(OSError):  # another one was faster
        made.rename(path)
    shutil.rmtree(aside)


class Handed:
    """A data set of which only the open splits are here; see `baseline.Source`.

    Args:
        root: where they were written.
        spec: that reads it.
    """

    def __init__(self, root: Path, spec: Spec) -> None:
        self._folder = root / _folder(spec)

    @cached_property
    def info(self) -> DataInfo:
        """What is known of it before it is loaded."""
        # each shape that a net asks for has it
        folder = next(iter(sorted(self._folder.iterdir())))
        fields = json.loads((folder / INFO_JSON).read_text("utf-8"))["info"]
        inputs = {name: tuple(shape) for name, shape in fields.pop("inputs").items()}
        return DataInfo(inputs=inputs, **fields)

    def load(self, root: Path, shapes: Shapes) -> Splits:  # noqa: ARG002  (it knows the place)
        """The open splits, as nets of these shapes read them."""
        folder = self._folder / digest_of(dict(shapes))
        digests = json.loads((folder / INFO_JSON).read_text("utf-8"))["digests"]
        return Splits(**{name: _samples(folder / f"{name}.npz") for name in OPEN}, digests=digests)


def _folder(spec: Spec) -> Path:
    return paths.handed(Path()) / digest_of(spec.dataset.json())


def _samples(file: Path) -> Samples:
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    labels = arrays.pop(LABELS)
    return Samples({name.removeprefix("input "): arrays[name] for name in arrays}, labels)
