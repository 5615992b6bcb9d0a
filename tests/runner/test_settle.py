"""What is left to `auto` is settled on the calibration split, before anything is run, and stands in
every spec."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from nets_support import CATALOG
from studies_support import Watcher, new_project

from framework import nn
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.results import record
from framework.runner.baseline import Lab
from framework.runner.forecast.estimate import work_left
from framework.runner.settle import Settler, left_open
from framework.tracking.history import read_history

RANGES = {"unit": lambda x: x, "bytes": lambda x: 255 * x, "signed": lambda x: 2 * x - 1}
LABEL = ("dataset.target=label",)
STUDY = {
    "train": "Train(epochs=1, batch_size=40, warmup_epochs=0)",
    "compress": '[use("ptq", format="int8")]',
    "trials": 1,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with one net for each range of pixels, trained on it by keras alone."""
    project = new_project(
        tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("ranges") / "project"
    )
    spec = plan(project.root, "tiny", settings=["architecture=lenet5"], catalog=CATALOG).study.fix(
        first_value
    )
    train = Lab(project.root, CATALOG).splits(spec).train
    for name, change in RANGES.items():
        save_trained(project.root / f"{name}.h5", change(train.inputs["image"]), train.labels)
        project.write_study(name, architecture=f'use("from_file", path="{name}.h5")', **STUDY)
    return project


