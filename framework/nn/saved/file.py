"""The file of a saved keras model: its configuration and its arrays. Nothing in it is run.

`.keras` is a zip of JSON and HDF5; `.h5` is HDF5 with the JSON as an attribute. Sizes are looked at
before anything is unpacked, and of HDF5 only what is in the file itself is read: no link, no
virtual or external storage, no plug-in.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from framework.contracts.net import Array
from framework.errors import InvalidStudy
from framework.system.git_lfs import check_fetched

MOST_BYTES = 2**30  # of a file, and of all arrays in it when they are unpacked
MOST_CONFIG_BYTES = 2**24
MOST_DIMENSIONS, MOST_PARTS = 8, 64  # of an array; of a layer
ZIP, HDF5 = b"PK", b"\x89HDF\r\n\x1a\n"
# any other loads a library
UNPACKING = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
DAMAGED = (  # what the readers of JSON, zip and HDF5 raise
    OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, IndexError,
    OverflowError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
# where `.keras` has the arrays of layers that are made of others, in the order of the layer's
# weights
SUBLAYERS = {
    "LSTM": ("cell",),
    "MultiHeadAttention": ("query_dense", "key_dense", "value_dense", "output_dense"),
}
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")  # the second in TensorFlow 2.12 to 2.15
OTHERS = {  # what people have instead -> what to do
    ".tflite": "It is the net that was exported; give the keras model that it was made from.",
    ".pb": "Load it in keras and save it again with model.save('model.keras').",
    ".pt": "Build the net in keras, set its weights and save it with model.save('model.keras').",
    ".onnx": "Build the net in keras, set its weights and save it with model.save('model.keras').",
}
SAVE_AGAIN = "Save the whole model again in keras: model.save('model.keras')."


class Unusable(Exception):
    """Why a net cannot be used, and what to do about it."""

    def __init__(self, why: str, todo: str = "") -> None:
        super().__init__(why)
        self.why, self.todo = why, todo


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turns what goes wrong in a file into an error of the user.

    So does what JSON, zip and HDF5 raise.

    Raises:
        InvalidStudy: the file cannot be used.
    """
    try:
        yield
    except Unusable as error:
        raise InvalidStudy(
            f"The net in {name} cannot be used.", given=error.why, todo=error.todo
        ) from error
    except DAMAGED as error:
        why = f"It is damaged, or not written by keras: {type(error).__name__}: {str(error)[:200]}"
        raise InvalidStudy(
            f"The net in {name} cannot be used.", given=why, todo=SAVE_AGAIN
        ) from error


@dataclass(frozen=True)
class SavedFile:
    """A saved keras model.

    Args:
        name: of the file.
        sha256: of its bytes.
        keras: version of keras that wrote it, as "3.15.1"; empty if it does not say.
        config: the model's configuration as the file has it: `class_name` and `config`, not checked
            yet.
        hdf5: the bytes of the HDF5 file with the arrays.
        by_name: arrays are under the layers' names (`.h5`), not under their classes (`.keras`).
    """

    name: str
    sha256: str
    keras: str
    config: Mapping[str, Any]
    hdf5: bytes
    by_name: bool

    def arrays(self, layers: Sequence[tuple[str, str]]) -> dict[str, tuple[Array, ...]]:
        """The arrays of each layer in the order of its weights, float32.

        Args:
            layers: (name, class) of all layers in the file's order.

        Raises:
            InvalidStudy: they are not there, too large, not plain numbers, or not in the file
                itself.
        """
        with reading(self.name), h5py.File(io.BytesIO(self.hdf5), "r") as file:
            arrays = _listed_arrays if self.by_name else _numbered_arrays
            return dict(arrays(file, layers))


def read(path: Path) -> SavedFile:
    """The model saved in a file.

    Raises:
        InvalidStudy: there is no such file, or it is none of a whole keras model.
    """
    with reading(path.name):
        content = _content(path)
        read_format = _read_keras if content.startswith(ZIP) else _read_h5
        return read_format(path.name, content)


