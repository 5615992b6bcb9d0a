"""The net of a saved keras model as layers of the allow-list, from Keras 2 or Keras 3."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from framework.contracts.net import Array, WeightKey
from framework.nn.saved import file as saved_file
from framework.nn.saved.file import SAVE_AGAIN, SavedFile, Unusable, reading
from framework.nn.saved.options import check_names, options

MODELS = {"Functional", "Model", "Sequential"}
MERGING = {
    "Add": 99,
    "Average": 99,
    "Concatenate": 99,
    "Multiply": 99,
    "Subtract": 2,
}  # layers of several inputs: at most
# Keras 3 writes down where an Embedding's mask comes from; Keras 2 finds it again by itself
MASK_OPERATOR = "NotEqual"
# under which a layer may be given its inputs, in this order
KEYWORDS = ("inputs", "query", "value", "key")
MOST_LAYERS, MOST_SIDE = 2000, 2**24


@dataclass(frozen=True)
class Layer:
    """One layer of a net.

    Args:
        name: unique, and safe in the names of tensors.
        kind: its class, on the allow-list.
        options: what keras is told to build it.
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
    everything, inputs, outputs = _raw_layers(file.config)
    for item in everything:
        if item.kind != MASK_OPERATOR:
            check_names(item.described, item.name)
    raw = _without_masks(everything)
    if len(outputs) != 1 or not inputs:
        raise Unusable(
            f"It has {len(inputs)} inputs and {len(outputs)} outputs.",
            "Save a model with one output.",
        )
    names = _safe_names([item.name for item in raw])
    keras_3 = file.keras.startswith("3")
    layers = [_layer(item, names, keras_3=keras_3) for item in raw]
    arrays = file.arrays([(item.name, item.kind) for item in raw])
    weights: dict[WeightKey, Array] = {}
    for layer, title in zip(layers, arrays, strict=True):
        _check_arrays(layer, arrays[title])
        weights |= {
            WeightKey(layer.name, position): values for position, values in enumerate(arrays[title])
        }
    return SavedNet(
        file=file.name,
        sha256=file.sha256,
        layers=tuple(_in_order(layers)),
        inputs=tuple(names[title] for title in inputs),
        titles=tuple(inputs),
        output=names[outputs[0]],
        weights=weights,
    )


# --- as the file has it ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Raw:
    """A layer as the file describes it, the layers that feed it, and those that make its masks."""

    name: str
    described: Mapping[str, Any]
    sources: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    causal: bool = False

    @property
    def kind(self) -> str:
        return str(self.described["class_name"])


def _raw_layers(model: Mapping[str, Any]) -> tuple[list[_Raw], list[str], list[str]]:
    """The layers of a model, the names of its inputs and of its outputs."""
    kind = model.get("class_name")
    if kind not in MODELS:
        todo = (
            "Build it as keras.Sequential or with the functional interface, set its weights, and "
            "save that."
        )
        raise Unusable(f"The model is a {kind}, a class of its own.", todo)
    config = model["config"]
    # the first versions had nothing but the list
    described = config if isinstance(config, list) else config["layers"]
    if len(described) > MOST_LAYERS:
        raise Unusable(f"It has {len(described):,} layers; at most {MOST_LAYERS:,} are read.")
    named = [(str(layer.get("name") or layer["config"].get("name")), layer) for layer in described]
    if len(dict(named)) != len(named):
        raise Unusable("Two of its layers have one name.", SAVE_AGAIN)
    if kind == "Sequential":
        return _sequence(named, model)
    raw = [_called(name, layer) for name, layer in named]
    return raw, list(_histories(config["input_layers"])), list(_histories(config["output_layers"]))


def _sequence(
    named: list[tuple[str, Any]], model: Mapping[str, Any]
) -> tuple[list[_Raw], list[str], list[str]]:
    if named and named[0][1]["class_name"] != "InputLayer":
        config, first = model["config"], named[0][1]["config"]
        built = config.get("build_input_shape") if isinstance(config, dict) else None
        shape = (
            first.get("batch_input_shape")
            or built
            or (model.get("build_config") or {}).get("input_shape")
        )
        if not shape:
            todo = "Begin it with keras.Input(shape), and save it again."
            raise Unusable("It does not say which shape its input has.", todo)
        named = [("input", {"class_name": "InputLayer", "config": {"batch_shape": shape}}), *named]
    befores = [(), *((name,) for name, _ in named)]
    raw = [_Raw(name, layer, before) for (name, layer), before in zip(named, befores, strict=False)]
    return raw, [named[0][0]], [named[-1][0]]


def _called(name: str, layer: Mapping[str, Any]) -> _Raw:
    """A layer of a functional model with what it is called with."""
    nodes = layer["inbound_nodes"]
    if len(nodes) > 1:
        todo = "Give each place a layer of its own, with a copy of the weights."
        raise Unusable(f"Layer {name!r} is used in {len(nodes)} places.", todo)
    if not nodes:
        return _Raw(name, layer)
    if isinstance(nodes[0], dict):  # Keras 3
        given, keywords = nodes[0]["args"], dict(nodes[0]["kwargs"])
    else:  # Keras 2: [name, node, output, keywords] of each input
        entries = nodes[0] if isinstance(nodes[0][0], list) else [nodes[0]]
        given, keywords = [entry[:3] for entry in entries], {}
        for entry in entries:
            keywords |= entry[3] if len(entry) > 3 else {}
    if layer["class_name"] == MASK_OPERATOR and given[1:] == [0]:
        return _Raw(name, layer, tuple(_histories(given[0])))
    sources = [
        *_histories(given),
        *(source for key in KEYWORDS for source in _histories(keywords.pop(key, []))),
    ]
    causal = keywords.pop("use_causal_mask", False)
    masks = tuple(_histories([value for key, value in keywords.items() if key.endswith("mask")]))
    for key, value in keywords.items():
        if value not in (None, False) and not key.endswith("mask"):
            raise Unusable(
                f"Layer {name!r} is called with {key}={str(value)[:60]}.",
                "Save the net without that.",
            )
    return _Raw(name, layer, tuple(sources), masks, causal is True)


