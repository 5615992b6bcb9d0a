"""The net of a saved keras model as layers of the allow-list, from Keras 2 or Keras 3."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from operator import attrgetter
from pathlib import Path
from typing import Any

from framework.contracts.net import Array, WeightKey
from framework.nn.layers import LAYERS, weights_of
from framework.nn.saved import file as saved_file
from framework.nn.saved.file import SAVE_AGAIN, SavedFile, Unusable, reading
from framework.nn.saved.options import options
from framework.nn.saved.raw_layers import RawLayer, raw_layers

MOST_SIDE = 2**24


@dataclass(frozen=True)
class Layer:
    """One layer of a net.

    Args:
        name: unique, and safe in the names of tensors.
        kind: its class, on the allow-list.
        options: what keras builds it with.
        sources: the layers whose outputs it is given, in the order in which it takes them.
        causal: of attention: no step looks ahead.
        shape: of an InputLayer, without the samples; None where any length will do.
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    sources: tuple[str, ...] = ()
    causal: bool = False
    shape: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class SavedNet:
    """A saved net, translated and checked.

    Args:
        file: the file's name.
        sha256: of the file.
        layers: each after those that it reads.
        inputs: names of its InputLayers, in the model's order.
        titles: what these are called in the file.
        output: the layer whose output is the net's.
        weights: (layer, position) -> float32 array.
    """

    file: str
    sha256: str
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    titles: tuple[str, ...]
    output: str
    weights: Mapping[WeightKey, Array]

    def layer(self, name: str) -> Layer:
        """The layer of that name."""
        return next(layer for layer in self.layers if layer.name == name)

    def readers(self, name: str) -> list[Layer]:
        """The layers that are given its output."""
        return [layer for layer in self.layers if name in layer.sources]


def load(path: Path) -> SavedNet:
    """The net saved in a file; it is kept for as long as the file stays the same.

    Raises:
        InvalidStudy: the file cannot be read, or holds what is not a plain net; the message names
            the layer.
    """
    state = path.stat() if path.is_file() else None
    return _load(path, state and (state.st_ino, state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=2)
def _load(path: Path, _state: object) -> SavedNet:
    file = saved_file.read(path)
    with reading(file.name):
        return _translated(file)


def _translated(file: SavedFile) -> SavedNet:
    raw, inputs, output = raw_layers(file.config)
    names = _safe_names(list(map(attrgetter("name"), raw)))
    keras_3 = file.keras.startswith("3")
    layers = [_layer(layer, names, keras_3=keras_3) for layer in raw]
    weights = _weights(file, raw, layers)
    return SavedNet(
        file=file.name,
        sha256=file.sha256,
        layers=tuple(_in_order(layers)),
        inputs=tuple(map(names.__getitem__, inputs)),
        titles=tuple(inputs),
        # it need not be a layer of the model: then this raises, and the file counts as damaged
        output=names[output],
        weights=weights,
    )


def _weights(
    file: SavedFile, raw: Sequence[RawLayer], layers: Sequence[Layer]
) -> dict[WeightKey, Array]:
    """The arrays of the file under the names that the layers have here."""
    arrays = file.arrays([(layer.name, layer.kind) for layer in raw])
    weights = {}
    for layer, of_layer in zip(layers, arrays.values(), strict=True):
        _check_arrays(layer, of_layer)
        for position, values in enumerate(of_layer):
            weights[WeightKey(layer.name, position)] = values
    return weights


def _safe_names(titles: Sequence[str]) -> dict[str, str]:
    """A name for each that tensors and files can bear, none like another."""
    names: dict[str, str] = {}
    for title in titles:
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", title)[:60].strip("_")
        plain = plain if plain[:1].isalpha() else f"layer_{plain}".strip("_")
        # two titles may differ in nothing but what was replaced
        name, number = plain, 2
        while name in names.values():
            name, number = f"{plain}_{number}", number + 1
        names[title] = name
    return names


def _layer(raw: RawLayer, names: Mapping[str, str], *, keras_3: bool) -> Layer:
    for source in raw.sources:
        if source not in names:
            raise Unusable(
                f"Layer {raw.name!r} reads {source!r}, which is no layer of the model.", SAVE_AGAIN
            )
    least, most = _inputs_of(raw.kind)
    if not least <= len(raw.sources) <= most:
        raise Unusable(
            f"Layer {raw.name!r} ({raw.kind}) is given {len(raw.sources)} inputs.", SAVE_AGAIN
        )
    sources, config = tuple(map(names.__getitem__, raw.sources)), raw.described["config"]
    if raw.kind == "InputLayer":
        return Layer(names[raw.name], raw.kind, {}, shape=_shape(raw.name, config))
    built = options(raw.kind, config, name=raw.name, keras_3=keras_3)
    return Layer(names[raw.name], raw.kind, built, sources, raw.causal)


def _inputs_of(kind: str) -> tuple[int, int]:
    """The fewest and the most inputs of a layer."""
    return LAYERS[kind].inputs


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


def _in_order(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Each layer after those that it reads."""
    left, ready = list(layers), set[str]()
    while left:
        now = [layer for layer in left if ready.issuperset(layer.sources)]
        if not now:
            raise Unusable(f"Layers read one another in a circle, as {left[0].name!r}.", SAVE_AGAIN)
        yield from now
        ready.update(map(attrgetter("name"), now))
        left = [layer for layer in left if layer.name not in ready]
