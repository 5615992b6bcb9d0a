"""The layers of a saved keras model as its file describes them, from Keras 2 or Keras 3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from framework.nn.saved.file import SAVE_AGAIN, Unusable
from framework.nn.saved.options import check_names

MODELS = {"Functional", "Model", "Sequential"}
# Keras 3 writes down where an Embedding's mask comes from; Keras 2 finds it again by itself
MASK_OPERATOR = "NotEqual"
# under which a layer may be given its inputs, in this order
KEYWORDS = ("inputs", "query", "value", "key")
MOST_LAYERS = 2000


@dataclass(frozen=True)
class RawLayer:
    """A layer as the file describes it, the layers that feed it, and those that make its masks."""

    name: str
    described: Mapping[str, Any]
    sources: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    causal: bool = False

    @property
    def kind(self) -> str:
        """Its class."""
        return str(self.described["class_name"])


def raw_layers(model: Mapping[str, Any]) -> tuple[list[RawLayer], list[str], str]:
    """The layers of a model, the names of its inputs and that of its output.

    Operators that make masks are left out.

    Args:
        model: the configuration in the file.

    Raises:
        Unusable: a class is not on the list, it has other than one output, or is no such model.
    """
    everything, inputs, outputs = _everything(model)
    for layer in everything:
        # nothing is made of the operator of masks, so it need not be on the list
        if layer.kind != MASK_OPERATOR:
            check_names(layer.described, layer.name)
    layers = _without_masks(everything)
    if len(outputs) != 1 or not inputs:
        raise Unusable(
            f"It has {len(inputs)} inputs and {len(outputs)} outputs.",
            "Save a model with one output.",
        )
    return layers, inputs, outputs[0]


def _everything(model: Mapping[str, Any]) -> tuple[list[RawLayer], list[str], list[str]]:
    """The layers of a model, the names of its inputs and of its outputs."""
    kind = model.get("class_name")
    if kind not in MODELS:
        todo = (
            "Build it as keras.Sequential or with the functional interface, set its weights, and "
            "save that."
        )
        raise Unusable(f"The model is a {kind}, a class of its own.", todo)
    config = model["config"]
    named = _named(config)
    if kind == "Sequential":
        return _sequence(named, model)
    layers = list(starmap(_called, named))
    inputs, outputs = _histories(config["input_layers"]), _histories(config["output_layers"])
    return layers, list(inputs), list(outputs)


def _named(config: Any) -> list[tuple[str, Any]]:
    """(name, description in the file) of each layer."""
    # the first versions had nothing but the list
    described = config if isinstance(config, list) else config["layers"]
    if len(described) > MOST_LAYERS:
        raise Unusable(f"It has {len(described):,} layers; at most {MOST_LAYERS:,} are read.")
    named = list(zip(map(_title, described), described, strict=True))
    if len(dict(named)) != len(named):
        raise Unusable("Two of its layers have one name.", SAVE_AGAIN)
    return named


def _title(described: Mapping[str, Any]) -> str:
    """What a layer is called in the file."""
    return str(described.get("name") or described["config"].get("name"))


def _sequence(
    named: list[tuple[str, Any]], model: Mapping[str, Any]
) -> tuple[list[RawLayer], list[str], list[str]]:
    """The layers of a sequence, each fed by the one before it."""
    if named and named[0][1]["class_name"] != "InputLayer":
        shape = _input_shape(model, named[0][1]["config"])
        if not shape:
            todo = "Begin it with keras.Input(shape), and save it again."
            raise Unusable("It does not say which shape its input has.", todo)
        named = [("input", {"class_name": "InputLayer", "config": {"batch_shape": shape}}), *named]
    layers: list[RawLayer] = []
    before: tuple[str, ...] = ()
    for name, layer in named:
        layers.append(RawLayer(name, layer, before))
        before = (name,)
    return layers, [named[0][0]], [named[-1][0]]


def _input_shape(model: Mapping[str, Any], first: Mapping[str, Any]) -> Any:
    """The shape of a sequence's input with the samples, which versions of keras write elsewhere."""
    config = model["config"]
    built = config.get("build_input_shape") if isinstance(config, dict) else None
    build_config = model.get("build_config") or {}
    return first.get("batch_input_shape") or built or build_config.get("input_shape")


