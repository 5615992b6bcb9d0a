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
from filelock import FileLock

from framework import Train, nn, use
from framework.contracts import (
    Architecture,
    DataInfo,
    Exported,
    FileWeight,
    Head,
    Samples,
    Splits,
    Stage,
    Tuning,
)
from framework.nn import training
from framework.planning.own_plugins import catalog_of
from framework.runner.baseline import Lab
from framework.study import Spec, Use
from framework.system import paths
from framework.testing import labs
from framework.testing.labs import SMALL, default_net, digest, job_for, lab, zeros_in_file
from framework.testing.metrics import masked

__all__ = [
    "SMALL", "default_net", "digest", "job_for", "lab", "masked", "zeros_in_file",
]  # fmt: skip

CATALOG = catalog_of(Path(__file__).parents[1])  # also what lies in plugins/
INFO = DataInfo(task="classes", classes=3, inputs={"image": (6, 6, 1)})
FEW = {"train": 120, "calibration": 40, "validation": 40}


def fixed(architecture: Use, *compress: Use, seed: int = 0, **train: Any) -> Spec:
    """A resolved spec on the data set that the architecture is made for."""
    return labs.fixed(CATALOG, architecture, *compress, seed=seed, **train)


def saved_lenet(root: Path) -> Use:
    """A net that comes in a file."""
    path = root / "model.keras"
    with FileLock(root / "model.lock"):  # of one lab there may be several workers
        if not path.exists():
            # its layers are named by a count of all that a process has made
            nn.backend.keras.backend.reset_uids()
            saved_nets.fill(saved_nets.lenet(nn.backend.keras)).save(path)
    return use("from_file", path=str(path))


labs.MADE["from_file"] = saved_lenet


class FewSamples(Lab):
    """A lab that trains and measures on the first samples of each split, in its own order."""

    def splits(self, spec: Spec) -> Splits:
        """A few samples of each split."""
        whole = super().splits(spec)
        return replace(
            whole, **{name: getattr(whole, name).first(count) for name, count in FEW.items()}
        )


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> FewSamples:
    """A lab for nets of any kind: a few steps of training are an epoch.

    One for all workers, with the prepared data of `lab`: its dense nets are others.
    """
    base = labs.of_all_workers(tmp_path_factory.getbasetemp())
    with FileLock(base / "few.lock"):
        for folder in (paths.prepared_data, paths.sealed_data, paths.tfds):
            link, target = folder(base / "few"), folder(base / "lab")
            for path in (link.parent, target):
                path.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(target, target_is_directory=True)
    return FewSamples(base / "few", CATALOG)


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
    kind = np.int64 if info.task == "classes" else np.float32
    return Samples({"image": images.astype(np.float32)}, labels.astype(kind))


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
