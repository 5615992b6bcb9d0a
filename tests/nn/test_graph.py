"""A net as data: nothing foreign is built, nothing that does not fit is written."""

import json

import numpy as np
import pytest
from nets_support import digest, tiny_samples, tiny_stage

from framework import nn
from framework.errors import SqueezelabError


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
    assert np.allclose(model(dict(images.inputs), training=False), nn.export.predict(stage, images), atol=1e-6)


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
    config["layers"][1]["config"]["activation"] = {"class_name": "function", "config": "system", "module": "os"}


def a_model_as_layer(config):
    config["layers"][1] = {"class_name": "Functional", "name": "inner", "config": {"layers": []}, "inbound_nodes": []}


def no_layers(config):
    del config["layers"]


@pytest.mark.parametrize(
    "damage", [foreign_class, foreign_initializer, foreign_module, foreign_activation, a_model_as_layer, no_layers]
)
def test_a_damaged_graph_is_refused(damage):
    with pytest.raises(SqueezelabError):
        nn.graph.build(edited(tiny_stage(), damage))


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
        nn.graph.write_weights(model, damage({key: value + 1 for key, value in stage.weights.items()}))
    assert digest(stage.with_weights(nn.graph.read_weights(model))) == digest(stage)


def test_a_digest_tells_names_shapes_and_bits_apart():
    one = {("a", 0): np.zeros((2, 3), np.float32)}
    others = [{("b", 0): one["a", 0]}, {("a", 0): one["a", 0].T}, {("a", 0): -one["a", 0]}]
    digests = [nn.graph.weights_digest(weights) for weights in (one, *others)]
    assert len(set(digests)) == 4
