"""tfmot's quantize wrapper around single layers.

Their weights are replaced, in the forward pass, by functions of them.

tfmot's `quantize_apply` rebuilds layers and knows few classes; here each layer stays the one that
it was.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Mapping
from typing import Any

from framework.contracts.net import WeightKey
from framework.nn import graph
from framework.nn.backend import keras
from framework.nn.compression.tfmot import quantize_config, quantize_wrapper
from framework.nn.net_weights import roles

RECURRENT = frozenset({"GRU", "LSTM", "SimpleRNN"})


class Config(quantize_config.QuantizeConfig):
    """What tfmot's wrapper needs to know about one layer.

    Args:
        weights: path of an attribute of the layer -> its quantizer.
        inner: quantizer of what is before the activation.
    """

    def __init__(self, weights: Mapping[str, Any], inner: Any) -> None:
        self.weights, self.inner = weights, inner

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        """The weights."""
        weights = (operator.attrgetter(path)(layer) for path in self.weights)
        return list(zip(weights, self.weights.values(), strict=True))

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        """Put rounded weights in their place."""
        for path, value in zip(self.weights, quantize_weights, strict=True):
            # the kernel of an LSTM is its cell's, those of an attention its dense layers'
            parent, _, name = path.rpartition(".")
            setattr(operator.attrgetter(parent)(layer) if parent else layer, name, value)

    def get_activations_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        """The activation, where it is apart from its layer in the file."""
        return [(layer.activation, self.inner)] if self.inner else []

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """Put the rounded activation in its place."""
        for activation in quantize_activations:
            layer.activation = activation

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        """None: `Wrapped` rounds outputs."""
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
        """The layer's own output, rounded.

        An attention is given `value` and `key` as keras gives them.
        """
        keywords = {"value": value, "key": key} | kwargs
        # keras hands a mask to the wrapper, also where the layer takes none
        accepted = {
            name: tensor
            for name, tensor in keywords.items()
            if name in self.accepted and tensor is not None
        }
        outputs = super().call(inputs, training=bool(training), **accepted)
        if not self.output_quantizer:
            return outputs
        return self.output_quantizer(outputs, bool(training), {})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The layer's own."""
        return self.layer.compute_mask(inputs, mask)


def attribute(kind: str, role: str) -> str:
    """Where a layer has the weight that is `role` to it."""
    if kind == "MultiHeadAttention":
        return f"_{role.removesuffix('_kernel').removeprefix('attention_')}_dense.kernel"
    if kind in RECURRENT:
        return f"cell.{role}"
    return "depthwise_kernel" if kind == "DepthwiseConv2D" else role


def reweighted(model: Any, functions: Mapping[WeightKey, Any]) -> Any:
    """The model with some weights replaced by functions of them.

    Args:
        functions: (layer, position) -> the tfmot quantizer that is the function.
    """
    configs = graph.layers_by_name(graph.to_graph(model))

    def wrap(layer: Any) -> Any:
        config, replaced = configs[layer.name], {}
        for position, role in enumerate(roles(config)):
            key = WeightKey(layer.name, position)
            if key in functions:
                replaced[attribute(config["class_name"], role)] = functions[key]
        return Wrapped(layer, Config(replaced, None), None) if replaced else layer

    return keras.models.clone_model(model, clone_function=wrap)
