"""Studies and specs: what makes two of them the same, what a study asks, what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from framework import AtLeast, AtMost, Choice, Float, Int, Study, Train, Use, use
from framework.contracts import Catalog
from framework.errors import InvalidStudy, InvalidValue
from framework.planning.resolve import resolve
from framework.study import Spec, canonical, digest_of, spec_from_json
from framework.study.grid import enumerate_specs
from framework.study.spec import HOW_MUCH

REALS = st.floats(allow_nan=False, allow_infinity=False, width=32)
VALUES = st.one_of(
    st.booleans(), st.integers(-(2**53), 2**53), REALS, st.text(max_size=5), st.none()
)
NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
USES = st.builds(
    Use,
    NAMES,
    st.dictionaries(NAMES, VALUES, max_size=4),
    st.one_of(st.just(""), NAMES),
    st.integers(0, 9),
)
TRAINS = st.builds(
    Train,
    epochs=st.integers(1, 100),
    learning_rate=st.floats(1e-6, 1.0),
    optimizer=st.sampled_from(["adam", "sgd"]),
    augment=st.booleans(),
)
SPECS = st.builds(
    Spec,
    dataset=USES,
    architecture=USES,
    train=TRAINS,
    compress=st.lists(USES, max_size=3).map(tuple),
    seed=st.integers(0, 2**31),
)


def study(**changes: Any) -> Study:
    """A small study; what is given replaces its parts."""
    parts: dict[str, Any] = {
        "dataset": use("digits"),
        "architecture": use("lenet5"),
        "compress": [use("prune", sparsity=Float(0.5, 0.98), epochs=Choice(2, 4))],
    }
    return Study(**(parts | changes))


# --- what makes two the same ----------------------------------------------------------------------


@given(limits=st.tuples(st.integers(1, 999), st.floats(0.1, 99), st.floats(0.1, 99)))
def test_limits_do_not_change_the_digest(limits: tuple[int, float, float]) -> None:
    trials, seconds, hours = limits
    limited = study(trials=trials, trial_seconds=seconds, hours=hours, keep="front")
    assert limited.digest == study().digest


def test_every_field_decides_the_trials_or_says_that_it_does_not() -> None:
    decides = set(study(ahead=2).json()) - {"schema"}
    assert {item.name for item in fields(Study)} == decides | set(HOW_MUCH)


@given(number=st.integers(1, 9))
def test_one_number_has_one_digest(number: int) -> None:
    forms = [Train(learning_rate=number, epochs=epochs) for epochs in (4, 4.0)]  # type: ignore[arg-type]
    forms.append(Train(learning_rate=float(number), epochs=4))
    assert len({study(train=form).digest for form in forms}) == 1
    domains = [
        Train(learning_rate=Choice(number, 0.5)),
        Train(learning_rate=Choice(float(number), 0.5)),
    ]  # type: ignore[arg-type]
    assert study(train=domains[0]).digest == study(train=domains[1]).digest


@given(knobs=st.dictionaries(NAMES, VALUES, max_size=5), data=st.data())
def test_order_of_knobs_does_not_count(knobs: dict[str, Any], data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(knobs.items()))))
    first, second = Use("net", knobs), Use("net", shuffled)
    assert study(architecture=first).digest == study(architecture=second).digest
    spec = study(compress=[]).fix(_refuse)
    assert replace(spec, architecture=first).digest == replace(spec, architecture=second).digest


KNOBS = {"sparsity": Float(0.5, 0.9), "layers": Choice("erk", "uniform"), "epochs": Choice(2, 4)}


@given(st.permutations(list(KNOBS)))
def test_resolved_studies_of_one_digest_ask_in_one_order(order: list[str]) -> None:
    one, two = (
        resolve(study(compress=[Use("magnitude_prune", knobs)]), Catalog())
        for knobs in (KNOBS, {name: KNOBS[name] for name in order})
    )
    assert one.digest == two.digest
    assert _questions(one) == _questions(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"dropout": 0}, {"dropout": 0.0}),
        ({"units": 500.0}, {"units": 500}),
        ({}, {"dropout": 0.0, "units": 500}),
    ],
)
def test_one_value_written_in_two_ways_is_one_resolved_study(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    digests = {
        resolve(study(architecture=Use("lenet5", knobs), compress=[]), Catalog()).digest
        for knobs in (one, two)
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"sampler": "random"},
        {"dataset": use("mnist")},
        {"dataset": Use("digits", version=2)},
        {"architecture": use("lenet5", width=0.5)},
        {"train": Train(epochs=31)},
        {"objectives": {"val_accuracy": "max"}},
        {"objectives": {"val_accuracy": "max", "params_nonzero": "max"}},
        {"constraints": [AtMost("accuracy_drop", 0.01)]},
        {"constraints": [AtLeast("accuracy_drop", 0.01)]},
        {"compress": []},
        {"compress": [use("prune", sparsity=Float(0.5, 0.99), epochs=Choice(2, 4))]},
        {"compress": [use("prune", sparsity=Float(0.5, 0.98, log=True), epochs=Choice(2, 4))]},
        {"compress": [use("prune", sparsity=Float(0.5, 0.98), epochs=Choice(4, 2))]},
        {"compress": [use("prune", sparsity=Float(0.5, 0.98), epochs=2)]},
    ],
)
def test_everything_else_changes_the_digest(changes: dict[str, Any]) -> None:
    assert study(**changes).digest != study().digest


@given(SPECS)
def test_spec_survives_json(spec: Spec) -> None:
    read = spec_from_json(json.loads(canonical(spec.json())))
    assert read.digest == spec.digest
    assert read.json() == spec.json()
    assert read.train == spec.train
    assert [dict(step.knobs) for step in read.compress] == [
        dict(step.knobs) for step in spec.compress
    ]
    assert read.parameters() == spec.parameters()


@given(SPECS, NAMES)
def test_labels_are_no_part_of_a_spec(spec: Spec, label: str) -> None:
    assert replace(spec, architecture=replace(spec.architecture, label=label)).digest == spec.digest


@given(SPECS, st.data())
def test_every_value_is_part_of_a_spec(spec: Spec, data: st.DataObject) -> None:
    parts = st.one_of(st.builds(dict, architecture=USES), st.builds(dict, seed=st.integers(0, 99)))
    other = data.draw(parts)
    changed = replace(spec, **other)
    assume(_without_label(changed) != _without_label(spec))
    assert changed.digest != spec.digest


def test_digest_known_answer() -> None:
    assert canonical({"b": 1.0, "a": [None, True, "é"]}) == '{"a":[null,true,"\\u00e9"],"b":1.0}'
    assert digest_of({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(float("nan"))


def test_dense_spec_is_the_same_for_all_chains() -> None:
    one = study(compress=[use("prune", sparsity=0.9)]).fix(_refuse)
    two = study(compress=[use("cluster", clusters=8)]).fix(_refuse)
    assert one.dense() == two.dense()
    assert (one.strategy, one.dense().strategy) == ("prune", "none")


def test_parameters_are_named_as_in_overrides() -> None:
    net, chain = use("net", width=0.5, act="relu"), [use("prune", on=True), use("cluster")]
    flat = study(architecture=net, compress=chain).fix(_refuse).parameters()
    wanted = {
        "seed": "0", "dataset": "digits", "architecture": "net", "architecture.width": "0.5",
        "architecture.act": "relu", "compress.0": "prune", "compress.0.on": "true",
        "compress.1": "cluster",
        "train.epochs": "30", "train.optimizer": "adam", "train.learning_rate": "0.001",
    }  # fmt: skip
    assert wanted.items() <= flat.items()


# --- what a study asks ----------------------------------------------------------------------------


def test_fix_asks_every_open_domain_by_its_name() -> None:
    asked: dict[str, Any] = {}

    def ask(name: str, domain: Any) -> Any:
        asked[name] = domain
        return domain.low if isinstance(domain, (Float, Int)) else domain.options[0]

    spec = study(train=Train(epochs=Int(5, 9))).fix(ask)
    domains = {"sparsity": Float(0.5, 0.98), "epochs": Choice(2, 4)}
    assert asked == {"train.epochs": Int(5, 9)} | {
        f"compress.0.{name}": domain for name, domain in domains.items()
    }
    assert spec.train.epochs == 5
    assert spec.compress == (use("prune", sparsity=0.5, epochs=2),)


def test_an_alternatives_domains_are_asked_only_when_it_is_chosen() -> None:
    step = Choice(use("prune", sparsity=Float(0.5, 0.9)), use("cluster", clusters=Int(4, 8)), None)

    def ask_for(label: str) -> tuple[list[str], Spec]:
        names: list[str] = []

        def ask(name: str, domain: Any) -> Any:
            names.append(name)
            return label if name == "compress.0" else domain.low

        return names, study(compress=[step]).fix(ask)

    assert ask_for("prune")[0] == ["compress.0", "compress.0=prune.sparsity"]
    assert ask_for("cluster")[0] == ["compress.0", "compress.0=cluster.clusters"]
    names, spec = ask_for("none")
    assert (names, spec.compress) == (["compress.0"], ())


@given(sizes=st.lists(st.integers(2, 4), max_size=4))
def test_a_grid_is_the_product_of_its_domains(sizes: list[int]) -> None:
    knobs = {f"knob_{index}": Choice(*range(size)) for index, size in enumerate(sizes)}
    found = enumerate_specs(study(compress=[Use("prune", knobs)]))
    product = 1
    for size in sizes:
        product *= size
    assert len(found) == product
    assert len({spec.digest for _, spec in found}) == product
    assert all(dict(spec.compress[0].knobs) == _knobs(asked) for asked, spec in found)


@given(
    branches=st.lists(st.integers(2, 5), min_size=2, max_size=3),
    outside=st.integers(2, 3),
    left_out=st.booleans(),
)
def test_a_conditional_grid_is_the_sum_of_its_branches(
    branches: list[int], outside: int, left_out: bool
) -> None:
    options: list[Any] = [
        use(f"step_{index}", k=Int(1, size)) for index, size in enumerate(branches)
    ]
    options += [None] if left_out else []
    found = enumerate_specs(
        study(
            train=Train(epochs=Int(1, outside)),
            compress=[Choice(*options), use("last", k=Choice(1, 2))],
        )
    )
    assert len(found) == outside * 2 * (sum(branches) + left_out)
    assert len({spec.digest for _, spec in found}) == len(found)


def test_a_grid_over_architectures_and_steps_of_floats() -> None:
    found = enumerate_specs(
        study(
            architecture=Choice(
                use("lenet5"), use("squeezenet", width=Float(0.25, 1.0, step=0.25))
            ),
            compress=[use("prune", sparsity=0.5)],
        )
    )
    nets = [spec.architecture for _, spec in found]
    assert [(net.name, net.knobs.get("width")) for net in nets] == [
        ("lenet5", None),
        ("squeezenet", 0.25),
        ("squeezenet", 0.5),
        ("squeezenet", 0.75),
        ("squeezenet", 1.0),
    ]
    assert found[1][0] == {"architecture": "squeezenet", "architecture=squeezenet.width": 0.25}


def test_a_study_without_domains_is_one_spec() -> None:
    fixed = study(compress=[use("prune", sparsity=0.5)])
    assert enumerate_specs(fixed) == [({}, fixed.fix(_refuse))]


def test_a_grid_needs_finite_domains() -> None:
    with pytest.raises(InvalidStudy, match="infinitely many"):
        enumerate_specs(study())


def test_parts_and_rebuilt_reach_every_alternative() -> None:
    whole = study(
        architecture=Choice(use("lenet5"), use("lenet5", label="wide", width=2)),
        compress=[None, Choice(use("prune"), None), use("cluster")],
    )
    assert [(kind, path, part.name) for kind, path, part in whole.parts()] == [
        ("dataset", "dataset", "digits"),
        ("architecture", "architecture=lenet5", "lenet5"),
        ("architecture", "architecture=wide", "lenet5"),
        ("strategy", "compress.1=prune", "prune"),
        ("strategy", "compress.2", "cluster"),
    ]
    seen: list[tuple[str, str, str]] = []

    def mark(kind: str, path: str, part: Use) -> Use:
        seen.append((kind, path, part.name))
        return replace(part, version=7)

    rebuilt = whole.rebuilt(mark)
    assert seen == [(kind, path, part.name) for kind, path, part in whole.parts()]
    assert {part.version for _, _, part in rebuilt.parts()} == {7}
    assert rebuilt.compress[0] is None
    assert rebuilt.compress[1].options[1] is None  # type: ignore[union-attr]


def test_constraints_say_by_how_much_they_are_missed() -> None:
    values = {"accuracy_drop": 0.03, "size": 10.0}
    assert AtMost("accuracy_drop", 0.01).violation(values) == pytest.approx(0.02)
    assert AtLeast("size", 12).violation(values) == 2
    assert AtLeast("size", 8).violation(values) < 0


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"dataset": Choice(use("digits"), use("mnist"))}, "never searched"),
        ({"dataset": use("digits", side=Choice(8, 28))}, "never searched"),
        ({"dataset": "digits"}, "one use"),
        ({"architecture": "lenet5"}, r"use\(...\) value"),
        ({"architecture": None}, "has an architecture"),
        ({"architecture": Choice(use("lenet5"), None)}, "has an architecture"),
        ({"architecture": Choice("lenet5", "squeezenet")}, "different labels"),
        ({"compress": ["prune"]}, r"compress.0 is a use\(...\) value"),
        ({"compress": [Choice(use("prune", a=1), use("prune", a=2))]}, "different labels"),
        ({"compress": [Choice(use("prune", label="none"), None)]}, "different labels"),
        ({"train": Train(threads=Choice(1, 2))}, "threads"),
        ({"objectives": {}}, "at least one"),
        ({"objectives": {"val_accuracy": "up"}}, "'max' or 'min'"),
        ({"sampler": "cmaes"}, "no such sampler"),
        ({"trials": 0}, "trials"),
        ({"trials": 3.0}, "trials"),
        ({"trials": True}, "trials"),
        ({"seed": -1}, "seed"),
        ({"trial_seconds": 0}, "trial_seconds"),
        ({"hours": "2"}, "hours"),
        ({"hours": math.inf}, "hours"),
        ({"hours": -1}, "hours"),
        ({"trial_seconds": True}, "trial_seconds"),
        ({"compress": use("prune")}, "compress is a list"),
        ({"constraints": AtMost("accuracy_drop", 0.01)}, "constraints is a list"),
        ({"constraints": ["accuracy_drop"]}, "constraints is a list"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidValue, match=text):
        study(**changes)


def test_train_refuses_what_is_out_of_range() -> None:
    with pytest.raises(InvalidValue, match="train: epochs"):
        Train(epochs=0)
    with pytest.raises(InvalidValue, match="train: optimizer"):
        Train(optimizer=Choice("adam", "lion"))


RANGES = {
    "epochs": (30, 1, 10_000),
    "batch_size": (16, 1, 65_536),
    "learning_rate": (1e-3, 1e-8, 10.0),
    "finetune_factor": (2.0, 0.001, 1000.0),
    "trained_factor": (None, 0.0001, 1000.0),
    "warmup_epochs": (3, 0, 1_000),
    "weight_decay": (0.0, 0.0, 1.0),
    "label_smoothing": (0.0, 0.0, 0.5),
    "threads": (1, 1, 256),
}


@pytest.mark.parametrize("name", RANGES)
def test_train_takes_what_its_page_says_and_nothing_beyond(name: str) -> None:
    default, low, high = RANGES[name]
    assert getattr(Train(), name) == default
    for value in (low, high):
        assert getattr(Train(**{name: value}), name) == value  # type: ignore[arg-type]
    beyond = (low - 1, high + 1) if isinstance(low, int) else (low - 1e-9, high + 1e-6)
    for value in beyond:
        with pytest.raises(InvalidValue, match=f"train: {name}"):
            Train(**{name: value})  # type: ignore[arg-type]


def test_every_number_of_train_has_a_range() -> None:
    assert set(RANGES) == {
        name for name, knob in Train.knobs().items() if knob.type in (int, float)
    }


def test_a_study_asks_for_thirty_trials_from_seed_0() -> None:
    assert (study().trials, study().seed, study().sampler, study().keep) == (30, 0, "tpe", "all")
    assert Spec(dataset=use("digits"), architecture=use("lenet5"), train=Train()).seed == 0


def test_what_is_asked_cannot_be_changed_behind_its_digest() -> None:
    for value, name in ((use("prune"), "name"), (study(), "seed"), (study().train, "epochs")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, 1)


def test_parts_are_named() -> None:
    for kind in (Study, Spec):
        with pytest.raises(TypeError, match="positional"):
            kind(use("digits"), use("lenet5"), Train())  # type: ignore[misc]
    with pytest.raises(TypeError, match="positional"):
        Train(30)  # type: ignore[misc]


def test_lists_of_a_study_become_values() -> None:
    made = study(compress=[use("prune")], constraints=[AtMost("accuracy_drop", 0.01)])
    assert made.compress == (use("prune"),)
    assert made.constraints == (AtMost("accuracy_drop", 0.01),)


def test_where_a_step_stands_does_not_make_it_another() -> None:
    assert Use("prune", slot=3) == Use("prune")


@pytest.mark.parametrize(
    "text", ["use('prune')", "use('prune', k=2)", "use('prune', label='mine', k=2)"]
)
def test_a_part_shows_as_it_is_written(text: str) -> None:
    assert repr(eval(text, {"use": use})) == text


def _questions(asked_of: Study) -> list[str]:
    names: list[str] = []

    def ask(name: str, domain: Any) -> Any:
        names.append(name)
        return domain.options[0] if isinstance(domain, Choice) else domain.low

    asked_of.fix(ask)
    return names


def _refuse(name: str, domain: Any) -> Any:
    raise AssertionError(f"asked for {name} in {domain}")


def _knobs(asked: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("compress.0."): value for name, value in asked.items()}


def _without_label(spec: Spec) -> str:
    parts = (spec.dataset, spec.architecture, *spec.compress)
    return repr(
        [(part.name, part.version, sorted(part.knobs.items())) for part in parts]
        + [spec.seed, spec.train]
    )


@given(SPECS, st.integers(0, 2**31))
def test_replicates_have_one_configuration(spec: Spec, seed: int) -> None:
    other = replace(spec, seed=seed)
    assert other.configuration == spec.configuration
    assert spec_from_json(json.loads(canonical(spec.json()))).configuration == spec.configuration
    assert spec.configuration != spec.digest
    labelled = replace(spec, dataset=replace(spec.dataset, label="another"))
    assert labelled.configuration == spec.configuration


@given(SPECS)
def test_what_else_differs_is_another_configuration(spec: Spec) -> None:
    longer = replace(spec, train=replace(spec.train, epochs=spec.train.epochs + 1))
    assert longer.configuration != spec.configuration
