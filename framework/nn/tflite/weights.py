"""The exported file read back: every weight of the net, and the tensor that stores it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from framework.contracts.file import FileWeight
from framework.contracts.net import Array, Stage, WeightKey
from framework.errors import NotDeployable
from framework.nn.layers import LAYERS
from framework.nn.net_weights import NORMALISATION, Net, NetWeight, likeness
from framework.nn.tflite.flatbuffer import UNPACKING, Constant, FlatFile, Operator
from framework.nn.tflite.matching import (
    first_named,
    is_factor,
    is_weight,
    near,
    side_by_side,
    with_role,
)

# their kernel meets each place of the input, not of the output; a shape is their first input
TRANSPOSED = frozenset({"CONV_3D_TRANSPOSE", "TRANSPOSE_CONV"})
CONVOLUTIONS = frozenset({"CONV_2D", "CONV_3D", "DEPTHWISE_CONV_2D"}) | TRANSPOSED
# of a kernel in the file, along which its output channels lie; of all others the first
OUTPUT_AXES = {"Conv3D": -1, "Conv3DTranspose": -2, "DepthwiseConv2D": -1}
MATRIX_PRODUCTS = frozenset({"BATCH_MATMUL", "FULLY_CONNECTED"})
RECURRENT = "UNIDIRECTIONAL_SEQUENCE_LSTM"
LOOKUPS = frozenset({"EMBEDDING_LOOKUP", "GATHER"})
GATES = ("input", "forget", "cell", "output")  # in this order in the file and in keras's weights
# of the four gates' tensors, among an LSTM's inputs
FIRST_INPUT = {"kernel": 1, "recurrent_kernel": 5, "bias": 12}
# of a vector in an operation; in all others `beta`. A PReLU behind a ReLU is no operation of its
# own: its negated alpha is a factor
ROLES = {"MUL": ("gamma", "alpha"), "PRELU": ("alpha",)}
# kinds of layers and their operations in which each value of a vector multiplies activations
FACTORS = frozenset({(NORMALISATION, "MUL"), ("PReLU", "MUL"), ("PReLU", "PRELU")})
SURE = 0.9  # least likeness of a weight that no name identifies
MASKED = 1e4  # what attention takes from places that must not be seen, or more


def read_weights(file: bytes, stage: Stage) -> tuple[FileWeight, ...]:
    """Every weight of the net and the tensor that stores it, as deployed.

    The converter folds vectors into kernels and biases next to them: batch normalisation behind a
    convolution or dense layer or before a dense one, layer normalisation that only dense layers
    read, the bias of a dense layer right before another one. They have no tensors and are not
    counted. A batch normalisation that cannot be folded is a multiplication and an addition, and
    counted as such. A bias or beta that is all zero, and a gamma that is all one, are left out of
    the file; they are counted.

    Raises:
        NotDeployable: a constant of the file belongs to no layer of the net, or a kernel of the net
            is not there.
    """
    reader = _Reader(FlatFile(file), Net(stage))
    for operator in reader.file.operators:
        reader.read(operator)
    reader.add_what_was_left_out()
    return tuple(reader.records.values())


def products(file: bytes) -> int:
    """Multiply-accumulates for one sample between two activations, as those of attention."""
    parts = FlatFile(file)
    total = 0
    for operator in parts.operators:
        if operator.kind in MATRIX_PRODUCTS and not any(map(parts.constant, operator.inputs[:2])):
            total += _macs(parts, operator)
    return total


def _macs(file: FlatFile, operator: Operator) -> int:
    if operator.kind == "FULLY_CONNECTED":
        summed = file.shape(operator.inputs[1])[-1]
    else:
        summed = file.shape(operator.inputs[0])[-2 if operator.options.adjX else -1]
    return int(np.prod(file.shape(operator.outputs[0]))) * summed


class _Reader:
    """Goes through a file, and records each weight of the net by layer, position and part."""

    def __init__(self, file: FlatFile, net: Net) -> None:
        self.file, self.net = file, net
        self.records: dict[tuple[str, int, str], FileWeight] = {}
        self._constants: dict[tuple[str, int, str], Constant] = {}

    def read(self, operator: Operator) -> None:
        """Add the weights of one operation."""
        if operator.kind in CONVOLUTIONS or operator.kind in MATRIX_PRODUCTS:
            self._read_product(operator)
        elif operator.kind == RECURRENT:
            self._read_recurrent(operator)
        elif operator.kind not in UNPACKING:
            for constant in filter(None, map(self.file.constant, operator.inputs)):
                self._read_other(operator, constant)

    def add_what_was_left_out(self) -> None:
        """Vectors that change nothing, which the converter drops; raise if a matrix is missing."""
        recorded = self._recorded()
        for weight in self.net.weights.values():
            if weight.key in recorded:
                continue
            if weight.is_matrix:
                raise NotDeployable(
                    "A weight of the net cannot be found in the file.",
                    given=f"The {weight.role} of the layer {weight.layer!r}.",
                    todo="See which layers become plain operations: docs/architectures.md.",
                )
            # the value with which a vector changes nothing, so that its operation is dropped
            neutral = 1.0 if weight.role in ("gamma", "scale") else 0.0
            if not self._is_folded(weight) and (weight.values == neutral).all():
                self._add(weight, _left_out(weight.values), uses=0)

    def _is_folded(self, weight: NetWeight) -> bool:
        """Whether the converter made the layer that a vector belongs to part of another."""
        if weight.kind != NORMALISATION:
            return weight.layer in self.net.folded
        # one half of it without the other is one that was kept
        return all(layer != weight.layer for layer, _ in self._recorded())

    def _recorded(self) -> set[tuple[str, int]]:
        """The weights of which there is a record, by layer and position."""
        return {(layer, position) for layer, position, _ in self.records}

    def _read_product(self, operator: Operator) -> None:
        """A kernel, and the bias next to it."""
        kernel = next(filter(is_weight, map(self.file.constant, operator.inputs[:2])), None)
        if kernel is None:
            return  # two activations: `products` counts it
        uses, bias_at = self._uses(operator, kernel), 2 + (operator.kind in TRANSPOSED)
        has_bias = len(operator.inputs) > bias_at
        bias = self.file.constant(operator.inputs[bias_at]) if has_bias else None
        names = [self.file.name(operator.outputs[0]), kernel.name]
        if bias:
            names.append(bias.name)
        weight = self._owner(kernel, names, of="kernel")
        self._add(weight, kernel, uses=uses)
        if bias:
            self._add_bias(weight, bias)

    def _uses(self, operator: Operator, kernel: Constant) -> int:
        """How many times each value of a kernel is multiplied for one sample."""
        if operator.kind in TRANSPOSED:
            return int(np.prod(self.file.shape(operator.inputs[2])[:-1]))
        if operator.kind in CONVOLUTIONS:
            return int(np.prod(self.file.shape(operator.outputs[0])[:-1]))
        return _macs(self.file, operator) // kernel.values.size

    def _add_bias(self, kernel: NetWeight, constant: Constant) -> None:
        """The bias that belongs to a kernel.

        One of zeros next to a layer that has none is the converter's own.
        """
        # a recurrent layer has one bias, or one of two rows for its two kernels
        is_unrolled = LAYERS[kernel.kind].unrolled
        role = "bias" if is_unrolled else kernel.role.removesuffix("kernel") + "bias"
        part = kernel.role.removesuffix("_kernel") if is_unrolled and "_" in kernel.role else ""
        weights = self._of_layer(kernel.layer)
        bias = next(iter(with_role(weights, role)), None)
        # of a normalisation that was folded into the kernel
        if bias is None and constant.values.any():
            bias = replace(kernel, role=role, position=weights[-1].position + 1)
        if bias:
            self._add(bias, constant, uses=0, part=part)

    def _of_layer(self, layer: str) -> list[NetWeight]:
        """The weights of a layer, by position."""
        return [weight for weight in self.net.weights.values() if weight.layer == layer]

    def _read_recurrent(self, operator: Operator) -> None:
        """The four gates of each weight of an LSTM layer."""
        gates = {role: self._gates(operator, first) for role, first in FIRST_INPUT.items()}
        layer = self._recurrent_layer(
            kernel=side_by_side(gates["kernel"]),
            recurrent=side_by_side(gates["recurrent_kernel"]),
        )
        steps = self.file.shape(operator.inputs[0])[0 if operator.options.timeMajor else 1]
        for weight in self._of_layer(layer):
            uses = 0 if weight.role == "bias" else steps
            for name, gate in zip(GATES, gates[weight.role], strict=True):
                self._add(weight, gate, uses=uses, part=name)

    def _gates(self, operator: Operator, first: int) -> list[Constant]:
        """The tensors of one weight of an LSTM, of which the `first` is that input."""
        constants = map(self.file.constant, operator.inputs[first : first + len(GATES)])
        return list(filter(None, constants))

    def _recurrent_layer(self, *, kernel: Array, recurrent: Array) -> str:
        """The LSTM layer that has these kernels.

        Their tensors have no names: the values identify the layer.

        Raises:
            NotDeployable: there is none.
        """
        fitting = [
            weight
            for weight in self.net.weights.values()
            if (weight.kind, weight.role) == ("LSTM", "kernel")
            and weight.values.shape == kernel.shape
        ]
        weight = self._best(fitting, kernel)
        # one candidate alone is taken whatever its values, so its other kernel must fit at least
        if weight is None or (
            self.net.weights[WeightKey(weight.layer, 1)].values.shape != recurrent.shape
        ):
            raise NotDeployable(
                "A recurrent operation of the file belongs to no LSTM layer of the net."
            )
        return weight.layer

    def _read_other(self, operator: Operator, constant: Constant) -> None:
        """A table of embeddings, the vectors of a normalisation, or a bias without a kernel.

        Refuse any other.
        """
        if not constant.weight_like:
            return
        names = [constant.name, self.file.name(operator.outputs[0])]
        # by how many numbers a group normalisation divides a sum
        if any(path.startswith("weighted_moments/") for _, path in self.net.named(names[1])):
            return
        if operator.kind in LOOKUPS:
            self._add(self._owner(constant, names, of="embeddings"), constant, uses=0)
            return
        if not constant.numbers.any():
            return  # zeros of the converter's own: those of a weight are left out
        weight = self._vector(operator, constant, names)
        if weight and weight.values.size > constant.values.size:
            constant = replace(
                constant, values=np.broadcast_to(constant.values, weight.values.shape)
            )
        if weight:
            outputs = int(np.prod(self.file.shape(operator.outputs[0])))
            multiplies = (weight.kind, operator.kind) in FACTORS
            self._add(weight, constant, uses=outputs // constant.values.size if multiplies else 0)
        elif constant.values.size > 1 and not self._is_setting(constant, names):
            raise NotDeployable(
                "A constant of the file belongs to no layer that is counted.",
                given=f"Tensor {constant.name!r}.",
                todo="See which layers become plain operations: docs/architectures.md.",
            )

    def _vector(self, operator: Operator, constant: Constant, names: list[str]) -> NetWeight | None:
        """The gamma, beta, bias or scale that a constant is.

        By its layer's name and by its values.
        """
        fitting = [weight for weight in self._of_size(constant) if not weight.is_matrix]
        alike = [weight for weight in fitting if near(weight.values, constant)]
        named = list(self.net.named(*names))
        match = first_named(alike, named)
        # a single number is like too many others for its value or its role to identify it
        if match or constant.values.size <= 1:
            return match or self._of_one_number(constant, named)
        # its values were changed by a factor folded into it: layer and operation identify it
        roles = ROLES.get(operator.kind, ("beta",))
        match = first_named([weight for weight in fitting if weight.role in roles], named)
        return match or next(iter(alike), None)

    def _of_one_number(self, constant: Constant, named: list[tuple[str, str]]) -> NetWeight | None:
        """The half of a batch normalisation that is one number for all channels.

        As before any training: the converter stores that number once.
        """
        vectors = filter(_is_normalisation, self.net.weights.values())
        return first_named([one for one in vectors if near(one.values, constant)], named)

    def _is_setting(self, constant: Constant, names: list[str]) -> bool:
        """Whether a constant comes from a layer's configuration, and is not trained.

        The factors of Rescaling, a mask; or it is what a bias that is on record comes to at the
        first step, before which there is no state.
        """
        for layer, _ in self.net.named(*names):
            kind, config = self.net.layers[layer]["class_name"], self.net.layers[layer]["config"]
            if kind == "Rescaling" and is_factor(constant, config):
                return True
            if LAYERS[kind].unrolled and self._is_part_of_bias(constant, layer):
                return True
            if kind in ("Attention", "MultiHeadAttention", "Softmax"):
                # the other numbers of a mask are zeros, up to the rounding of its type
                masking = constant.numbers[np.abs(constant.numbers) > constant.step]
                return bool(masking.size and (np.abs(masking) >= MASKED).all())
        return False

    def _is_part_of_bias(self, constant: Constant, layer: str) -> bool:
        """Whether a constant is a gate's share of a layer's bias."""
        for bias in with_role(self._of_layer(layer), "bias"):
            gates, left_over = divmod(bias.values.size, constant.values.size)
            if not left_over:
                parts = np.split(bias.values.ravel(), gates)
                return any(near(part, constant) for part in parts)
        return False

    def _owner(self, constant: Constant, names: list[str], *, of: str) -> NetWeight:
        """The matrix of the net that a constant is.

        The one that its names identify, else the one most like it.

        Raises:
            NotDeployable: there is none.
        """
        fitting = [
            weight
            for weight in self._of_size(constant)
            if weight.role.endswith(of) and weight.kind != "LSTM"
        ]
        weight = self._best(list(self._named(fitting, names)), constant.numbers)
        # without a name, only a weight that is nearly the same is taken
        weight = weight or self._best(fitting, constant.numbers, least=SURE)
        if weight is None:
            raise NotDeployable(
                "A weight of the file belongs to no layer of the net.", given=f"Tensors: {names}."
            )
        return weight

    def _of_size(self, constant: Constant) -> Iterator[NetWeight]:
        """The weights with as many values."""
        for weight in self.net.weights.values():
            # by size and not by shape: the file has other layouts than keras
            if weight.values.size == constant.values.size:
                yield weight

    def _named(self, weights: list[NetWeight], names: list[str]) -> Iterator[NetWeight]:
        """Those of the weights that the names of tensors may mean, in the order of the names."""
        for layer, path in self.net.named(*names):
            for weight in weights:
                if weight.layer == layer and path.startswith(weight.scope):
                    yield weight

    def _best(
        self, candidates: list[NetWeight], numbers: Array, least: float = -1.0
    ) -> NetWeight | None:
        """The candidate most like the numbers; of equal ones the first without a record yet."""
        if least < 0 and len(set(candidates)) == 1:
            return candidates[0]
        recorded = self._recorded()
        scores = {}
        for weight in candidates:
            scores[weight] = likeness(weight.values, numbers)

        def rank(weight: NetWeight) -> tuple[float, bool]:
            # rounded, so that equal weights tie in spite of the last bits
            return round(scores[weight], 6), weight.key not in recorded

        best = max(scores, key=rank, default=None)
        return best if best is not None and scores[best] >= least else None

    def _add(self, weight: NetWeight, constant: Constant, *, uses: int, part: str = "") -> None:
        """Put a weight on record.

        Once if its layer is used twice, but for two copies that differ.
        """
        key = (weight.layer, weight.position, part)
        before = self._constants.get(key)
        if before and not near(before.numbers, constant, before.step):
            self._add(weight, constant, uses=uses, part=f"{part}copy")
            return
        if before:  # in 8 bits two biases may differ in their scales alone
            record = self.records[key]
            self.records[key] = replace(record, uses=record.uses + uses)
            return
        self._constants[key] = constant
        self.records[key] = FileWeight(
            layer=weight.layer,
            role=weight.role,
            tensor=constant.tensor,
            uses=uses,
            values=constant.values,
            scales=constant.scales,
            position=weight.position,
            part=part,
            output_axis=OUTPUT_AXES.get(weight.kind, 0) if constant.values.ndim > 2 else 0,
        )


def _is_normalisation(weight: NetWeight) -> bool:
    """Whether it is half of a batch normalisation."""
    return weight.kind == NORMALISATION


def _left_out(values: Array) -> Constant:
    """A vector of the net that is in no tensor, because it changes nothing."""
    return Constant(
        -1, "", values.astype(np.float32), values.astype(np.float64), 0, 0.0, weight_like=True
    )