def _histories(value: Any) -> Iterator[str]:
    """The names of the layers that tensors come from, however they are nested."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        value = value["config"]["keras_history"]
    if value is None:
        return
    if isinstance(value, list) and value and isinstance(value[0], str):
        name, node, output = value[:3]
        if (node, output) != (0, 0):
            raise Unusable(
                f"Output {output} of use {node} of layer {name!r} is asked for.",
                "Use each layer once.",
            )
        yield name
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _histories(item)
    else:
        raise Unusable(
            f"A layer is given the constant {str(value)[:60]}.",
            "Use layers.Rescaling, or prepare the data so.",
        )


def _without_masks(raw: list[_Raw]) -> list[_Raw]:
    """Without operators that make masks, if an Embedding with `mask_zero` makes the same anyway."""
    operators = {layer.name: layer.sources for layer in raw if layer.kind == MASK_OPERATOR}
    masked = {
        layer.sources
        for layer in raw
        if layer.kind == "Embedding" and layer.described["config"].get("mask_zero")
    }
    for layer in raw:
        if any(operators.get(mask) not in masked for mask in layer.masks):
            todo = "Masks come from Embedding(mask_zero=True) only."
            raise Unusable(f"Layer {layer.name!r} is called with a mask.", todo)
    return [layer for layer in raw if layer.kind != MASK_OPERATOR]


# --- as it is here --------------------------------------------------------------------------------


def _safe_names(titles: Sequence[str]) -> dict[str, str]:
    """A name for each that tensors and files can bear, none like another."""
    names: dict[str, str] = {}
    for title in titles:
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", title)[:60].strip("_")
        plain = plain if plain[:1].isalpha() else f"layer_{plain}".strip("_")
        name, number = plain, 2
        while name in names.values():
            name, number = f"{plain}_{number}", number + 1
        names[title] = name
    return names


def _layer(raw: _Raw, names: Mapping[str, str], *, keras_3: bool) -> Layer:
    missing = [source for source in raw.sources if source not in names]
    if missing:
        raise Unusable(
            f"Layer {raw.name!r} reads {missing[0]!r}, which is no layer of the model.", SAVE_AGAIN
        )
    least, most = _inputs_of(raw.kind)
    if not least <= len(raw.sources) <= most:
        raise Unusable(
            f"Layer {raw.name!r} ({raw.kind}) is given {len(raw.sources)} inputs.", SAVE_AGAIN
        )
    sources, config = tuple(names[source] for source in raw.sources), raw.described["config"]
    if raw.kind == "InputLayer":
        return Layer(names[raw.name], raw.kind, {}, shape=_shape(raw.name, config))
    built = options(raw.kind, config, name=raw.name, keras_3=keras_3)
    return Layer(names[raw.name], raw.kind, built, sources, raw.causal)


def _inputs_of(kind: str) -> tuple[int, int]:
    """The fewest and the most inputs of a layer."""
    if kind == "InputLayer":
        return 0, 0
    if kind in ("Attention", "MultiHeadAttention"):
        return 2, 3
    return (2, MERGING[kind]) if kind in MERGING else (1, 1)


def _shape(name: str, config: Mapping[str, Any]) -> tuple[int | None, ...]:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    shape = shape["items"] if isinstance(shape, dict) else shape
    off = not (config.get("sparse") or config.get("ragged"))
    if not isinstance(shape, list) or len(shape) < 2 or not off:
        raise Unusable(
            f"The input {name!r} has the shape {shape}.", "Save the net with keras.Input(shape)."
        )
    sides = [side for side in shape[1:] if side is not None]
    if (
        not all(isinstance(side, int) and 0 < side <= MOST_SIDE for side in sides)
        or prod(sides) > MOST_SIDE
    ):
        raise Unusable(
            f"The input {name!r} has the shape {shape[1:]}.",
            f"At most {MOST_SIDE:,} numbers are read.",
        )
    return tuple(shape[1:])


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
    """How many arrays a layer has, and the last sides of the first of them."""
    given = layer.options
    bias = int(given.get("use_bias", True))
    if layer.kind in ("BatchNormalization", "LayerNormalization"):
        count = int(given.get("scale", True)) + int(given.get("center", True))
        return count + (2 if layer.kind == "BatchNormalization" else 0), ()
    return {
        "Attention": lambda: (int(given.get("use_scale", False)), ()),
        "Dense": lambda: (1 + bias, (given["units"],)),
        "Conv1D": lambda: (1 + bias, (given["filters"],)),
        "Conv2D": lambda: (1 + bias, (given["filters"],)),
        "DepthwiseConv2D": lambda: (1 + bias, (given.get("depth_multiplier", 1),)),
        "Embedding": lambda: (1, (given["input_dim"], given["output_dim"])),
        "LSTM": lambda: (2 + bias, (4 * given["units"],)),
        "MultiHeadAttention": lambda: (4 * (1 + bias), (given["num_heads"], given["key_dim"])),
    }.get(layer.kind, lambda: (0, ()))()


def _in_order(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Each layer after those that it reads."""
    left, ready = list(layers), set[str]()
    while left:
        now = [layer for layer in left if set(layer.sources) <= ready]
        if not now:
            raise Unusable(f"Layers read one another in a circle, as {left[0].name!r}.", SAVE_AGAIN)
        yield from now
        ready |= {layer.name for layer in now}
        left = [layer for layer in left if layer.name not in ready]
