"""Every knob of every plug-in and of training decides its spec, and its baseline where the dense
net sees it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from framework import Study, Train, use
from framework.contracts import Catalog
from framework.study import Spec, Use, spec_from_json
from framework.study.space import Knob

CATALOG = Catalog()
KINDS = {
    "dataset": CATALOG.datasets,
    "architecture": CATALOG.architectures,
    "compress": CATALOG.strategies,
}
PLUGINS = [(kind, name) for kind, registry in KINDS.items() for name in registry.names()]
KNOBS = [(kind, name, knob) for kind, name in PLUGINS for knob in KINDS[kind].get(name).knobs()]
OF_FINE_TUNING = {"finetune_factor", "trained_factor"}


def values(declared: Knob) -> st.SearchStrategy[Any]:
    """What a knob may be."""
    if declared.choices is not None:
        found: st.SearchStrategy[Any] = st.sampled_from(declared.choices)
    elif declared.type is bool:
        found = st.booleans()
    elif declared.type is str:
        found = st.text(min_size=1, max_size=6)
    else:
        low, high = (
            None if end is None else declared.type(end) for end in (declared.low, declared.high)
        )
        number = {
            int: st.integers,
            float: lambda low, high: st.floats(low, high, allow_nan=False, allow_infinity=False),
        }
        found = number[declared.type](low, high)
    return st.one_of(st.none(), found) if declared.optional else found


def defaults(kind: str, name: str) -> Use:
    cls = KINDS[kind].get(name)
    return Use(
        name,
        {knob: declared.default for knob, declared in cls.knobs().items()},
        version=cls.plugin_version,
    )


def spec_with(train: Train | None = None, **parts: Use) -> Spec:
    """As a study fixes it and its file holds it."""
    dataset, net = parts.get("dataset", use("digits")), parts.get("architecture", use("lenet5"))
    step = parts.get("compress", use("identity"))
    study = Study(dataset=dataset, architecture=net, train=train or Train(), compress=(None, step))
    spec = study.fix(lambda _name, _domain: None)
    again = spec_from_json(json.loads(json.dumps(spec.json())))
    assert (again.digest, again.dense().digest) == (spec.digest, spec.dense().digest)
    return again


def test_there_are_knobs_of_every_kind() -> None:
    assert {kind for kind, _, _ in KNOBS} == set(KINDS)
    assert {("dataset", "csv"), ("dataset", "tfds")} <= set(PLUGINS)


@pytest.mark.parametrize(("kind", "name", "knob"), KNOBS, ids=[".".join(item) for item in KNOBS])
@settings(max_examples=8)
@given(data=st.data())
def test_a_knob_of_a_plug_in_decides(kind: str, name: str, knob: str, data: st.DataObject) -> None:
    part = defaults(kind, name)
    declared = KINDS[kind].get(name).knobs()[knob]
    value = declared.normal(name, knob, data.draw(values(declared)))
    assume(value != part.knobs[knob])
    other = replace(part, knobs=part.knobs | {knob: value})
    one, two = spec_with(**{kind: part}), spec_with(**{kind: other})
    assert one.digest != two.digest
    assert (one.dense().digest != two.dense().digest) == (kind != "compress")


@pytest.mark.parametrize("knob", Train.knobs())
@settings(max_examples=8)
@given(data=st.data())
def test_a_knob_of_training_decides(knob: str, data: st.DataObject) -> None:
    declared = Train.knobs()[knob]
    value = declared.normal("train", knob, data.draw(values(declared)))
    assume(value != declared.default)
    one, two = spec_with(), spec_with(Train(**{knob: value}))
    assert one.digest != two.digest
    assert (one.dense().digest != two.dense().digest) == (knob not in OF_FINE_TUNING)


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_another_version_of_a_plug_in_decides(kind: str, name: str) -> None:
    part = defaults(kind, name)
    one, two = (
        spec_with(**{kind: part}),
        spec_with(**{kind: replace(part, version=part.version + 1)}),
    )
    assert one.digest != two.digest
    assert (one.dense().digest != two.dense().digest) == (kind != "compress")
