"""Recurrent, Transformer and fused nets: sizes worked out by hand, attention and fusion against
numpy, their inputs."""

from dataclasses import replace

import numpy as np
import pytest
from nets_support import CATALOG

from framework import nn
from framework.contracts import DataInfo, Head, Samples
from framework.errors import InvalidStudy, InvalidValue
from framework.nn.tflite import converter, interpreter

TEXT = DataInfo(task="classes", classes=10, inputs={"text": (12,)}, tokens={"text": 15})
NUMBERS = DataInfo(task="regression", classes=0, inputs={"sequence": (9, 3)})
SOUND = DataInfo(task="classes", classes=4, inputs={"audio": (8, 6, 1)})
PICTURE = DataInfo(task="classes", classes=4, inputs={"image": (8, 8, 1)})
VQA = DataInfo(
    task="classes",
    classes=4,
    inputs={"image": (8, 12, 1), "question": (7,)},
    tokens={"question": 11},
)
SPOKEN = DataInfo(task="binary", classes=2, inputs={"image": (8, 8, 1), "audio": (8, 6, 1)})


def staged(name, info, **knobs):
    """The untrained net, and the data set's description with the inputs it reads."""
    plugin = CATALOG.architectures.build(name, knobs)
    info = replace(info, inputs=plugin.input_shapes(info))
    return nn.graph.initial_stage(plugin, info, seed=0), info


def model_of(stage):
    model = nn.graph.build(stage.graph)
    nn.graph.write_weights(model, stage.weights)
    return model


def made_up(info, count=6):
    random = np.random.default_rng(0)
    inputs = {
        name: random.integers(1, info.tokens[name], (count, *shape)).astype(np.int32)
        if name in info.tokens
        else random.uniform(0, 1, (count, *shape)).astype(np.float32)
        for name, shape in info.inputs.items()
    }
    return Samples(inputs, np.zeros(count, np.int64))


def shaken(stage):
    """Weights as of a trained net: no scale is 1, no bias 0."""
    random = np.random.default_rng(0)
    return stage.with_weights(
        {
            key: value + random.normal(0, 0.1, value.shape).astype(np.float32)
            for key, value in stage.weights.items()
        }
    )


def outputs_of(model, names, samples):
    """What the layers called `names` give."""
    watched = nn.backend.keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    return [value.numpy() for value in watched(dict(samples.inputs), training=False)]


# --- sizes ----------------------------------------------------------------------------------------


def lstm_size(features, units):
    return 4 * units * (features + units + 1)


def test_the_lstm_has_four_gates_of_input_state_and_bias():
    stage, _ = staged("lstm", NUMBERS, units=7, layers=2)
    assert model_of(stage).count_params() == lstm_size(3, 7) + lstm_size(7, 7) + 7 + 1


def test_tokens_come_through_an_embedding_and_sounds_frame_by_frame():
    text, _ = staged("lstm", TEXT, units=7, embedding=5)
    assert model_of(text).count_params() == 15 * 5 + lstm_size(5, 7) + 7 * 10 + 10
    sound, _ = staged("lstm", SOUND, units=7)
    assert model_of(sound).count_params() == lstm_size(6, 7) + 7 * 4 + 4


def block_size(width, hidden):
    attention, dense = 4 * (width * width + width), width * hidden + hidden + hidden * width + width
    return attention + dense + 2 * 2 * width


def test_the_transformer_has_the_parameters_of_its_parts():
    text, _ = staged("transformer", TEXT, d_model=8, heads=2, layers=3, feed_forward=16)
    rest = 2 * 8 + 8 * 10 + 10  # last normalisation, head
    assert model_of(text).count_params() == 15 * 8 + 12 * 8 + 3 * block_size(8, 16) + rest
    numbers, _ = staged("transformer", NUMBERS, d_model=8, heads=2, layers=1, feed_forward=16)
    assert (
        model_of(numbers).count_params() == (3 * 8 + 8) + 9 * 8 + block_size(8, 16) + 2 * 8 + 8 + 1
    )


# --- attention ------------------------------------------------------------------------------------


