"""Weight sharing: few distinct values in each kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework import nn
from framework.contracts import Codebook, Job, Stage, Strategy, WeightKey, knob, strategy
from framework.nn import compression


@strategy("weight_cluster", version=1)
@dataclass(frozen=True, kw_only=True)
class WeightCluster(Strategy):
    """Let the weights of each kernel share few values, which are then trained.

    Source: Han et al. 2016, arXiv:1510.00149 (weight sharing); Arthur & Vassilvitskii 2007
    (k-means++).

    k-means puts the weights of each kernel, and of each table of embeddings, into `clusters`
    groups; a weight is stored as the number of its group, log2(clusters) bits, beside a codebook of
    the groups' values. Training moves the values, never the groups: after each step every weight is
    the mean of its group. Where zeros are kept from an earlier step, zero is one of the values and
    those weights stay there.

    Departures: the mean of the group's updates moves a value, where the paper sums up gradients:
    with Adam the scale of a gradient is of no account. The groups are held by the training itself,
    not by tensorflow-model-optimization's wrapper: so every layer with weights can share them, one
    traced net serves any number of clusters, later steps hold them too, and a step costs about what
    it costs a dense net. benchmarks/clustering.py compares the two.

    Not for: a smaller `.tflite` file by itself: it stores 32 bits a weight all the same.
    Compression of the file, or 8-bit numbers behind it, show the difference. With a scale for each
    channel (`ptq`, `qat`) or a batch normalisation behind a layer, the file has `clusters` values
    in each output channel, not in each kernel. A batch normalisation before a dense layer is taken
    into its kernel too, as a factor for each input: up to `clusters` values for each of them are
    left, and `clusters_reached_per_channel` counts what the file has.
    """

    keeps = frozenset({"sparsity"})
    gives = frozenset({"codebook"})

    clusters: int = knob(
        16, low=2, high=256, doc="distinct values in each kernel, zero among them where it is kept"
    )
    start: str = knob(
        "kmeans++",
        choices=("kmeans++", "linear"),
        doc="first values: spread by lot, or at equal steps",
    )
    epochs: int = knob(
        2, low=0, high=1000, unit="epochs", doc="training of the shared values; 0: at once"
    )

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Share the values of every kernel and table; zeros that the stage keeps stay zero."""
        weights, books = dict(stage.weights), []
        for key in nn.net_weights.matrices(stage):
            # a seed by the weight's name: its groups do not hang on which others there are
            seed = job.seed(f"weight_cluster {WeightKey(*key)}")
            book, weights[key] = self._shared(stage, key, seed)
            books.append(book)
        small = stage.with_weights(weights).keeping(tuple(books))
        tuned = job.finetune(small, self.epochs) if self.epochs else small
        asked = {book.weight: self.clusters for book in books}
        return tuned.asking(asked, unit="clusters", keeps=tuple(books))

    def _shared(self, stage: Stage, key: WeightKey, seed: int) -> tuple[Codebook, np.ndarray]:
        values = stage.weights[key]
        groups, centres = compression.clustering.shared(
            values, self.clusters, start=self.start, seed=seed, zeros=stage.masks.get(key)
        )
        return Codebook(key, groups, self.clusters), centres.astype(values.dtype)[groups]
