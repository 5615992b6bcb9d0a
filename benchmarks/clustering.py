"""weight_cluster and the wrapper of tensorflow-model-optimization.

    .venv/bin/python -m benchmarks.clustering lenet5_prune --clusters 16 --epochs 2 --seeds 0 1 2
    .venv/bin/python -m benchmarks.clustering lenet5_prune --sparsity 0.5    # keeping the zeros

Accuracy, distinct values, seconds of training. Both start from the same dense net (or the same
pruned one), train for the same epochs at the same rate on the same number of batches, and are
measured on the exported file, on the validation split. Seconds leave the first epoch out, which
traces. Nothing is logged.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np

from benchmarks.shared import study_parser
from framework import nn
from framework.contracts import Catalog, DataInfo, Stage
from framework.nn import compression, training
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.runner import measurement
from framework.runner.baseline import Lab
from framework.runner.trial import TrialJob
from framework.study import Spec
from framework.system.paths import find_root


class Setting(NamedTuple):
    """What both are given."""

    spec: Spec
    info: DataInfo
    clusters: int
    epochs: int


class Outcome(NamedTuple):
    """What one of them reached with one seed."""

    accuracy: float
    distinct: int
    seconds: float


def main() -> None:
    """Cluster each seed's net twice."""
    parser = study_parser(__doc__)
    parser.add_argument("--clusters", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--sparsity", type=float, default=0.0)
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    study = plan(root, arguments.study, settings=arguments.set, catalog=catalog).study
    outcomes: dict[str, list[Outcome]] = {"weight_cluster": [], "tfmot": []}
    for seed in arguments.seeds:
        spec = replace(study, seed=seed).fix(first_value).dense()
        setting = Setting(spec, lab.info(spec), arguments.clusters, arguments.epochs)
        for name, outcome in clustered(setting, arguments.sparsity, lab):
            outcomes[name].append(outcome)
            reached = f"{outcome.accuracy:.4f}, {outcome.distinct} distinct values at most"
            # at once: each takes minutes
            print(f"seed {seed} {name}: {reached}, {outcome.seconds:.3f} s an epoch", flush=True)
    for name, of_name in outcomes.items():
        print(f"{name}: {summary(of_name)}")


def summary(outcomes: Sequence[Outcome]) -> str:
    """The means over the seeds."""
    accuracies, _, seconds = zip(*outcomes, strict=True)
    return f"mean {mean(accuracies):.4f} (n = {len(outcomes)}), {mean(seconds):.3f} s"


def clustered(setting: Setting, sparsity: float, lab: Lab) -> Iterator[tuple[str, Outcome]]:
    """One seed's net, clustered by either."""
    dense = lab.baseline(setting.spec)
    job = TrialJob(setting.spec, lab, dense, deadline=float("inf"), report=lambda *_: None)
    begin = pruned(job, sparsity)
    for name, cluster in (("weight_cluster", ours), ("tfmot", theirs)):
        stage, seconds = cluster(begin, job, setting)
        accuracy = measurement.measure(stage, setting.spec, lab).metrics["val_accuracy"]
        yield name, Outcome(accuracy, most_distinct(stage), seconds)


def most_distinct(stage: Stage) -> int:
    """How many different values a kernel of the net has at most."""
    return max(len(np.unique(stage.weights[key])) for key in compression.pruning.kernels(stage))


def pruned(job: TrialJob, sparsity: float) -> Stage:
    """The dense net, or one with this share of zeros."""
    if not sparsity:
        return job.trained
    knobs = {"sparsity": sparsity, "epochs": 2}
    return job.catalog.strategies.build("magnitude_prune", knobs).apply(job.trained, job)


def ours(stage: Stage, job: TrialJob, setting: Setting) -> tuple[Stage, float]:
    """The strategy, timed by the difference of two trainings: what is done once does not count."""
    stages, seconds = [], []
    for epochs in (1, 1, setting.epochs):  # the first traces
        before = job.fit_seconds
        knobs = {"clusters": setting.clusters, "epochs": epochs}
        strategy = job.catalog.strategies.build("weight_cluster", knobs)
        stages.append(strategy.apply(stage, job))
        seconds.append(job.fit_seconds - before)
    return stages[2], (seconds[2] - seconds[1]) / max(1, setting.epochs - 1)


def theirs(stage: Stage, job: TrialJob, setting: Setting) -> tuple[Stage, float]:
    """The wrapper as its documentation uses it, with k-means++ centroids."""
    from tensorflow_model_optimization.python.core.clustering.keras import cluster

    keras, train = nn.backend.keras, setting.spec.train
    model = wrapped(stage, setting)
    count = job.steps_per_epoch() * train.batch_size  # our training leaves a partial batch out too
    rate = train.learning_rate * train.finetune_factor
    schedule = keras.optimizers.schedules.CosineDecay(rate, setting.epochs * job.steps_per_epoch())
    loss = training.objective.loss_of(setting.info)
    model.compile(optimizer=keras.optimizers.Adam(schedule), loss=loss)
    clock = Clock()
    model.fit(
        {name: value[:count] for name, value in job.train.inputs.items()},
        training.objective.targets(job.train, setting.info, train.label_smoothing)[:count],
        batch_size=train.batch_size,
        epochs=setting.epochs,
        verbose=0,
        callbacks=[clock.callback(keras)],
    )
    weights = nn.graph.read_weights(cluster.strip_clustering(model))
    return stage.with_weights(weights), mean(clock.seconds[1:] or clock.seconds)


def wrapped(stage: Stage, setting: Setting) -> Any:
    """The net in their wrapper, in the one that preserves zeros if it has masks."""
    from tensorflow_model_optimization.python.core.clustering.keras import cluster, cluster_config
    from tensorflow_model_optimization.python.core.clustering.keras.experimental import (
        cluster as preserving,
    )

    plain = nn.graph.build(stage.graph)
    nn.graph.write_weights(plain, stage.weights)
    start = cluster_config.CentroidInitialization.KMEANS_PLUS_PLUS
    settings = {"number_of_clusters": setting.clusters, "cluster_centroids_init": start}
    # of the centroids, which are drawn when a layer is wrapped
    nn.backend.keras.utils.set_random_seed(setting.spec.seed)
    if stage.masks:
        # only the experimental one knows `preserve_sparsity`
        return preserving.cluster_weights(plain, preserve_sparsity=True, **settings)
    return cluster.cluster_weights(plain, **settings)


class Clock:
    """Seconds of each epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.began = 0.0

    def callback(self, keras: Any) -> Any:
        """For `fit`."""
        return keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda *_: setattr(self, "began", time.monotonic()),
            on_epoch_end=lambda *_: self.seconds.append(time.monotonic() - self.began),
        )


if __name__ == "__main__":
    main()
