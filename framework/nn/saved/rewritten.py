"""Layers that are not on the list of plain ones, as some that are and answer the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from framework.contracts.net import Array
from framework.nn.layers import LAYERS
from framework.nn.saved.file import SAVE_AGAIN, Unusable
from framework.nn.saved.options import check_rest
from framework.nn.saved.parts import Plain

# what a net passes its input through when it is not trained
RANDOM = frozenset(
    "RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast "
    "RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue "
    "RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation "
    "RandomSharpness RandomShear RandomTranslation RandomZoom".split()
)
TRAINING_ONLY = RANDOM | frozenset(
    "ActivityRegularization AlphaDropout GaussianDropout GaussianNoise Identity "
    "SpatialDropout3D".split()
)
# in steps of time as at once: they look at one place only
ELEMENTWISE = frozenset("Activation Dense Dropout ELU LeakyReLU ReLU Rescaling".split())
MERGES = {"ave": "Average", "concat": "Concatenate", "mul": "Multiply", "sum": "Add"}
SMALLEST_DEVIATION = 1e-7  # by which keras's Normalization divides at least
# settings of a convolution of pictures that have a side more in one of films
OF_PICTURES: Mapping[str, Any] = {"kernel_size": 1, "strides": 1, "dilation_rate": 1}
# `...c,cd->...d` or the same with letters: the last dimension alone is another
LAST_ALONE = re.compile(
    r"(?P<before>\.\.\.|[a-zA-Z]+)(?P<last>[a-zA-Z]),(?P=last)(?P<units>[a-zA-Z])"
    r"->(?P<behind>\.\.\.|[a-zA-Z]+)(?P=units)"
)
DEPTHWISE = "kernel_size strides padding data_format dilation_rate depth_multiplier"


def rewritten(layer: Plain) -> list[Plain]:
    """The plain layers that a layer is; none if it passes on what it is given.

    Raises:
        Unusable: with these settings it cannot be written so.
    """
    if layer.kind in TRAINING_ONLY:
        return []
    return REWRITES[layer.kind](layer) if layer.kind in REWRITES else [layer]


def _picked(layer: Plain, names: str) -> dict[str, Any]:
    """Options by their names; others than these must be off."""
    check_rest(layer.config, names.split(), name=layer.title)
    return {name: layer.config[name] for name in names.split() if name in layer.config}


def _arrays(layer: Plain, *counts: int) -> tuple[Array, ...]:
    if len(layer.arrays) not in counts:
        raise Unusable(
            f"Layer {layer.title!r} ({layer.kind}) has {len(layer.arrays)} arrays of {counts[-1]}.",
            SAVE_AGAIN,
        )
    return layer.arrays


# --- separable convolutions -----------------------------------------------------------------------


def _separable_2d(layer: Plain) -> list[Plain]:
    """A filter for each channel, then one of 1x1."""
    own = _picked(layer, f"{DEPTHWISE} filters activation use_bias groups")
    kernel, *rest = _arrays(layer, 2 + bool(own.get("use_bias", True)))
    depth = Plain(
        f"{layer.title}/depthwise",
        "DepthwiseConv2D",
        {**_subset(own, DEPTHWISE), "use_bias": False, "activation": "linear"},
        layer.sources,
        (kernel,),
    )
    point = {**_subset(own, "filters data_format activation use_bias"), "kernel_size": [1, 1]}
    title = f"{layer.title}/pointwise"
    return [depth, Plain(title, "Conv2D", point, (depth.title,), tuple(rest))]


def _separable_1d(layer: Plain) -> list[Plain]:
    """The same on steps, as pictures that are one pixel wide: keras has no such layer for steps."""
    _picked(layer, f"{DEPTHWISE} filters activation use_bias groups")
    kernels = _arrays(layer, 2 + bool(layer.config.get("use_bias", True)))
    if kernels[0].ndim != 3 or kernels[1].ndim != 3:
        raise Unusable(f"Layer {layer.title!r} has kernels of another shape.", SAVE_AGAIN)
    flat = (kernels[0][:, None], kernels[1][None], *kernels[2:])
    return _as_picture(layer, flat, kernels[0].shape[1], _separable_2d)


def _depthwise_1d(layer: Plain) -> list[Plain]:
    _picked(layer, f"{DEPTHWISE} activation use_bias groups")
    kernels = _arrays(layer, 1 + bool(layer.config.get("use_bias", True)))
    if kernels[0].ndim != 3:
        raise Unusable(f"Layer {layer.title!r} has kernels of another shape.", SAVE_AGAIN)
    flat = (kernels[0][:, None], *kernels[1:])
    return _as_picture(
        layer, flat, kernels[0].shape[1], lambda wide: [replace(wide, kind="DepthwiseConv2D")]
    )


def _as_picture(
    layer: Plain,
    arrays: tuple[Array, ...],
    channels: int,
    convolution: Callable[[Plain], list[Plain]],
) -> list[Plain]:
    """Steps arranged as a picture one pixel wide, convolved, and arranged as steps again."""
    own = layer.config
    length, stride, rate = (
        _number(own.get(name, 1)) for name in ("kernel_size", "strides", "dilation_rate")
    )
    wide = Plain(
        f"{layer.title}/wide",
        "Reshape",
        {"target_shape": [-1, 1, channels]},
        layer.sources,
    )
    parts, padding = [wide], own.get("padding", "valid")
    if padding == "causal":
        before = [[rate * (length - 1), 0], [0, 0]]
        parts.append(wide.then("padded", "ZeroPadding2D", padding=before))
        padding = "valid"
    # both sides alike, as the runtime has it: across a width of one they change nothing
    square = {
        "kernel_size": [length, 1],
        "strides": [stride, stride],
        "dilation_rate": [rate, rate],
        "padding": padding,
    }
    placed = replace(layer, sources=(parts[-1].title,), arrays=arrays).changed(**square)
    parts += convolution(placed)
    last = parts[-1].arrays[0].shape
    # depthwise: (length, 1, channels, filters of each); else the filters alone count
    count = last[-1] * (channels if parts[-1].kind == "DepthwiseConv2D" else 1)
    steps = parts[-1].then("steps", "Reshape", target_shape=[-1, count])
    return [*parts, replace(steps, title=f"{layer.title}/steps")]


def _number(value: Any) -> int:
    """A setting of one dimension, which keras writes as a number or a list of one."""
    return int(value[0] if isinstance(value, list) else value)


def _subset(options: Mapping[str, Any], names: str) -> dict[str, Any]:
    return {name: options[name] for name in names.split() if name in options}


# --- others ---------------------------------------------------------------------------------------


def _normalization(layer: Plain) -> list[Plain]:
    """What was adapted to the data as a multiplication and an addition for each column."""
    own = _picked(layer, "axis mean variance invert")
    axis = own.get("axis", -1)
    if axis not in (-1, None, [-1], []) or own.get("invert"):
        raise Unusable(
            f"Layer {layer.title!r} normalizes along axis {axis}, or back.",
            "Normalize along the last axis, or do it to the data beforehand.",
        )
    mean, variance = (_statistic(layer, own, name) for name in ("mean", "variance"))
    scale = 1 / np.maximum(np.sqrt(variance), SMALLEST_DEVIATION)
    config = {"scale": _scalar(scale), "offset": _scalar(-mean * scale)}
    return [Plain(layer.title, "Rescaling", config, layer.sources)]


def _statistic(layer: Plain, own: Mapping[str, Any], name: str) -> Any:
    """Given in the configuration, or as an array of the file."""
    values = own.get(name)
    if values is None:
        values = _arrays(layer, 2, 3)[("mean", "variance").index(name)]
    values = np.ravel(np.asarray(values, dtype=np.float64))
    if not np.isfinite(values).all() or values.size == 0:
        raise Unusable(f"Layer {layer.title!r} has a {name} that is none.", SAVE_AGAIN)
    return values


def _scalar(values: Any) -> Any:
    return float(values[0]) if values.size == 1 else values.tolist()


def _time_distributed(layer: Plain) -> list[Plain]:
    """At each step what the layer does at each place anyway."""
    inner = layer.config["layer"]
    if inner["class_name"] == "Conv2D":
        return _in_frames(layer, inner)
    if inner["class_name"] not in ELEMENTWISE:
        return [layer]
    return [replace(layer, kind=inner["class_name"], config=inner["config"])]


def _in_frames(layer: Plain, inner: Mapping[str, Any]) -> list[Plain]:
    """A convolution of each picture of a film: one of the film that looks at one picture."""
    own = inner["config"]
    changed = {name: [1, *_both(own.get(name, default))] for name, default in OF_PICTURES.items()}
    kernel, *rest = _arrays(layer, 1 + bool(own.get("use_bias", True)))
    if kernel.ndim != 4 or own.get("groups", 1) != 1:
        return [layer]
    placed = replace(layer, kind="Conv3D", config=own, arrays=(kernel[None], *rest))
    return [placed.changed(**changed)]


def _both(value: Any) -> list[Any]:
    """A setting of two dimensions, which keras writes as a number or a list of two."""
    return list(value) if isinstance(value, list) else [value, value]


def _spectral(layer: Plain) -> list[Plain]:
    """The layer within: its kernel is divided by its norm in training, and stored so."""
    check_rest(layer.config, ["layer", "power_iterations"], name=layer.title)
    inner = layer.config["layer"]
    return rewritten(replace(layer, kind=inner["class_name"], config=inner["config"]))


def _einsum_dense(layer: Plain) -> list[Plain]:
    """A dense layer, where the last dimension alone is multiplied and becomes another."""
    own = _picked(layer, "equation output_shape activation bias_axes")
    match = LAST_ALONE.fullmatch(str(own.get("equation")).replace(" ", ""))
    bias = own.get("bias_axes")
    if not (match and _is_dense(match) and bias in (None, match["units"])):
        raise Unusable(
            f"Layer {layer.title!r} computes {str(own.get('equation'))[:60]!r} with a bias along "
            f"{str(bias)[:20]!r}.",
            "Of EinsumDense only what a Dense layer does is read, as 'abc,cd->abd' with the bias "
            "'d'. Build the net with other layers, set its weights, and save that.",
        )
    arrays = _arrays(layer, 1 + (bias is not None))
    config = {
        "units": int(arrays[0].shape[-1]),
        "activation": own.get("activation"),
        "use_bias": bias is not None,
    }
    return [replace(layer, kind="Dense", config=config)]


def _is_dense(match: re.Match[str]) -> bool:
    """Whether the dimensions before the last stay what they are, each of its own."""
    letters = match["before"].replace("...", "") + match["last"] + match["units"]
    return match["before"] == match["behind"] and len(set(letters)) == len(letters)


def _bidirectional(layer: Plain) -> list[Plain]:
    """One layer for each direction and what joins their last outputs."""
    own, inner = layer.config, layer.config["layer"]
    settings = inner["config"]
    if settings.get("return_sequences") or own.get("merge_mode", "concat") not in MERGES:
        return [layer]
    backwards = (own.get("backward_layer") or {}).get("config", settings)
    half = len(layer.arrays) // 2
    forward = Plain(
        f"{layer.title}/forward", inner["class_name"], settings, layer.sources, layer.arrays[:half]
    )
    backward = Plain(
        f"{layer.title}/backward",
        inner["class_name"],
        backwards,
        layer.sources,
        layer.arrays[half:],
    ).changed(go_backwards=not settings.get("go_backwards", False))
    merge = Plain(
        layer.title, MERGES[own.get("merge_mode", "concat")], {}, (forward.title, backward.title)
    )
    return [*_recurrent(forward), *_recurrent(backward), merge]


def _recurrent(layer: Plain) -> list[Plain]:
    """Without dropout between steps, which training alone knows."""
    return [layer.changed(recurrent_dropout=0.0)]


def _thresholded(layer: Plain) -> list[Plain]:
    own = _picked(layer, "theta")
    return [Plain(layer.title, "ReLU", {"threshold": own.get("theta", 1.0)}, layer.sources)]


REWRITES: Mapping[str, Callable[[Plain], list[Plain]]] = {
    "Bidirectional": _bidirectional,
    "DepthwiseConv1D": _depthwise_1d,
    "EinsumDense": _einsum_dense,
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "Normalization": _normalization,
    "SeparableConv1D": _separable_1d,
    "SeparableConv2D": _separable_2d,
    "SeparableConvolution1D": _separable_1d,
    "SeparableConvolution2D": _separable_2d,
    "SpectralNormalization": _spectral,
    "ThresholdedReLU": _thresholded,
    "TimeDistributed": _time_distributed,
}
KNOWN = frozenset(LAYERS) | TRAINING_ONLY | frozenset(REWRITES)
