"""What every metric promises."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest

from framework.contracts import Catalog, Exported, Mask, Metric, Stage, Task
from framework.nn import compression
from framework.planning.resolve import measurable
from framework.runner.measurement import Measured, measure
from framework.testing.cases import Case, Names, cases, pytest_generate_tests
from framework.testing.labs import SMALL, fixed, lab

if TYPE_CHECKING:
    from framework.runner.baseline import Lab

__all__ = ["TestMetric", "lab", "measured", "pytest_generate_tests"]


@cases("metric")
def metrics(catalog: Catalog, names: Names) -> Iterator[Case]:
    """The names of all."""
    for name in names["metric"]:
        yield name, name


@pytest.fixture(scope="module")
def measured(lab: Lab) -> list[Measured]:
    """A dense net and a sparse one, as measured by a trial."""
    spec = fixed(lab.catalog, SMALL["lenet5"])
    dense = lab.baseline(spec).stage
    return [measure(stage, spec, lab) for stage in (dense, masked(dense, 0.5))]


def masked(stage: Stage, share: float) -> Stage:
    """The stage with the smallest `share` of each kernel zeroed, and masks that keep them."""
    weights, masks = dict(stage.weights), []
    for key in compression.pruning.kernels(stage):
        zeros = compression.masks.smallest(weights[key], round(weights[key].size * share))
        weights[key] = np.where(zeros, 0, weights[key]).astype(np.float32)
        masks.append(Mask(key, zeros))
    return replace(stage.with_weights(weights), keeps=tuple(masks))


def suited(exported: Exported, metric: Metric) -> Exported:
    """The file as one of a task that the metric is defined for.

    What is to be rebuilt is the net's own answer, half of the samples are anomalies.
    """
    if "classes" in metric.tasks or "reconstruction" not in metric.tasks:
        return exported
    labels = (np.arange(len(exported.labels)) % 2).astype(np.float32)
    inputs = exported.net_outputs
    return replace(exported, task="reconstruction", labels=labels, inputs=inputs)


class TestMetric:
    """What every metric promises."""

    def test_it_is_a_finite_number_the_same_each_time(
        self, metric: str, measured: list[Measured], lab: Lab
    ) -> None:
        plugin = lab.catalog.metrics.build(metric, {})
        for net in measured:
            exported = suited(net.exported, plugin)
            value = plugin.measure(exported)
            assert type(value) is float
            assert math.isfinite(value)
            assert value == plugin.measure(exported)

    def test_it_declares_unit_direction_and_tasks(self, metric: str, lab: Lab) -> None:
        plugin = lab.catalog.metrics.get(metric)
        assert plugin.better in ("max", "min")
        assert isinstance(plugin.unit, str)
        assert plugin.tasks
        assert plugin.tasks <= set(get_args(Task))
        for task in plugin.tasks:
            assert {metric, f"val_{metric}"} & set(measurable(lab.catalog, task))

    def test_a_trial_takes_it_where_it_is_defined_for_the_task(
        self, metric: str, measured: list[Measured], lab: Lab
    ) -> None:
        taken = {name.removeprefix("val_") for name in measured[0].metrics}
        assert (metric in taken) == ("classes" in lab.catalog.metrics.get(metric).tasks)
