"""The arrays of a saved model: which layer has which. Of HDF5 only what is in the file is read.

No link, no virtual or external storage, no plug-in.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import h5py
import numpy as np

from framework.contracts.net import Array
from framework.nn.saved.file import SAVE_AGAIN, SavedFile, Unusable, reading, unpacked_limit
from framework.nn.saved.parts import Member

Path = tuple[str, ...]
MOST_DIMENSIONS, MOST_PARTS = 8, 64  # of an array; of a layer
# any other loads a library
UNPACKING = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
# where `.keras` has the arrays of layers that are made of others, in the order of the layer's
# weights
SUBLAYERS: Mapping[str, tuple[str, ...]] = {
    "Bidirectional": ("forward_layer/cell", "backward_layer/cell"),
    "GRU": ("cell",),
    "LSTM": ("cell",),
    "MultiHeadAttention": ("query_dense", "key_dense", "value_dense", "output_dense"),
    "SimpleRNN": ("cell",),
    "SpectralNormalization": ("layer",),
    "TimeDistributed": ("layer",),
}
TRAINING_ONLY = "vector_u"  # what an array is called that SpectralNormalization trains with
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")  # the second in TensorFlow 2.12 to 2.15


def of_members(
    file: SavedFile, members: Sequence[Member], wanted: Collection[Path]
) -> dict[Path, tuple[Array, ...]]:
    """The arrays of layers in the order of their weights, float32.

    Args:
        members: all layers of the file: whose an array is, is told among all.
        wanted: paths of those to read.

    Raises:
        InvalidStudy: they are not there, too large, not plain numbers, or not in the file itself.
    """
    with reading(file.name), h5py.File(io.BytesIO(file.hdf5), "r") as hdf5:
        if file.by_name:
            return _listed(file, hdf5, members, wanted)
        return _numbered(file, hdf5, members, wanted)


def check_known(file: SavedFile, members: Sequence[Member]) -> None:
    """Refuse arrays of a layer that the net does not have: then others are not whose they seem.

    Args:
        members: all layers of the file.

    Raises:
        InvalidStudy: there are some. An `.h5` file says itself whose its arrays are.
    """
    if not file.by_name:
        with reading(file.name), h5py.File(io.BytesIO(file.hdf5), "r") as hdf5:
            _check_known(hdf5, members)


# --- .keras ---------------------------------------------------------------------------------------


def _numbered(
    file: SavedFile, hdf5: Any, members: Sequence[Member], wanted: Collection[Path]
) -> dict[Path, tuple[Array, ...]]:
    """In a `.keras` file: numbered in `vars`, of a layer itself or of those it is made of."""
    reader, container, arrays = _Arrays(file), _container(hdf5), {}
    for member in members:
        if member.path not in wanted:
            continue
        # models in models have their lists within their own groups
        where = _where(hdf5, container, member.group)
        of_member: list[Array] = []
        for part in SUBLAYERS.get(member.kind, ("",)):
            variables = _variables(hdf5, where, part)
            numbers = range(min(len(variables or ()), MOST_PARTS))
            of_member += [reader.array(_child(variables, str(n)), member.name) for n in numbers]
        arrays[member.path] = tuple(of_member)
    return arrays


def _container(hdf5: Any) -> str:
    """What the file calls the list of a model's layers."""
    names = list(hdf5)
    # Keras 2.12 to 2.15 on Windows has the whole path as one name, with its own separator
    for container in CONTAINERS:
        if any(name.split("\\")[0] == container for name in names):
            return container
    return CONTAINERS[0]


def _where(hdf5: Any, container: str, group: Path) -> str:
    """The path of a layer's group.

    Keras 2.12 and 2.13 list a layer that has weights twice, under two keys, so that the numbers of
    its class go up by two: there its place among those that are there counts.
    """
    path = ""
    for name in group:
        inside = f"{path}/{container}".lstrip("/")
        there = name if container == CONTAINERS[0] else _by_order(name, _children(hdf5, inside))
        path = f"{inside}/{there}"
    return path


def _by_order(name: str, present: Sequence[str]) -> str:
    """Of the groups of a class, the one at the place that a name has in its class."""
    kind, place = _parted(name)
    numbers = sorted(number for other, number in map(_parted, present) if other == kind)
    number = numbers[place] if place < len(numbers) else place
    return f"{kind}_{number}" if number else kind


def _parted(name: str) -> tuple[str, int]:
    """Class and number of a group: `dense_1` is the class `dense`, number 1."""
    kind, _, number = name.rpartition("_")
    return (kind, int(number)) if kind and number.isdecimal() else (name, 0)


