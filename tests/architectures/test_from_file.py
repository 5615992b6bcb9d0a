"""A net of the user's own: saved by Keras 2 or 3, read without running anything of it, compressed
by a study."""

import hashlib
import json
import os
import sys
import warnings
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import saved_nets
from nets_support import CATALOG, FewSamples, digest, fixed
from studies_support import new_project

from framework import nn, use
from framework.contracts import DataInfo
from framework.errors import InvalidStudy
from framework.nn.training.fit import Trained
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.runner.baseline import Lab
from framework.runner.forecast.estimate import work_left
from framework.runner.trial import TrialJob, run
from framework.tracking.history import History

GREY = DataInfo(task="classes", classes=10, inputs={"image": (8, 8, 1)})
DATA = {  # what each of the saved nets was made for
    "lenet": GREY,
    "rows": GREY,
    "stacked": GREY,
    "transfer": GREY,
    "reused": GREY,
    "operators": GREY,
    "rewritten": DataInfo(task="classes", classes=10, inputs={"image": (8, 8, 3)}),
    "branches": DataInfo(task="classes", classes=4, inputs={"image": (16, 16, 3)}),
    "words": DataInfo(task="binary", classes=2, inputs={"text": (7,)}, tokens={"text": 20}),
    "pair": DataInfo(
        task="classes",
        classes=3,
        inputs={"question": (5,), "image": (9, 9, 3)},
        tokens={"question": 11},
    ),
}
STUDY = {
    # one epoch at the full rate: how gently a net that comes trained is tuned is not looked at here
    "train": "Train(epochs=9, batch_size=40, learning_rate=0.001, warmup_epochs=0, "
    "trained_factor=1.0)",
    "compress": '[use("magnitude_prune", sparsity=0.5, epochs=1), use("ptq", format="int8")]',
    "trials": 1,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with the digits prepared."""
    return new_project(tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("own") / "project")


@pytest.fixture(scope="module")
def digits(project, tmp_path_factory):
    """Pictures and labels in a file, for whoever trains a net elsewhere.

    Labels of validation in it too.
    """
    spec = plan(project.root, "tiny", settings=["architecture=lenet5"], catalog=CATALOG).study.fix(
        first_value
    )
    splits = Lab(project.root, CATALOG).splits(spec)
    file = tmp_path_factory.mktemp("digits") / "digits.npz"
    arrays = {"images": splits.train.inputs["image"], "labels": splits.train.labels}
    np.savez(
        file, **arrays, validation=splits.validation.inputs["image"], truth=splits.validation.labels
    )
    return file


@pytest.fixture(scope="module")
def folders(digits, tmp_path_factory):
    """Nets saved by Keras 2 (tf_keras) and by Keras 3 itself."""
    found = {version: tmp_path_factory.mktemp(f"keras_{version}") for version in (2, 3)}
    saved_nets.save_all(nn.backend.keras, found[2], digits)
    saved_nets.save_by_keras_3(found[3], digits)
    return found


def from_file(path, **knobs):
    return CATALOG.architectures.build("from_file", {"path": str(path), **knobs})


def read(path, info, **knobs):
    """The net of a file as a stage, with the shapes it asks for."""
    net = from_file(path, **knobs)
    info = replace(info, inputs=net.input_shapes(info))
    return nn.graph.initial_stage(net, info, seed=0), info


def layer(name, *values, **options):
    return getattr(nn.backend.keras.layers, name)(*values, **options)


def saved(path, *layers):
    """A sequential net saved by tf_keras."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # .h5 is called legacy
        nn.backend.keras.Sequential(list(layers)).save(path)
    return path


# --- the same net ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", saved_nets.FORMATS)
@pytest.mark.parametrize("name", saved_nets.NETS)
def test_it_answers_as_the_net_that_was_saved(name, kind, version, folders):
    stage, info = read(folders[version] / f"{name}.{kind}", DATA[name])
    given = saved_nets.samples(name)
    assert {key: value.shape[1:] for key, value in given.items()} == dict(info.inputs)
    said = np.load(folders[version] / f"{name}.npy")
    if name == "rows":  # logits: the head that the task asks for is put behind them
        said = np.exp(said) / np.exp(said).sum(axis=1, keepdims=True)
    model = nn.graph.build(stage.graph)
    nn.graph.write_weights(model, stage.weights)
    assert model(given, training=False).numpy() == pytest.approx(said, abs=1e-5)
    assert {layer["config"]["name"] for layer in nn.graph.layers(stage.graph)} >= set(info.inputs)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", saved_nets.FORMATS)
@pytest.mark.parametrize("name", ["on_model", "of_sequences"])
def test_a_net_with_models_in_it_is_the_same_as_its_flat_twin(name, kind, version, folders):
    nested, _ = read(folders[version] / f"{name}.{kind}", GREY)
    flat, _ = read(folders[version] / f"{name}_flat.{kind}", GREY)
    # whatever is made of a stage is a function of these two
    assert nested.graph == flat.graph
    assert digest(nested) == digest(flat)


def pruned_trial(path, lab):
    """The record of a trial that prunes, trains and stores in 8 bits."""
    steps = (use("magnitude_prune", sparsity=0.5, epochs=1), use("ptq", format="int8"))
    net = use("from_file", path=str(path), pixels="unit")
    record = run(fixed(net, *steps, epochs=1, batch_size=40), lab)
    assert not record.error
    assert record.metrics["sparsity_reached"] >= 0.49
    return record


@pytest.mark.slow
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", saved_nets.FORMATS)
@pytest.mark.parametrize("name", ["on_model", "of_sequences"])
def test_a_trial_of_a_net_with_models_in_it_is_that_of_its_flat_twin(
    name, kind, version, folders, few: FewSamples
):
    nested = pruned_trial(folders[version] / f"{name}.{kind}", few)
    flat = pruned_trial(folders[version] / f"{name}_flat.{kind}", few)
    for content in ("model.tflite", "weights.npz", "layers.csv"):
        assert nested.artifacts[content] == flat.artifacts[content], content
    assert nested.metrics == flat.metrics


def test_an_output_is_chosen_by_name_and_what_is_left_out_is_said(tmp_path):
    keras = nn.backend.keras
    inputs = layer("Input", (8, 8, 1))
    x = layer("Flatten")(keras.layers.GaussianNoise(0.1, name="noise")(inputs))
    digit = keras.layers.Dense(10, activation="softmax", name="digit")(x)
    odd = keras.layers.Dense(2, activation="softmax", name="odd")(x)
    path = tmp_path / "two.keras"
    keras.Model(inputs, [digit, odd]).save(path)
    with pytest.raises(InvalidStudy, match=r"architecture\.output=digit"):
        read(path, GREY)
    stage, _ = read(path, GREY, output="digit")
    assert "odd" not in nn.graph.layers_by_name(stage.graph)
    (remark,) = from_file(path, output="digit").remarks()
    assert remark == "layers that only training knows are left out: noise"


def accuracy(said, digits):
    with np.load(digits) as data:
        return float((said.argmax(axis=1) == data["truth"]).mean())


@pytest.mark.parametrize(("version", "kind"), [(2, "keras"), (2, "h5"), (3, "keras")])
def test_a_study_prunes_and_quantizes_it(version, kind, project, folders, digits):
    name = f"keras_{version}_{kind}"
    (project.root / f"{name}.{kind}").write_bytes(
        (folders[version] / f"trained.{kind}").read_bytes()
    )
    project.write_study(name, architecture=f'use("from_file", path="{name}.{kind}")', **STUDY)
    project.command("study", name)
    (baseline,), (trial,) = project.runs("baseline", name), project.runs("trial", name)
    assert trial.status == "FINISHED"
    assert (
        baseline.metrics["val_accuracy"]
        == accuracy(np.load(folders[version] / "trained.npy"), digits)
        > 0.9
    )
    assert baseline.metrics["fit_seconds"] == 0
    assert trial.metrics["val_accuracy"] > 0.85
    assert trial.metrics["sparsity_reached"] >= 0.49
    assert trial.metrics["bits_reached"] == 8
    assert trial.metrics["size_tflite_bytes"] < 0.6 * trial.metrics["baseline.size_tflite_bytes"]
    assert not list((project.root / ".cache").glob("baselines/*"))


# --- its own baseline -----------------------------------------------------------------------------


@pytest.fixture
def own(project, folders):
    """A spec of a study on the trained net."""
    (project.root / "model.keras").write_bytes((folders[2] / "trained.keras").read_bytes())
    project.write_study("own", **STUDY | {"architecture": 'use("from_file")'})
    return plan(project.root, "own", settings=[], catalog=CATALOG).study.fix(first_value)


def test_it_is_its_own_baseline_and_nothing_is_trained(own, project):
    lab, before = Lab(project.root, CATALOG), Trained.traces
    dense, job = (
        lab.baseline(own),
        TrialJob(own, lab, lab.baseline(own), deadline=np.inf, report=lambda *_: None),
    )
    assert dense.curve == ()
    assert dense.stage is dense.initial is lab.baseline(own).stage
    assert (
        digest(job.rewind(9)) == digest(job.rewind(1)) == digest(job.initial) == digest(dense.stage)
    )
    assert Trained.traces == before
    assert lab.has_baseline(own)
    assert digest(lab.baseline(replace(own, seed=5)).stage) == digest(dense.stage)


def test_what_a_study_costs_counts_no_training_of_it(own, project):
    study = plan(project.root, "own", settings=[], catalog=CATALOG).study
    work = work_left(study, History(0, None, changed=False), Lab(project.root, CATALOG))
    assert (len(work.dense), work.untrained) == (1, [])


def test_a_study_belongs_to_the_bytes_of_the_file(own, project, folders):
    sha256 = own.architecture.knobs["sha256"]
    assert sha256 == hashlib.sha256((project.root / "model.keras").read_bytes()).hexdigest()
    (project.root / "model.keras").write_bytes((folders[3] / "trained.keras").read_bytes())
    other = plan(project.root, "own", settings=[], catalog=CATALOG).study.fix(first_value)
    assert other.digest != own.digest
    with pytest.raises(InvalidStudy, match="not the one that the study names"):
        plan(project.root, "own", settings=[f"architecture.sha256={sha256}"], catalog=CATALOG)
    with pytest.raises(InvalidStudy, match="not the one that the study names"):
        Lab(project.root, CATALOG).initial(own)


def test_a_search_is_over_nets_not_over_paths(own, project):
    with pytest.raises(InvalidStudy, match="path names one file"):
        plan(
            project.root,
            "own",
            settings=['architecture.path=Choice("model.keras","b.keras")'],
            catalog=CATALOG,
        )


# --- hostile files --------------------------------------------------------------------------------


def edited(path, change):
    """The `.keras` file with another description of its last layer."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config["config"]["layers"][-1])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | {"config.json": json.dumps(config).encode()}).items():
            archive.writestr(name, content)


def hostile(case, root):
    """A file that would make a file `run` if anything in it were run."""
    mark, model = root / "run", root / "hostile.keras"
    if case.startswith("Lambda"):
        run = f"touch {mark}"
        layers = [
            layer("Input", (28, 28, 1)),
            layer("Flatten"),
            layer("Lambda", lambda x: (os.system(run), x)[1]),
        ]
        return saved(
            root / f"hostile{case.removeprefix('Lambda')}", *layers, layer("Dense", 10)
        ), mark
    system = {"module": "os", "class_name": "system", "config": {"command": f"touch {mark}"}}
    changes = {
        "class": {
            "module": "hostile",
            "class_name": "Hostile",
            "registered_name": "hostile>Hostile",
        },
        "os": {"module": "os", "class_name": "system"},
        "os as Dense": {"module": "os"},
        "os inside": {"config": {"name": "dense", "units": 10, "kernel_initializer": system}},
    }
    saved(model, layer("Input", (28, 28, 1)), layer("Flatten"), layer("Dense", 10))
    edited(model, lambda last: last.update(changes[case]))
    return model, mark


@pytest.mark.parametrize(
    "case", ["Lambda.keras", "Lambda.h5", "class", "os", "os as Dense", "os inside"]
)
def test_a_hostile_file_runs_nothing_and_is_refused_with_code_2(case, project, capsys, monkeypatch):
    path, mark = hostile(case, project.root)
    assert mark.exists() == case.startswith("Lambda")  # keras has run it while building the net
    mark.unlink(missing_ok=True)
    (project.root / "hostile.py").write_text(f"import pathlib; pathlib.Path({str(mark)!r}).touch()")
    monkeypatch.syspath_prepend(str(project.root))
    project.write_study("hostile", architecture=f'use("from_file", path="{path.name}")')
    for command in ("check", "study"):
        assert project.exit_code(command, "hostile") == 2
        told = "".join(capsys.readouterr())
        assert f"The net in {path.name} cannot be used." in told
        assert "Traceback" not in told
    assert not mark.exists()
    assert "hostile" not in sys.modules
    assert not project.store().runs("hostile")


# --- inputs and head ------------------------------------------------------------------------------


def net(folder, shape, *layers, **head):
    """A saved sequential net with a head of ten softmax units, or another; none with 0 units."""
    ends = (
        ()
        if head.get("units") == 0
        else (layer("Dense", **{"units": 10, "activation": "softmax"} | head),)
    )
    return saved(folder / "net.keras", layer("Input", shape), *layers, *ends)


@pytest.mark.parametrize(
    ("shape", "asked"),
    [
        ((28, 28, 1), (28, 28, 1)),
        ((20, 24, 3), (20, 24, 3)),
        ((28, 28), (28, 28, 1)),
        ((784,), (28, 28, 1)),
        ((64,), (8, 8, 1)),
        ((192,), (8, 8, 3)),
        ((None, None, 3), (8, 8, 3)),
    ],
)
def test_pictures_come_as_the_net_reads_them(shape, asked, tmp_path):
    flat = layer("GlobalAveragePooling2D") if None in shape else layer("Flatten")
    stage, info = read(net(tmp_path, shape, flat), GREY)
    assert info.inputs == {"image": asked}
    assert nn.graph.build(stage.graph).input_shape == (None, *asked)


@pytest.mark.parametrize(
    ("first", "pixels", "factor"),
    [(1, "auto", 1), (1, "bytes", 255), (1 / 255, "auto", 255), (1 / 127.5, "unit", 1)],
)
def test_pixels_have_the_range_that_the_net_was_trained_on(first, pixels, factor, tmp_path):
    layers = [layer("Rescaling", first)] if first != 1 else []
    stage, _ = read(net(tmp_path, (8, 8, 1), *layers, layer("Flatten")), GREY, pixels=pixels)
    scales = [
        item["config"]["scale"]
        for item in nn.graph.layers(stage.graph)
        if item["class_name"] == "Rescaling"
    ]
    assert np.prod([1, *scales]) == pytest.approx(first * factor)


def test_signed_pixels_are_from_minus_1_to_1(tmp_path):
    stage, _ = read(net(tmp_path, (8, 8, 1), layer("Flatten")), GREY, pixels="signed")
    (scaled,) = [
        item["config"] for item in nn.graph.layers(stage.graph) if item["class_name"] == "Rescaling"
    ]
    assert [scaled["scale"] * pixel + scaled["offset"] for pixel in (0, 0.5, 1)] == [-1, 0, 1]


@pytest.mark.parametrize(
    ("first", "likeliest"), [(1, "unit"), (1 / 255, "bytes"), (1 / 127.5, "bytes")]
)
def test_an_open_range_begins_with_what_the_first_layer_tells(first, likeliest, tmp_path):
    layers = [layer("Rescaling", first)] if first != 1 else []
    file = net(tmp_path, (8, 8, 1), *layers, layer("Flatten"))
    (values,) = from_file(file).left_open(GREY).values()
    assert values[0] == likeliest
    assert sorted(values) == ["bytes", "signed", "unit"]
    assert from_file(file, pixels="unit").left_open(GREY) == {}


def test_a_net_that_reads_no_picture_has_no_open_range(folders):
    assert from_file(folders[2] / "words.keras").left_open(DATA["words"]) == {}


def test_one_input_of_several_is_read(tmp_path):
    info = DataInfo(task="regression", classes=0, inputs={"audio": (20, 8, 1), "image": (8, 8, 1)})
    spectrogram = net(tmp_path, (20, 8, 1), layer("Flatten"), units=1, activation="linear")
    with pytest.raises(InvalidStudy, match=r"\(20x8x1\).*audio \(20x8x1\), image \(8x8x1\)"):
        read(spectrogram, info)  # a picture would be resized to it
    for name in info.inputs:
        assert read(spectrogram, info, inputs=name)[1].inputs == {name: (20, 8, 1)}


@pytest.mark.parametrize(
    ("shape", "info", "knobs"),
    [
        ((8, 8, 4), GREY, {}),
        ((3, 50), replace(GREY, inputs={"sequence": (5, 2)}), {}),
        ((9,), DATA["words"], {}),
        ((8, 8, 1), GREY, {"inputs": "audio"}),
        ((8, 8, 1), GREY, {"inputs": "image,image"}),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_both_sides(shape, info, knobs, tmp_path):
    with pytest.raises(InvalidStudy, match=r"The net reads .*; the data set has ") as caught:
        read(net(tmp_path, shape, layer("Flatten")), info, **knobs)
    assert "x".join(map(str, shape)) in str(caught.value)


def test_two_inputs_are_matched_by_name_or_as_told(folders):
    info = replace(DATA["pair"], inputs={"image": (9, 9, 3), "text": (5,)}, tokens={"text": 11})
    with pytest.raises(InvalidStudy, match=r"image \(8x8x1\), question \(5\).*text \(5\)"):
        read(folders[2] / "pair.keras", info)
    assert read(folders[2] / "pair.keras", info, inputs="image, text")[1].inputs == {
        "image": (8, 8, 1),
        "text": (5,),
    }


def test_a_net_that_knows_too_few_tokens_is_refused(folders):
    with pytest.raises(InvalidStudy, match="has 20, 'text' has 21"):
        read(folders[2] / "words.keras", replace(DATA["words"], tokens={"text": 21}))


@pytest.mark.parametrize(
    ("head", "task", "classes", "appended"),
    [
        ({}, "classes", 10, ""),
        ({"activation": "linear"}, "classes", 10, "softmax"),
        ({"units": 1, "activation": "sigmoid"}, "binary", 2, ""),
        ({"units": 1, "activation": "linear"}, "binary", 2, "sigmoid"),
        ({"units": 1, "activation": "linear"}, "regression", 0, ""),
        ({"units": 1, "activation": "relu"}, "regression", 0, ""),
    ],
)
def test_the_head_is_that_of_the_task(head, task, classes, appended, tmp_path):
    stage, _ = read(
        net(tmp_path, (8, 8, 1), layer("Flatten"), **head),
        replace(GREY, task=task, classes=classes),
    )
    last = nn.graph.layers(stage.graph)[-1]["config"]
    assert (last["name"] == "head_activation") == bool(appended)
    assert not appended or last["activation"] == appended


@pytest.mark.parametrize(
    ("head", "task", "classes", "told"),
    [
        (
            {"units": 7},
            "classes",
            10,
            "7 units, softmax; the task 'classes' needs 10 units, softmax",
        ),
        ({"activation": "sigmoid"}, "classes", 10, "10 units, sigmoid"),
        ({"units": 2}, "binary", 2, "needs 1 units, sigmoid"),
        ({"units": 1, "activation": "sigmoid"}, "regression", 0, "1 units, sigmoid"),
        ({"units": 0}, "classes", 10, r"answers of the shape \(64,\)"),
    ],
)
def test_another_head_is_refused_with_its_numbers(head, task, classes, told, tmp_path):
    with pytest.raises(InvalidStudy, match=told):
        read(
            net(tmp_path, (8, 8, 1), layer("Flatten"), **head),
            replace(GREY, task=task, classes=classes),
        )


# --- what the lab cannot use ----------------------------------------------------------------------


def test_arrays_of_another_net_are_refused_before_they_take_memory(tmp_path):
    wide = net(tmp_path, (8, 8, 1), layer("ZeroPadding2D", 4000), layer("Flatten"), units=0)
    edited(wide, lambda last: None)
    narrow = net(tmp_path, (8, 8, 1), layer("Flatten"))
    edited(narrow, lambda last: last["config"].update(units=10))
    with zipfile.ZipFile(narrow) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    padding = {
        "module": "keras.layers",
        "class_name": "ZeroPadding2D",
        "config": {"name": "pad", "padding": 4000},
    }
    config["config"]["layers"].insert(1, padding)
    with zipfile.ZipFile(narrow, "w") as archive:
        for name, content in (members | {"config.json": json.dumps(config).encode()}).items():
            archive.writestr(name, content)
    with pytest.raises(
        InvalidStudy,
        match=r"Weight 0 of layer 'dense.*' is \(64, 10\) in the file, \(64128064, 10\)",
    ):
        read(narrow, GREY)


def test_a_recurrent_layer_that_cannot_be_exported_is_refused_when_the_study_is_planned(tmp_path):
    path = net(tmp_path, (8, 8), layer("LSTM", 4, activation="relu"))
    with pytest.raises(InvalidStudy, match="activation='relu'"):
        from_file(path).input_shapes(GREY)
