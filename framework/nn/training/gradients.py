"""Gradients of the training loss with respect to a net's weights, for strategies that rank them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.contracts.data import DataInfo, Samples
from framework.contracts.net import Array, Stage, WeightKey
from framework.nn import graph, reuse
from framework.nn.backend import start, tf
from framework.nn.training.objective import loss_of, targets
from framework.study.spec import Train
from framework.system import interrupt

nets: reuse.Kept[GradientNet] = reuse.Kept(2)


@dataclass(frozen=True, kw_only=True)
class Batches:
    """Which samples the gradients are taken on, and how.

    Args:
        count: number of batches; less where the samples have been drawn once.
        size: samples in each; all of them if there are fewer.
        seed: of the choice.
        batch_statistics: batch normalisations normalise by the batch, as in training.
    """

    info: DataInfo
    samples: Samples
    train: Train
    count: int
    size: int
    seed: int
    batch_statistics: bool = False


def of(stage: Stage, batches: Batches) -> Iterator[dict[WeightKey, Array]]:
    """The mean gradient of each batch: trainable weight -> array of its shape.

    Without dropout and augmentation.
    """
    start(batches.train.threads)
    size = min(batches.size, len(batches.samples))
    key = f"{graph.structure(stage.graph)} {size} {batches.info.task} {batches.batch_statistics}"
    goals = targets(batches.samples, batches.info, batches.train.label_smoothing)
    with nets.use(
        key, lambda: GradientNet(stage.graph, batches.info, batches.batch_statistics)
    ) as net:
        graph.write_weights(net.model, stage.weights)
        for chosen in _chosen(len(batches.samples), size, batches):
            interrupt.check()
            inputs = {}
            for name, values in batches.samples.inputs.items():
                inputs[name] = tf.constant(values[chosen])
            yield net.by_weight(inputs, tf.constant(goals[chosen]))


def _chosen(total: int, size: int, batches: Batches) -> Iterator[Array]:
    """Samples drawn without putting back; whole batches, each sample at most once."""
    order = np.random.default_rng(batches.seed).permutation(total)
    for index in range(min(batches.count, total // size)):
        yield np.sort(order[index * size : (index + 1) * size])


class GradientNet:
    """A net with a traced function for the gradient on a batch.

    Args:
        batch_statistics: the net runs as in training, but drops nothing.
    """

    def __init__(self, net_graph: str, info: DataInfo, batch_statistics: bool) -> None:
        self.model = graph.build(
            graph.without_dropout(net_graph) if batch_statistics else net_graph
        )
        self._keys = self._trainable_keys()
        self._loss = loss_of(info)
        self._batch_statistics = batch_statistics
        self._traced = tf.function(self._gradients)

    def by_weight(self, inputs: dict[str, Any], goals: Any) -> dict[WeightKey, Array]:
        """The mean gradient of one batch: trainable weight -> array of its shape."""
        gradients = self._traced(inputs, goals)
        values = (gradient.numpy() for gradient in gradients)
        return dict(zip(self._keys, values, strict=True))

    def _trainable_keys(self) -> list[WeightKey]:
        # by identity: variables cannot be hashed
        keys = {id(weight): key for key, weight in graph.variables(self.model).items()}
        return [keys[id(weight)] for weight in self.model.trainable_variables]

    def _gradients(self, inputs: Any, goals: Any) -> Any:
        with tf.GradientTape() as tape:
            value = self._loss(goals, self.model(inputs, training=self._batch_statistics))
        gradients = tape.gradient(
            value,
            self.model.trainable_variables,
            # a weight that the output does not depend on has a gradient all the same
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        # an embedding's is a list of rows otherwise
        return list(map(tf.convert_to_tensor, gradients))
