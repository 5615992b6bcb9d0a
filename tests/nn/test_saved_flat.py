"""What a saved net has that a plain one has not: models in it, uses of one layer, operators."""

import json
from functools import partial

import numpy as np
import pytest
from saved_files import ARRAYS, call, hdf5, layer, model, refused, tensor, write_keras

from framework.nn import saved
from framework.nn.saved import models

INNER_ARRAYS = {
    "layers/functional/layers/dense/vars/0": np.full((4, 4), 2),
    "layers/functional/layers/dense/vars/1": np.zeros(4),
}


@pytest.fixture
def write(tmp_path):
    return partial(write_keras, tmp_path / "net.keras")


def inner(name, *layers, inputs=("x",), output="d", uses=()):
    """A functional model as a layer of another."""
    layers = layers or (layer("Dense", "d", "x", units=4),)
    described = model(*layers, inputs=inputs, output=output)
    nodes = [node for use in uses for node in call(*use)["inbound_nodes"]]
    return described | {
        "name": name,
        "module": "keras.src.models.functional",
        "registered_name": "Functional",
        "inbound_nodes": nodes,
    }


def kinds(net):
    return [(item.name, item.kind, item.sources) for item in net.layers]


# --- models in models -----------------------------------------------------------------------------


def test_a_model_among_the_layers_is_written_out(write):
    config = model(
        inner("base", uses=[[tensor("x")]]), layer("Dense", "y", "base", units=3)
    )  # fmt: skip
    net = saved.load(write(config, ARRAYS | INNER_ARRAYS))
    assert kinds(net) == [
        ("x", "InputLayer", ()), ("d", "Dense", ("x",)), ("y", "Dense", ("d",)),
    ]  # fmt: skip
    assert net.weights["d", 0].max() == 2
    assert net.notes == ("models in it are written out as plain layers: base",)


def test_names_that_two_models_have_tell_the_models(write):
    config = model(
        inner("base", layer("Dense", "y", "x", units=4), output="y", uses=[[tensor("x")]]),
        inner("base_y", layer("Flatten", "f", "x"), output="f", uses=[[tensor("base")]]),
        layer("Dense", "y", "base_y", units=3),
    )
    names = [item.name for item in saved.load(write(config, ARRAYS | INNER_ARRAYS)).layers]
    assert names == ["x", "base_y", "f", "y"]


def test_each_use_of_a_model_has_layers_of_its_own(write):
    config = model(
        inner("base", uses=[[tensor("x")], [tensor("base", 1)]]),
        layer("Dense", "y", units=3) | call(tensor("base", 2)),
    )
    net = saved.load(write(config, ARRAYS | INNER_ARRAYS))
    assert kinds(net) == [
        ("x", "InputLayer", ()),
        ("d", "Dense", ("x",)),
        ("d_2", "Dense", ("d",)),
        ("y", "Dense", ("d_2",)),
    ]
    assert np.array_equal(net.weights["d", 0], net.weights["d_2", 0])
    assert net.notes[1].endswith("each use with weights of its own: base/d")


def test_a_layer_used_twice_keeps_its_name_once(write):
    config = model(
        layer("Dense", "shared", units=4) | {"inbound_nodes": [
            *call(tensor("x"))["inbound_nodes"], *call(tensor("shared"))["inbound_nodes"],
        ]},
        layer("Dense", "shared_2", units=3) | call(tensor("shared", 1)),
        output="shared_2",
    )  # fmt: skip
    arrays = {
        "layers/dense/vars/0": np.ones((4, 4)), "layers/dense/vars/1": np.zeros(4),
        "layers/dense_1/vars/0": np.ones((4, 3)), "layers/dense_1/vars/1": np.zeros(3),
    }  # fmt: skip
    assert kinds(saved.load(write(config, arrays)))[1:] == [
        ("shared", "Dense", ("x",)),
        ("shared_2_2", "Dense", ("shared",)),
        ("shared_2", "Dense", ("shared_2_2",)),
    ]


def test_inputs_by_name_reach_the_inputs_of_that_name(write):
    merge = inner(
        "both",
        layer("Subtract", "minus", "left", "right"),
        inputs=("right", "left"),
        output="minus",
        uses=[[{"left": tensor("a"), "right": tensor("x")}]],
    )
    config = model(
        layer("Flatten", "a", "x"), merge, layer("Dense", "y", "both", units=3)
    )  # fmt: skip
    assert saved.load(write(config)).layer("minus").sources == ("a", "x")


