"""What every metric promises."""

import math

import pytest
from nets_support import CATALOG, SMALL, fixed, masked

from framework.planning.resolve import measurable
from framework.runner.trial import measure

NAMES = CATALOG.metrics.names()


@pytest.fixture(scope="module")
def two(lab):
    """A dense net and a sparse one, as measured by a trial."""
    spec = fixed(SMALL["lenet5"])
    dense = lab.baseline(spec).stage
    return [measure(stage, spec, lab) for stage in (dense, masked(dense, 0.5))]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_finite_number_the_same_each_time(name, two):
    metric = CATALOG.metrics.build(name, {})
    for measured in two:
        value = metric.measure(measured.exported)
        assert type(value) is float
        assert math.isfinite(value)
        assert value == metric.measure(measured.exported)


@pytest.mark.parametrize("name", NAMES)
def test_it_declares_unit_direction_and_tasks(name):
    metric = CATALOG.metrics.get(name)
    assert metric.better in ("max", "min")
    assert isinstance(metric.unit, str)
    assert metric.tasks
    assert metric.tasks <= {"classes", "binary", "regression"}
    for task in metric.tasks:
        assert {name, f"val_{name}"} & set(measurable(CATALOG, task))


def test_a_trial_takes_each_that_is_defined_for_its_task(two):
    expected = {name for name in NAMES if "classes" in CATALOG.metrics.get(name).tasks}
    assert {name.removeprefix("val_") for name in two[0].metrics} == expected
