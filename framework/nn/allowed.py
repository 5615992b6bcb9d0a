"""Which classes a net may be built of: the check before keras sees a configuration.

No TensorFlow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from framework.errors import SqueezelabError
from framework.nn.layers import LAYERS

PARTS = frozenset(  # initializers and the like that a layer's configuration may name
    "Zeros Ones Constant GlorotUniform GlorotNormal HeNormal HeUniform LecunNormal LecunUniform "
    "Orthogonal "
    "RandomNormal RandomUniform TruncatedNormal VarianceScaling".split()
)
# keras would import any other that a graph names
MODULES = frozenset({"keras.initializers", "keras.layers"})
# with other settings the converter makes a loop of it, and ends the process when it is to quantize
# that
ALONE: Mapping[str, Any] = {"recurrent_dropout": 0, "return_state": False, "stateful": False}
FUSED_LSTM: Mapping[str, Any] = {
    **ALONE,
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "use_bias": True,
    "unroll": False,
}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "GRU": {**ALONE, "reset_after": True},
    "LSTM": FUSED_LSTM,
    "SimpleRNN": ALONE,
}


def check_graph(config: Mapping[str, Any]) -> None:
    """Raise SqueezelabError unless every layer class, and every class a layer names, is allowed.

    A recurrent layer must also be one that the converter makes one operation of.
    """
    layers = config.get("layers", [{"class_name": "a model without layers"}])
    for layer in layers:
        name = layer.get("name", "")
        check_class(layer["class_name"], LAYERS, name)
        check_class(layer.get("module", "keras.layers"), MODULES, name)
        _check_parts(layer["config"], name)
    _check_recurrent({layer["config"]["name"]: layer for layer in layers})


def readers(layers: Mapping[str, Any]) -> dict[str, set[str]]:
    """Layer -> the layers that read it.

    Args:
        layers: name -> a layer of a functional configuration, with its `inbound_nodes`.
    """
    read_by: dict[str, set[str]] = {name: set() for name in layers}
    for name, layer in layers.items():
        for source in set(_sources(layer.get("inbound_nodes", []))) & set(layers):
            read_by[source].add(name)
    return read_by


def check_class(name: str, allowed: Collection[str], layer: str) -> None:
    """Raise SqueezelabError unless the class that a layer is of, or names, is allowed."""
    if name not in allowed:
        raise SqueezelabError(
            "A net is built of plain keras layers only; operators such as x + y, Lambda and nested "
            "models are not.",
            given=f"Layer {layer!r} is a {name}.",
            todo=f"Use one of: {', '.join(sorted(allowed))}.",
        )


def _check_parts(value: Any, layer: str) -> None:
    if isinstance(value, dict):
        if "class_name" in value:
            check_class(value["class_name"], PARTS, layer)
            check_class(value.get("module", "keras.initializers"), MODULES, layer)
        for part in value.values():
            _check_parts(part, layer)
    elif isinstance(value, list):
        for part in value:
            _check_parts(part, layer)


KERAS_SETTINGS = (
    "Train the net with these settings as they are by default; in place of recurrent_dropout put a "
    "Dropout layer before or behind it."
)
WITHOUT_MASK = (
    "Build the net without it, set its weights with new.set_weights(old.get_weights()), and save "
    "that: steps that fill up are then read as others are."
)


def _check_recurrent(layers: Mapping[str, Any]) -> None:
    recurrent = {name: layer for name, layer in layers.items() if layer["class_name"] in SETTINGS}
    masked = _masked(layers) if recurrent else set()
    for name, layer in recurrent.items():
        kind = layer["class_name"]
        wrong = list(_not_exported(layer["config"], SETTINGS[kind]))
        ways_out = [KERAS_SETTINGS] if wrong else []
        if name in masked:
            wrong.append("a mask, from a Masking layer or an Embedding with mask_zero=True")
            ways_out.append(WITHOUT_MASK)
        if _reads_several(layer):
            wrong.append("an initial state")
            ways_out.append("Call the layer with its input alone.")
        # said here: the converter would make a loop of it, and end the process for int8
        if wrong:
            raise SqueezelabError(
                f"A layer of the kind {kind} is exported without a loop only: with keras's own "
                f"settings.",
                given=f"Layer {name!r} has {', '.join(wrong)}.",
                todo=" ".join(ways_out),
            )


def _not_exported(config: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    """The settings of a recurrent layer with which it is not exported without a loop."""
    for key, value in settings.items():
        if config.get(key, value) != value:
            yield f"{key}={config[key]!r}"


def _reads_several(layer: Mapping[str, Any]) -> bool:
    """Whether a layer is called with more than one input in any of its places."""
    return any(len(set(_sources([node]))) > 1 for node in layer.get("inbound_nodes", []))


def _makes_mask(layer: Mapping[str, Any]) -> bool:
    return bool(layer["class_name"] == "Masking" or layer["config"].get("mask_zero"))


def _masked(layers: Mapping[str, Any]) -> set[str]:
    """The layers that a mask may reach."""
    read_by = readers(layers)
    reached: set[str] = set()
    waiting = [name for name, layer in layers.items() if _makes_mask(layer)]
    while waiting:
        new = read_by[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached


def _sources(nodes: Any) -> Iterator[str]:
    """The layers that a layer reads, from its `inbound_nodes`.

    [name, node, tensor, keywords], nested in lists.
    """
    if isinstance(nodes, dict):
        nodes = list(nodes.values())
    if not isinstance(nodes, list):
        return
    match nodes:
        case [str(layer), int(), int(), *keywords]:
            yield layer
            # inputs may be given by keyword as well, as those of an attention are
            nodes = keywords
    for node in nodes:
        yield from _sources(node)