def nested(depth, *, uses):
    """A model in a model and so on, each called so many times by the one around it."""
    described = inner("m0", layer("Flatten", "f", "x"), output="f")
    for number in range(1, depth):
        called = [node for _ in range(uses) for node in call(tensor("x"))["inbound_nodes"]]
        ends = [tensor(f"m{number - 1}", use) for use in range(uses)]
        add = layer("Add", "sum") | call(ends)
        last = layer("Flatten", "sum") | call(ends[0])
        described = inner(
            f"m{number}", described | {"inbound_nodes": called}, add if uses > 1 else last,
            output="sum",
        )  # fmt: skip
    return described


@pytest.mark.parametrize(
    ("depth", "uses", "words"),
    [(models.MOST_DEPTH + 2, 1, "deep"), (20, 2, "more than 2,000 layers")],
)
def test_models_without_end_are_refused(depth, uses, words, write):
    top = nested(depth, uses=uses) | call(tensor("x"))
    name = top["name"]
    refused(write(model(top, layer("Dense", "y", name, units=3))), words)


def test_models_without_layers_are_counted_too(write):
    """Each used twice by the next one: 2 ** 25 uses, and not one layer."""
    described = model(layer("Flatten", "f", "x"), output="x")
    del described["config"]["layers"][1]
    for number in range(25):
        name = f"m{number}"
        used = [node for _ in range(2) for node in call(tensor("x"))["inbound_nodes"]]
        described = model(described | {"name": name, "inbound_nodes": used}, output=name)
        described["config"]["output_layers"] = [[name, 1, 0]]
    top = described | {"name": "top"} | call(tensor("x"))
    refused(write(model(top, layer("Dense", "y", "top", units=3))), "more than 2,000 layers")


def test_models_that_read_one_another_are_refused(write):
    through = partial(inner, output="x")
    config = model(
        through("a", layer("Flatten", "f", "x"), uses=[[tensor("b")]]),
        through("b", layer("Flatten", "f", "x"), uses=[[tensor("a")]]),
        layer("Dense", "y", "a", units=3),
    )
    refused(write(config), "circle")


def test_a_model_called_as_in_training_is_refused(write):
    called = call(tensor("x"), training=True)
    refused(
        write(model(inner("base") | called, layer("Dense", "y", "base", units=3))), "training=True"
    )


# --- arrays ---------------------------------------------------------------------------------------


def as_on_windows(file):
    """The groups as Keras 2.12 to 2.15 named them there: one name with its own separator."""
    moved = {}
    for name in ["layers/functional/layers/dense", "layers/dense"]:
        for number, values in file[name + "/vars"].items():
            moved[name.replace("/", "\\") + f"/vars/{number}"] = values[()]
    del file["layers"]
    for name, values in moved.items():
        file[name] = values


def test_arrays_under_the_separators_of_windows_are_found(write):
    config = model(inner("base", uses=[[tensor("x")]]), layer("Dense", "y", "base", units=3))
    plain = saved.load(write(config, ARRAYS | INNER_ARRAYS)).weights
    other = saved.load(write(config, ARRAYS | INNER_ARRAYS, change=as_on_windows)).weights
    assert plain.keys() == other.keys()
    for key, values in plain.items():
        assert np.array_equal(values, other[key])


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_numbers_that_go_up_by_two_are_read_by_their_order(separator, write):
    names = [f"d{number}" for number in range(6)]
    layers = [layer("Dense", name, units=4) | call(tensor("x")) for name in names]
    arrays = {}
    # as Keras 2.12 and 2.13 count layers that have weights: with `dense_10` behind `dense_8`
    for number in range(6):
        group = separator.join(["_layer_checkpoint_dependencies", f"dense_{2 * number}"])
        group = group.removesuffix("_0")
        arrays[f"{group}/vars/0"] = np.full((4, 4), number)
        arrays[f"{group}/vars/1"] = np.zeros(4)
    config = model(*layers, layer("Add", "y") | call(list(map(tensor, names))))
    weights = saved.load(write(config, arrays)).weights
    assert [weights[name, 0].max() for name in names] == list(range(6))


def test_arrays_that_no_layer_takes_are_refused(write):
    refused(
        write(model(), ARRAYS | {"layers/dense_1/vars/0": np.ones((4, 3))}),
        "arrays of 'dense_1'",
    )


def by_name(path, names):
    """An `.h5` file of a net that has a model with two layers called `d`, one in a sequence."""
    end = {"class_name": "Sequential", "config": {"layers": [layer("Dense", "d", units=4)]}}
    end |= {"name": "end", "registered_name": None, "module": "keras"} | call(tensor("d"))
    base = inner("base", layer("Dense", "d", "x", units=4), end, output="end", uses=[[tensor("x")]])
    config = model(base, layer("Flatten", "y", "base"))

    def change(file):
        file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(config), "3.15.1"
        group = file.create_group("model_weights/base")
        group.attrs["weight_names"] = list(names)
        for name, value in names.items():
            shape = (4, 4) if name.endswith("kernel") else 4
            group[name] = np.full(shape, value, np.float32)

    path.write_bytes(hdf5({}, change))
    return path