def _called(name: str, layer: Mapping[str, Any]) -> RawLayer:
    """A layer of a functional model with what it is called with."""
    nodes = layer["inbound_nodes"]
    if len(nodes) > 1:
        todo = "Give each place a layer of its own, with a copy of the weights."
        raise Unusable(f"Layer {name!r} is used in {len(nodes)} places.", todo)
    if not nodes:
        return RawLayer(name, layer)
    tensors, keywords = _arguments(nodes[0])
    # the mask of an Embedding is "tokens not equal to 0"
    if layer["class_name"] == MASK_OPERATOR and tensors[1:] == [0]:
        return RawLayer(name, layer, tuple(_histories(tensors[0])))
    sources = list(_histories(tensors))
    for key in KEYWORDS:
        sources += _histories(keywords.pop(key, []))
    causal = keywords.pop("use_causal_mask", False)
    masks = tuple(_histories([value for key, value in keywords.items() if key.endswith("mask")]))
    # a keyword that is not known here may change the outputs, unless it is off
    for key, value in keywords.items():
        if value not in (None, False) and not key.endswith("mask"):
            raise Unusable(
                f"Layer {name!r} is called with {key}={str(value)[:60]}.",
                "Save the net without that.",
            )
    return RawLayer(name, layer, tuple(sources), masks, causal is True)


def _arguments(node: Any) -> tuple[Any, dict[str, Any]]:
    """What a layer is called with: (tensors, keywords)."""
    if isinstance(node, dict):  # Keras 3
        return node["args"], dict(node["kwargs"])
    # Keras 2: [name, node, output, keywords] of each input
    entries = node if isinstance(node[0], list) else [node]
    keywords: dict[str, Any] = {}
    for entry in entries:
        keywords |= entry[3] if len(entry) > 3 else {}
    return [entry[:3] for entry in entries], keywords


def _histories(value: Any) -> Iterator[str]:
    """The names of the layers that tensors come from, however they are nested."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        value = value["config"]["keras_history"]
    if value is None:
        return
    if isinstance(value, list) and value and isinstance(value[0], str):
        yield _only_output(value)
    elif isinstance(value, (list, dict)):
        # a model with one input may have it bare, in a list, or by name
        for part in value.values() if isinstance(value, dict) else value:
            yield from _histories(part)
    else:
        raise Unusable(
            f"A layer is given the constant {str(value)[:60]}.",
            "Use layers.Rescaling, or prepare the data so.",
        )


def _only_output(history: list[Any]) -> str:
    """The layer that a tensor comes from: the first output of its first use."""
    name, node, output = history[:3]
    if (node, output) != (0, 0):
        raise Unusable(
            f"Output {output} of use {node} of layer {name!r} is asked for.",
            "Use each layer once.",
        )
    return str(name)


def _without_masks(layers: list[RawLayer]) -> list[RawLayer]:
    """Without operators that make masks, if an Embedding with `mask_zero` makes the same anyway."""
    # what a mask is made of, and what an Embedding makes one of
    operators, masked = {}, set()
    for layer in layers:
        if layer.kind == MASK_OPERATOR:
            operators[layer.name] = layer.sources
        elif layer.kind == "Embedding" and layer.described["config"].get("mask_zero"):
            masked.add(layer.sources)
    for layer in layers:
        # a mask that is made otherwise has no entry, and None is not among them
        if not masked.issuperset(map(operators.get, layer.masks)):
            todo = "Masks come from Embedding(mask_zero=True) only."
            raise Unusable(f"Layer {layer.name!r} is called with a mask.", todo)
    return [layer for layer in layers if layer.kind != MASK_OPERATOR]