def softmax(x):
    grown = np.exp(x - x.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


def test_attention_is_that_of_the_paper():
    """softmax(Q K^T / sqrt(d)) V for each head, heads side by side, one more dense layer."""
    stage, info = staged("transformer", TEXT, d_model=8, heads=2, layers=1)
    stage, prefix = shaken(stage), "block_1_attention"
    x, given = outputs_of(model_of(stage), [f"{prefix}_norm", f"{prefix}_output"], made_up(info))

    def dense(value, role):
        return value @ stage.weights[f"{prefix}_{role}", 0] + stage.weights[f"{prefix}_{role}", 1]

    query, key, value = (dense(x, role) for role in ("query", "key", "value"))
    heads = [slice(0, 4), slice(4, 8)]
    mixed = [
        softmax(query[..., part] @ key[..., part].transpose(0, 2, 1) / np.sqrt(4))
        @ value[..., part]
        for part in heads
    ]
    assert given == pytest.approx(dense(np.concatenate(mixed, axis=-1), "output"), abs=1e-5)


@pytest.mark.parametrize("info", [TEXT, NUMBERS, SOUND], ids=["tokens", "numbers", "sound"])
def test_a_transformer_knows_the_order_of_its_steps(info):
    stage, info = staged("transformer", info, d_model=8, heads=2, layers=1)
    stage = shaken(stage)
    samples = made_up(info)
    (name,) = info.inputs
    turned = {name: samples.inputs[name][:, ::-1]}
    places = (f"{name}_places", 0)
    blind = stage.with_weights({**stage.weights, places: np.zeros_like(stage.weights[places])})
    for net, differs in ((stage, True), (blind, False)):
        model = model_of(net)
        difference = model(dict(samples.inputs)).numpy() - model(turned).numpy()
        assert (np.abs(difference).max() > 1e-3) == differs


@pytest.mark.parametrize(
    ("knobs", "todo"), [({"d_model": 10, "heads": 4}, "as 8"), ({"d_model": 4, "heads": 8}, "as 8")]
)
def test_heads_that_do_not_divide_the_width_are_refused(knobs, todo):
    with pytest.raises(InvalidValue, match="equal share") as caught:
        CATALOG.architectures.build("transformer", knobs)
    assert todo in str(caught.value.todo)


# --- fusion ---------------------------------------------------------------------------------------


def test_the_product_is_of_both_squashed():
    stage, info = staged("image_text", VQA, fusion="multiply", units=5)
    one, other, both = outputs_of(
        model_of(stage), ["first_squashed", "second_squashed", "fused"], made_up(info)
    )
    assert both == pytest.approx(one * other)
    assert max(np.abs(one).max(), np.abs(other).max()) <= 1


@pytest.mark.parametrize(("bias", "chosen"), [(30.0, "first_squashed"), (-30.0, "second_squashed")])
def test_the_gate_chooses_between_the_two(bias, chosen):
    stage, info = staged("image_audio", SPOKEN, fusion="gated", units=5)
    stage = stage.with_weights({**stage.weights, ("gate", 1): np.full(5, bias, np.float32)})
    expected, fused = outputs_of(model_of(stage), [chosen, "fused"], made_up(info))
    assert fused == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "info", "encoder", "kinds"),
    [
        ("image_text", VQA, {"question_encoder": "lstm"}, {"Conv2D", "LSTM"}),
        ("image_text", VQA, {"question_encoder": "attention"}, {"Conv2D", "Attention"}),
        ("image_audio", SPOKEN, {"audio_encoder": "cnn"}, {"Conv2D"}),
        ("image_audio", SPOKEN, {"audio_encoder": "lstm"}, {"Conv2D", "LSTM"}),
    ],
)
def test_encoders_are_chosen_by_knob_and_reading_one_input_leaves_the_other_encoder_out(
    name, info, encoder, kinds
):
    def present(reads):
        stage, read = staged(name, info, reads=reads, **encoder)
        found = {type(layer).__name__ for layer in model_of(stage).layers}
        assert model_of(stage).output_shape == (None, Head.of(info).units)
        return found & {"Conv2D", "LSTM", "Attention", "Concatenate"}, set(read.inputs)

    (other,) = set(info.inputs) - {"image"}
    assert present("both") == (kinds | {"Concatenate"}, {"image", other})
    assert present("image") == ({"Conv2D"}, {"image"})
    assert present(other)[1] == {other}
    assert "Concatenate" not in present(other)[0]


# --- what they read -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_the_one_sequence_is_read_whatever_its_name_and_pictures_are_not(name):
    for info, read in ((TEXT, "text"), (NUMBERS, "sequence"), (SOUND, "audio"), (VQA, "question")):
        assert list(CATALOG.architectures.build(name, {}).input_shapes(info)) == [read]
    for info in (PICTURE, replace(TEXT, inputs={"text": (5,), "sequence": (4, 2)})):
        with pytest.raises(InvalidStudy, match="one sequence"):
            CATALOG.architectures.build(name, {}).input_shapes(info)


def test_fused_nets_refuse_data_that_lacks_one_of_their_inputs():
    with pytest.raises(InvalidStudy, match="one text"):
        CATALOG.architectures.build("image_text", {}).input_shapes(SPOKEN)
    with pytest.raises(InvalidStudy, match="'audio'"):
        CATALOG.architectures.build("image_audio", {}).input_shapes(VQA)
    with pytest.raises(InvalidStudy, match="'image'"):
        CATALOG.architectures.build("image_audio", {}).input_shapes(SOUND)


def test_the_side_of_the_picture_is_a_knob():
    shapes = CATALOG.architectures.build("image_text", {"side": 32}).input_shapes(VQA)
    assert shapes == {"image": (32, 32, 1), "question": (7,)}


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "info", "knobs"),
    [
        ("lstm", NUMBERS, {"units": 8, "layers": 2}),
        ("lstm", TEXT, {"units": 8}),
        ("transformer", NUMBERS, {"d_model": 8}),
        ("transformer", SOUND, {"d_model": 8}),
        ("image_text", VQA, {"question_encoder": "attention", "fusion": "gated"}),
        ("image_audio", SPOKEN, {"audio_encoder": "lstm", "fusion": "multiply"}),
    ],
)
def test_what_the_contract_suite_does_not_reach_is_exported_too(name, info, knobs):
    """Other inputs and encoders than the defaults, with weights as of a trained net."""
    stage, info = staged(name, info, **knobs)
    stage, samples = shaken(stage), made_up(info)
    file = converter.to_tflite(stage)
    converter.check_agreement(converter.predict(stage, samples), interpreter.outputs(file, samples))