def test_arrays_by_name_are_those_of_the_model_that_is_named(tmp_path):
    names = {"end/d/kernel": 1, "end/d/bias": 2, "d/kernel": 3, "d/bias": 4}
    weights = saved.load(by_name(tmp_path / "net.h5", names)).weights
    assert [weights[key].max() for key in sorted(weights)] == [3, 4, 1, 2]


def test_an_array_whose_layer_cannot_be_told_is_refused(tmp_path):
    names = {"d_1/kernel": 1, "d_1/bias": 2}
    refused(by_name(tmp_path / "net.h5", names), "'d_1/kernel' of 'base'", "save it again")


# --- operators ------------------------------------------------------------------------------------


def operator(kind, name, *given, module="keras.src.ops.numpy", keywords=(), **config):
    described = {"module": module, "class_name": kind, "registered_name": kind, "name": name}
    return described | {"config": {"name": name, **config}} | call(*given, **dict(keywords))


def the_operator(write, described):
    """Kind and options of the layer that an operator on `x` becomes."""
    config = model(described, layer("Dense", "y", "o", units=3))
    found = saved.load(write(config)).layers[1]
    return found.kind, dict(found.options)


NUMPY = {"class_name": "__numpy__", "config": {"value": [[1.0, 2.0, 3.0, 4.0]], "dtype": "float32"}}
OPERATORS = {
    "x + 2": (("Add", tensor("x"), 2), ("Rescaling", {"scale": 1.0, "offset": 2.0})),
    "x - 2": (("Subtract", tensor("x"), 2), ("Rescaling", {"scale": 1.0, "offset": -2.0})),
    "2 - x": (("Subtract", 2, tensor("x")), ("Rescaling", {"scale": -1.0, "offset": 2.0})),
    "x * 2": (("Multiply", tensor("x"), 2), ("Rescaling", {"scale": 2.0})),
    "2 * x": (("Multiply", 2, tensor("x")), ("Rescaling", {"scale": 2.0})),
    "x / 4": (("TrueDivide", tensor("x"), 4), ("Rescaling", {"scale": 0.25})),
    "x + numbers": (
        ("Add", tensor("x"), NUMPY), ("Rescaling", {"scale": 1.0, "offset": [1.0, 2.0, 3.0, 4.0]}),
    ),
    "-x": (("Negative", tensor("x")), ("Rescaling", {"scale": -1.0})),
    "relu": (("Relu", tensor("x")), ("Activation", {"activation": "relu"})),
    "silu": (("Silu", tensor("x")), ("Activation", {"activation": "swish"})),
    "square": (("Square", tensor("x")), ("Multiply", {})),
}  # fmt: skip


@pytest.mark.parametrize("case", OPERATORS)
def test_an_operator_is_a_layer(case, write):
    (kind, *given), expected = OPERATORS[case]
    assert the_operator(write, operator(kind, "o", *given)) == expected


REFUSED = {
    "2 / x": ("TrueDivide", 2, tensor("x")),
    "x / 0": ("TrueDivide", tensor("x"), 0),
    "x / x": ("TrueDivide", tensor("x"), tensor("x")),
    "a text": ("Add", tensor("x"), "2; import os"),
    "a number without end": ("Multiply", tensor("x"), float("inf")),
    "a table": (
        "Add", tensor("x"),
        {"class_name": "__numpy__", "config": {"value": [[1.0, 2], [3, 4]], "dtype": "float32"}},
    ),
    "a mean over everything": ("Mean", tensor("x")),
    "too much": ("Add", tensor("x"), 1, 2),
    "unknown": ("Erf", tensor("x")),
    "a part": ("GetItem", tensor("x"), 0),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_an_operator_that_is_no_layer_is_refused(case, write):
    kind, *given = REFUSED[case]
    config = model(operator(kind, "o", *given), layer("Dense", "y", "o", units=3))
    refused(write(config), "operator 'o'", "new.set_weights(old.get_weights())")


def test_an_operator_with_a_setting_that_is_not_known_is_refused(write):
    described = operator("Relu", "o", tensor("x"), keywords={"threshold": 2})
    refused(write(model(described, layer("Dense", "y", "o", units=3))), "threshold=2")


def test_nodes_of_the_first_tensorflow_2_are_read(write):
    node = {"name": "tf_op_layer", "node_def": '{"op": "Sub"}', "constants": {"0": 3.0}}
    described = {"module": "keras.layers", "class_name": "TensorFlowOpLayer", "name": "o"}
    described |= {"config": node} | call(tensor("x"))
    assert the_operator(write, described) == ("Rescaling", {"scale": -1.0, "offset": 3.0})
