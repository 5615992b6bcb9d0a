"""The exported file as values: what every metric is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from framework.contracts.data import Task
    from framework.contracts.net import Array


@dataclass(frozen=True)
class FileWeight:
    """One weight of a net and the tensor that holds it in the exported file.

    Args:
        layer: the layer's name in the net.
        role: what the weight is to its layer, as `kernel`, `bias`, `recurrent_kernel`,
            `embeddings`, `gamma`.
        tensor: index in the file; -1 if the exporter dropped a bias that is all zero.
        uses: how many times each value is multiplied for one sample (1 for a dense layer); 0 for
            what is only added.
        values: the tensor as stored, in the file's own layout and type; 8-bit zeros are zeros of
            the net.
        scales: how many scale factors turn the stored integers into numbers; 0 where none are
            needed.
        position: among the layer's weights, as in `Stage.weights`. A weight may lie in several
            tensors: the gates of an LSTM have one each.
        part: tells the tensors of one weight apart, as `input`; empty where there is one.
        output_axis: of `values`, along which output channels lie: the first, of a depthwise kernel
            the last.
    """

    layer: str
    role: str
    tensor: int
    uses: int
    values: Array
    scales: int = 0
    position: int = 0
    part: str = ""
    output_axis: int = 0

    @property
    def rows(self) -> Array:
        """(outputs, what leads to each): the values as a matrix; of a vector one row."""
        if self.values.ndim < 2:
            return self.values.reshape(1, -1)
        first = np.moveaxis(self.values, self.output_axis, 0)
        return first.reshape(first.shape[0], -1)

    @property
    def key(self) -> str:
        """`layer/position`: the weight of the net, as steps name it in what they asked for."""
        return f"{self.layer}/{self.position}"

    @property
    def name(self) -> str:
        """`layer/role`, with its part: one for each tensor."""
        return "/".join(filter(None, (self.layer, self.role, self.part)))


@dataclass(frozen=True)
class Exported:
    """The exported file, opened and run on one split: what every metric is measured on.

    Args:
        file: the bytes of the `.tflite` file.
        weights: its weights.
        outputs: (n, units) outputs of the file on the split.
        net_outputs: (n, units) outputs of the float net that the file was made from.
        labels: (n,) the truth.
        task: of the data set.
        inputs: (n, units) of a reconstruction: what the outputs are to be.
        products: multiply-accumulates for one sample in which no weight takes part, as those of
            attention.
    """

    file: bytes
    weights: tuple[FileWeight, ...]
    outputs: Array
    net_outputs: Array
    labels: Array
    task: Task
    products: int = 0
    inputs: Array | None = None

    @property
    def has_anomalies(self) -> bool:
        """Whether there are labelled anomalies, and normal samples to tell them from."""
        is_anomaly = self.labels == 1
        return self.task == "reconstruction" and 0 < is_anomaly.sum() < len(is_anomaly)
