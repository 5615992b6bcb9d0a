"""The exported file read back: every weight of the net, and the tensor that holds it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from framework.contracts import Array, FileWeight, Stage, WeightKey
from framework.errors import NotDeployable
from framework.nn.net_weights import Net, NetWeight, likeness
from framework.nn.tflite.flatbuffer import UNPACKING, Constant, FlatFile, Operator

CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})
MATRIX_PRODUCTS = frozenset({"BATCH_MATMUL", "FULLY_CONNECTED"})
RECURRENT = "UNIDIRECTIONAL_SEQUENCE_LSTM"
LOOKUPS = frozenset({"EMBEDDING_LOOKUP", "GATHER"})
GATES = ("input", "forget", "cell", "output")  # in this order in the file and in keras's weights
# of the four gates' tensors, among an LSTM's inputs
FIRST_INPUT = {"kernel": 1, "recurrent_kernel": 5, "bias": 12}
SURE = 0.9  # likeness of a weight that no name tells
MASKED = 1e4  # what attention takes from places that must not be seen, or more


def read_weights(file: bytes, stage: Stage) -> tuple[FileWeight, ...]:
    """Every weight of the net and the tensor that holds it, as deployed.

    The converter folds vectors into kernels and biases beside them: batch normalisation, layer
    normalisation that only dense layers read, the bias of a dense layer right before another one.
    They have no tensors and are not counted. A bias or beta that is all zero, and a gamma that is
    all one, are left out of the file; they are counted.

    Raises:
        NotDeployable: a constant of the file belongs to no layer of the net, or a kernel of the net
            is not there.
    """
    reader = _Reader(FlatFile(file), Net(stage))
    for operator in reader.file.operators:
        reader.read(operator)
    reader.add_what_was_left_out()
    return tuple(reader.found.values())


def products(file: bytes) -> int:
    """Multiply-accumulates for one sample between two activations, as those of attention."""
    parts = FlatFile(file)
    between = (operator for operator in parts.operators if operator.kind in MATRIX_PRODUCTS)
    return sum(
        _macs(parts, operator)
        for operator in between
        if not any(map(parts.constant, operator.inputs[:2]))
    )


def _macs(file: FlatFile, operator: Operator) -> int:
    if operator.kind == "FULLY_CONNECTED":
        summed = file.shape(operator.inputs[1])[-1]
    else:
        summed = file.shape(operator.inputs[0])[-2 if operator.options.adjX else -1]
    return int(np.prod(file.shape(operator.outputs[0]))) * summed


class _Reader:
    """What was found so far, by layer, position and part."""

    def __init__(self, file: FlatFile, net: Net) -> None:
        self.file, self.net = file, net
        self.found: dict[tuple[str, int, str], FileWeight] = {}
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
        seen = {(layer, position) for layer, position, _ in self.found}
        for weight in self.net.weights.values():
            if weight.key in seen:
                continue
            if weight.is_matrix:
                raise NotDeployable(
                    "A weight of the net cannot be found in the file.",
                    given=f"The {weight.role} of the layer {weight.layer!r}.",
                    todo="See which layers become plain operations: docs/architectures.md.",
                )
            nothing = 1.0 if weight.role in ("gamma", "scale") else 0.0
            if weight.layer not in self.net.folded and (weight.values == nothing).all():
                self._add(weight, _left_out(weight.values), uses=0)

    def _read_product(self, operator: Operator) -> None:
        """A kernel, and the bias beside it."""
        kernel = next(filter(None, map(self.file.constant, operator.inputs[:2])), None)
        if kernel is None:
            return  # two activations: `products` counts it
        if operator.kind in CONVOLUTIONS:
            uses = int(np.prod(self.file.shape(operator.outputs[0])[:-1]))
        else:
            uses = _macs(self.file, operator) // kernel.values.size
        bias = self.file.constant(operator.inputs[2]) if len(operator.inputs) > 2 else None
        names = [self.file.name(operator.outputs[0]), kernel.name, *([bias.name] if bias else [])]
        weight = self._owner(kernel, names, of="kernel")
        self._add(weight, kernel, uses=uses)
        if bias:
            self._add_bias(weight, bias)

    def _add_bias(self, kernel: NetWeight, constant: Constant) -> None:
        """The bias that belongs to a kernel.

        One of zeros beside a layer that has none is the converter's own.
        """
        role = kernel.role.removesuffix("kernel") + "bias"
        own = (
            weight
            for weight in self.net.weights.values()
            if (weight.layer, weight.role) == (kernel.layer, role)
        )
        bias = next(own, None)
        # of a normalisation that was folded into the kernel
        if bias is None and constant.values.any():
            last = max(
                weight.position
                for weight in self.net.weights.values()
                if weight.layer == kernel.layer
            )
            bias = replace(kernel, role=role, position=last + 1)
        if bias:
            self._add(bias, constant, uses=0)

    def _read_recurrent(self, operator: Operator) -> None:
        """The four gates of each weight of an LSTM layer.

        Their tensors have no names: the values tell the layer.
        """
        inputs = {
            role: [self.file.constant(operator.inputs[first + gate]) for gate in range(4)]
            for role, first in FIRST_INPUT.items()
        }
        gates = {role: [gate for gate in given if gate] for role, given in inputs.items()}
        kernel, recurrent = (
            np.concatenate([gate.numbers.T for gate in gates[role]], axis=1)
            for role in ("kernel", "recurrent_kernel")
        )
        candidates = [weight for weight in self.net.weights.values() if weight.kind == "LSTM"]
        steps = self.file.shape(operator.inputs[0])[0 if operator.options.timeMajor else 1]
        layer = self._best(
            [w for w in candidates if w.role == "kernel" and w.values.shape == kernel.shape], kernel
        )
        if (
            layer is None
            or self.net.weights[WeightKey(layer.layer, 1)].values.shape != recurrent.shape
        ):
            raise NotDeployable(
                "A recurrent operation of the file belongs to no LSTM layer of the net."
            )
        for weight in (weight for weight in candidates if weight.layer == layer.layer):
            for name, gate in zip(GATES, gates[weight.role], strict=True):
                self._add(weight, gate, uses=0 if weight.role == "bias" else steps, part=name)

    def _read_other(self, operator: Operator, constant: Constant) -> None:
        """A table of embeddings, the vectors of a normalisation, or a bias that stands alone.

        Refuse any other.
        """
        if not constant.weight_like:
            return
        names = [constant.name, self.file.name(operator.outputs[0])]
        if operator.kind in LOOKUPS:
            self._add(self._owner(constant, names, of="embeddings"), constant, uses=0)
            return
        if not constant.numbers.any():
            return  # zeros of the converter's own: those of a weight are left out
        weight = self._vector(operator, constant, names)
        if weight:
            self._add(weight, constant, uses=0)
        elif constant.values.size > 1 and not self._is_setting(constant, names):
            raise NotDeployable(
                "A constant of the file belongs to no layer that is counted.",
                given=f"Tensor {constant.name!r}.",
                todo="Put a batch normalisation right behind its convolution or dense layer, "
                "before the activation.",
            )

    def _vector(self, operator: Operator, constant: Constant, names: list[str]) -> NetWeight | None:
        """The gamma, beta, bias or scale that a constant is.

        By its layer's name and by its values.
        """
        fitting = [
            weight
            for weight in self.net.weights.values()
            if not weight.is_matrix and weight.values.size == constant.values.size
        ]
        near = [weight for weight in fitting if _near(weight.values, constant)]
        layers = [layer for layer, _ in self.net.named(*names)]
        for layer in layers:
            own = [weight for weight in near if weight.layer == layer]
            if own:
                return own[0]
        role = "gamma" if operator.kind == "MUL" else "beta"
        for layer in layers:  # its values were changed by a factor folded into it
            own = [weight for weight in fitting if (weight.layer, weight.role) == (layer, role)]
            if own and constant.values.size > 1:
                return own[0]
        return near[0] if near and constant.values.size > 1 else None

    def _is_setting(self, constant: Constant, names: list[str]) -> bool:
        """What a layer's configuration says, and training does not change.

        The factors of Rescaling, a mask.
        """
        for layer, _ in self.net.named(*names):
            kind, config = self.net.layers[layer]["class_name"], self.net.layers[layer]["config"]
            if kind == "Rescaling" and any(
                np.size(config[name]) == constant.values.size
                and _near(np.array(config[name]), constant)
                for name in ("scale", "offset")
            ):
                return True
            if kind in ("Attention", "MultiHeadAttention", "Softmax"):
                other = constant.numbers[np.abs(constant.numbers) > constant.step]
                return bool(other.size and (np.abs(other) >= MASKED).all())
        return False

    def _owner(self, constant: Constant, names: list[str], *, of: str) -> NetWeight:
        """The matrix of the net that a constant is.

        The one its names tell, else the one most like it.

        Raises:
            NotDeployable: there is none.
        """
        fitting = [
            weight
            for weight in self.net.weights.values()
            if weight.role.endswith(of)
            and weight.kind != "LSTM"
            and weight.values.size == constant.values.size
        ]
        named = [
            weight
            for layer, rest in self.net.named(*names)
            for weight in fitting
            if weight.layer == layer and rest.startswith(weight.scope)
        ]
        weight = self._best(named, constant.numbers) or self._best(
            fitting, constant.numbers, least=SURE
        )
        if weight is None:
            raise NotDeployable(
                "A weight of the file belongs to no layer of the net.", given=f"Tensors: {names}."
            )
        return weight

    def _best(
        self, candidates: list[NetWeight], numbers: Array, least: float = -1.0
    ) -> NetWeight | None:
        """The candidate most like the numbers; of equal ones the first that was not found yet."""
        if least < 0 and len(set(candidates)) == 1:
            return candidates[0]
        found = {(layer, position) for layer, position, _ in self.found}
        scores = {weight: likeness(weight.values, numbers) for weight in candidates}
        best = max(
            scores,
            key=lambda weight: (round(scores[weight], 6), weight.key not in found),
            default=None,
        )
        return best if best is not None and scores[best] >= least else None

    def _add(self, weight: NetWeight, constant: Constant, *, uses: int, part: str = "") -> None:
        """Put a weight on record.

        Once if its layer is used twice, but for two copies that differ.
        """
        key = (weight.layer, weight.position, part)
        before = self._constants.get(key)
        if before and not _near(before.numbers, constant, before.step):
            self._add(weight, constant, uses=uses, part=f"{part}copy")
            return
        if before:  # in 8 bits two biases may differ in their scales alone
            self.found[key] = replace(self.found[key], uses=self.found[key].uses + uses)
            return
        self._constants[key] = constant
        self.found[key] = FileWeight(
            layer=weight.layer,
            role=weight.role,
            tensor=constant.tensor,
            uses=uses,
            values=constant.values,
            scales=constant.scales,
            position=weight.position,
            part=part,
            output_axis=-1 if weight.kind == "DepthwiseConv2D" else 0,
        )


def _near(values: Array, constant: Constant, step: float = 0.0) -> bool:
    """Whether the numbers are the values, up to the rounding of the types that store both."""
    return bool(
        np.abs(values.ravel() - constant.numbers.ravel()).max(initial=0.0)
        <= constant.step + step + 1e-7
    )


def _left_out(values: Array) -> Constant:
    return Constant(
        -1, "", values.astype(np.float32), values.astype(np.float64), 0, 0.0, weight_like=True
    )
