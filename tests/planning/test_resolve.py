"""A study against the plug-ins: defaults written out, names and ranges checked, orders that undo
themselves refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import AtLeast, AtMost, Choice, Float, Int, Study, Train, use
from framework.contracts import Architecture, Catalog, DataInfo, Strategy, knob, strategies
from framework.contracts.registry import Registry
from framework.errors import InvalidStudy, InvalidValue, UnknownName, UserError
from framework.planning.plan import plan
from framework.planning.resolve import largest_budget, measurable, resolve
from framework.study import Use

CATALOG = Catalog()
PLAIN = Study(dataset=use("digits"), architecture=use("lenet5"))


def resolved(**parts: Any) -> Study:
    return resolve(replace(PLAIN, **parts), CATALOG)


def test_every_default_and_version_is_written_out() -> None:
    study = resolved(compress=[use("magnitude_prune")])
    step = study.compress[0]
    assert step.version == CATALOG.strategies.get("magnitude_prune").plugin_version >= 1
    declared = CATALOG.strategies.get("magnitude_prune").knobs()
    assert step.knobs == {name: item.default for name, item in declared.items()}
    assert study.dataset.version >= 1
    assert study.architecture.version >= 1


def test_resolving_twice_changes_nothing() -> None:
    study = resolved(compress=[Choice(None, use("magnitude_prune", sparsity=Float(0.5, 0.9)))])
    assert resolve(study, CATALOG) == study


@given(st.sampled_from([0, 0.5, 1e-1, 0.99]), st.sampled_from([4, 4.0]))
def test_a_number_is_one_number_however_written(sparsity: float, epochs: float) -> None:
    one = resolved(compress=[use("magnitude_prune", sparsity=sparsity, epochs=epochs)])
    other = resolved(compress=[use("magnitude_prune", sparsity=float(sparsity), epochs=4)])
    assert one.digest == other.digest


def test_a_default_written_out_is_the_same_study() -> None:
    default = CATALOG.strategies.get("magnitude_prune").knobs()["layers"].default
    one = resolved(compress=[use("magnitude_prune")])
    assert one.digest == resolved(compress=[use("magnitude_prune", layers=default)]).digest
    assert one.digest != resolved(compress=[use("magnitude_prune", epochs=7)]).digest


@dataclass(frozen=True, kw_only=True)
class Preset(Architecture):
    """A net with presets."""

    name, plugin_version = "preset", 1
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"tutorial": {"filters": 7, "units": 50}}

    filters: int = knob(16, low=1, high=99, doc="filters")
    units: int = knob(10, low=1, high=99, doc="units")
    sha256: str | None = knob(None, optional=True, doc="of the file")

    def pinned(self, project: Any) -> Mapping[str, Any]:
        return {"sha256": f"of {project.root.name}"}

    def build(self, info: DataInfo) -> Any:
        raise AssertionError("nothing is built")


@pytest.fixture
def with_presets() -> Catalog:
    registry: Registry[Architecture] = Registry(
        "architecture", package="framework.architectures", group="none"
    )
    registry._classes, registry._discovered = {"preset": Preset}, True
    return replace(CATALOG, architectures=registry)


def test_a_preset_stands_for_its_knobs(with_presets: Catalog) -> None:
    def knobs(**given: Any) -> Mapping[str, Any]:
        study = resolve(
            replace(PLAIN, architecture=use("preset", **given)), with_presets, Path("here")
        )
        assert isinstance(study.architecture, Use)
        return study.architecture.knobs

    assert knobs(preset="tutorial") == {"filters": 7, "units": 50, "sha256": "of here"}
    assert knobs(preset="tutorial", units=9) == {"filters": 7, "units": 9, "sha256": "of here"}
    assert knobs(preset="tutorial", units=Int(8, 9))["units"] == Int(8, 9)
    with pytest.raises(UnknownName, match="Did you mean 'tutorial'"):
        knobs(preset="tutorail")
    with pytest.raises(UnknownName, match="no preset of lenet_300_100 called"):
        resolved(architecture=use("lenet_300_100", preset="tutorial"))


def test_a_net_that_cannot_read_the_data_set_is_refused() -> None:
    with pytest.raises(InvalidStudy, match="input 'image'") as caught:
        resolved(dataset=use("listops"), architecture=Choice(use("lenet5"), use("transformer")))
    assert "lenet5 on listops" in str(caught.value.__notes__)


def test_quality_means_the_tasks_own() -> None:
    study = resolved(
        objectives={"quality": "max", "params_nonzero": "min"},
        constraints=[AtLeast("quality", 0.9)],
    )
    assert list(study.objectives) == ["val_accuracy", "params_nonzero"]
    assert study.constraints[0].metric == "val_accuracy"


def of_task(task: str, monkeypatch: pytest.MonkeyPatch, **parts: Any) -> Study:
    """The same on the digits, as if they were labelled for this task."""
    digits = CATALOG.datasets.get("digits")
    monkeypatch.setattr(
        digits, "info", replace(digits.info, task=task, classes={"binary": 2}.get(task, 0))
    )
    return resolved(**parts)


def test_a_drop_in_quality_is_the_tasks_own(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"objectives": {"quality_drop": "min"}, "constraints": [AtMost("quality_drop", 0.1)]}
    for task, name in {
        "classes": "accuracy_drop",
        "binary": "accuracy_drop",
        "regression": "r2_drop",
        "reconstruction": "r2_drop",
    }.items():
        study = of_task(task, monkeypatch, **parts) if task != "classes" else resolved(**parts)
        assert list(study.objectives) == [study.constraints[0].metric] == [name]


def test_by_default_a_study_asks_for_the_tasks_own_quality_and_few_parameters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = resolved(objectives={"val_accuracy": "max", "params_nonzero": "min"})
    # what it asks is its identity, however it was written
    assert resolved().digest == written.digest
    assert of_task("binary", monkeypatch).objectives == written.objectives
    assert of_task("regression", monkeypatch).objectives == {
        "val_r2": "max",
        "params_nonzero": "min",
    }


@pytest.mark.parametrize("name", ["accuracy_drop", "val_accuracy", "val_disagreement"])
def test_a_metric_of_classes_is_unknown_where_there_are_none(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownName) as told:
        of_task("regression", monkeypatch, constraints=[AtMost(name, 0.01)])
    assert f"no metric for an objective or constraint called {name!r}" in str(told.value)
    assert "r2_drop" in str(told.value)
    assert "accuracy" not in str(told.value).partition("called")[2].partition("\n")[2]


def test_all_that_is_measured_can_be_an_objective() -> None:
    for name in measurable(CATALOG, "classes"):
        assert name in resolved(objectives={name: "max"}).objectives


@pytest.mark.parametrize(
    ("parts", "error", "said"),
    [
        ({"dataset": use("digit")}, UnknownName, "digits"),
        ({"architecture": use("lenet6")}, UnknownName, "lenet5"),
        ({"architecture": use("lenet5", width=3)}, UnknownName, "Knobs of lenet5"),
        ({"compress": [use("magnitude_prune", sparsity=True)]}, InvalidValue, "True"),
        ({"compress": [use("magnitude_prune", sparsity=Float(0.5, 2))]}, InvalidValue, "2.0"),
        ({"compress": [use("magnitude_prune", epochs=Float(1, 8))]}, InvalidValue, "Int or Choice"),
        (
            {"compress": [use("magnitude_prune", layers=Choice("uniform", "ekr"))]},
            InvalidValue,
            "'ekr'",
        ),
        ({"objectives": {"test_accuracy": "max"}}, UnknownName, "val_accuracy"),
        ({"constraints": [AtMost("acuracy_drop", 0.01)]}, UnknownName, "accuracy_drop"),
    ],
)
def test_what_is_refused(parts: dict[str, Any], error: type[UserError], said: str) -> None:
    with pytest.raises(error) as told:
        resolved(**parts)
    assert said in str(told.value)


def test_the_path_of_an_unknown_name_is_told() -> None:
    choice = Choice(use("identity"), use("magnitud", label="mine"))
    with pytest.raises(UnknownName) as told:
        resolved(compress=[use("identity"), choice])
    assert told.value.__notes__ == ["At compress.1=mine."]


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"compress": [use("magnitude_prune", sparsity=Float(0.1, 0.9))]}, "compress.0.sparsity"),
        ({"architecture": use("lenet5", dropout=Float(0.1, 0.5))}, "architecture.dropout"),
        ({"train": Train(learning_rate=Float(1e-4, 1e-2, log=True))}, "train.learning_rate"),
        (
            {"compress": [Choice(None, use("magnitude_prune", sparsity=Float(0.1, 0.9)))]},
            "compress.0=magnitude_prune.sparsity",
        ),
    ],
)
def test_a_grid_has_finitely_many_points(parts: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidStudy, match=path):
        resolved(sampler="grid", **parts)
    assert resolved(sampler="tpe", **parts).sampler == "tpe"


def test_a_grid_of_steps_is_fine() -> None:
    steps = [use("magnitude_prune", sparsity=Float(0.1, 0.9, step=0.4), epochs=Int(1, 3))]
    assert resolved(sampler="grid", compress=steps).sampler == "grid"


def test_the_largest_budget_counts_the_dearest_way_through() -> None:
    cheap, dear = use("identity", epochs=2), use("magnitude_prune", epochs=Int(1, 9))
    assert (
        largest_budget(
            resolved(compress=[Choice(None, cheap, dear), use("identity", epochs=3)]), CATALOG
        )
        == 12
    )
    assert largest_budget(resolved(), CATALOG) == 0


# --- orders ---------------------------------------------------------------------------------------


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The plug-ins, with three strategies that make and break properties."""
    strategies.discover()
    own: Registry[Strategy] = Registry(
        "strategy", package="framework.strategies", group="squeezelab.strategies"
    )
    own._classes = dict(strategies._classes)
    own._discovered = True
    for name, needs, keeps, gives in (
        ("clusters", "trained", {"sparsity"}, {"codebook"}),
        ("quantizes", "trained", set(), {"bits"}),
        ("from_scratch", "initial", set(), {"sparsity"}),
    ):

        @dataclass(frozen=True, kw_only=True)
        class Made(Strategy):
            """Nothing.  Source: this test."""

            epochs: int = knob(0, low=0, unit="epochs")

            def apply(self, stage: Any, job: Any) -> Any:
                return stage

        Made.needs, Made.keeps = needs, frozenset(keeps)  # type: ignore[assignment]
        Made.gives = frozenset(gives)
        own.register(name, version=1)(Made)
    return Catalog(strategies=own)


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (["magnitude_prune", "quantizes"], "Leave one of them out."),
        (
            ["clusters", "magnitude_prune"],
            "In this order nothing is lost: magnitude_prune + clusters.",
        ),
        (["magnitude_prune", "identity", "quantizes"], "would undo its sparsity"),
        (["identity", "from_scratch"], "it is the first step"),
        (["clusters", "quantizes"], "would undo its codebook"),
        (
            ["clusters", "identity", "from_scratch"],
            "nothing is lost: from_scratch + clusters + identity.",
        ),
        (
            ["ptq", "weight_cluster", "magnitude_prune"],
            "nothing is lost: magnitude_prune + weight_cluster + ptq.",
        ),
        (["from_scratch", "snip"], "Leave one of them out."),
    ],
)
def test_orders_that_undo_themselves(catalog: Catalog, chain: list[str], said: str) -> None:
    with pytest.raises(InvalidStudy) as told:
        resolve(replace(PLAIN, compress=tuple(map(use, chain))), catalog)
    assert said in str(told.value)
    assert " + ".join(chain) in str(told.value)


