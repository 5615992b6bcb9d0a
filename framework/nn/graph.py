"""A net as data: JSON of a keras functional configuration, and back.

Nothing foreign is ever built.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from framework.contracts import Architecture, Array, DataInfo, Stage, WeightKey, Weights
from framework.errors import SqueezelabError
from framework.nn.allowed import LAYERS, MODULES, PARTS, check_class, check_graph
from framework.nn.backend import keras

__all__ = [
    "LAYERS", "MODULES", "NET", "PARTS", "assign", "build", "check_graph", "initial_stage",
    "layers", "read_weights", "structure", "to_graph", "values", "variables", "weights_digest",
    "without_dropout", "write_weights",
]  # fmt: skip

DROPOUT_RATES = ("rate", "dropout", "recurrent_dropout")  # of layers on the allow-list
NET = "net"  # the name of every model: it begins each tensor's name in the exported file


def initial_stage(architecture: Architecture, info: DataInfo, *, seed: int) -> Stage:
    """The net of an architecture before training; the same seed gives the same weights.

    Args:
        info: with the inputs in the shapes that the architecture asks for.

    Raises:
        SqueezelabError: the net is not a plain functional graph of allow-listed, named layers.
    """
    keras.utils.set_random_seed(seed)
    model = architecture.build(info)
    graph = to_graph(model)
    return Stage(graph=graph, weights={}).with_weights(read_weights(model))


def to_graph(model: Any) -> str:
    """The canonical JSON of a functional model's configuration, under the name `net`."""
    check_class(type(model).__name__, frozenset({"Functional"}), NET)
    config = json.loads(model.to_json())["config"]
    config["name"] = NET
    for layer in config["layers"]:
        layer.pop("build_config", None)
        layer.pop("registered_name", None)
    check_graph(config)
    return json.dumps(config, sort_keys=True, separators=(",", ":"))


def structure(graph: str) -> str:
    """sha256 of a graph: nets with one structure share a traced net."""
    return hashlib.sha256(graph.encode()).hexdigest()


def build(graph: str) -> Any:
    """A new keras model with freshly initialised weights."""
    config = json.loads(graph)
    check_graph(config)
    return keras.Model.from_config(config)


def layers(graph: str) -> list[dict[str, Any]]:
    """The layers' configurations in order: `name`, `class_name`, `config`."""
    return list(json.loads(graph)["layers"])


def without_dropout(graph: str) -> str:
    """The same net with every rate of dropout at 0; its weights keep their places."""
    config = json.loads(graph)
    for layer in config["layers"]:
        layer["config"] |= {name: 0.0 for name in DROPOUT_RATES if name in layer["config"]}
    return json.dumps(config, sort_keys=True, separators=(",", ":"))


def variables(model: Any) -> dict[WeightKey, Any]:
    """All variables by (layer, position)."""
    found = {}
    for layer in model.layers:
        for position, weight in enumerate(layer.weights):
            found[WeightKey(layer.name, position)] = weight
    return found


def values(found: Mapping[WeightKey, Any]) -> dict[WeightKey, Array]:
    """Copies of what variables hold."""
    return {key: np.array(weight.numpy()) for key, weight in found.items()}


def read_weights(model: Any) -> dict[WeightKey, Array]:
    """Copies of all weights by (layer, position)."""
    return values(variables(model))


def write_weights(model: Any, weights: Weights) -> None:
    """Set all weights by (layer, position).

    Raises:
        SqueezelabError: a weight is missing, left over or of another shape.
    """
    assign(variables(model), weights)


def assign(found: Mapping[WeightKey, Any], weights: Weights) -> None:
    """Set variables by (layer, position).

    Raises:
        SqueezelabError: a weight is missing, left over or of another shape.
    """
    wrong = set(found) ^ set(weights)
    wrong |= {
        key for key in set(found) & set(weights) if tuple(found[key].shape) != weights[key].shape
    }
    if wrong:
        raise SqueezelabError(
            "These weights do not belong to this net.", given=f"They differ in {sorted(wrong)[:5]}."
        )
    for key, variable in found.items():
        variable.assign(weights[key])


def weights_digest(weights: Weights) -> str:
    """sha256 over names, shapes and bytes of all weights: equal digests mean bitwise equal nets."""
    total = hashlib.sha256()
    for (layer, position), value in sorted(weights.items()):
        total.update(f"{layer}/{position}{value.dtype}{value.shape}".encode())
        total.update(np.ascontiguousarray(value).tobytes())
    return total.hexdigest()
