"""tfmot's quantize wrapper around single layers.

Their weights replaced, in the forward pass, by functions of them.

tfmot's `quantize_apply` rebuilds layers and knows few classes; here each layer stays the one that
it was.
"""

from __future__ import annotations

import inspect
import operator
import warnings
from collections.abc import Mapping
from typing import Any

from framework.contracts.net import WeightKey
from framework.nn import graph
from framework.nn.backend import keras, quiet
from framework.nn.net_weights import roles

with quiet(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tensorflow_model_optimization.python.core.quantization.keras import (
        quantize_config,
        quantize_wrapper,
    )


class Config(quantize_config.QuantizeConfig):
    """What tfmot's wrapper asks about one layer.

    Args:
        weights: path of an attribute of the layer -> its quantizer.
        inner: of what stands before the activation.
    """

    def __init__(self, weights: Mapping[str, Any], inner: Any) -> None:
        self.weights, self.inner = weights, inner

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        """The weights."""
        return [
            (operator.attrgetter(path)(layer), quantizer)
            for path, quantizer in self.weights.items()
        ]

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        """Put rounded weights in their place."""
        for path, value in zip(self.weights, quantize_weights, strict=True):
            owner, _, name = path.rpartition(".")
            setattr(operator.attrgetter(owner)(layer) if owner else layer, name, value)

    def get_activations_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        """The activation, where it is apart from its layer in the file."""
        return [(layer.activation, self.inner)] if self.inner else []

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """Put the activation behind a quantizer."""
        for activation in quantize_activations:
            layer.activation = activation

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        """None: `Wrapped` sees to outputs."""
        return []

    def get_config(self) -> dict[str, Any]:
        """For tfmot."""
        return {}


class Wrapped(quantize_wrapper.QuantizeWrapperV2):
    """tfmot's wrapper, for layers with more than one input, and such that read or make a mask.

    Args:
        output: quantizer of the output, if there is one. tfmot would ask the layer for the shape of
            its output by that of its first input.
    """

    def __init__(self, layer: Any, config: Config, output: Any) -> None:
        super().__init__(layer, config)
        self.output_quantizer = output
        self.supports_masking = layer.supports_masking
        self.accepted = frozenset(inspect.signature(layer.call).parameters)

    def build(self, input_shape: Any) -> None:
        """The variables; the layer itself is built."""
        super().build(input_shape)
        if self.output_quantizer:
            self.output_quantizer.build(None, "output", self)

    def call(
        self, inputs: Any, value: Any = None, key: Any = None, training: Any = None, **kwargs: Any
    ) -> Any:
        """The layer's own answer, rounded.

        An attention is given `value` and `key` as keras gives them.
        """
        given = {"value": value, "key": key} | kwargs
        given = {
            name: item for name, item in given.items() if name in self.accepted and item is not None
        }
        outputs = super().call(inputs, training=bool(training), **given)
        return (
            self.output_quantizer(outputs, bool(training), {}) if self.output_quantizer else outputs
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The layer's own."""
        return self.layer.compute_mask(inputs, mask)


def attribute(kind: str, role: str) -> str:
    """Where a layer has the weight that is `role` to it."""
    if kind == "MultiHeadAttention":
        return f"_{role.removesuffix('_kernel').removeprefix('attention_')}_dense.kernel"
    if kind == "LSTM":
        return f"cell.{role}"
    return "depthwise_kernel" if kind == "DepthwiseConv2D" else role


def reweighted(model: Any, functions: Mapping[WeightKey, Any]) -> Any:
    """The model with some weights replaced by functions of them.

    Args:
        functions: (layer, position) -> the tfmot quantizer that is the function.
    """
    configs = {layer["config"]["name"]: layer for layer in graph.layers(graph.to_graph(model))}

    def wrap(layer: Any) -> Any:
        config = configs[layer.name]
        own = {
            attribute(config["class_name"], role): functions[WeightKey(layer.name, position)]
            for position, role in enumerate(roles(config))
            if (layer.name, position) in functions
        }
        return Wrapped(layer, Config(own, None), None) if own else layer

    return keras.models.clone_model(model, clone_function=wrap)