@pytest.mark.parametrize(
    "chain",
    [
        ["magnitude_prune", "clusters"],
        ["from_scratch", "clusters", "identity"],
        ["magnitude_prune"] * 2,
    ],
)
def test_orders_that_make_sense(catalog: Catalog, chain: list[str]) -> None:
    assert (
        resolve(replace(PLAIN, compress=tuple(map(use, chain))), catalog).compress[0].name
        == chain[0]
    )


def test_an_alternative_that_breaks_the_order_is_refused(catalog: Catalog) -> None:
    steps = (use("magnitude_prune"), Choice(None, use("identity"), use("quantizes")))
    with pytest.raises(InvalidStudy, match="quantizes after magnitude_prune"):
        resolve(replace(PLAIN, compress=steps), catalog)


# --- where a mistake is ---------------------------------------------------------------------------

FILE = '"""Q?"""\nfrom framework import Float, Study, use\n'
FILE += 'STUDY = Study(dataset=use("digits"), architecture=use("{net}"), '
FILE += 'compress=[use("magnitude_prune", sparsity={of})])\n'


@pytest.mark.parametrize(
    ("net", "of", "settings", "where"),
    [
        ("lenet6", "0.5", [], "In studies/mine.py."),
        ("lenet6", "0.5", ["trials=3"], "In studies/mine.py."),
        (
            "lenet5",
            "0.5",
            ["trials=3", "architecture=lenet6", "seed=1"],
            "In the override 'architecture=lenet6'.",
        ),
        ("lenet5", "2.0", ["trials=3", "seed=1"], "In studies/mine.py."),
        (
            "lenet5",
            "Float(0.1, 0.9)",
            ["seed=1", "sampler=grid", "trials=3"],
            "In the override 'sampler=grid'.",
        ),
        (
            "lenet6",
            "2.0",
            ["architecture=lenet7", "compress.0.sparsity=0.5"],
            "In the override 'architecture=lenet7'.",
        ),
    ],
)
def test_a_mistake_is_laid_where_it_was_made(
    tmp_path: Path, net: str, of: str, settings: list[str], where: str
) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "mine.py").write_text(FILE.format(net=net, of=of), "utf-8")
    with pytest.raises(UserError) as told:
        plan(tmp_path, "mine", settings=settings, catalog=CATALOG)
    assert told.value.__notes__[-1] == where