def save_trained(path, pictures, labels):
    """A net with batch statistics near its beginning, so that it depends on the range it was
    trained on."""
    keras = nn.backend.keras
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input(pictures.shape[1:]),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(32, use_bias=False),
            layers.BatchNormalization(momentum=0.5),
            layers.ReLU(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.legacy.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(pictures, labels, batch_size=50, epochs=6, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # .h5 is called legacy
        model.save(path)


@pytest.fixture(scope="module")
def ran(project):
    """What each study said."""
    views = {name: Watcher() for name in RANGES}
    for name, observer in views.items():
        project.study(name, observer=observer)
    return views


@pytest.mark.parametrize("name", RANGES)
def test_the_range_that_a_net_was_trained_on_is_found_and_said(name, project, ran):
    (baseline,), (control,), (trial,) = (
        project.runs(role, name) for role in ("baseline", "control", "trial")
    )
    assert {run.params["architecture.pixels"] for run in (baseline, control, trial)} == {name}
    assert baseline.metrics["val_accuracy"] > 0.85
    assert trial.metrics["val_accuracy"] > 0.85  # 8 bits hold every range
    (told,) = [text for text in ran[name].said if "auto" in text]
    assert f"pixels={name} is taken for auto" in told
    assert all(f"pixels={other} 0." in told for other in set(RANGES) - {name})


def test_specs_hold_what_was_taken_and_differ_by_it(project, ran):
    (trial,) = project.runs("trial", "bytes")
    spec = json.loads(project.store().artifact(trial.run_id, record.SPEC_JSON))
    assert spec["architecture"]["knobs"]["pixels"] == "bytes"
    open_spec = plan(project.root, "bytes", settings=[], catalog=CATALOG).study.fix(first_value)
    told = [with_pixels(open_spec, pixels).digest for pixels in ("auto", "unit", "bytes", "signed")]
    assert len(set(told)) == 4
    assert trial.tags["spec_digest"] == told[2]


def with_pixels(spec, pixels):
    return replace(
        spec,
        architecture=replace(
            spec.architecture, knobs={**spec.architecture.knobs, "pixels": pixels}
        ),
    )


def test_what_is_told_is_taken_as_it_is(project, ran):
    observer = Watcher()
    project.study("bytes", "architecture.pixels=unit", observer=observer)
    wrong = [
        run
        for run in project.runs("baseline", "bytes")
        if run.params["architecture.pixels"] == "unit"
    ]
    assert [run.metrics["val_accuracy"] < 0.5 for run in wrong] == [True]
    assert not [text for text in observer.said if "auto" in text]


def test_a_study_that_goes_on_stays_with_what_it_took(project, ran, monkeypatch):
    pruned = STUDY | {"compress": '[use("magnitude_prune", sparsity=Float(0.3, 0.6), epochs=0)]'}
    project.write_study("goes_on", architecture='use("from_file", path="bytes.h5")', **pruned)
    project.study("goes_on")
    monkeypatch.setattr(
        "framework.runner.settle._quality", lambda spec, lab: pytest.fail("tried again")
    )
    left = work(project, "goes_on", "trials=2")
    assert (len(left.todo), left.dense, left.controls) == (1, [], [])
    project.study("goes_on", "trials=2")
    trials = project.runs("trial", "goes_on")
    assert [run.params["architecture.pixels"] for run in trials] == ["bytes", "bytes"]
    assert {run.status for run in trials} == {"FINISHED"}
    assert len(project.runs("baseline", "goes_on")) == len(project.runs("control", "goes_on")) == 1


def work(project, name, *settings):
    """What an estimate finds left of a study."""
    planned = plan(project.root, name, settings=settings, catalog=CATALOG)
    history = read_history(project.store(), planned, project.store().runs(name), fresh=False)
    return work_left(planned.study, history, Lab(project.root, CATALOG))


@pytest.mark.parametrize(
    ("found", "taken"),
    [
        ({"unit": 0.1, "bytes": 0.9, "signed": 0.2}, "bytes"),
        ({"unit": 0.5, "bytes": 0.5, "signed": 0.5}, "unit"),
        ({"unit": float("nan"), "bytes": 0.1, "signed": float("inf")}, "bytes"),
        ({"unit": -3.0, "bytes": -9.0, "signed": -0.5}, "signed"),
    ],
)
def test_the_best_is_taken_and_of_equal_ones_the_likeliest(found, taken, project, monkeypatch):
    spec = plan(project.root, "unit", settings=[], catalog=CATALOG).study.fix(first_value)
    monkeypatch.setattr(
        "framework.runner.measurement.quality",
        lambda stage, *_: found[{1: "unit", 255: "bytes", 2: "signed"}[factor(stage)]],
    )
    assert Settler(Lab(project.root, CATALOG)).settle(spec).architecture.knobs["pixels"] == taken


def factor(stage):
    """By which the net multiplies its pixels first."""
    scales = [
        item["config"]["scale"]
        for item in nn.graph.layers(stage.graph)
        if item["class_name"] == "Rescaling"
    ]
    return [1, *scales][-1]


def test_what_leaves_nothing_open_stays_as_it_is(project):
    lab = Lab(project.root, CATALOG)
    plain = plan(project.root, "tiny", settings=[], catalog=CATALOG).study.fix(first_value)
    told = plan(
        project.root, "unit", settings=["architecture.pixels=unit"], catalog=CATALOG
    ).study.fix(first_value)
    for spec in (plain, told):
        assert left_open(spec, lab) == {}
        assert Settler(lab).settle(spec) == spec


def test_a_worker_tries_it_and_the_coordinator_loads_no_tensorflow(project):
    name, taken = "by_worker", "signed"
    project.write_study(name, architecture='use("from_file", path="signed.h5")', **STUDY)
    code = (
        "import sys, framework\n"
        f"framework.run({name!r}, workers=1)\n"
        "print('tensorflow' in sys.modules)"
    )
    said, errors = (process := project.python(code)).communicate()
    assert process.returncode == 0, errors
    assert said.splitlines()[-1] == "False"
    assert f"pixels={taken} is taken for auto" in " ".join(errors.split())
    runs = [run for role in ("baseline", "control", "trial") for run in project.runs(role, name)]
    assert [run.params["architecture.pixels"] for run in runs] == [taken] * 3


# --- a table --------------------------------------------------------------------------------------


def write_table(file, count=300):
    """Two classes that differ in one column, whose mean is a hundred times its spread."""
    random = np.random.default_rng(3)
    labels = np.arange(count) % 2
    columns = np.stack(
        [500 + 5 * labels + random.normal(0, 1, count), random.normal(0, 1, count)], axis=1
    )
    rows = [
        f"{first!r},{second!r},{label}"
        for (first, second), label in zip(columns.tolist(), labels, strict=True)
    ]
    file.write_text("\n".join(["height,noise,label", *rows]) + "\n")
    return columns, labels


def save_table_net(path, columns, labels):
    """A net that reads the columns as they are written."""
    keras = nn.backend.keras
    keras.utils.set_random_seed(1)
    layers = keras.layers
    answer = [layers.BatchNormalization(momentum=0.5), layers.Dense(2, activation="softmax")]
    model = keras.Sequential([layers.Input((2,)), *answer])
    model.compile(keras.optimizers.legacy.Adam(0.05), "sparse_categorical_crossentropy")
    model.fit(columns, labels, batch_size=20, epochs=8, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # .h5 is called legacy
        model.save(path)


@pytest.mark.parametrize(("raw", "taken"), [(True, "none"), (False, "train")])
def test_the_scale_of_a_table_is_the_one_that_a_saved_net_was_trained_on(raw, taken, project):
    columns, labels = write_table(project.root / "table.csv")
    scaled = columns if raw else (columns - columns.mean(axis=0)) / columns.std(axis=0)
    save_table_net(project.root / f"table_{taken}.h5", scaled, labels)
    name, observer = f"table_{taken}", Watcher()
    project.write_study(name, architecture=f'use("from_file", path="{name}.h5")', **STUDY)
    project.study(name, "dataset=csv", "dataset.path=table.csv", *LABEL, observer=observer)
    runs = [run for role in ("baseline", "control", "trial") for run in project.runs(role, name)]
    assert [run.params["dataset.scale"] for run in runs] == [taken] * 3
    assert runs[0].metrics["val_accuracy"] > 0.9
    assert [text for text in observer.said if f"scale={taken} is taken for auto" in text]


def test_the_scale_of_a_net_that_is_trained_here_is_that_of_the_train_split(project):
    write_table(project.root / "table.csv")
    settings = ["dataset=csv", "dataset.path=table.csv", *LABEL, "architecture=lstm"]
    spec = plan(project.root, "tiny", settings=settings, catalog=CATALOG).study.fix(first_value)
    said = []
    settler = Settler(Lab(project.root, CATALOG), say=said.append)
    settled = settler.settle(spec)
    assert settled == settler.recalled(spec) != spec
    assert settled.dataset.knobs["scale"] == "train"
    assert not said