def _read_keras(name: str, content: bytes) -> SavedFile:
    members = _members(content)
    metadata = json.loads(members.get("metadata.json", b"{}"))
    return SavedFile(
        name,
        hashlib.sha256(content).hexdigest(),
        str(metadata.get("keras_version", "")),
        _config(members["config.json"]),
        members["model.weights.h5"],
        by_name=False,
    )


def _read_h5(name: str, content: bytes) -> SavedFile:
    with h5py.File(io.BytesIO(content), "r") as file:
        if "model_config" not in file.attrs:
            raise Unusable("It holds arrays but no net.", SAVE_AGAIN)
        version = _text(file.attrs.get("keras_version", ""))
        text = _text(file.attrs["model_config"])
    sha256 = hashlib.sha256(content).hexdigest()
    return SavedFile(name, sha256, version, _config(text.encode()), content, by_name=True)


def digest(path: Path) -> str:
    """The sha256 of a file.

    Raises:
        InvalidStudy: as `read`.
    """
    with reading(path.name):
        return hashlib.sha256(_content(path)).hexdigest()


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise Unusable("It is a folder (a SavedModel?), which holds code.", SAVE_AGAIN)
    if not path.is_file():
        todo = "path= is seen from the project's folder."
        raise InvalidStudy(
            f"There is no file {path.name} to read a net from.",
            given=f"Looked for {path}.",
            todo=todo,
        )
    check_fetched(path)
    # before it is read: a file may be larger than the memory
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise Unusable(f"It has {size:,} bytes; at most {MOST_BYTES:,} are read.")
    content = path.read_bytes()
    if not content.startswith((ZIP, HDF5)):
        todo = OTHERS.get(path.suffix, SAVE_AGAIN)
        raise Unusable("It is neither a .keras nor an .h5 file of a keras model.", todo)
    return content


def _members(content: bytes) -> dict[str, bytes]:
    """The three members of a `.keras` file, none larger than it may be."""
    limits = {
        "metadata.json": MOST_CONFIG_BYTES,
        "config.json": MOST_CONFIG_BYTES,
        "model.weights.h5": MOST_BYTES,
    }
    members = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in set(limits) & set(archive.namelist()):
            # what is read stops there, whatever follows
            if archive.getinfo(member).file_size > limits[member]:
                raise Unusable(f"{member} in it unpacks to more than {limits[member]:,} bytes.")
            members[member] = archive.read(member)
    # the metadata may be missing: they only say which version wrote the file
    for member in ("config.json", "model.weights.h5"):
        if member not in members:
            raise Unusable(f"There is no {member} in it.", SAVE_AGAIN)
    return members


def _config(text: bytes) -> Mapping[str, Any]:
    if len(text) > MOST_CONFIG_BYTES:
        raise Unusable(f"Its configuration has more than {MOST_CONFIG_BYTES:,} bytes.")
    config = json.loads(text)
    if not isinstance(config, dict):
        raise Unusable("Its configuration is not that of a model.", SAVE_AGAIN)
    return config


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError("an attribute is not a text")
    return value


# --- HDF5 -----------------------------------------------------------------------------------------


def _child(group: Any, path: str) -> Any:
    """What is at `path` in a group, None if nothing is.

    Step by step, for a link may name another file.
    """
    for step in filter(None, path.split("/")):
        if not isinstance(group, h5py.Group) or step not in group:
            return None
        if not isinstance(group.get(step, getlink=True), h5py.HardLink):
            raise Unusable(f"What it has as {step!r} is a link to elsewhere.", SAVE_AGAIN)
        group = group[step]
    return group


