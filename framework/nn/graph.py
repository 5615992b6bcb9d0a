"""A net as data: JSON of a keras functional configuration, and back.

Nothing foreign is ever built.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from framework.contracts.data import DataInfo
from framework.contracts.net import Array, Stage, WeightKey, Weights
from framework.contracts.plugins import Architecture
from framework.errors import SqueezelabError
from framework.nn.allowed import MODULES, PARTS, check_class, check_graph
from framework.nn.backend import keras
from framework.nn.layers import LAYERS

__all__ = [
    "LAYERS", "MODULES", "NET", "PARTS", "assign", "build", "check_graph", "initial_stage",
    "layers", "layers_by_name", "read_weights", "structure", "to_graph", "unrolled", "values",
    "variables",
    "weights_digest", "without_dropout", "write_weights",
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


def layers_by_name(graph: str) -> dict[str, dict[str, Any]]:
    """Layer -> its configuration, in order: `name`, `class_name`, `config`."""
    return {layer["config"]["name"]: layer for layer in layers(graph)}


def without_dropout(graph: str) -> str:
    """The same net with every rate of dropout at 0; its weights keep their places."""
    config = json.loads(graph)
    for layer in config["layers"]:
        # a name that is not there must not be added: keras would refuse the argument
        for name in set(DROPOUT_RATES) & set(layer["config"]):
            layer["config"][name] = 0.0
    return json.dumps(config, sort_keys=True, separators=(",", ":"))


def unrolled(graph: str) -> str:
    """The same net with the steps of recurrent layers that become no single operation written out.

    Its weights keep their places.
    """
    config = json.loads(graph)
    for layer in config["layers"]:
        if LAYERS[layer["class_name"]].unrolled:
            layer["config"]["unroll"] = True
    return json.dumps(config, sort_keys=True, separators=(",", ":"))


def variables(model: Any) -> dict[WeightKey, Any]:
    """All variables by (layer, position)."""
    by_key = {}
    for layer in model.layers:
        for position, weight in enumerate(layer.weights):
            by_key[WeightKey(layer.name, position)] = weight
    return by_key


def values(by_key: Mapping[WeightKey, Any]) -> dict[WeightKey, Array]:
    """Copies of the values of variables."""
    # copies: `numpy()` may share the variable's memory, which the next step changes
    return {key: np.array(variable.numpy()) for key, variable in by_key.items()}


def read_weights(model: Any) -> dict[WeightKey, Array]:
    """Copies of all weights by (layer, position)."""
    return values(variables(model))


def write_weights(model: Any, weights: Weights) -> None:
    """Set all weights by (layer, position).

    Raises:
        SqueezelabError: a weight is missing, left over or of another shape.
    """
    assign(variables(model), weights)


def assign(by_key: Mapping[WeightKey, Any], weights: Weights) -> None:
    """Set variables by (layer, position).

    Raises:
        SqueezelabError: a weight is missing, left over or of another shape.
    """
    wrong = set(by_key) ^ set(weights)
    for key in set(by_key) & set(weights):
        if tuple(by_key[key].shape) != weights[key].shape:
            wrong.add(key)
    # before the first is set: a net with half of another's weights would be left
    if wrong:
        raise SqueezelabError(
            "These weights do not belong to this net.", given=f"They differ in {sorted(wrong)[:5]}."
        )
    for key, variable in by_key.items():
        variable.assign(weights[key])


def weights_digest(weights: Weights) -> str:
    """sha256 over names, shapes and bytes of all weights: equal digests mean bitwise equal nets."""
    total = hashlib.sha256()
    # sorted: the same weights in another order are the same net
    for (layer, position), value in sorted(weights.items()):
        total.update(f"{layer}/{position}{value.dtype}{value.shape}".encode())
        total.update(np.ascontiguousarray(value).tobytes())
    return total.hexdigest()
