"""The weights of a net as its layers name them: what an exported file is searched for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.contracts.net import Array, Stage, WeightKey
from framework.nn import graph
from framework.nn.allowed import readers
from framework.nn.layers import LAYERS, weights_of

NORMALISATION = "BatchNormalization"
# keras normalises by another path below it, which the converter leaves as it is
FOLDABLE_EPSILON = 1.001e-5


@dataclass(frozen=True, eq=False)
class NetWeight:
    """One weight of a net.

    Args:
        role: what it is to its layer, as in `FileWeight`.
        scope: what follows the layer's name in the names of the operations that use it; empty if
            unknown.
        values: as in the stage; of a batch normalisation the factor and the offset that its four
            vectors come to.
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

        A vector may be folded into the one before or after it.
        """
        return self.role.endswith("kernel") or self.role == "embeddings"


class Net:
    """A stage's layers and weights, to be looked up by the names in a file."""

    def __init__(self, stage: Stage) -> None:
        self.layers = graph.layers_by_name(stage.graph)
        self.weights: dict[WeightKey, NetWeight] = {}
        for name, layer in self.layers.items():
            for weight in _weights_of(name, layer, stage):
                self.weights[weight.key] = weight
        self.folded = _folded_norms(self.layers)

    def named(self, *names: str) -> Iterator[tuple[str, str]]:
        """(layer, rest) for all that tensor names such as `net/fc/Relu;net/fc/MatMul` may mean.

        A layer that is used a second time appears as `fc_1`, which another layer may be called;
        then both are given, the one that is called so first. The same goes for a name with a slash
        in it.
        """
        # the converter joins the names of what it fuses into one tensor by semicolons
        for part in ";".join(names).split(";"):
            scope, _, path = part.partition("/")
            if scope == graph.NET:
                yield from sorted(self._in(path), key=_length_of_rest)

    def _in(self, path: str) -> Iterator[tuple[str, str]]:
        for layer in self.layers:
            # to TensorFlow, names that differ by case alone are the same
            if path.lower().startswith(layer.lower()):
                again = re.match(r"(_\d+)?(/|$)", path[len(layer) :])
                if again:
                    yield layer, path[len(layer) + again.end() :]


def _length_of_rest(match: tuple[str, str]) -> int:
    return len(match[1])


def matrices(stage: Stage) -> list[WeightKey]:
    """The weights that multiply or are looked up, in the net's order.

    All kernels, and tables of embeddings.
    """
    return [key for key, weight in Net(stage).weights.items() if weight.is_matrix]


def roles(layer: dict[str, Any]) -> tuple[str, ...]:
    """What a layer's weights are to it, in their order."""
    return weights_of(layer["class_name"], layer["config"])


def _weights_of(name: str, layer: dict[str, Any], stage: Stage) -> Iterator[NetWeight]:
    kind = layer["class_name"]
    if kind == NORMALISATION:  # what is deployed is made of all of its vectors
        yield from _multiply_add(name, layer["config"], stage)
        return
    for position, role in enumerate(roles(layer)):
        # the dense layers within an attention are called as its roles are
        scope = role.rpartition("_")[0] if kind == "MultiHeadAttention" else ""
        values = stage.weights[WeightKey(name, position)]
        yield NetWeight(name, position, role, kind, scope, values)


def _multiply_add(name: str, config: dict[str, Any], stage: Stage) -> Iterator[NetWeight]:
    """The factor and the offset of a batch normalisation, as a file has them that keeps it.

    They stand at the places of gamma and beta; without these, of the variance and the mean.
    """
    has_gamma, has_beta = int(config["scale"]), int(config["center"])
    mean_at = has_gamma + has_beta
    mean, variance = (stage.weights[WeightKey(name, at)] for at in (mean_at, mean_at + 1))
    # in float64: the converter's own rounding is then the only one
    factor = 1 / np.sqrt(variance.astype(np.float64) + config["epsilon"])
    if has_gamma:
        factor = factor * stage.weights[WeightKey(name, 0)]
    offset = -mean * factor
    if has_beta:
        offset = offset + stage.weights[WeightKey(name, has_gamma)]
    factor_at, offset_at = (0 if has_gamma else mean_at + 1), (has_gamma if has_beta else mean_at)
    yield NetWeight(name, factor_at, "gamma", NORMALISATION, "", factor)
    yield NetWeight(name, offset_at, "beta", NORMALISATION, "", offset)


def _folded_norms(layers: dict[str, Any]) -> frozenset[str]:
    """Layer normalisations that only dense layers read.

    The converter folds gamma into kernels and beta into biases.
    """
    read_by = readers(layers)
    folded = set()
    for name, layer in layers.items():
        if layer["class_name"] != "LayerNormalization":
            continue
        kinds = {layers[reader]["class_name"] for reader in read_next(name, layers, read_by)}
        # one that nothing reads is the net's output, where no kernel takes its vectors in
        dense_only = bool(kinds) and kinds <= {"Dense", "MultiHeadAttention"}
        if dense_only and layer["config"]["epsilon"] >= FOLDABLE_EPSILON:
            folded.add(name)
    return frozenset(folded)


def read_next(name: str, layers: Mapping[str, Any], read_by: Mapping[str, set[str]]) -> set[str]:
    """The layers that read a layer, with those that leave no trace in a file looked through.

    Args:
        name: of the layer.
        layers: name -> a layer of a functional configuration.
        read_by: as `readers` gives it.
    """
    next_ones: set[str] = set()
    for reader in read_by[name]:
        silent = LAYERS[layers[reader]["class_name"]].silent
        next_ones |= read_next(reader, layers, read_by) if silent else {reader}
    return next_ones


def likeness(weight: Array, numbers: Array) -> float:
    """How nearly numbers of a file are a weight of a net: the cosine between them, -1 to 1.

    0 if either is all zero.

    The layout of the file is found by trying. Factors folded into the weight lower it, and leave it
    far above that of a stranger.
    """
    forms = [weight.reshape(-1, weight.shape[-1]).T, weight, weight.reshape(weight.shape[0], -1).T]
    if weight.ndim > 2:  # of a transposed convolution
        forms.append(np.moveaxis(weight, -2, 0))
    size = float(np.linalg.norm(numbers))
    if not size or not np.any(weight):
        return 0.0
    scale = size * float(np.linalg.norm(weight))
    flat = numbers.ravel()
    return max(float(form.ravel() @ flat) / scale for form in forms)
