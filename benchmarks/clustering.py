"""weight_cluster beside tensorflow-model-optimization's wrapper.

Accuracy, distinct values, seconds of training.

    .venv/bin/python benchmarks/clustering.py lenet5_prune --clusters 16 --epochs 2 --seeds 0 1 2
    .venv/bin/python benchmarks/clustering.py lenet5_prune --sparsity 0.5     # its
    sparsity-preserving clustering

Both start from the same dense net (or the same pruned one), train for the same epochs at the same
rate on the same number of batches, and are measured on the exported file, on the validation split.
Seconds leave the first epoch out, which traces. Nothing is logged.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from framework import nn
from framework.contracts import Catalog, DataInfo, Stage
from framework.nn import compression, training
from framework.planning.plan import plan
from framework.planning.project import find_root
from framework.planning.resolve import first_value
from framework.runner import trial
from framework.runner.baseline import Lab
from framework.study import Spec, Use


@dataclass(frozen=True)
class Setting:
    """What both are given."""

    spec: Spec
    info: DataInfo
    clusters: int
    epochs: int


def main() -> None:
    """Cluster each seed's net twice."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--clusters", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--sparsity", type=float, default=0.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    study = plan(root, arguments.study, settings=arguments.set, catalog=catalog).study
    found: dict[str, list[tuple[float, float]]] = {"weight_cluster": [], "tfmot": []}
    for seed in arguments.seeds:
        spec = replace(study, seed=seed).fix(first_value).dense()
        job = trial.TrialJob(
            spec, lab, lab.baseline(spec), deadline=float("inf"), report=lambda *_: None
        )
        begin = pruned(job, arguments.sparsity)
        for name, cluster in (("weight_cluster", ours), ("tfmot", theirs)):
            stage, seconds = cluster(
                begin, job, Setting(spec, lab.info(spec), arguments.clusters, arguments.epochs)
            )
            values = trial.measure(stage, spec, lab).metrics
            distinct = max(
                len(np.unique(stage.weights[key])) for key in compression.pruning.kernels(stage)
            )
            found[name].append((values["val_accuracy"], seconds))
            told = (
                f"{values['val_accuracy']:.4f}, {distinct} distinct values at most, {seconds:.3f} "
                "s an epoch"
            )
            print(f"seed {seed} {name}: {told}", flush=True)
    for name, rows in found.items():
        print(
            f"{name}: mean {mean(row[0] for row in rows):.4f} (n = {len(rows)}), "
            f"{mean(r[1] for r in rows):.3f} s"
        )


def pruned(job: Any, sparsity: float) -> Stage:
    """The dense net, or one with this share of zeros."""
    if not sparsity:
        return job.trained
    return job.catalog.strategies.build(
        "magnitude_prune", {"sparsity": sparsity, "epochs": 2}
    ).apply(job.trained, job)


def ours(stage: Stage, job: Any, setting: Setting) -> tuple[Stage, float]:
    """The strategy, timed by the difference of two trainings: what is done once does not count."""
    made = []
    for epochs in (1, 1, setting.epochs):  # the first traces
        step = Use("weight_cluster", {"clusters": setting.clusters, "epochs": epochs})
        before = job.fit_seconds
        made.append(
            (
                job.catalog.strategies.build(step.name, dict(step.knobs)).apply(stage, job),
                job.fit_seconds - before,
            )
        )
    return made[2][0], (made[2][1] - made[1][1]) / max(1, setting.epochs - 1)


def theirs(stage: Stage, job: Any, setting: Setting) -> tuple[Stage, float]:
    """The wrapper as its documentation uses it, with k-means++ centroids."""
    from tensorflow_model_optimization.python.core.clustering.keras import cluster, cluster_config
    from tensorflow_model_optimization.python.core.clustering.keras.experimental import (
        cluster as preserving,
    )

    keras = nn.backend.keras
    plain = nn.graph.build(stage.graph)
    nn.graph.write_weights(plain, stage.weights)
    start = cluster_config.CentroidInitialization.KMEANS_PLUS_PLUS
    settings = {"number_of_clusters": setting.clusters, "cluster_centroids_init": start}
    keras.utils.set_random_seed(setting.spec.seed)
    if stage.masks:
        model = preserving.cluster_weights(plain, preserve_sparsity=True, **settings)
    else:
        model = cluster.cluster_weights(plain, **settings)
    rate, batch = (
        setting.spec.train.learning_rate * setting.spec.train.finetune_factor,
        setting.spec.train.batch_size,
    )
    steps = job.steps_per_epoch()
    schedule = keras.optimizers.schedules.CosineDecay(rate, setting.epochs * steps)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule), loss=training.fit.loss_of(setting.info)
    )
    goals = training.fit.targets(job.train.labels, setting.info, setting.spec.train.label_smoothing)
    clock = Clock()
    count = steps * batch
    inputs = {name: value[:count] for name, value in job.train.inputs.items()}
    model.fit(
        inputs,
        goals[:count],
        batch_size=batch,
        epochs=setting.epochs,
        verbose=0,
        callbacks=[clock.callback(keras)],
    )
    stripped = cluster.strip_clustering(model)
    return stage.with_weights(nn.graph.read_weights(stripped)), mean(
        clock.seconds[1:] or clock.seconds
    )


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
