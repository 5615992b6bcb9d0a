"""Operators of a saved model (`x + y`, `tf.nn.relu`, `keras.ops.mean`) as plain layers.

Keras 2 writes them as layers that hold a function's name, Keras 3 as operations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.nn.saved import activations
from framework.nn.saved.file import Unusable
from framework.nn.saved.options import ACTIVATIONS
from framework.nn.saved.parts import Plain, Source, Use, snake_case

KERAS_2 = frozenset({"SlicingOpLambda", "TFOpLambda", "TensorFlowOpLayer"})
MOST_CONSTANTS = 4096
# the words of the libraries -> ours, without what stands before the last dot
SAME = {
    "add_v2": "add", "amax": "max", "concat": "concatenate", "div": "divide", "mul": "multiply",
    "neg": "negative", "real_div": "divide", "reduce_max": "max", "reduce_mean": "mean",
    "silu": "swish", "softmax_v2": "softmax", "sub": "subtract", "truediv": "divide",
    "true_divide": "divide",
}  # fmt: skip
# parameters in the order of a call; those that are not there are refused, unless they are off
PARAMETERS = {
    "cast": "x dtype", "concatenate": "x axis", "leaky_relu": "x slope", "max": "x axis keepdims",
    "mean": "x axis keepdims", "reshape": "x shape", "softmax": "x axis", "transpose": "x axes",
}  # fmt: skip
SAME_PARAMETER = {
    "alpha": "slope", "features": "x", "input_tensor": "x", "keep_dims": "keepdims", "logits": "x",
    "negative_slope": "slope", "newshape": "shape", "perm": "axes", "tensor": "x", "values": "x",
    "x1": "x", "x2": "y", "xs": "x",
}  # fmt: skip
OF_TWO = {
    "add": "Add", "maximum": "Maximum", "minimum": "Minimum", "multiply": "Multiply",
    "subtract": "Subtract",
}  # fmt: skip
NEUTRAL = frozenset({"conjugate", "dtype", "function", "name", "trainable"})
INSTEAD = (
    "Plain layers do this, or something near it: Add, Subtract, Multiply, Average, Rescaling, "
    "Activation, ReLU, Reshape, Permute, Concatenate, GlobalAveragePooling2D. Build the net with "
    "those, set its weights with new.set_weights(old.get_weights()), and save that."
)


@dataclass(frozen=True)
class Operator:
    """An operator: what it does, and what it is given by name."""

    title: str
    name: str
    given: Mapping[str, Any]

    @property
    def x(self) -> Any:
        """What it is applied to."""
        return self.given.get("x")

    def layer(self, kind: str, *sources: str, **config: Any) -> list[Plain]:
        """As one layer of its title."""
        return [Plain(self.title, kind, config, sources)]

    def refused(self, why: str) -> Unusable:
        """That it cannot be a layer."""
        return Unusable(f"The operator {self.title!r} ({self.name}) {why}.", INSTEAD)


def is_operator(use: Use, *, keras_3: bool) -> bool:
    """Whether it is an operator; Keras 3 has some with the names of layers."""
    if use.kind in KERAS_2:
        return True
    module = use.member.described.get("module")
    if module is not None:
        return str(module).startswith("keras.src.ops.")
    # in `.h5` files of Keras 3 they have no module; every layer says whether it is trained
    config = use.member.config
    return keras_3 and use.kind != "InputLayer" and not config.keys() & {"trainable", "dtype"}


def as_layers(use: Use) -> list[Plain]:
    """The plain layers that an operator is; none if it passes on what it is given.

    Raises:
        Unusable: there are none.
    """
    operator = _operator(use)
    if operator.name in ACTIVATIONS | activations.KERAS_3_LAYERS_OF.keys():
        return _activation(operator)
    if operator.name not in OPERATORS:
        raise operator.refused("is not one that layers are known for")
    return OPERATORS[operator.name](operator)


def _operator(use: Use) -> Operator:
    config, arguments = use.member.config, list(use.arguments)
    if use.kind == "TensorFlowOpLayer":
        name, arguments = _of_node(config, arguments)
    else:
        name = snake_case(use.kind) if use.kind not in KERAS_2 else str(config["function"])
    name = name.rsplit(".", 1)[-1]
    name = SAME.get(name, name)
    # Keras 3 has some parameters in the configuration and others in the call
    order = PARAMETERS.get(name, "x y").split()
    if len(arguments) > len(order):
        raise Unusable(f"The operator {use.title!r} ({name}) is given too much.", INSTEAD)
    given = dict(zip(order, arguments, strict=False))
    described = config if use.kind not in KERAS_2 else {}
    for key, value in {**described, **use.keywords}.items():
        parameter = SAME_PARAMETER.get(key, key)
        if parameter in (*order, "x", "y"):
            given.setdefault(parameter, value)
        elif parameter not in NEUTRAL and value not in (None, False):
            raise Unusable(
                f"The operator {use.title!r} ({name}) has {key}={str(value)[:60]}.", INSTEAD
            )
    return Operator(use.title, name, given)


def _of_node(config: Mapping[str, Any], arguments: list[Any]) -> tuple[str, list[Any]]:
    """The first versions of TensorFlow 2 wrote a node of a graph, with constants by position."""
    node = config["node_def"]
    node = json.loads(node) if isinstance(node, str) else node
    sources = list(_sources(arguments))
    for position, constant in sorted((config.get("constants") or {}).items()):
        sources.insert(int(position), constant)
    return snake_case(str(node["op"])), sources


def _sources(value: Any) -> Iterator[Source]:
    if isinstance(value, Source):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _sources(part)


# --- one by one -----------------------------------------------------------------------------------


def _binary(operator: Operator) -> list[Plain]:
    """Two tensors, or one and a constant."""
    # of a constant keras writes the value, wherever it stands
    x, y, name = operator.x, operator.given.get("y"), operator.name
    if isinstance(x, Source) and isinstance(y, Source):
        if name not in OF_TWO:
            raise operator.refused("of two layers is none")
        return operator.layer(OF_TWO[name], x.title, y.title)
    if name in ("maximum", "minimum"):
        raise operator.refused("of a layer and a constant is none")
    if isinstance(x, Source):
        scale, offset = _behind(operator, _constant(operator, y))
        return _moved(operator, x, scale, offset)
    if isinstance(y, Source) and name != "divide":
        constant = _constant(operator, x)
        if name == "subtract":
            return _moved(operator, y, np.array([-1.0]), constant)
        scale, offset = _behind(operator, constant)
        return _moved(operator, y, scale, offset)
    raise operator.refused("is given what is no layer's output")


def _behind(operator: Operator, constant: Any) -> tuple[Any, Any]:
    """Factor and offset of an operator with a constant behind it."""
    one, zero = np.array([1.0]), np.array([0.0])
    if operator.name == "divide" and not np.all(constant):
        raise operator.refused("divides by zero")
    return {
        "add": lambda: (one, constant),
        "divide": lambda: (1 / constant, zero),
        "multiply": lambda: (constant, zero),
        "subtract": lambda: (one, -constant),
    }[operator.name]()


def _constant(operator: Operator, value: Any) -> Any:
    """A number, or one for each channel, as an array of one dimension."""
    try:
        constant = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise operator.refused("is given what is no number") from None
    # along any other side than the last one, keras's Rescaling would not do the same
    if constant.size > MOST_CONSTANTS or constant.size not in (
        1,
        constant.shape[-1] if constant.ndim else 1,
    ):
        raise operator.refused(f"is given a constant of shape {constant.shape}")
    if constant.size == 0 or not np.isfinite(constant).all():
        raise operator.refused("is given a constant that is not finite")
    return np.ravel(constant)


def _moved(operator: Operator, source: Source, scale: Any, offset: Any) -> list[Plain]:
    config = {"scale": _plain(scale)}
    if np.any(offset):
        config["offset"] = _plain(offset)
    return operator.layer("Rescaling", source.title, **config)


def _plain(values: Any) -> Any:
    return float(values[0]) if values.size == 1 else values.tolist()


def _activation(operator: Operator) -> list[Plain]:
    """An activation that has a word or layers."""
    given = operator.given
    if operator.name == "softmax" and given.get("axis", -1) not in (-1, None):
        return operator.layer("Softmax", _one(operator), axis=given["axis"])
    if operator.name == "leaky_relu":
        slope = given.get("slope", activations.LEAKY_SLOPE)
        return operator.layer("LeakyReLU", _one(operator), alpha=slope)
    alone = operator.layer("Activation", _one(operator), activation=operator.name)
    return activations.split(alone[0], keras_3=True)


def _one(operator: Operator) -> str:
    if not isinstance(operator.x, Source) or isinstance(operator.given.get("y"), Source):
        raise operator.refused("is not of one layer")
    return operator.x.title


def _pooled(operator: Operator) -> list[Plain]:
    """The mean or the maximum over a picture, or over steps."""
    axes = operator.given.get("axis")
    axes = axes if isinstance(axes, list) else [axes]
    sides = {(1, 2): "2D", (-3, -2): "2D", (1,): "1D", (-2,): "1D"}.get(tuple(axes))
    if sides is None:
        raise operator.refused(f"is along {axes}, not over a picture (1, 2) or over steps (1)")
    word = "Average" if operator.name == "mean" else "Max"
    keepdims = bool(operator.given.get("keepdims"))
    return operator.layer(f"Global{word}Pooling{sides}", _one(operator), keepdims=keepdims)


def _reshaped(operator: Operator) -> list[Plain]:
    shape = operator.given.get("shape")
    # the samples come first, and are not counted in a layer
    if not isinstance(shape, list) or shape[:1] not in ([-1], [None]) or -1 in shape[1:]:
        raise operator.refused(f"is to the shape {str(shape)[:60]}, which is not (-1, ...)")
    return operator.layer("Reshape", _one(operator), target_shape=shape[1:])


def _transposed(operator: Operator) -> list[Plain]:
    axes = operator.given.get("axes")
    if not isinstance(axes, list) or axes[:1] != [0]:
        raise operator.refused(f"is to the order {str(axes)[:60]}, which does not begin with 0")
    return operator.layer("Permute", _one(operator), dims=axes[1:])


def _joined(operator: Operator) -> list[Plain]:
    titles = [source.title for source in _sources(operator.x)]
    return operator.layer("Concatenate", *titles, axis=operator.given.get("axis", -1))


def _negative(operator: Operator) -> list[Plain]:
    return operator.layer("Rescaling", _one(operator), scale=-1.0)


def _square(operator: Operator) -> list[Plain]:
    return operator.layer("Multiply", _one(operator), _one(operator))


def _passed(operator: Operator) -> list[Plain]:
    """What it is given, for whoever reads it."""
    dtype = operator.given.get("dtype")
    if operator.name == "cast" and not str(dtype).startswith("float"):
        raise operator.refused(f"is to {dtype}")
    _one(operator)
    return []


OPERATORS: Mapping[str, Callable[[Operator], list[Plain]]] = {
    "add": _binary,
    "cast": _passed,
    "concatenate": _joined,
    "divide": _binary,
    "identity": _passed,
    "max": _pooled,
    "maximum": _binary,
    "mean": _pooled,
    "minimum": _binary,
    "multiply": _binary,
    "negative": _negative,
    "reshape": _reshaped,
    "square": _square,
    "stop_gradient": _passed,
    "subtract": _binary,
    "transpose": _transposed,
}
