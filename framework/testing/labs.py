"""Nets small enough to be trained in a test, on data made by rule."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from framework import nn
from framework.nn import tflite
from framework.planning.own_plugins import catalog_of
from framework.planning.resolve import resolve
from framework.runner.baseline import Lab
from framework.runner.trial import TrialJob
from framework.study.spec import Train, use
from framework.study.study import Study
from framework.testing.cases import root_of

if TYPE_CHECKING:
    from framework.contracts import Catalog, Stage
    from framework.study.spec import Spec, Use

# 20 steps an epoch on the digits
BASE = Train(epochs=2, batch_size=60, warmup_epochs=1, learning_rate=5e-3)
SMALL = {
    "lenet_300_100": use("lenet_300_100", units_1=24, units_2=12),
    "lenet5": use("lenet5", filters_1=4, filters_2=6, units=16),
}
MADE: dict[str, Callable[[Path], Use]] = {}
"""Architecture -> (project -> the net to test), for those that no default makes a net."""

_LABS: dict[Path, Lab] = {}


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One lab on an empty project: data sets and baselines are made once a session."""
    # a fixture that several files import is a fixture of each: what it gives is one all the same
    root = of_all_workers(tmp_path_factory.getbasetemp()) / "lab"
    if root not in _LABS:
        root.mkdir(exist_ok=True)
        _LABS[root] = Lab(root, catalog_of(root_of(pytestconfig)))
    return _LABS[root]


def of_all_workers(base: Path) -> Path:
    """Pytest's folder for this session; under pytest-xdist the one above those of its workers.

    So that what one of them trains is there for all.
    """
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def fixed(catalog: Catalog, architecture: Use, *compress: Use, seed: int = 0, **train: Any) -> Spec:
    """A resolved spec on the data set that the architecture is made for."""
    made_for = use(catalog.architectures.get(architecture.name).made_for)
    study = Study(
        dataset=made_for, architecture=architecture, train=replace(BASE, **train), compress=compress
    )
    spec = resolve(study, catalog).fix(lambda name, domain: pytest.fail(f"asked for {name}"))
    return replace(spec, seed=seed)


def default_net(name: str, root: Path) -> Use:
    """An architecture with its default knobs; `root` is the project, for nets that read files."""
    return MADE[name](root) if name in MADE else use(name)


def job_for(spec: Spec, lab: Lab, deadline: float = float("inf")) -> TrialJob:
    """A job as a trial makes it."""
    return TrialJob(
        spec, lab, lab.baseline(spec), deadline=deadline, report=lambda epoch, values: None
    )


def zeros_in_file(file: bytes, stage: Stage) -> dict[str, int]:
    """`layer/position` -> zeros of each kernel as it lies in the exported file."""
    zeros: dict[str, int] = {}
    for weight in tflite.weights.read_weights(file, stage):
        if weight.role != "bias":
            zeros[weight.key] = zeros.get(weight.key, 0) + int((weight.values == 0).sum())
    return zeros


def digest(stage: Stage) -> str:
    """sha256 of all weights."""
    return str(nn.graph.weights_digest(stage.weights))
