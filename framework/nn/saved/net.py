"""The net of a saved keras model as layers of the allow-list, from Keras 2 or Keras 3."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import prod
from operator import attrgetter
from pathlib import Path
from typing import Any

from framework.contracts.net import Array, WeightKey
from framework.nn.layers import LAYERS, weights_of
from framework.nn.saved import file as saved_file
from framework.nn.saved import limits
from framework.nn.saved.arrays import check_known
from framework.nn.saved.file import SAVE_AGAIN, SavedFile, Unusable, reading
from framework.nn.saved.flat import written_out
from framework.nn.saved.layers import as_plain
from framework.nn.saved.options import options
from framework.nn.saved.parts import Layer, Plain, SavedNet

MOST_SIDE = 2**24


def load(path: Path, output: str = "") -> SavedNet:
    """The net saved in a file; it is kept for as long as the file stays the same.

    Args:
        output: which of its outputs is meant, by name; empty if it has one only.

    Raises:
        InvalidStudy: the file cannot be read, or holds what is not a plain net; the message names
            the layer.
    """
    status = path.stat() if path.is_file() else None
    state = status and (status.st_ino, status.st_size, status.st_mtime_ns)
    limits.check(path, output, state)
    return _load(path, output, state)


@lru_cache(maxsize=2)
def _load(path: Path, output: str, _state: object) -> SavedNet:
    return read_here(path, output)


def read_here(path: Path, output: str) -> SavedNet:
    """As `load`, without limits."""
    file = saved_file.read(path)
    with reading(file.name):
        return _translated(file, output)


def _translated(file: SavedFile, output: str) -> SavedNet:
    flat = written_out(file.config, output)
    written = as_plain(file, flat)
    layers = written.layers
    names = _safe_names(list(map(attrgetter("title"), layers)))
    if not flat.inputs:
        raise Unusable("Its output depends on none of its inputs.", SAVE_AGAIN)
    built = [_layer(layer, names, keras_3=file.keras.startswith("3")) for layer in layers]
    weights = {}
    # a layer that is used twice has its arrays twice, under two names
    for layer, plain in zip(built, layers, strict=True):
        _check_arrays(layer, plain.arrays)
        for position, values in enumerate(plain.arrays):
            weights[WeightKey(layer.name, position)] = values
    # last, so that a layer that cannot be read is named first
    check_known(file, flat.members)
    return SavedNet(
        file=file.name,
        sha256=file.sha256,
        layers=tuple(built),
        inputs=tuple(map(names.__getitem__, flat.inputs)),
        titles=flat.inputs,
        output=names[written.ends[flat.output]],
        weights=weights,
        notes=(*flat.notes, *written.notes()),
    )


def _safe_names(titles: Sequence[str]) -> dict[str, str]:
    """A name for each that tensors and files can bear, none like another."""
    names: dict[str, str] = {}
    if len(set(titles)) != len(titles):
        raise Unusable("Two of its layers have one name.", SAVE_AGAIN)
    # those that can keep theirs come first, so that no other takes it
    for title in sorted(titles, key=lambda title: _plain_name(title) != title):
        plain = _plain_name(title)
        # two titles may differ in nothing but what was replaced
        name, number = plain, 2
        while name in names.values():
            name, number = f"{plain}_{number}", number + 1
        names[title] = name
    return names


def _plain_name(title: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", title)[:60].strip("_")
    return plain if plain[:1].isalpha() else f"layer_{plain}".strip("_")


def _layer(plain: Plain, names: Mapping[str, str], *, keras_3: bool) -> Layer:
    least, most = LAYERS[plain.kind].inputs
    if not least <= len(plain.sources) <= most:
        raise Unusable(
            f"Layer {plain.title!r} ({plain.kind}) is given {len(plain.sources)} inputs.",
            SAVE_AGAIN,
        )
    name, sources = names[plain.title], tuple(map(names.__getitem__, plain.sources))
    if plain.kind == "InputLayer":
        return Layer(name, plain.kind, {}, shape=_shape(plain.title, plain.config))
    built = options(plain.kind, plain.config, name=plain.title, keras_3=keras_3)
    return Layer(name, plain.kind, built, sources, plain.causal)


def _shape(name: str, config: Mapping[str, Any]) -> tuple[int | None, ...]:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    shape = shape["items"] if isinstance(shape, dict) else shape
    off = not (config.get("sparse") or config.get("ragged"))
    if not isinstance(shape, list) or len(shape) < 2 or not off:
        raise Unusable(
            f"The input {name!r} has the shape {shape}.", "Save the net with keras.Input(shape)."
        )
    sides = [side for side in shape[1:] if side is not None]
    # each alone first: a product of what is no number could not be compared
    if not all(map(_is_side, sides)) or prod(sides) > MOST_SIDE:
        raise Unusable(
            f"The input {name!r} has the shape {shape[1:]}.",
            f"At most {MOST_SIDE:,} numbers are read.",
        )
    return tuple(shape[1:])


def _is_side(side: Any) -> bool:
    return isinstance(side, int) and 0 < side <= MOST_SIDE


def _check_arrays(layer: Layer, arrays: Sequence[Array]) -> None:
    """Refuse arrays that do not belong to the layer.

    What it is built with decides how much memory it takes.
    """
    count, last = _expected(layer)
    if len(arrays) != count:
        raise Unusable(
            f"Layer {layer.name!r} ({layer.kind}) has {len(arrays)} arrays of {count}.", SAVE_AGAIN
        )
    if count and arrays[0].shape[arrays[0].ndim - len(last) :] != last:
        why = (
            f"Layer {layer.name!r} ({layer.kind}) has an array of shape {arrays[0].shape}, which "
            f"is to end in {last}."
        )
        raise Unusable(why, SAVE_AGAIN)


def _expected(layer: Layer) -> tuple[int, tuple[Any, ...]]:
    """How many arrays a layer has, and the last sides of the first of them if they are known."""
    built = layer.options
    # functions: no layer has the options of another kind
    last = {
        "Dense": lambda: (built["units"],),
        "Conv1D": lambda: (built["filters"],),
        "Conv2D": lambda: (built["filters"],),
        "DepthwiseConv2D": lambda: (built.get("depth_multiplier", 1),),
        "Embedding": lambda: (built["input_dim"], built["output_dim"]),
        "GRU": lambda: (3 * built["units"],),
        "LSTM": lambda: (4 * built["units"],),
        "MultiHeadAttention": lambda: (built["num_heads"], built["key_dim"]),
        "SimpleRNN": lambda: (built["units"],),
    }.get(layer.kind, tuple[Any, ...])()
    return len(weights_of(layer.kind, built)), last
