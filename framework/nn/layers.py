"""What each class of layers is: one table of all that a net may be built of.

Whoever teaches the package a new layer adds a line here, and the roles of its weights in
`net_weights`. No TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

CONVOLUTION = "kernel_size strides padding data_format dilation_rate activation use_bias"
POOLING = "pool_size strides padding data_format"
GLOBAL_POOLING = "data_format keepdims"


@dataclass(frozen=True, kw_only=True)
class LayerKind:
    """What one class of layers is.

    Args:
        options: names in its configuration that decide its outputs, separated by spaces.
        inputs: the fewest and the most outputs of other layers that it is given.
        kernel: its first weight is a kernel, behind which a bias may follow; its activation is part
            of the same operation.
        prunable: its kernels can be pruned.
        units: the option that says how many numbers there are at each place of its output.
        keeps_units: there are as many as in its input.
        moves: it moves values and makes none, so its output has the scale of its input.
        silent: it leaves no trace in a file.
        takes_relu: a ReLU behind it becomes part of its operation.
    """

    options: str = ""
    inputs: tuple[int, int] = (1, 1)
    kernel: bool = False
    prunable: bool = False
    units: str = ""
    keeps_units: bool = False
    moves: bool = False
    silent: bool = False
    takes_relu: bool = False


def _filters(options: str, *, units: str = "", prunable: bool = True) -> LayerKind:
    return LayerKind(options=options, kernel=True, prunable=prunable, units=units, takes_relu=True)


def _dropout() -> LayerKind:
    return LayerKind(options="rate", moves=True, silent=True, keeps_units=True)


MERGED = (2, 99)
LAYERS: Mapping[str, LayerKind] = {
    "Activation": LayerKind(options="activation", keeps_units=True),
    "Add": LayerKind(inputs=MERGED, takes_relu=True),
    "Attention": LayerKind(options="use_scale score_mode dropout", inputs=(2, 3)),
    "Average": LayerKind(inputs=MERGED),
    "AveragePooling1D": LayerKind(options=POOLING),
    "AveragePooling2D": LayerKind(options=POOLING),
    "BatchNormalization": LayerKind(
        options="axis momentum epsilon center scale", keeps_units=True, takes_relu=True
    ),
    "Concatenate": LayerKind(options="axis", inputs=MERGED),
    "Conv1D": _filters(f"filters groups {CONVOLUTION}", units="filters"),
    "Conv2D": _filters(f"filters groups {CONVOLUTION}", units="filters"),
    "Dense": _filters("units activation use_bias", units="units"),
    # tfmot accepts it and then does not prune it
    "DepthwiseConv2D": _filters(f"depth_multiplier {CONVOLUTION}", prunable=False),
    "Dropout": _dropout(),
    "Embedding": LayerKind(options="input_dim output_dim mask_zero"),
    "Flatten": LayerKind(options="data_format", moves=True),
    "GlobalAveragePooling1D": LayerKind(options=GLOBAL_POOLING, keeps_units=True),
    "GlobalAveragePooling2D": LayerKind(options=GLOBAL_POOLING, keeps_units=True),
    "GlobalMaxPooling1D": LayerKind(options=GLOBAL_POOLING, keeps_units=True, moves=True),
    "GlobalMaxPooling2D": LayerKind(options=GLOBAL_POOLING, keeps_units=True, moves=True),
    "InputLayer": LayerKind(inputs=(0, 0), moves=True),
    "LSTM": LayerKind(
        options="units activation recurrent_activation use_bias dropout recurrent_dropout "
        "return_sequences go_backwards",
        prunable=True,
        units="units",
    ),
    "LayerNormalization": LayerKind(options="axis epsilon center scale", keeps_units=True),
    "LeakyReLU": LayerKind(options="alpha", keeps_units=True),
    "MaxPooling1D": LayerKind(options=POOLING, moves=True),
    "MaxPooling2D": LayerKind(options=POOLING, moves=True),
    "MultiHeadAttention": LayerKind(
        options="num_heads key_dim value_dim dropout use_bias output_shape attention_axes",
        inputs=(2, 3),
        prunable=True,
    ),
    "Multiply": LayerKind(inputs=MERGED, takes_relu=True),
    "Permute": LayerKind(options="dims", moves=True),
    "ReLU": LayerKind(options="max_value negative_slope threshold", keeps_units=True),
    "Rescaling": LayerKind(options="scale offset"),
    "Reshape": LayerKind(options="target_shape", moves=True),
    "Softmax": LayerKind(options="axis", keeps_units=True),
    "SpatialDropout1D": _dropout(),
    "SpatialDropout2D": _dropout(),
    "Subtract": LayerKind(inputs=(2, 2), takes_relu=True),
    "ZeroPadding1D": LayerKind(options="padding", moves=True),
    "ZeroPadding2D": LayerKind(options="padding data_format", moves=True),
}


def having(attribute: str) -> frozenset[str]:
    """The classes of layers of which this is true, or not empty."""
    is_so = attrgetter(attribute)
    return frozenset(name for name, kind in LAYERS.items() if is_so(kind))