def _by_class(file: Any, layers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Layer -> its group in a `.keras` file, where layers are counted by class.

    `dense`, `dense_1`.
    """
    groups = next(filter(None, (_child(file, container) for container in CONTAINERS)), None)
    counts, by_class = Counter[str](), {}
    for layer, kind in layers:
        snake = _snake(kind)
        # keras gives the first of a class no number
        name = f"{snake}_{counts[snake]}" if counts[snake] else snake
        by_class[layer] = _child(groups, name)
        counts[snake] += 1
    return by_class


def _listed_arrays(
    file: Any, layers: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, tuple[Array, ...]]]:
    """Layer, its arrays in an `.h5` file."""
    # one reader for all layers: it counts the bytes of the whole net
    reader, groups = _Arrays(), _child(file, "model_weights")
    for name, _ in layers:
        yield name, reader.listed(name, _child(groups, name))


def _numbered_arrays(
    file: Any, layers: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, tuple[Array, ...]]]:
    """Layer, its arrays in a `.keras` file."""
    reader, groups = _Arrays(), _by_class(file, layers)
    for name, kind in layers:
        yield name, reader.numbered(name, groups[name], SUBLAYERS.get(kind, ("",)))


def _snake(kind: str) -> str:
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()


class _Arrays:
    """Reads arrays of one file, and counts their bytes."""

    def __init__(self) -> None:
        self.left = MOST_BYTES

    def listed(self, layer: str, group: Any) -> tuple[Array, ...]:
        """Of a layer in an `.h5` file.

        An attribute says where each is, in the order of the layer's weights.
        """
        if group is None:
            return ()
        # all are texts, also those that are not read: the list is checked as a whole
        names = list(map(_text, _attribute(group, "weight_names")))
        return tuple(self._array(_child(group, path), layer) for path in names[:MOST_PARTS])

    def numbered(self, layer: str, group: Any, parts: tuple[str, ...]) -> tuple[Array, ...]:
        """Of a layer in a `.keras` file.

        Numbered in `vars`, of the layer itself or of those it is made of.
        """
        arrays: list[Array] = []
        for part in parts:
            inside = _child(group, part)
            inside = _child(group, f"_{part}") if inside is None else inside  # as Keras 2 has them
            variables = _child(inside, "vars")
            numbers = map(str, range(min(len(variables or ()), MOST_PARTS)))
            arrays += [self._array(_child(variables, number), layer) for number in numbers]
        return tuple(arrays)

    def _array(self, dataset: Any, layer: str) -> Array:
        if not isinstance(dataset, h5py.Dataset):
            raise Unusable(f"Layer {layer!r} lacks an array.", SAVE_AGAIN)
        where = f"An array of layer {layer!r}"
        self._check(dataset, where)
        values = np.asarray(dataset[()], dtype=np.float32)
        if not np.isfinite(values).all():
            raise Unusable(f"{where} has values that are not finite.", "Train the net again.")
        return values

    def _check(self, dataset: Any, where: str) -> None:
        """Refuse an array by what the file says of it, before any of it is unpacked."""
        if dataset.dtype.kind != "f" or len(dataset.shape) > MOST_DIMENSIONS:
            why = f"{where} is of {dataset.dtype}, shape {dataset.shape}."
            raise Unusable(why, "Save it with float32 weights.")
        # in memory it is float32 in the end, and in the file's own type before
        self.left -= dataset.size * max(4, dataset.dtype.itemsize)
        if self.left < 0:
            raise Unusable(
                f"{where} is too large: {dataset.shape}. At most {MOST_BYTES:,} bytes are read."
            )
        if dataset.is_virtual or dataset.external or set(_filters(dataset)) - UNPACKING:
            raise Unusable(
                f"{where} does not lie in the file itself, or is packed in a way of its own.",
                SAVE_AGAIN,
            )


def _filters(dataset: Any) -> Iterator[int]:
    properties = dataset.id.get_create_plist()
    for number in range(properties.get_nfilters()):
        yield properties.get_filter(number)[0]


def _attribute(group: Any, key: str) -> Sequence[Any]:
    """A list in an attribute, which keras cuts into `key0`, `key1` and so on when it is long."""
    if key in group.attrs:
        return list(group.attrs[key])
    pieces: list[Any] = []
    while f"{key}{len(pieces)}" in group.attrs:
        pieces.append(list(group.attrs[f"{key}{len(pieces)}"]))
    return list(chain.from_iterable(pieces))
