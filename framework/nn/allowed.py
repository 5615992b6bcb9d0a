"""Which classes a net may be built of: the check that stands before keras sees a configuration.

No TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework.errors import SqueezelabError

LAYERS = frozenset(
    "InputLayer Activation Add Attention Average AveragePooling1D AveragePooling2D "
    "BatchNormalization Concatenate Conv1D Conv2D Dense DepthwiseConv2D Dropout Embedding Flatten "
    "GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D LSTM "
    "LayerNormalization LeakyReLU MaxPooling1D MaxPooling2D MultiHeadAttention Multiply Permute "
    "ReLU Rescaling Reshape Softmax SpatialDropout1D "
    "SpatialDropout2D Subtract ZeroPadding1D ZeroPadding2D".split()
)
PARTS = frozenset(  # initializers and the like that a layer's configuration may name
    "Zeros Ones Constant GlorotUniform GlorotNormal HeNormal HeUniform LecunNormal LecunUniform "
    "Orthogonal "
    "RandomNormal RandomUniform TruncatedNormal VarianceScaling".split()
)
# keras would import any other that a graph names
MODULES = frozenset({"keras.initializers", "keras.layers"})
# with other settings the converter makes a loop of it, and ends the process when it is to quantize
# that
FUSED_LSTM = {
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "use_bias": True,
    "recurrent_dropout": 0,
    "return_state": False,
    "stateful": False,
    "unroll": False,
}


def check_graph(config: Mapping[str, Any]) -> None:
    """Raise SqueezelabError unless every layer class, and every class a layer names, is allowed.

    A recurrent layer must also be one that the converter makes one operation of.
    """
    layers = config.get("layers", [{"class_name": "a model without layers"}])
    for layer in layers:
        check_class(layer["class_name"], LAYERS, layer.get("name", ""))
        check_class(layer.get("module", "keras.layers"), MODULES, layer.get("name", ""))
        _check_parts(layer["config"], layer.get("name", ""))
    _check_recurrent({layer["config"]["name"]: layer for layer in layers})


def readers(layers: Mapping[str, Any]) -> dict[str, set[str]]:
    """Layer -> the layers that read it.

    Args:
        layers: name -> a layer of a functional configuration, with its `inbound_nodes`.
    """
    found: dict[str, set[str]] = {name: set() for name in layers}
    for name, layer in layers.items():
        for source in set(_sources(layer.get("inbound_nodes", []))) & set(layers):
            found[source].add(name)
    return found


def check_class(name: str, allowed: frozenset[str], layer: str) -> None:
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
        for item in value.values():
            _check_parts(item, layer)
    elif isinstance(value, list):
        for item in value:
            _check_parts(item, layer)


def _check_recurrent(layers: Mapping[str, Any]) -> None:
    recurrent = {name: layer for name, layer in layers.items() if layer["class_name"] == "LSTM"}
    masked = _masked(layers) if recurrent else set()
    for name, layer in recurrent.items():
        config = layer["config"]
        wrong = [
            f"{key}={config[key]!r}"
            for key, value in FUSED_LSTM.items()
            if config.get(key, value) != value
        ]
        wrong += ["a mask, from an Embedding with mask_zero=True"] if name in masked else []
        wrong += (
            ["an initial state"]
            if any(len(set(_sources([n]))) > 1 for n in layer.get("inbound_nodes", []))
            else []
        )
        if wrong:
            raise SqueezelabError(
                "An LSTM layer is exported with keras's own settings only: as one operation, "
                "without a loop.",
                given=f"Layer {name!r} has {', '.join(wrong)}.",
                todo="Leave these settings as they are by default; put a Dropout layer before or "
                "behind it instead.",
            )


def _masked(layers: Mapping[str, Any]) -> set[str]:
    """The layers that a mask may reach."""
    read_by = readers(layers)
    reached: set[str] = set()
    waiting = [name for name, layer in layers.items() if layer["config"].get("mask_zero")]
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
    if (
        len(nodes) >= 3
        and isinstance(nodes[0], str)
        and all(isinstance(number, int) for number in nodes[1:3])
    ):
        yield nodes[0]
        nodes = nodes[3:]
    for node in nodes:
        yield from _sources(node)
