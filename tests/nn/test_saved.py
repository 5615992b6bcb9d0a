"""Files of saved nets that are damaged, hostile or not of plain layers: each is refused, and
nothing in it is run."""

import copy
import json
import sys
import zipfile
from functools import partial

import h5py
import numpy as np
import pytest
from saved_files import ARRAYS, call, hdf5, layer, model, refused, tensor, write_keras

from framework.errors import InvalidStudy
from framework.nn import saved
from framework.nn.layers import LAYERS
from framework.nn.saved import file as saved_file


@pytest.fixture
def write(tmp_path):
    return partial(write_keras, tmp_path / "net.keras")


def changed(config, name, /, **values):
    """The model with other values in the description of one layer.

    `config__key` reaches into its configuration.
    """
    config = copy.deepcopy(config)
    (found,) = [item for item in config["config"]["layers"] if item["name"] == name]
    for key, value in values.items():
        inner = key.removeprefix("config__")
        (found["config"] if inner != key else found)[inner] = value
    return config


def test_a_plain_net_is_read(write):
    net = saved.load(write())
    assert [(item.name, item.kind, item.sources) for item in net.layers] == [
        ("x", "InputLayer", ()),
        ("y", "Dense", ("x",)),
    ]
    assert net.layer("x").shape == (4,)
    assert {key: value.shape for key, value in net.weights.items()} == {
        ("y", 0): (4, 3),
        ("y", 1): (3,),
    }


def test_every_layer_of_the_list_has_its_options():
    """A layer that joins the table is read from files too: what decides its outputs is named."""
    without = {name for name, kind in LAYERS.items() if not kind.options}
    assert without == {
        "InputLayer", "Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"
    }  # fmt: skip


# --- foreign code ---------------------------------------------------------------------------------

