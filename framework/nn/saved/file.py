"""The file of a saved keras model: its configuration and its arrays. Nothing in it is run.

`.keras` is a zip of JSON and HDF5; `.h5` is HDF5 with the JSON as an attribute. Sizes are looked at
before anything is unpacked, and of HDF5 only what is in the file itself is read: no link, no
virtual or external storage, no plug-in.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from framework.errors import InvalidStudy
from framework.system.git_lfs import check_fetched

MOST_BYTES = 2**30  # of a file, and of all arrays in it when they are unpacked
MOST_CONFIG_BYTES = 2**24
# what any file may unpack to, and how many times its own size a larger one may
SMALL_BYTES, MOST_TIMES = 2**27, 16
ZIP, HDF5 = b"PK", b"\x89HDF\r\n\x1a\n"
DAMAGED = (  # what the readers of JSON, zip and HDF5 raise
    OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, IndexError,
    OverflowError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
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
        size_of(path)
        with path.open("rb") as file:
            _check_begin(path, file.read(len(HDF5)))
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(path: Path) -> int:
    """The bytes of a file that may be read.

    Raises:
        InvalidStudy: there is no such file.
        Unusable: it is a folder, or too large.
    """
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
    return size


def _content(path: Path) -> bytes:
    size_of(path)
    content = path.read_bytes()
    _check_begin(path, content)
    return content


def _check_begin(path: Path, content: bytes) -> None:
    if not content.startswith((ZIP, HDF5)):
        todo = OTHERS.get(path.suffix, SAVE_AGAIN)
        raise Unusable("It is neither a .keras nor an .h5 file of a keras model.", todo)


def unpacked_limit(packed: int) -> int:
    """The bytes that so many may unpack to: numbers of a net, packed, are a few times as many."""
    return min(MOST_BYTES, max(SMALL_BYTES, MOST_TIMES * packed))


def _members(content: bytes) -> dict[str, bytes]:
    """The three members of a `.keras` file, none larger than it may be."""
    limits = {
        "metadata.json": MOST_CONFIG_BYTES,
        "config.json": MOST_CONFIG_BYTES,
        "model.weights.h5": unpacked_limit(len(content)),
    }
    members = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in set(limits) & set(archive.namelist()):
            # what is read stops there, whatever follows
            if archive.getinfo(member).file_size > limits[member]:
                raise Unusable(f"{member} in it unpacks to more than {limits[member]:,} bytes.")
            # whatever its head says of its size
            with archive.open(member) as packed:
                members[member] = packed.read(limits[member])
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
