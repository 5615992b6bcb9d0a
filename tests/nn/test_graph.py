"""A net as data: nothing foreign is built, nothing that does not fit is written."""

import json

import numpy as np
import pytest
from nets_support import digest, tiny_samples, tiny_stage

from framework import nn
from framework.errors import SqueezelabError
from framework.nn.tflite import converter


def edited(stage, change):
    config = json.loads(stage.graph)
    change(config)
    return json.dumps(config)


def test_a_net_goes_to_json_and_back():
    stage = tiny_stage(batch_norm=True)
    model = nn.graph.build(stage.graph)
    nn.graph.write_weights(model, stage.weights)
    assert nn.graph.to_graph(model) == stage.graph
    assert digest(stage.with_weights(nn.graph.read_weights(model))) == digest(stage)
    images = tiny_samples(5)
    assert np.allclose(
        model(dict(images.inputs), training=False), converter.predict(stage, images), atol=1e-6
    )


def test_the_seed_decides_the_weights():
    assert digest(tiny_stage(seed=3)) == digest(tiny_stage(seed=3)) != digest(tiny_stage(seed=4))


def lambda_layer(keras, inputs):
    return keras.layers.Lambda(lambda x: x * 2, name="twice")(inputs)


def operator(keras, inputs):
    return inputs + inputs


def nested(keras, inputs):
    inner = keras.Sequential([keras.layers.Flatten(name="flatten")], name="inner")
    return inner(inputs)


@pytest.mark.filterwarnings("ignore:")  # keras warns of the Lambda; that it is refused is the point
@pytest.mark.parametrize("body", [lambda_layer, operator, nested])
def test_foreign_layers_are_refused(body):
    keras = nn.backend.keras
    inputs = keras.layers.Input((4,), name="image")
    model = keras.Model(inputs, body(keras, inputs))
    with pytest.raises(SqueezelabError, match="plain keras layers only"):
        nn.graph.to_graph(model)


def test_a_subclassed_model_is_refused():
    class Own(nn.backend.keras.Model):
        def call(self, inputs):
            return inputs

        def get_config(self):
            return {}

    with pytest.raises(SqueezelabError, match="plain keras layers only"):
        nn.graph.to_graph(Own())


def foreign_class(config):
    config["layers"][1]["class_name"] = "Lambda"


def foreign_initializer(config):
    config["layers"][1]["config"]["kernel_initializer"] = {"class_name": "Mine", "config": {}}


def foreign_module(config):
    config["layers"][1]["module"] = "os"


def foreign_activation(config):
    config["layers"][1]["config"]["activation"] = {
        "class_name": "function",
        "config": "system",
        "module": "os",
    }


def a_model_as_layer(config):
    config["layers"][1] = {
        "class_name": "Functional",
        "name": "inner",
        "config": {"layers": []},
        "inbound_nodes": [],
    }


def no_layers(config):
    del config["layers"]


@pytest.mark.parametrize(
    "damage",
    [
        foreign_class,
        foreign_initializer,
        foreign_module,
        foreign_activation,
        a_model_as_layer,
        no_layers,
    ],
)
def test_a_damaged_graph_is_refused(damage):
    with pytest.raises(SqueezelabError):
        nn.graph.build(edited(tiny_stage(), damage))


def lstm_graph(**settings):
    """Tokens that two layers turn into steps for an LSTM, in a net with another that has none of
    it."""
    layers = nn.backend.keras.layers
    inputs = layers.Input((5,), dtype="int32", name="text")
    embedding = {"mask_zero": settings.pop("mask_zero", False)}
    steps = layers.Dropout(0.1, name="dropout")(
        layers.Embedding(9, 4, name="tokens", **embedding)(inputs)
    )
    state = [layers.GlobalMaxPooling1D(name=name)(steps) for name in ("hidden", "cell")]
    first = {"initial_state": state} if settings.pop("initial_state", False) else {}
    x = layers.LSTM(4, name="lstm", **settings)(steps, **first)
    x = x[0] if settings.get("return_state") else x
    return nn.graph.to_graph(nn.backend.keras.Model(inputs, layers.Dense(2, name="head")(x)))


LOOPS = [
    ("activation", "relu"), ("recurrent_activation", "hard_sigmoid"), ("use_bias", False),
    ("recurrent_dropout", 0.1),
    ("unroll", True), ("return_state", True), ("mask_zero", True), ("initial_state", True),
]  # fmt: skip


@pytest.mark.parametrize(("setting", "value"), LOOPS)
def test_an_lstm_that_the_exporter_would_make_a_loop_of_is_refused(setting, value):
    """Quantizing a loop ends the process, and nothing finds its weights."""
    with pytest.raises(SqueezelabError, match="without a loop only") as caught:
        lstm_graph(**{setting: value})
    assert "'lstm'" in caught.value.given


def test_what_leaves_an_lstm_one_operation_is_allowed():
    """Dropout of its inputs is no loop; nor is a mask that no LSTM sees."""
    assert lstm_graph(dropout=0.2, go_backwards=True)
    layers = nn.backend.keras.layers
    inputs = layers.Input((5,), dtype="int32", name="text")
    seen = layers.GlobalAveragePooling1D(name="mean")(
        layers.Embedding(9, 4, mask_zero=True, name="masked")(inputs)
    )
    read = layers.LSTM(4, name="lstm")(layers.Embedding(9, 4, name="tokens")(inputs))
    assert nn.graph.to_graph(
        nn.backend.keras.Model(inputs, layers.Concatenate(name="both")([seen, read]))
    )


def transposed(weights):
    return weights | {("hidden", 0): weights["hidden", 0].T}


def missing(weights):
    return {key: value for key, value in weights.items() if key != ("head", 1)}


def left_over(weights):
    return weights | {("head", 2): np.zeros(3, np.float32)}


@pytest.mark.parametrize("damage", [transposed, missing, left_over])
def test_weights_of_another_net_are_refused_and_nothing_is_written(damage):
    stage = tiny_stage()
    model = nn.graph.build(stage.graph)
    nn.graph.write_weights(model, stage.weights)
    with pytest.raises(SqueezelabError, match="do not belong to this net"):
        nn.graph.write_weights(
            model, damage({key: value + 1 for key, value in stage.weights.items()})
        )
    assert digest(stage.with_weights(nn.graph.read_weights(model))) == digest(stage)


def test_a_digest_tells_names_shapes_and_bits_apart():
    one = {("a", 0): np.zeros((2, 3), np.float32)}
    others = [{("b", 0): one["a", 0]}, {("a", 0): one["a", 0].T}, {("a", 0): -one["a", 0]}]
    digests = [nn.graph.weights_digest(weights) for weights in (one, *others)]
    assert len(set(digests)) == 4