REGULARIZER = {"module": "os", "class_name": "L2", "config": {}}
FOREIGN = {
    "a Lambda": ({"class_name": "Lambda"}, ["'y' is a Lambda", "plain layers"]),
    "a class of one's own": ({"class_name": "Evil", "module": "evil_module"}, ["'y' is a Evil"]),
    "os as a module": (
        {"class_name": "Dense", "module": "os"},
        ["'os'", "Nothing of it was loaded or run"],
    ),
    "a function of os": ({"class_name": "system", "module": "os"}, ["'y' is a system"]),
    "a registered class": ({"registered_name": "evil>Dense"}, ["'evil>Dense'"]),
    "os in a regularizer": ({"config__kernel_regularizer": REGULARIZER}, ["'y' names 'os'"]),
    "a regularizer of one's own": (
        {"config__kernel_regularizer": REGULARIZER | {"class_name": "Evil"}},
        ["'Evil'"],
    ),
    "a function as an activation": (
        {"config__activation": {"module": "builtins", "class_name": "function", "config": "eval"}},
        ["'y' has an activation", "'eval'"],
    ),
    "another name as an activation": (
        {"config__activation": "evil_module.run"},
        ["'y' has an activation", "relu"],
    ),
    "os in an initializer's values": (
        {"config__kernel_initializer": {"class_name": "Zeros", "config": {"seed": REGULARIZER}}},
        ["'y' names 'os'"],
    ),
    "an inner model": (
        {"class_name": "Sequential", "registered_name": "evil>Sequential"},
        ["The model 'y' names 'evil>Sequential'", "Nothing of it was loaded or run"],
    ),
    "a layer that prepares data": ({"class_name": "Hashing"}, ["'y' is a Hashing"]),
    "an operator": ({"class_name": "Erf", "module": "keras.src.ops.math"}, ["'y' (erf)"]),
    "a layer within a layer": (
        {
            "class_name": "TimeDistributed",
            "config": {"layer": {"class_name": "Evil", "config": {}}},
        },
        ["'y' is a Evil"],
    ),
    "a layer as an activation": (
        {"config__activation": {"class_name": "Evil", "config": {}}},
        ["names 'Evil'"],
    ),
    "a quantized layer": (
        {"config__dtype": {"class_name": "QuantizedDTypePolicy", "config": {}}},
        ["'y' names"],
    ),
    "numbers of another kind": ({"config__dtype": "int8_from_float32"}, ["'int8_from_float32'"]),
    "an option of another version": ({"config__lora_rank": 4}, ["lora_rank=4"]),
    "channels first": (
        {"class_name": "Flatten", "config": {"name": "y", "data_format": "channels_first"}},
        ["channels_last"],
    ),
    "a text for a number": ({"config__units": "3; import os"}, ["units="]),
    "a number without end": ({"config__units": float("inf")}, ["units="]),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_what_is_not_a_plain_layer_is_refused_and_not_imported(case, write, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "evil_module.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    values, words = FOREIGN[case]
    refused(write(changed(model(), "y", **values)), *words)
    assert "evil_module" not in sys.modules
    assert not (tmp_path / "run").exists()


def test_a_model_of_a_class_of_its_own_is_refused(write):
    refused(write(model() | {"class_name": "MyModel"}), "MyModel", "functional")


def test_what_training_alone_knows_is_left_out(write):
    parts = {
        "kernel_regularizer": {
            "module": "keras.regularizers",
            "class_name": "L2",
            "config": {"l2": 0.01},
        }
    }
    parts |= {
        "kernel_initializer": {
            "module": "keras.initializers",
            "class_name": "HeNormal",
            "config": {},
        }
    }
    parts |= {"trainable": False, "seed": 3, "lora_rank": None, "quantization_config": None}
    path = write(changed(model(), "y", **{f"config__{key}": value for key, value in parts.items()}))
    assert dict(saved.load(path).layer("y").options) == {
        "units": 3,
        "activation": "softmax",
        "use_bias": True,
    }


def test_a_function_that_keras_3_changed_is_known_by_the_version(write):
    config = changed(model(), "y", config__activation="hard_sigmoid")
    assert (
        saved.load(write(config, version="2.15.0")).layer("y").options["activation"]
        == "hard_sigmoid"
    )
    # a layer behind it, as many steps as it is made of: (x + 3) clipped to 0 to 6, a sixth of it
    net = saved.load(write(config))
    assert [item.kind for item in net.layers][1:] == ["Dense", "Rescaling", "ReLU", "Rescaling"]
    assert net.layer("y").options["activation"] == "linear"


# --- wiring ---------------------------------------------------------------------------------------


def test_names_are_made_safe_and_unique(write):
    config = model(
        layer("Flatten", "a/b", "x"), layer("Flatten", "a b", "a/b"),
        layer("Flatten", "1;net/y", "a b"),
        layer("Dense", "é", "1;net/y", units=3), output="é",
    )  # fmt: skip
    names = [item.name for item in saved.load(write(config)).layers]
    assert names == ["x", "a_b", "a_b_2", "layer_1_net_y", "layer"]


WIRES = {
    "a second output": (call(tensor("x", output=1)), ["Output 1 of layer 'x'"]),
    "an unknown layer": (call(tensor("z")), ["'z' is read"]),
    "itself": (call(tensor("y")), ["circle"]),
    "too many inputs": (call([tensor("x"), tensor("x")]), ["given 2 inputs"]),
    "nothing": ({"inbound_nodes": []}, ["nowhere", "given anything"]),
    "a constant": (call(tensor("x"), 3), ["constant 3"]),
    "Dropout that never stops": (call(tensor("x"), training=True), ["training=True"]),
    "a mask from elsewhere": (call(tensor("x"), mask=tensor("x")), ["with a mask"]),
    "no list": ({"inbound_nodes": {"a": 1}}, ["cannot be used"]),
}


@pytest.mark.parametrize("case", WIRES)
def test_wires_that_cannot_be_are_refused(case, write):
    values, words = WIRES[case]
    refused(write(changed(model(), "y", **values)), *words)


def test_one_of_two_outputs_is_chosen(write):
    config = model()
    config["config"]["output_layers"] = [["y", 0, 0], ["x", 0, 0]]
    refused(write(config), "2 outputs: 'y', 'x'", "architecture.output=y")
    net = saved.load(write(config), "y")
    assert (net.output, len(net.layers)) == ("y", 2)
    with pytest.raises(InvalidStudy, match="no output 'z'"):
        saved.load(write(config), "z")


def test_a_mask_that_an_embedding_makes_is_made_again(write):
    config = model(
        layer("Embedding", "e", "x", input_dim=9, output_dim=2, mask_zero=True),
        {"module": "keras.src.ops.numpy", "class_name": "NotEqual", "config": {}, "name": "m"}
        | call(tensor("x"), 0),
        layer("GlobalAveragePooling1D", "mean", "e") | call(tensor("e"), mask=tensor("m")),
        layer("Dense", "y", "mean", units=3),
    )
    arrays = ARRAYS | {
        "layers/dense/vars/0": np.ones((2, 3)),
        "layers/embedding/vars/0": np.ones((9, 2)),
    }
    assert [item.kind for item in saved.load(write(config, arrays)).layers][1:] == [
        "Embedding",
        "GlobalAveragePooling1D",
        "Dense",
    ]
    refused(write(changed(config, "e", config__mask_zero=False), arrays), "with a mask")


@pytest.mark.parametrize(
    "shape", [[None], [None, 0], [None, "4"], [None, 10**9], [None, 5000, 5000], None]
)
def test_an_input_of_no_shape_or_an_absurd_one_is_refused(shape, write):
    refused(write(changed(model(), "x", config__batch_shape=shape)), "input 'x'")


def written_by_name(path, config, layers):
    """An `.h5` file: the configuration as an attribute, arrays by the layers' names."""

    def change(file):
        file.attrs["model_config"] = json.dumps(config)
        for name, arrays in layers.items():
            group = file.create_group(f"model_weights/{name}")
            names = [f"{name}/kernel:0", f"{name}/bias:0"]
            for weight, values in zip(names, arrays, strict=True):
                group[weight] = np.asarray(values, np.float32)
            # as long lists are cut
            group.attrs["weight_names0"], group.attrs["weight_names1"] = names[:1], names[1:]

    path.write_bytes(hdf5({}, change))
    return path


def test_the_first_sequential_models_were_lists_without_an_input(tmp_path):
    first = {"name": "a", "units": 3, "batch_input_shape": [None, 4]}
    layers = [
        {"class_name": "Dense", "config": first},
        {"class_name": "Dense", "config": {"name": "b", "units": 2}},
    ]
    arrays = {"a": (np.ones((4, 3)), np.zeros(3)), "b": (np.ones((3, 2)), np.ones(2))}
    net = saved.load(
        written_by_name(tmp_path / "net.h5", {"class_name": "Sequential", "config": layers}, arrays)
    )
    assert [(item.kind, item.sources) for item in net.layers] == [
        ("InputLayer", ()), ("Dense", ("input",)), ("Dense", ("a",)),
    ]  # fmt: skip
    assert net.layer("input").shape == (4,)
    assert net.weights["b", 1].tolist() == [1, 1]


def test_a_model_that_does_not_know_its_input_is_refused(write):
    layers = [layer("Dense", "y", units=3)]
    refused(
        write({"class_name": "Sequential", "config": {"layers": layers}}),
        "which shape its input 'input' has",
        "keras.Input",
    )


# --- arrays ---------------------------------------------------------------------------------------


def elsewhere(tmp_path):
    """A file of this machine that a net must not reach."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["a"] = np.ones((4, 3), np.float32)
    return str(tmp_path / "secret.h5")


def replaced(name, make):
    def change(file):
        del file[name]
        make(file, name)

    return change


def test_arrays_that_lie_elsewhere_are_refused(write, tmp_path):
    secret, name = elsewhere(tmp_path), "layers/dense/vars/0"
    layout = h5py.VirtualLayout((4, 3), np.float32)
    layout[:] = h5py.VirtualSource(secret, "a", (4, 3))
    raw = [(secret, 0, 48)]
    for make in (
        lambda file, at: file.__setitem__(at, h5py.ExternalLink(secret, "a")),
        lambda file, at: file.__setitem__(at, h5py.SoftLink("/layers/dense/vars/1")),
        lambda file, at: file.create_virtual_dataset(at, layout),
        lambda file, at: file.create_dataset(at, (4, 3), np.float32, external=raw),
        lambda file, at: file.create_dataset(
            at, data=np.ones((4, 3), np.float32), compression="lzf"
        ),
    ):
        refused(write(change=replaced(name, make)), "Save the whole model again")


NUMBERS = {
    "missing": (lambda file, at: None, ["'y' lacks an array"]),
    "a folder": (lambda file, at: file.create_group(at), ["'y' lacks an array"]),
    "larger than the machine": (
        lambda file, at: file.create_dataset(at, (2**20, 2**20), np.float32, chunks=(64, 64)),
        ["too large"],
    ),
    "of another shape": (
        lambda file, at: file.create_dataset(at, data=np.ones((4, 2), np.float32)),
        ["end in (3,)"],
    ),
    "texts": (lambda file, at: file.create_dataset(at, data=["a", "b"]), ["object"]),
    "not finite": (
        lambda file, at: file.create_dataset(at, data=np.full((4, 3), np.nan, np.float32)),
        ["not finite"],
    ),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_arrays_that_cannot_be_the_layers_are_refused(case, write):
    make, words = NUMBERS[case]
    refused(write(change=replaced("layers/dense/vars/0", make)), *words)


def test_an_absurd_layer_is_refused_before_it_takes_memory(write):
    refused(write(changed(model(), "y", config__units=2**30)), "end in (1073741824,)")


def test_halves_and_doubles_become_single_numbers(write):
    def half(file, at):
        file.create_dataset(at, data=np.ones((4, 3), np.float16), compression="gzip")

    weights = saved.load(write(change=replaced("layers/dense/vars/0", half))).weights
    moved = saved.load(
        write(change=lambda file: file.move("layers", "_layer_checkpoint_dependencies"))
    ).weights
    assert moved.keys() == weights.keys()  # as TensorFlow 2.12 has them
    assert weights["y", 0].dtype == np.float32


# --- files ----------------------------------------------------------------------------------------


def test_damaged_files_are_refused(write, tmp_path):
    content = write().read_bytes()
    whole = hdf5(change=lambda file: file.attrs.__setitem__("model_config", json.dumps(model())))
    chance = np.random.default_rng(0)
    for number in range(60):
        damaged = bytearray(content if number % 2 else whole)
        if number % 3:
            damaged = damaged[: chance.integers(4, len(damaged))]
        for place in chance.integers(8, len(damaged), 40):
            damaged[place] = chance.integers(256)
        path = tmp_path / "damaged.keras"
        path.write_bytes(damaged)
        refused(path, "cannot be used")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"class_name": "Functional"}', "[" * 100_000, '{"a": ' + "9" * 5000 + "}"],
)
def test_a_configuration_that_is_none_is_refused(text, tmp_path):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", text)
        archive.writestr("model.weights.h5", hdf5())
    refused(path, "cannot be used")


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (saved_file.MOST_CONFIG_BYTES + 1))
        archive.writestr("model.weights.h5", hdf5())
    assert path.stat().st_size < 100_000
    refused(path, "unpacks to more than")


def test_a_file_that_is_too_large_is_not_read(write, monkeypatch):
    path = write()
    monkeypatch.setattr(saved_file, "MOST_BYTES", 100)
    refused(path, "at most 100 are read")


def test_what_is_no_saved_model_is_told_apart(tmp_path):
    (tmp_path / "folder.keras").mkdir()
    refused(tmp_path / "folder.keras", "SavedModel")
    (tmp_path / "net.tflite").write_bytes(b"\0\0\0\0TFL3")
    refused(tmp_path / "net.tflite", "exported")
    (tmp_path / "weights.h5").write_bytes(hdf5())
    refused(tmp_path / "weights.h5", "arrays but no net")
    refused(tmp_path / "none.keras", "no file")


def test_a_file_that_changes_is_read_again(write):
    first = saved.load(write())
    assert saved.load(write()) is not None
    again = saved.load(write(changed(model(), "y", config__activation="relu")))
    assert (first.layer("y").options["activation"], again.layer("y").options["activation"]) == (
        "softmax",
        "relu",
    )
    assert first.sha256 != again.sha256
