"""Layers that are no plain ones, read as some that answer the same."""

import json
from functools import partial

import numpy as np
import pytest
from saved_files import call, hdf5, layer, model, refused, tensor, write_keras

from framework.nn import saved


@pytest.fixture
def write(tmp_path):
    return partial(write_keras, tmp_path / "net.keras")


def of_input(shape, *layers):
    """A model that reads one input of this shape."""
    config = model(*layers)
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, *shape]
    return config


def kinds(net):
    return [item.kind for item in net.layers][1:]


# --- the middle of a picture ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "cropping"), [((8, 8, 3), [[2, 2], [2, 2]]), ((9, 4, 3), [[2, 3], [0, 0]])]
)
def test_the_middle_of_a_larger_picture_is_cropped(shape, cropping, write):
    config = of_input(
        shape, layer("CenterCrop", "c", "x", height=4, width=4), layer("Flatten", "y", "c")
    )
    net = saved.load(write(config, {}))
    assert net.layer("x").shape == shape
    assert kinds(net) == ["Cropping2D", "Flatten"]
    assert net.layer("c").options["cropping"] == cropping


def test_a_picture_that_keras_would_enlarge_first_is_refused(write):
    crop = layer("CenterCrop", "c", "x", height=9, width=4)
    refused(
        write(of_input((8, 8, 3), crop, layer("Flatten", "y", "c")), {}), "'c' (CenterCrop)", "size"
    )


# --- dense layers by other names ------------------------------------------------------------------


def einsum(equation, **options):
    options = {"output_shape": [6, 3], "activation": "relu", "bias_axes": "d", **options}
    return of_input((6, 4), layer("EinsumDense", "y", "x", equation=equation, **options))


ARRAYS = {"layers/einsum_dense/vars/0": np.ones((4, 3)), "layers/einsum_dense/vars/1": np.ones(3)}


@pytest.mark.parametrize("equation", ["abc,cd->abd", "...c,cd->...d", "ab c, cd -> abd"])
def test_a_sum_over_the_last_dimension_is_a_dense_layer(equation, write):
    net = saved.load(write(einsum(equation), ARRAYS))
    assert kinds(net) == ["Dense"]
    assert net.layer("y").options == {"units": 3, "activation": "relu", "use_bias": True}


@pytest.mark.parametrize(
    ("equation", "options"),
    [
        ("abc,bd->acd", {}),  # over another dimension
        ("abc,cde->abde", {}),
        ("abc,cd->bad", {}),  # in another order
        ("aac,cd->aad", {}),  # a diagonal
        ("abc,cc->abc", {"bias_axes": "c"}),
        ("abc,cd->abd", {"bias_axes": "bd"}),  # a bias for each step
        (7, {}),
    ],
)
def test_another_sum_is_refused(equation, options, write):
    refused(write(einsum(equation, **options), ARRAYS), "Layer 'y' computes", "EinsumDense")


# --- layers within layers -------------------------------------------------------------------------


def spectral():
    inner = layer("Dense", "inner", units=3, activation="linear", use_bias=True)
    return model(layer("SpectralNormalization", "y", "x", layer=inner, power_iterations=1))


def test_the_layer_that_spectral_normalization_trained_is_read(write):
    group = "layers/spectral_normalization"
    arrays = {
        f"{group}/layer/vars/0": np.full((4, 3), 2),
        f"{group}/layer/vars/1": np.full(3, 5),
        f"{group}/vars/0": np.full((4, 3), 7),
        f"{group}/vars/1": np.full((1, 3), 9),
    }
    net = saved.load(write(spectral(), arrays))
    assert kinds(net) == ["Dense"]
    assert [net.weights["y", place].max() for place in (0, 1)] == [2, 5]


def test_what_spectral_normalization_trains_with_is_no_weight_wherever_it_stands(tmp_path):
    def change(file):
        file.attrs["model_config"] = json.dumps(spectral())
        file.attrs["keras_version"] = "3.15.1"
        group = file.create_group("model_weights/y")
        # a frozen layer has it first
        group.attrs["weight_names"] = ["y/vector_u", "y/inner/kernel", "y/inner/bias"]
        group["y/vector_u"] = np.full((1, 3), 9, np.float32)
        group["y/inner/kernel"] = np.full((4, 3), 2, np.float32)
        group["y/inner/bias"] = np.full(3, 5, np.float32)

    path = tmp_path / "net.h5"
    path.write_bytes(hdf5({}, change))
    net = saved.load(path)
    assert [net.weights["y", place].max() for place in (0, 1)] == [2, 5]


def test_a_convolution_of_each_picture_of_a_film_is_one_of_the_film(write):
    inner = layer("Conv2D", "inner", filters=4, kernel_size=[3, 2], strides=2, padding="same")
    config = of_input(
        (5, 8, 8, 2), layer("TimeDistributed", "t", "x", layer=inner), layer("Flatten", "y", "t")
    )
    arrays = {
        "layers/time_distributed/layer/vars/0": np.ones((3, 2, 2, 4)),
        "layers/time_distributed/layer/vars/1": np.ones(4),
    }
    net = saved.load(write(config, arrays))
    assert kinds(net) == ["Conv3D", "Flatten"]
    options = net.layer("t").options
    assert (options["kernel_size"], options["strides"]) == ([1, 3, 2], [1, 2, 2])
    assert net.weights["t", 0].shape == (1, 3, 2, 2, 4)


# --- masks ----------------------------------------------------------------------------------------


def masked(mask_value, axis=-1):
    """Steps without those that are masked, as Keras 3 writes it."""
    ops = "keras.src.ops.numpy"
    unequal = {"module": ops, "class_name": "NotEqual", "name": "n", "config": {}}
    some = {"module": ops, "class_name": "Any", "name": "a"}
    return of_input(
        (6, 4),
        unequal | call(tensor("x"), 0.5),
        layer("Masking", "m", "x", mask_value=mask_value),
        some | {"config": {"axis": axis, "keepdims": False}} | call(tensor("n")),
        layer("GlobalAveragePooling1D", "mean", "m") | call(tensor("m"), mask=tensor("a")),
        layer("Flatten", "y", "mean"),
    )


def test_a_mask_that_a_masking_layer_makes_is_made_again(write):
    assert kinds(saved.load(write(masked(0.5), {}))) == [
        "Masking",
        "GlobalAveragePooling1D",
        "Flatten",
    ]


@pytest.mark.parametrize(("mask_value", "axis"), [(0.25, -1), (0.5, 1)])
def test_a_mask_that_no_layer_makes_is_refused(mask_value, axis, write):
    refused(write(masked(mask_value, axis), {}), "'mean' is called with a mask")
