"""A stage becomes the file that a user would deploy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from framework.contracts.data import Samples
from framework.contracts.net import Array, Export, Stage
from framework.errors import NotDeployable, SqueezelabError
from framework.nn import graph, reuse
from framework.nn.backend import quiet, tf
from framework.nn.layers import LAYERS
from framework.nn.tflite import dead_ranges, sparse_blocks
from framework.nn.tflite.flatbuffer import canonical

# largest difference between an output of the file and of the net, as a share of the largest output
TOLERANCE = 1e-4
BATCH = 250
LARGEST_HALF = float(np.finfo(np.float16).max)  # 65504

nets: reuse.Kept[ExportNet] = reuse.Kept(reuse.STRUCTURES)


def to_tflite(stage: Stage, calibration: Samples | None = None) -> bytes:
    """The `.tflite` file of a stage, for one sample at a time.

    Inputs and outputs are float32 in every number format.

    Args:
        calibration: needed for `int8` only, which takes the ranges of activations from it.

    Raises:
        NotDeployable: the converter refuses the net, a weight is too large for half precision, or
            a layer has no 8-bit operation.
    """
    _check_range(stage)
    _check_8_bits(stage)
    with nets.use(graph.structure(stage.graph), lambda: ExportNet(stage.graph)) as net:
        graph.write_weights(net.model, stage.weights)
        try:
            file = _converted(net, stage.export, calibration)
        except Exception as error:
            raise NotDeployable("The converter refuses this net.", given=str(error)) from error
    if stage.export.format == "int8":
        return dead_ranges.widened(file)
    if stage.export.sparse and stage.export.format == "float32":
        return sparse_blocks.in_blocks(file)
    return file


def _converted(net: ExportNet, export: Export, calibration: Samples | None) -> bytes:
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # From a concrete function with a fixed batch: a plain Keras model fails for recurrent nets.
        converter = tf.lite.TFLiteConverter.from_concrete_functions([net.single], net.owner)
        _set_format(converter, export, net.names, calibration)
        return canonical(bytes(converter.convert()))


def predict(stage: Stage, samples: Samples) -> Array:
    """(n, units) outputs of the net itself, for comparison with its file."""
    with nets.use(graph.structure(stage.graph), lambda: ExportNet(stage.graph)) as net:
        graph.write_weights(net.model, stage.weights)
        batches = range(0, len(samples), BATCH)
        return np.concatenate([net.outputs(_part(samples, begin)) for begin in batches])


def check_agreement(net_outputs: Array, file_outputs: Array) -> None:
    """Raise NotDeployable if file and net differ by too much.

    Probabilities are at most 1; of outputs that may be of any size, it is a share of the largest.
    Within it decisions differ in ties alone.
    """
    difference = np.abs(net_outputs - file_outputs)
    tolerance = TOLERANCE * max(1.0, float(np.abs(net_outputs).max()))
    # "not all within" and not "any above": NaN is neither
    if not (np.isfinite(difference) & (difference <= tolerance)).all():
        raise NotDeployable(
            "The file answers differently from its net.",
            given=f"Largest difference: {difference.max()}.",
        )


def _check_range(stage: Stage) -> None:
    """Refuse what the converter would cut to the largest half without a word."""
    if stage.export.format != "float16" or not stage.weights:
        return
    sizes = {}
    for key, values in stage.weights.items():
        sizes[key] = float(np.abs(values).max(initial=0.0))
    largest = max(sizes, key=sizes.__getitem__)
    value = sizes[largest]
    if value > LARGEST_HALF:
        raise NotDeployable(
            "A weight is too large for half precision.",
            given=f"{largest[0]}/{largest[1]} holds {value:.6g}; the largest number is "
            f"{LARGEST_HALF:.0f}.",
            todo="Choose another format, or labels in a larger unit, as thousands.",
        )


def _check_8_bits(stage: Stage) -> None:
    """Refuse what the converter would leave in float without a word."""
    if stage.export.format != "int8":
        return
    for layer in graph.layers(stage.graph):
        if LAYERS[layer["class_name"]].float_only:
            raise NotDeployable(
                "The net has a layer for which the runtime has no 8-bit operation.",
                given=f"Layer {layer['config']['name']!r} is a {layer['class_name']}.",
                todo='Choose another format: use("ptq", format="float16").',
            )


def _set_format(
    converter: Any, export: Export, names: list[str], calibration: Samples | None
) -> None:
    """Set the number format of the file."""
    if export.format == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if export.format == "float16":
        converter.target_spec.supported_types = [tf.float16]
        return
    if export.scales == "per_tensor":
        converter._experimental_disable_per_channel = True
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if export.format == "int8":
        if calibration is None:
            raise SqueezelabError(
                "A file of the format int8 needs samples of the calibration split."
            )
        _set_int8(converter, lambda: _one_by_one(names, calibration, export.samples))


def _set_int8(converter: Any, samples: Callable[[], Iterator[dict[str, Array]]]) -> None:
    # Nothing but 8-bit kernels: an operation that has none is refused, not left in float without a
    # word.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = samples


def _one_by_one(names: list[str], samples: Samples, count: int) -> Iterator[dict[str, Array]]:
    for position in range(min(count, len(samples))):
        yield {name: samples.inputs[name][position : position + 1] for name in names}


class ExportNet:
    """A net with a traced function for one sample and one for a batch."""

    def __init__(self, net_graph: str) -> None:
        # the converter makes a loop of other recurrent layers, and ends the process for int8
        self.model = graph.build(graph.unrolled(net_graph))
        # given the model itself, the converter would trace every layer of it, each time
        self.owner = tf.Module()
        self.owner.variables_of_net = self.model.weights
        self.names = names = [tensor.name.split(":")[0] for tensor in self.model.inputs]

        def call(*inputs: Any) -> Any:
            return self.model(dict(zip(names, inputs, strict=True)), training=False)

        self.single = tf.function(call).get_concrete_function(*self._inputs(1))
        self.batch = tf.function(call, input_signature=list(self._inputs(BATCH)))

    def outputs(self, inputs: dict[str, Array]) -> Array:
        """Outputs for up to BATCH samples.

        A short batch is filled up, so that one trace serves all.
        """
        count = len(next(iter(inputs.values())))
        full = [np.resize(inputs[name], (BATCH, *inputs[name].shape[1:])) for name in self.names]
        return np.asarray(self.batch(*full).numpy()[:count])

    def _inputs(self, count: int) -> Iterator[Any]:
        """What a trace for so many samples is given; the file calls its inputs by these names."""
        for tensor, name in zip(self.model.inputs, self.names, strict=True):
            yield tf.TensorSpec((count, *tensor.shape[1:]), tensor.dtype, name=name)


def _part(samples: Samples, begin: int) -> dict[str, Array]:
    return {name: value[begin : begin + BATCH] for name, value in samples.inputs.items()}