def test_overrides_of_how_much_keep_the_folder(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "mine.py").write_text(FILE.format(net="lenet5", of="0.5"), "utf-8")

    def folder(*settings: str) -> str:
        return plan(tmp_path, "mine", settings=settings, catalog=CATALOG).folder

    assert folder() == folder("trials=3", "hours=1") == "mine"
    assert folder("seed=1").startswith("mine@")
    assert folder("seed=1") != folder("seed=2")


@pytest.mark.parametrize(
    ("train", "compress"),
    [
        (Train(learning_rate=5.0, finetune_factor=4.0), ()),
        (Train(learning_rate=Float(0.1, 1.0), finetune_factor=Choice(1.0, 20.0)), ()),
        (Train(learning_rate=1.0), (use("qat", rate=8.0),)),
        (Train(learning_rate=1e-8, finetune_factor=0.5), ()),
    ],
)
def test_a_rate_of_fine_tuning_that_no_training_may_have(train: Train, compress: Any) -> None:
    with pytest.raises(InvalidStudy, match="rate of fine-tuning is out of the range"):
        resolved(train=train, compress=compress)
    # the way out: one of the factors lowered or raised
    mended = replace(train, learning_rate=0.1, finetune_factor=1.0)
    assert resolved(train=mended, compress=compress).train == mended
