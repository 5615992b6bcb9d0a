"""What the tests of nets share: small specs on the real digits, one lab for a session, small nets.

This module is a pytest plug-in (see conftest.py). It loads TensorFlow only when a test uses a net.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import saved_nets

from framework import Study, Train, nn, use
from framework.contracts import (
    Architecture,
    DataInfo,
    Exported,
    FileWeight,
    Head,
    Mask,
    Samples,
    Splits,
    Stage,
    Tuning,
)
from framework.nn import compression, tflite, training
from framework.planning.own_plugins import catalog_of
from framework.planning.resolve import resolve
from framework.runner.baseline import Lab
from framework.runner.trial import TrialJob
from framework.study import Spec, Use

CATALOG = catalog_of(Path(__file__).parents[1])  # also what lies in plugins/
INFO = DataInfo(task="classes", classes=3, inputs={"image": (6, 6, 1)})
# 20 steps an epoch on the digits
BASE = Train(epochs=2, batch_size=60, warmup_epochs=1, learning_rate=5e-3)
FEW = {"train": 120, "calibration": 40, "validation": 40}
SMALL = {
    "lenet_300_100": use("lenet_300_100", units_1=24, units_2=12),
    "lenet5": use("lenet5", filters_1=4, filters_2=6, units=16),
}


def fixed(architecture: Use, *compress: Use, seed: int = 0, **train: Any) -> Spec:
    """A resolved spec on the data set that the architecture is made for."""
    made_for = use(CATALOG.architectures.get(architecture.name).made_for)
    study = Study(
        dataset=made_for, architecture=architecture, train=replace(BASE, **train), compress=compress
    )
    return replace(
        resolve(study, CATALOG).fix(lambda name, domain: pytest.fail(f"asked for {name}")),
        seed=seed,
    )


def default_net(name: str, root: Path) -> Use:
    """An architecture with its default knobs.

    `root` is the project, for nets that come in a file.
    """
    if name != "from_file":
        return use(name)
    path = root / "model.keras"
    if not path.exists():
        # its layers are named by a count of all that a process has made
        nn.backend.keras.backend.reset_uids()
        saved_nets.fill(saved_nets.lenet(nn.backend.keras)).save(path)
    return use(name, path=str(path))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One lab on an empty project: data sets and baselines are made once a session."""
    return Lab(tmp_path_factory.mktemp("project"), CATALOG)


class FewSamples(Lab):
    """A lab that trains and measures on the first samples of each split, in its own order."""

    def splits(self, spec: Spec) -> Splits:
        """A few samples of each split."""
        whole = super().splits(spec)
        return replace(
            whole, **{name: getattr(whole, name).first(count) for name, count in FEW.items()}
        )


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> FewSamples:
    """A lab for nets of any kind: a few steps of training are an epoch."""
    return FewSamples(tmp_path_factory.mktemp("few"), CATALOG)


def job_for(spec: Spec, lab: Lab, deadline: float = float("inf")) -> TrialJob:
    """A job as a trial makes it."""
    return TrialJob(
        spec, lab, lab.baseline(spec), deadline=deadline, report=lambda epoch, values: None
    )


@dataclass(frozen=True, kw_only=True)
class Tiny(Architecture):
    """A net small enough to train in no time, with what a test asks for; not registered."""

    dropout: float = 0.0
    batch_norm: bool = False

    def build(self, info: DataInfo) -> Any:
        """(6, 6, channels) -> (units of the head,)."""
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs["image"], name="image")
        x = layers.Conv2D(4, 3, use_bias=not self.batch_norm, name="conv")(inputs)
        x = layers.BatchNormalization(name="norm")(x) if self.batch_norm else x
        x = layers.Flatten(name="flatten")(layers.Activation("relu", name="relu")(x))
        x = layers.Dense(8, activation="relu", name="hidden")(x)
        x = layers.Dropout(self.dropout, name="dropout")(x) if self.dropout else x
        return nn.backend.keras.Model(
            inputs, layers.Dense(head.units, activation=head.activation, name="head")(x)
        )


def tiny_stage(info: DataInfo = INFO, *, seed: int = 0, **knobs: Any) -> Stage:
    """An untrained `Tiny`."""
    return nn.graph.initial_stage(Tiny(**knobs), info, seed=seed)


def tiny_samples(count: int = 48, *, info: DataInfo = INFO, seed: int = 0) -> Samples:
    """Pictures with a bright stripe; its place is the class."""
    labels = np.arange(count) % max(info.classes, 2)
    images = np.random.default_rng(seed).uniform(0, 0.3, (count, *info.inputs["image"]))
    images[np.arange(count), 2 * labels] += 0.7
    kinds = {"classes": np.int64, "binary": np.float32, "regression": np.float32}
    return Samples({"image": images.astype(np.float32)}, labels.astype(kinds[info.task]))


def tiny_fit(**changes: Any) -> Any:
    """A training of `Tiny`; names of fields of `Fit`, `Tuning` or `Train`."""
    info = changes.get("info", INFO)
    asked = {
        "info": info,
        "samples": tiny_samples(info=info),
        "validation": tiny_samples(12, info=info, seed=1),
        "epochs": 2,
        "warmup_epochs": 0,
        "seed": 0,
    }
    return fit_with(asked, Train(batch_size=12), changes)


def fit_with(asked: Mapping[str, Any], train: Train, changes: Mapping[str, Any]) -> Any:
    """What is asked for, with changes of its own fields, of `Tuning` or of `Train`."""
    parts: dict[type, dict[str, Any]] = {training.fit.Fit: dict(asked), Tuning: {}, Train: {}}
    for name, value in changes.items():
        kind = next(kind for kind in parts if name in kind.__dataclass_fields__)
        parts[kind][name] = value
    fit, tuning, trained = parts.values()
    return training.fit.Fit(train=replace(train, **trained), tuning=Tuning(**tuning), **fit)


def masked(stage: Stage, share: float) -> Stage:
    """The stage with the smallest `share` of each kernel zeroed, and the promise that these zeros
    stay."""
    weights, masks = dict(stage.weights), []
    for key in compression.pruning.kernels(stage):
        zeros = compression.masks.smallest(weights[key], round(weights[key].size * share))
        weights[key] = np.where(zeros, 0, weights[key]).astype(np.float32)
        masks.append(Mask(key, zeros))
    return replace(stage.with_weights(weights), keeps=tuple(masks))


def zeros_in_file(file: bytes, stage: Stage) -> dict[str, int]:
    """`layer/position` -> zeros of each kernel as it lies in the exported file."""
    found: dict[str, int] = {}
    for weight in tflite.weights.read_weights(file, stage):
        if weight.role != "bias":
            found[weight.key] = found.get(weight.key, 0) + int((weight.values == 0).sum())
    return found


def digest(stage: Stage) -> str:
    """sha256 of all weights."""
    return str(nn.graph.weights_digest(stage.weights))


def exported(
    *kernels: Any, outputs: Any = ((0.0, 1.0),), labels: Iterable[Any] = (1,), **changes: Any
) -> Exported:
    """What a metric is given: a made-up file whose kernels hold these values, each used at two
    positions."""
    weights = tuple(
        FileWeight(f"layer_{i}", "kernel", i, 2, np.array(value)) for i, value in enumerate(kernels)
    )
    given = {
        "file": b"file",
        "weights": weights,
        "outputs": np.array(outputs),
        "labels": np.array(list(labels)),
    }
    given["net_outputs"] = given["outputs"]
    return Exported(**(given | {"task": "classes"} | changes))
