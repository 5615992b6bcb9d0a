"""Overrides: every key, the order they apply in, and what is said when one is wrong."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from framework import AtMost, Choice, Float, Int, Study, Train, Use, use
from framework.errors import InvalidValue, UnknownName, UserError
from framework.study.overrides import apply, key_of, keys, parse

STUDY = Study(
    dataset=use("digits", side=28),
    architecture=use("squeezenet", width=0.5),
    train=Train(epochs=30),
    compress=[use("prune", layers="erk", sparsity=Float(0.5, 0.98)), use("cluster", clusters=16)],  # type: ignore[arg-type]
    constraints=[AtMost("accuracy_drop", 0.01)],  # type: ignore[arg-type]
)


def between(*options: Any) -> Study:
    """A study of one step with these alternatives."""
    return Study(dataset=use("digits"), architecture=use("lenet5"), compress=(Choice(*options),))


# --- what can be set ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "read", "value"),
    [
        ("dataset=mnist", lambda study: study.dataset, use("mnist")),
        ("dataset='mnist'", lambda study: study.dataset, use("mnist")),
        ("dataset.side=14", lambda study: study.dataset, use("digits", side=14)),
        ("architecture=lenet5", lambda study: study.architecture, use("lenet5")),
        ("architecture=squeezenet", lambda study: study.architecture, use("squeezenet")),
        ("architecture.width=1", lambda study: study.architecture, use("squeezenet", width=1)),
        (
            "architecture.bypass=True",
            lambda study: study.architecture,
            use("squeezenet", width=0.5, bypass=True),
        ),
        ("train.epochs=10", lambda study: study.train, Train(epochs=10)),
        ("train.epochs=1e1", lambda study: study.train, Train(epochs=10)),
        ("train.optimizer=sgd", lambda study: study.train, Train(optimizer="sgd")),
        ("compress=", lambda study: study.compress, ()),
        ("compress=identity", lambda study: study.compress, (use("identity"),)),
        ("compress=prune+cluster", lambda study: study.compress, (use("prune"), use("cluster"))),
        (
            "compress.0=identity",
            lambda study: study.compress,
            (use("identity"), use("cluster", clusters=16)),
        ),
        ("compress.0=None", lambda study: study.compress, (None, use("cluster", clusters=16))),
        ("compress.1.clusters=8", lambda study: study.compress[1], use("cluster", clusters=8)),
        (
            "compress.0.sparsity=0.9",
            lambda study: study.compress[0],
            use("prune", layers="erk", sparsity=0.9),
        ),
        ("compress.0.layers=uniform", lambda study: study.compress[0].knobs["layers"], "uniform"),
        ("sampler=random", lambda study: study.sampler, "random"),
        ("trials=50", lambda study: study.trials, 50),
        (" trials = 50 ", lambda study: study.trials, 50),
        ("seed=3", lambda study: study.seed, 3),
        ("trial_seconds=2.5", lambda study: study.trial_seconds, 2.5),
        ("hours=None", lambda study: study.hours, None),
    ],
)
def test_every_key(setting: str, read: Any, value: Any) -> None:
    assert read(apply(STUDY, [setting])) == value


def test_nothing_else_changes() -> None:
    before = STUDY.json()
    assert apply(STUDY, []) == STUDY
    assert apply(STUDY, ["trials=50"]).digest == STUDY.digest
    changed = apply(STUDY, ["train.epochs=10"]).json()
    assert {key for key in before if before[key] != changed[key]} == {"train"}
    assert STUDY.json() == before


def test_they_apply_in_the_order_given() -> None:
    assert apply(STUDY, ["trials=5", "trials=6"]).trials == 6
    assert apply(STUDY, ["architecture=lenet5", "architecture.filters=8"]).architecture == use(
        "lenet5", filters=8
    )
    assert apply(STUDY, ["architecture.width=2", "architecture=lenet5"]).architecture == use(
        "lenet5"
    )
    assert apply(STUDY, ["compress=a+b", "compress.1.k=3"]).compress == (use("a"), use("b", k=3))


def test_a_step_left_out_keeps_the_numbers_of_the_others() -> None:
    assert apply(STUDY, ["compress.0=None", "compress.1.clusters=4"]).compress == (
        None,
        use("cluster", clusters=4),
    )


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    )
)
def test_literals_are_read_as_what_they_are(value: Any) -> None:
    assert parse(repr(value)) == value


@pytest.mark.parametrize(
    "text", ["erk", "1 2", "a.b", "__import__('os')", "3 ** 9", "[1", "1" * 5000]
)
def test_what_is_no_literal_is_a_string(text: str) -> None:
    assert parse(text) == text


@pytest.mark.parametrize(
    "domain", [Float(0.5, 0.9), Float(1e-4, 1.0, log=True), Int(1, 8), Choice("a", "b", None)]
)
def test_a_domain_is_read_as_in_a_study_file(domain: Any) -> None:
    text = repr(domain).replace(" ", "")
    assert parse(text) == domain
    step = apply(STUDY, [f"compress.0.sparsity={text}"]).compress[0]
    assert isinstance(step, Use)
    assert step.knobs["sparsity"] == domain


@pytest.mark.parametrize("text", ["Float(0.9,0.5)", "Float(1)", "Int(1,2,lower=3)", "Choice(1)"])
def test_a_domain_that_is_none_says_so(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        apply(STUDY, [f"compress.0.sparsity={text}"])
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "text", ["Float(open('x'))", "Float(*[1,2])", "print(1)", "Float", "Choice(use('a'),1)"]
)
def test_nothing_else_is_run(text: str) -> None:
    assert parse(text) == text


@given(
    knob=st.sampled_from(["sparsity", "epochs", "other"]),
    value=st.one_of(st.integers(), st.booleans()),
)
def test_a_knob_set_is_a_knob_read(knob: str, value: Any) -> None:
    step = apply(STUDY, [f"compress.0.{knob}={value}"]).compress[0]
    assert isinstance(step, Use)
    assert step.knobs[knob] == value


# --- alternatives ---------------------------------------------------------------------------------


def test_a_knob_goes_to_the_alternatives_that_set_it() -> None:
    study = between(use("prune", sparsity=Float(0.5, 0.9)), use("cluster", clusters=8), None)
    assert apply(study, ["compress.0.sparsity=0.7"]).compress == (
        Choice(use("prune", sparsity=0.7), use("cluster", clusters=8), None),
    )


def test_a_knob_goes_to_every_alternative_of_that_plugin() -> None:
    study = between(use("prune", label="a", epochs=2), use("prune", label="b"), use("cluster"))
    assert apply(study, ["compress.0.epochs=4"]).compress == (
        Choice(
            use("prune", label="a", epochs=4), use("prune", label="b", epochs=4), use("cluster")
        ),
    )


def test_a_knob_that_none_sets_goes_to_all_labels_of_one_plugin() -> None:
    study = between(
        use("prune", label="erk", layers="erk"),
        use("prune", label="uniform", layers="uniform"),
        None,
    )
    step = apply(study, ["compress.0.epochs=4"]).compress[0]
    assert isinstance(step, Choice)
    assert [option and option.knobs["epochs"] for option in step.options] == [4, 4, None]


def test_a_knob_that_none_of_several_plugins_sets_is_refused() -> None:
    study = between(use("prune"), use("cluster"))
    with pytest.raises(InvalidValue, match="choice between cluster, prune") as caught:
        apply(study, ["compress.0.epochs=4"])
    assert "compress.0=cluster" in caught.value.todo


def test_alternatives_of_the_architecture() -> None:
    study = Study(
        dataset=use("digits"), architecture=Choice(use("squeezenet", width=1.0), use("lenet5"))
    )
    assert apply(study, ["architecture.width=2"]).architecture == Choice(
        use("squeezenet", width=2), use("lenet5")
    )
    assert apply(study, ["architecture=lenet5"]).architecture == use("lenet5")


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "kind", "text"),
    [
        ("trials", InvalidValue, "KEY=VALUE"),
        ("trails=50", UnknownName, "Did you mean 'trials'"),
        ("train.epoch=2", UnknownName, "Did you mean 'train.epochs'"),
        ("train=2", UnknownName, "train.epochs"),
        ("train.=2", UnknownName, "train.epochs"),
        ("datasets=mnist", UnknownName, "Did you mean 'dataset'"),
        ("compress.x=prune", UnknownName, "compress.0"),
        ("compress.0.=prune", UnknownName, "Did you mean 'compress.0'"),
        ("=3", UnknownName, "Known: ahead, architecture"),
        ("compress.2=prune", InvalidValue, r"2 steps: compress.0 to .1"),
        ("compress.7.epochs=3", InvalidValue, "no step 7"),
        ("compress=prune+", InvalidValue, "name of a plug-in"),
        ("architecture=", InvalidValue, "name of a plug-in"),
        ("architecture=5", InvalidValue, "name of a plug-in"),
        ("objectives=val_accuracy", InvalidValue, "study file"),
        ("constraints.0=3", InvalidValue, "study file"),
        ("trials=many", InvalidValue, "whole number"),
        ("train.epochs=0", InvalidValue, "out of its range"),
        ("train.learning_rate=fast", InvalidValue, "learning_rate"),
        ("sampler=cmaes", InvalidValue, "tpe, random, nsga2, grid"),
        ("seed=-1", InvalidValue, "at least 0"),
        ("keep=best", InvalidValue, "all, front"),
    ],
)
def test_a_mistake_is_shown_with_the_way_out(
    setting: str, kind: type[UserError], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        apply(STUDY, ["trials=5", setting])
    assert type(caught.value) is kind
    assert f"In the override {setting!r}." in str(caught.value)


def test_a_step_left_out_has_no_knobs() -> None:
    with pytest.raises(InvalidValue, match="left out"):
        apply(STUDY, ["compress.0=None", "compress.0.sparsity=0.5"])


@pytest.mark.parametrize(("chain", "text"), [("", "no steps"), ("prune", "1 step: compress.0")])
def test_a_step_out_of_range_says_how_many_there_are(chain: str, text: str) -> None:
    with pytest.raises(InvalidValue, match=text):
        apply(STUDY, [f"compress={chain}", "compress.1=prune"])


def test_known_keys_are_those_of_the_study() -> None:
    found = keys(STUDY)
    assert {
        "dataset.side",
        "architecture.width",
        "compress.0.sparsity",
        "compress.1.clusters",
        "hours",
    } <= set(found)
    assert len(found) == len(set(found))
    assert "objectives" not in found


@given(st.text(max_size=20))
@example("train=1")
def test_any_text_without_a_key_of_ours_is_the_users_mistake(setting: str) -> None:
    # hypothesis also draws texts that stand in our own code
    assume(key_of(setting) not in keys(STUDY))
    with pytest.raises(UserError) as caught:
        apply(STUDY, [setting])
    assert repr(setting) in str(caught.value)


@given(key=st.sampled_from(keys(STUDY)), text=st.text(max_size=12))
def test_any_value_is_taken_or_refused_as_the_users_mistake(key: str, text: str) -> None:
    with contextlib.suppress(UserError):
        assert isinstance(apply(STUDY, [f"{key}={text}"]), Study)
