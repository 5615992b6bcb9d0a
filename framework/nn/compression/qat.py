"""tfmot's quantize wrapper with own quantizers: a net that trains as its 8-bit file will calculate.

tfmot's `quantize_apply` rebuilds layers and knows few classes; here each layer stays the one that
it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from framework.contracts.data import Samples
from framework.contracts.job import Wrap
from framework.contracts.net import Stage, WeightKey
from framework.nn import graph, reuse
from framework.nn.backend import keras, tf
from framework.nn.compression.quantization_points import Place, places
from framework.nn.compression.tfmot import quantizers
from framework.nn.compression.wrapper import Config, Wrapped, attribute
from framework.nn.layers import LAYERS
from framework.nn.net_weights import matrices, roles

BITS = 8
# of a weight's number; the range is narrow, -127 to 127, so that it is symmetric
LARGEST = 2 ** (BITS - 1) - 1
# of the moving average of a range, for a step; tfmot's 0.999 would barely move in a short training
DECAY = 0.99
BATCH = 50  # samples looked at together for the ranges
LEAST = 1e-6  # width of a range: a layer whose outputs are all zero has one too

T = TypeVar("T")

nets: reuse.Kept[RangeNet] = reuse.Kept(reuse.STRUCTURES)


def covered(stage: Stage) -> list[WeightKey]:
    """The weights that are rounded to 8 bits in training: all kernels, and tables of embeddings."""
    return matrices(stage)


def ranges(stage: Stage, samples: Samples) -> dict[str, tuple[float, float]]:
    """The least and largest value, and zero, at each place where the 8-bit file has a tensor.

    Args:
        samples: all are looked at.

    Returns:
        The layer's name, followed by ` inner` for the place before its activation -> (low,
        high).
    """
    with nets.use(graph.structure(stage.graph), lambda: RangeNet(stage.graph)) as net:
        return net.look(stage, samples)


def dynamic_of(ends: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """The values of the dynamic variables of a `QatWrap`, from the ranges that it begins with."""
    return _by_end(ends)


def _by_end(ends: Mapping[str, tuple[T, T]]) -> dict[str, T]:
    """`low/PLACE` of all places, then `high/PLACE` of all."""
    lows, highs = {}, {}
    for place, (low, high) in ends.items():
        lows[f"low/{place}"], highs[f"high/{place}"] = low, high
    return lows | highs


@dataclass(frozen=True)
class QatWrap(Wrap):
    """Rounds kernels, tables of embeddings and activations to 8 bits, as the exported file does.

    Dynamic variables: `low/PLACE` and `high/PLACE`, the range of each place of `ranges`.

    Args:
        scales: of kernels, as in `Export`.
    """

    scales: str = "per_channel"

    @property
    def key(self) -> str:
        """Its static part."""
        return f"qat({self.scales})"

    def build(self, model: Any) -> tuple[Any, Mapping[str, Any]]:
        """The model with its layers wrapped, and the variables."""
        wrapped, quantizers = _wrapped(model, Range, scales=self.scales)
        ends = {place: (range_.low, range_.high) for place, range_ in quantizers.items()}
        return wrapped, _by_end(ends)


# --- weights --------------------------------------------------------------------------------------


def sharing(
    kind: str, shape: tuple[int, ...], scales: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which values of a weight share a scale in the file.

    (shape to give the weight, axes over which they do).

    A gate of an LSTM is a tensor of its own in the file, and a table of embeddings has one scale,
    whatever `scales`.

    Args:
        kind: `embeddings`, `LSTM`, `DepthwiseConv2D`, `projection` (into heads), `transposed`
            (convolution) or any other kernel.
    """
    if kind == "LSTM":
        return (shape[0], 4, shape[1] // 4), (0, 2)
    if kind == "embeddings" or scales == "per_tensor":
        return shape, tuple(range(len(shape)))
    if kind == "transposed":  # its output channels stand before the input channels
        return shape, (*range(len(shape) - 2), len(shape) - 1)
    channels = 2 if kind in ("DepthwiseConv2D", "projection") else 1
    return shape, tuple(range(len(shape) - channels))


def rounded(values: Any, axes: tuple[int, ...]) -> Any:
    """Values as 8 bits store them: whole multiples of the largest |value| over `axes` / 127.

    Zeros stay zeros.

    The gradient passes as if nothing had happened (Bengio et al. 2013, arXiv:1308.3432).
    """
    step = tf.reduce_max(tf.abs(values), axis=axes, keepdims=True) / LARGEST

    def on_grid(numbers: Any) -> Any:
        # no NaN: values that are all zero have a step of 0
        return tf.round(tf.math.divide_no_nan(numbers, step)) * step

    return tf.grad_pass_through(on_grid)(values)


class Rounding(quantizers.Quantizer):
    """Rounds a weight; which values share a scale is `sharing`."""

    def __init__(self, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
        self.shape, self.axes = shape, axes

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """It needs no variable: the scale follows the weight."""
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The rounded weight, in training or not."""
        return tf.reshape(rounded(tf.reshape(inputs, self.shape), self.axes), inputs.shape)

    def get_config(self) -> dict[str, Any]:
        """For tfmot."""
        return {}


# --- activations ----------------------------------------------------------------------------------


class Range(quantizers.Quantizer):
    """Rounds activations to 256 numbers between two ends, which follow the batches in training."""

    low: Any
    high: Any

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Both ends."""
        scalar = {"shape": (), "initializer": "zeros", "trainable": False}
        self.low = layer.add_weight(f"{name}_low", **scalar)
        self.high = layer.add_weight(f"{name}_high", **scalar)
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The rounded activations."""
        if training:
            low, high = _ends(inputs)
            self.low.assign_add((1 - DECAY) * (low - self.low))
            self.high.assign_add((1 - DECAY) * (high - self.high))
        # TensorFlow's rounding needs a range of some width
        high = tf.maximum(self.high, self.low + LEAST)
        return tf.quantization.fake_quant_with_min_max_vars(inputs, self.low, high, num_bits=BITS)

    def get_config(self) -> dict[str, Any]:
        """For tfmot."""
        return {}


class Observer(Range):
    """Leaves activations as they are, and notes how far they go."""

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The same."""
        low, high = _ends(inputs)
        self.low.assign(tf.minimum(self.low, low))
        self.high.assign(tf.maximum(self.high, high))
        return inputs


class Known(quantizers.Quantizer):
    """Rounds activations to 256 numbers between two ends that the file always has."""

    def __init__(self, ends: tuple[float, float]) -> None:
        self.ends = ends

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """It needs no variable."""
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The rounded activations."""
        return tf.quantization.fake_quant_with_min_max_args(inputs, *self.ends, num_bits=BITS)

    def get_config(self) -> dict[str, Any]:
        """For tfmot."""
        return {}


def _ends(values: Any) -> tuple[Any, Any]:
    """The least and the largest value, with zero between: the file can store it in any range."""
    return tf.minimum(tf.reduce_min(values), 0.0), tf.maximum(tf.reduce_max(values), 0.0)


class RangeNet:
    """A net that notes the ranges of its activations, traced for BATCH samples."""

    def __init__(self, net_graph: str) -> None:
        plain = graph.build(net_graph)
        self.variables = graph.variables(plain)
        self.model, self.observers = _wrapped(plain, Observer)
        self.observe = tf.function(lambda inputs: self.model(inputs, training=False))

    def look(self, stage: Stage, samples: Samples) -> dict[str, tuple[float, float]]:
        """The ranges of all samples, from low to high, by place."""
        graph.assign(self.variables, stage.weights)
        for observer in self.observers.values():
            observer.low.assign(0.0)
            observer.high.assign(0.0)
        for begin in range(0, len(samples), BATCH):
            # a short batch is filled with its own samples: one trace serves all, no range changes
            chosen = np.resize(np.arange(begin, min(begin + BATCH, len(samples))), BATCH)
            inputs = {name: tf.constant(value[chosen]) for name, value in samples.inputs.items()}
            self.observe(inputs)
        ends = {}
        for place, observer in self.observers.items():
            ends[place] = float(observer.low), float(observer.high)
        return ends


# --- layers ---------------------------------------------------------------------------------------


def _wrapped(
    model: Any, kind: type[Range], *, scales: str | None = None
) -> tuple[Any, dict[str, Range]]:
    """(the model with its layers wrapped, the quantizers whose ends are variables, by place).

    Args:
        kind: of those quantizers.
        scales: of weights; None rounds nothing whose scale is fixed, weights among them.
    """
    configs = graph.layers_by_name(graph.to_graph(model))
    rounded_at = places(configs, frozenset(model.output_names))
    ranged: dict[str, Range] = {}

    def wrap(layer: Any) -> Any:
        place = rounded_at.get(layer.name, Place(output=False))
        weights = dict(_roundings(layer, configs[layer.name], scales)) if scales else {}
        output, inner = _activation_quantizers(place, kind, with_fixed=bool(scales))
        # output before inner: dynamic variables keep this order
        if isinstance(output, Range):
            ranged[layer.name] = output
        if inner:
            ranged[f"{layer.name} inner"] = inner
        if not (weights or output or inner):
            return layer
        return Wrapped(layer, Config(weights, inner), output)

    return keras.models.clone_model(model, clone_function=wrap), ranged


def _activation_quantizers(
    place: Place, kind: type[Range], *, with_fixed: bool
) -> tuple[Range | Known | None, Range | None]:
    """What rounds the output of a layer, and what is before its activation; None for neither."""
    inner = kind() if place.inner else None
    if not place.output:
        return None, inner
    if not place.ends:
        return kind(), inner
    # the file has the same ends for it always, whatever the samples: there is nothing to observe
    return Known(place.ends) if with_fixed else None, inner


def _roundings(layer: Any, config: dict[str, Any], scales: str) -> Iterator[tuple[str, Rounding]]:
    """Attribute of a layer -> how it is rounded, for each kernel and table that it has."""
    kind = config["class_name"]
    for role, variable in zip(roles(config), layer.weights, strict=True):
        if role == "embeddings" or role.endswith("kernel"):
            shared = sharing(sharing_kind(kind, role), tuple(variable.shape), scales)
            yield attribute(kind, role), Rounding(*shared)


def sharing_kind(kind: str, role: str) -> str:
    """What `sharing` calls a weight of a layer of this class."""
    if kind == "MultiHeadAttention" and role != "attention_output_kernel":
        return "projection"
    if LAYERS[kind].transposed:
        return "transposed"
    return "embeddings" if role == "embeddings" else kind
