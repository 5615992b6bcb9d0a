"""The weights of a net as its layers name them: what an exported file is searched for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.contracts import Array, Stage, WeightKey
from framework.nn import graph
from framework.nn.allowed import readers

KERNEL_FIRST = frozenset({"Conv1D", "Conv2D", "Dense", "DepthwiseConv2D"})
PROJECTIONS = (
    "query",
    "key",
    "value",
    "attention_output",
)  # of keras's MultiHeadAttention, in the order of its weights
# they leave no trace in a file
SILENT = frozenset({"Dropout", "SpatialDropout1D", "SpatialDropout2D"})
# keras normalises by another path below it, which the converter leaves as it is
FOLDABLE_EPSILON = 1.001e-5


@dataclass(frozen=True, eq=False)
class NetWeight:
    """One weight of a net.

    Args:
        role: what it is to its layer, as in `FileWeight`.
        scope: what follows the layer's name in the names of the operations that use it; empty if
            nothing tells.
        values: as in the stage.
    """

    layer: str
    position: int
    role: str
    kind: str
    scope: str
    values: Array

    @property
    def key(self) -> WeightKey:
        """As in `Stage.weights`."""
        return WeightKey(self.layer, self.position)

    @property
    def is_matrix(self) -> bool:
        """It multiplies, or is looked up.

        A vector may be folded into the one before or behind it.
        """
        return self.role.endswith("kernel") or self.role == "embeddings"


class Net:
    """A stage's layers and weights, to be looked up by the names in a file."""

    def __init__(self, stage: Stage) -> None:
        self.layers = {layer["config"]["name"]: layer for layer in graph.layers(stage.graph)}
        self.weights = {
            weight.key: weight
            for name, layer in self.layers.items()
            for weight in _weights_of(name, layer, stage)
        }
        self.folded = _folded_norms(self.layers)

    def named(self, *names: str) -> Iterator[tuple[str, str]]:
        """(layer, rest) for all that tensor names such as `net/fc/Relu;net/fc/MatMul` may mean.

        A layer that is used a second time appears as `fc_1`, which another layer may be called;
        then both are given, the one that is called so first. The same goes for a name with a slash
        in it.
        """
        for part in (part for name in names for part in name.split(";")):
            scope, _, path = part.partition("/")
            if scope == graph.NET:
                yield from sorted(self._in(path), key=lambda found: len(found[1]))

    def _in(self, path: str) -> Iterator[tuple[str, str]]:
        for layer in self.layers:
            # TensorFlow tells names apart without regard to case
            if path.lower().startswith(layer.lower()):
                again = re.match(r"(_\d+)?(/|$)", path[len(layer) :])
                if again:
                    yield layer, path[len(layer) + again.end() :]


def matrices(stage: Stage) -> list[WeightKey]:
    """The weights that multiply or are looked up, in the net's order.

    All kernels, and tables of embeddings.
    """
    return [key for key, weight in Net(stage).weights.items() if weight.is_matrix]


def roles(layer: dict[str, Any]) -> tuple[str, ...]:
    """What a layer's weights are to it, in their order.

    Those of a batch normalisation are folded, so it has none.
    """
    kind, config = layer["class_name"], layer["config"]
    bias = {"bias": config.get("use_bias")}
    if kind == "MultiHeadAttention":
        return tuple(
            f"{name}_{role}" for name in PROJECTIONS for role in _present({"kernel": True} | bias)
        )
    asked = {
        "LSTM": {"kernel": True, "recurrent_kernel": True} | bias,
        "Embedding": {"embeddings": True},
        "LayerNormalization": {"gamma": config.get("scale"), "beta": config.get("center")},
        "Attention": {
            "scale": config.get("use_scale"),
            "concat_score_weight": config.get("score_mode") == "concat",
        },
    }
    return _present({"kernel": True} | bias if kind in KERNEL_FIRST else asked.get(kind, {}))


def _present(roles_asked: dict[str, Any]) -> tuple[str, ...]:
    return tuple(role for role, there in roles_asked.items() if there)


def _weights_of(name: str, layer: dict[str, Any], stage: Stage) -> Iterator[NetWeight]:
    for position, role in enumerate(roles(layer)):
        scope = role.rpartition("_")[0] if layer["class_name"] == "MultiHeadAttention" else ""
        yield NetWeight(
            name,
            position,
            role,
            layer["class_name"],
            scope,
            stage.weights[WeightKey(name, position)],
        )


def _folded_norms(layers: dict[str, Any]) -> frozenset[str]:
    """Layer normalisations that only dense layers read.

    The converter folds gamma into kernels and beta into biases.
    """
    read_by = readers(layers)

    def heard_by(name: str) -> set[str]:
        """The classes that read a layer, with those that leave no trace looked through."""
        found: set[str] = set()
        for reader in read_by[name]:
            kind = layers[reader]["class_name"]
            found |= heard_by(reader) if kind in SILENT else {kind}
        return found

    norms = (name for name, layer in layers.items() if layer["class_name"] == "LayerNormalization")
    return frozenset(
        name
        for name in norms
        if layers[name]["config"]["epsilon"] >= FOLDABLE_EPSILON
        and heard_by(name)
        and heard_by(name) <= {"Dense", "MultiHeadAttention"}
    )


def likeness(weight: Array, numbers: Array) -> float:
    """How nearly numbers of a file are a weight of a net: the cosine between them, -1 to 1.

    0 if either is all zero.

    The layout of the file is found by trying. Factors folded into the weight lower it, and leave it
    far above that of a stranger.
    """
    forms = [weight.reshape(-1, weight.shape[-1]).T, weight, weight.reshape(weight.shape[0], -1).T]
    size = float(np.linalg.norm(numbers))
    if not size or not np.any(weight):
        return 0.0
    flat = numbers.ravel()
    return max(
        float(form.ravel() @ flat) / (size * float(np.linalg.norm(weight))) for form in forms
    )
