"""Which classes a net may be built of: the check that stands before keras sees a configuration. No TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.errors import SqueezelabError

LAYERS = frozenset(
    "InputLayer Activation Add Attention Average AveragePooling1D AveragePooling2D BatchNormalization "
    "Concatenate Conv1D Conv2D Dense DepthwiseConv2D Dropout Embedding Flatten GlobalAveragePooling1D "
    "GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D LSTM LayerNormalization LeakyReLU MaxPooling1D "
    "MaxPooling2D MultiHeadAttention Multiply Permute ReLU Rescaling Reshape Softmax SpatialDropout1D "
    "SpatialDropout2D Subtract ZeroPadding1D ZeroPadding2D".split()
)
PARTS = frozenset(  # initializers and the like that a layer's configuration may name
    "Zeros Ones Constant GlorotUniform GlorotNormal HeNormal HeUniform LecunNormal LecunUniform Orthogonal "
    "RandomNormal RandomUniform TruncatedNormal VarianceScaling".split()
)
MODULES = frozenset({"keras.initializers", "keras.layers"})  # keras would import any other that a graph names


def check_graph(config: Mapping[str, Any]) -> None:
    """Raise SqueezelabError unless every layer class, and every class a layer names, is on the allow-list."""
    for layer in config.get("layers", [{"class_name": "a model without layers"}]):
        check_class(layer["class_name"], LAYERS, layer.get("name", ""))
        check_class(layer.get("module", "keras.layers"), MODULES, layer.get("name", ""))
        _check_parts(layer["config"], layer.get("name", ""))


def check_class(name: str, allowed: frozenset[str], layer: str) -> None:
    """Raise SqueezelabError unless the class that a layer is of, or names, is allowed."""
    if name not in allowed:
        raise SqueezelabError(
            "A net is built of plain keras layers only; operators such as x + y, Lambda and nested models are not.",
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