def _children(hdf5: Any, path: str) -> list[str]:
    """The names of the groups in a group, which Windows has at the outermost level."""
    start = path.replace("/", "\\") + "\\"
    at_top = [name.removeprefix(start) for name in hdf5 if name.startswith(start)]
    return [*(_child(hdf5, path) or ()), *(name for name in at_top if "\\" not in name)]


def _check_known(hdf5: Any, members: Sequence[Member]) -> None:
    container = _container(hdf5)
    known: dict[str, set[str]] = {}
    for member in members:
        for depth in range(len(member.group)):
            path = _where(hdf5, container, member.group[: depth + 1])
            outer, _, name = path.rpartition("/")
            known.setdefault(outer, set()).add(name)
    for outer, names in known.items():
        group = _child(hdf5, outer)
        for name in set(group or ()) - names:
            if _child(group, f"{name}/vars"):
                raise Unusable(f"It has arrays of {name!r}, which is no layer of it.", SAVE_AGAIN)


def _variables(hdf5: Any, where: str, part: str) -> Any:
    """The group of a layer's arrays; None if it has none."""
    for named in (part, _underscored(part)):  # the second as Keras 2 has sublayers
        group = f"{where}/{named}".rstrip("/")
        for path in (group, group.replace("/", "\\")):
            variables = _child(hdf5, path + "/vars")
            if variables is not None:
                return variables
    return None


def _underscored(part: str) -> str:
    return f"_{part}" if part else ""


# --- .h5 ------------------------------------------------------------------------------------------


def _listed(
    file: SavedFile, hdf5: Any, members: Sequence[Member], wanted: Collection[Path]
) -> dict[Path, tuple[Array, ...]]:
    """In an `.h5` file: a list for each layer of the outermost model, its models included."""
    reader, groups = _Arrays(file), _child(hdf5, "model_weights")
    arrays: dict[Path, tuple[Array, ...]] = dict.fromkeys(wanted, ())
    for top in dict.fromkeys(member.path[0] for member in members):
        group = _child(groups, top)
        inside = [member.path for member in members if member.path[0] == top]
        if group is None or not arrays.keys() & set(inside):
            continue
        # all are texts, also those that are not read: the list is checked as a whole
        names = list(map(_text, _attribute(group, "weight_names")))
        used = [name for name in names if name.split("/")[-1].split(":")[0] != TRAINING_ONLY]
        for path, own_names in _dealt(used, inside).items():
            if path in arrays:
                found = (reader.array(_child(group, name), path[-1]) for name in own_names)
                arrays[path] = tuple(found)
    return arrays


def _dealt(names: Sequence[str], paths: Sequence[Path]) -> dict[Path, list[str]]:
    """The arrays of a model's layers, whose names begin with those of the layers.

    Args:
        names: of the arrays, as `block/conv/kernel:0`.
        paths: of the layers.

    Raises:
        Unusable: it cannot be told whose an array is.
    """
    if len(paths) == 1 and len(paths[0]) == 1:
        return {paths[0]: list(names[:MOST_PARTS])}
    of_path: dict[Path, list[str]] = {path: [] for path in paths}
    for name in names:
        parts = name.split("/")[:-1]
        # a name in several models is told by theirs as far as they are there: keras writes those
        # of a sequence that is built when it is called, and no others
        scores = {
            path: (sum(step in parts for step in path), -len(path))
            for path in paths
            if path[-1] in parts
        }
        best = [path for path, score in scores.items() if score == max(scores.values())]
        if len(best) != 1:
            raise Unusable(
                f"Whose the array {name!r} of {paths[0][0]!r} is cannot be told.",
                "Load it in keras and save it again with model.save('model.keras').",
            )
        of_path[best[0]].append(name)
    return of_path


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


class _Arrays:
    """Reads arrays of one file, and counts their bytes."""

    def __init__(self, file: SavedFile) -> None:
        # of the file as it is: what a part of it unpacks to was held against its size before
        self.most = unpacked_limit(len(file.hdf5))
        self.left = self.most

    def array(self, dataset: Any, layer: str) -> Array:
        """One array, float32."""
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
        # a single whole number only counts something, as samples that were seen
        number = dataset.dtype.kind == "f" or (dataset.dtype.kind in "iu" and not dataset.shape)
        if not number or len(dataset.shape) > MOST_DIMENSIONS:
            why = f"{where} is of {dataset.dtype}, shape {dataset.shape}."
            raise Unusable(why, "Save it with float32 weights.")
        # in memory it is float32 in the end, and in the file's own type before
        self.left -= dataset.size * max(4, dataset.dtype.itemsize)
        if self.left < 0:
            raise Unusable(
                f"{where} is too large: {dataset.shape}. At most {self.most:,} bytes are read."
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


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError("a name is not a text")
    return value
