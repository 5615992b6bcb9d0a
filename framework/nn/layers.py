"""What each class of layers is: one table of all that a net may be built of.

Whoever teaches the package a new layer adds a line here. No TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

CONVOLUTION = "kernel_size strides padding data_format dilation_rate activation use_bias"
POOLING = "pool_size strides padding data_format"
GLOBAL_POOLING = "data_format keepdims"
TRANSPOSED = f"filters output_padding {CONVOLUTION}"
KERNEL_AND_BIAS = "kernel bias:use_bias"
NORMALISING = "gamma:scale beta:center"
# of keras's MultiHeadAttention, in the order of its weights
PROJECTIONS = ("query", "key", "value", "attention_output")


@dataclass(frozen=True, kw_only=True)
class LayerKind:
    """What one class of layers is.

    Args:
        options: names in its configuration that decide its outputs, separated by spaces.
        inputs: the fewest and the most outputs of other layers that it is given.
        weights: what its weights are to it, in keras's order, separated by spaces; behind a colon
            the option that has to be on, or to have that value, for it to have such a weight.
        kernel: its first weight is a kernel, behind which a bias may follow; its activation is part
            of the same operation.
        prunable: its kernels can be pruned.
        units: the option that says how many numbers there are at each place of its output.
        keeps_units: there are as many as in its input.
        moves: it moves values and makes none, so its output has the scale of its input.
        silent: it leaves no trace in a file.
        takes_relu: a ReLU behind it becomes part of its operation.
        transposed: its kernel has the output channels before the input channels.
        unrolled: it is exported step by step, without a loop.
        float_only: the runtime has no 8-bit operation for it.
    """

    options: str = ""
    inputs: tuple[int, int] = (1, 1)
    weights: str = ""
    kernel: bool = False
    prunable: bool = False
    units: str = ""
    keeps_units: bool = False
    moves: bool = False
    silent: bool = False
    takes_relu: bool = False
    transposed: bool = False
    unrolled: bool = False
    float_only: bool = False


def _filters(options: str, **changes: Any) -> LayerKind:
    convolution = LayerKind(
        options=options, weights=KERNEL_AND_BIAS, kernel=True, prunable=True, takes_relu=True
    )
    return replace(convolution, **changes)


def _transposed(**changes: Any) -> LayerKind:
    return _filters(TRANSPOSED, units="filters", transposed=True, takes_relu=False, **changes)


def _dropout() -> LayerKind:
    return LayerKind(options="rate", moves=True, silent=True, keeps_units=True)


def _moving(options: str) -> LayerKind:
    return LayerKind(options=options, moves=True)


def _recurrent(options: str, *, unrolled: bool) -> LayerKind:
    return LayerKind(
        options=f"units activation use_bias dropout recurrent_dropout return_sequences "
        f"go_backwards {options}",
        weights="kernel recurrent_kernel bias:use_bias",
        prunable=True,
        units="units",
        unrolled=unrolled,
    )


MERGED = (2, 99)
LAYERS: Mapping[str, LayerKind] = {
    "Activation": LayerKind(options="activation", keeps_units=True),
    "Add": LayerKind(inputs=MERGED, takes_relu=True),
    "AdditiveAttention": LayerKind(
        options="use_scale dropout", inputs=(2, 3), weights="scale:use_scale"
    ),
    "Attention": LayerKind(
        options="use_scale score_mode dropout",
        inputs=(2, 3),
        weights="scale:use_scale=True concat_score_weight:score_mode=concat",
    ),
    "Average": LayerKind(inputs=MERGED),
    "AveragePooling1D": LayerKind(options=POOLING),
    "AveragePooling2D": LayerKind(options=POOLING),
    "BatchNormalization": LayerKind(
        options="axis momentum epsilon center scale",
        weights=f"{NORMALISING} mean variance",
        keeps_units=True,
        takes_relu=True,
    ),
    "Concatenate": LayerKind(options="axis", inputs=MERGED),
    "Conv1D": _filters(f"filters groups {CONVOLUTION}", units="filters"),
    "Conv1DTranspose": _transposed(),
    "Conv2D": _filters(f"filters groups {CONVOLUTION}", units="filters"),
    "Conv2DTranspose": _transposed(),
    "Conv3D": _filters(f"filters groups {CONVOLUTION}", units="filters", float_only=True),
    "Conv3DTranspose": _transposed(float_only=True),
    "Cropping1D": _moving("cropping"),
    "Cropping2D": _moving("cropping data_format"),
    "Cropping3D": _moving("cropping data_format"),
    "Dense": _filters("units activation use_bias", units="units"),
    # tfmot accepts it and then does not prune it
    "DepthwiseConv2D": _filters(f"depth_multiplier {CONVOLUTION}", prunable=False),
    "Dot": LayerKind(options="axes normalize", inputs=(2, 2)),
    "Dropout": _dropout(),
    "ELU": LayerKind(options="alpha", keeps_units=True),
    "Embedding": LayerKind(options="input_dim output_dim mask_zero", weights="embeddings"),
    "Flatten": _moving("data_format"),
    "GRU": _recurrent("recurrent_activation reset_after", unrolled=True),
    "GlobalAveragePooling1D": LayerKind(options=GLOBAL_POOLING, keeps_units=True),
    "GlobalAveragePooling2D": LayerKind(options=GLOBAL_POOLING, keeps_units=True),
    "GlobalAveragePooling3D": LayerKind(options=GLOBAL_POOLING, keeps_units=True),
    "GlobalMaxPooling1D": LayerKind(options=GLOBAL_POOLING, keeps_units=True, moves=True),
    "GlobalMaxPooling2D": LayerKind(options=GLOBAL_POOLING, keeps_units=True, moves=True),
    "GlobalMaxPooling3D": LayerKind(options=GLOBAL_POOLING, keeps_units=True, moves=True),
    "GroupNormalization": LayerKind(
        options="groups axis epsilon center scale", weights=NORMALISING, keeps_units=True
    ),
    "InputLayer": LayerKind(inputs=(0, 0), moves=True),
    "LSTM": _recurrent("recurrent_activation", unrolled=False),
    "LayerNormalization": LayerKind(
        options="axis epsilon center scale", weights=NORMALISING, keeps_units=True
    ),
    "LeakyReLU": LayerKind(options="alpha", keeps_units=True),
    "Masking": LayerKind(options="mask_value", keeps_units=True),
    "MaxPooling1D": _moving(POOLING),
    "MaxPooling2D": _moving(POOLING),
    "Maximum": LayerKind(inputs=MERGED),
    "Minimum": LayerKind(inputs=MERGED),
    "MultiHeadAttention": LayerKind(
        options="num_heads key_dim value_dim dropout use_bias output_shape attention_axes",
        inputs=(2, 3),
        weights=" ".join(f"{name}_kernel {name}_bias:use_bias" for name in PROJECTIONS),
        prunable=True,
    ),
    "Multiply": LayerKind(inputs=MERGED, takes_relu=True),
    "PReLU": LayerKind(options="shared_axes", weights="alpha", keeps_units=True),
    "Permute": _moving("dims"),
    "ReLU": LayerKind(options="max_value negative_slope threshold", keeps_units=True),
    "RepeatVector": _moving("n"),
    "Rescaling": LayerKind(options="scale offset"),
    "Reshape": _moving("target_shape"),
    "SimpleRNN": _recurrent("", unrolled=True),
    "Softmax": LayerKind(options="axis", keeps_units=True),
    "SpatialDropout1D": _dropout(),
    "SpatialDropout2D": _dropout(),
    "Subtract": LayerKind(inputs=(2, 2), takes_relu=True),
    "UnitNormalization": LayerKind(options="axis", keeps_units=True),
    "UpSampling1D": _moving("size"),
    "UpSampling2D": _moving("size data_format interpolation"),
    "UpSampling3D": _moving("size data_format"),
    "ZeroPadding1D": _moving("padding"),
    "ZeroPadding2D": _moving("padding data_format"),
    "ZeroPadding3D": _moving("padding data_format"),
}


def having(attribute: str) -> frozenset[str]:
    """The classes of layers of which this is true, or not empty."""
    is_so = attrgetter(attribute)
    return frozenset(name for name, kind in LAYERS.items() if is_so(kind))


def weights_of(kind: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """What the weights of a layer with this configuration are to it, in keras's order."""
    return tuple(_weights_of(LAYERS[kind].weights, config))


def _weights_of(weights: str, config: Mapping[str, Any]) -> Iterator[str]:
    for word in weights.split():
        role, _, condition = word.partition(":")
        option, has_value, value = condition.partition("=")
        # an option that is not written down is on by default, or has another value than this
        present = str(config.get(option)) == value if has_value else config.get(option, True)
        if present:
            yield role
