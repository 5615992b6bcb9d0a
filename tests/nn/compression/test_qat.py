"""Training in 8 bits: what is rounded, that it is what the file does, and that a trial is told by
its seed alone."""

from dataclasses import replace

import numpy as np
import pytest
import sequence_nets
from nets_support import CATALOG, SMALL, default_net, digest, fixed, job_for

from framework import nn
from framework.contracts import Export, Samples
from framework.nn import tflite, training
from framework.nn.compression import qat, quantization_points
from framework.nn.net_weights import Net
from framework.nn.tflite import converter, interpreter
from framework.study import use

INT8 = {scales: Export("int8", scales) for scales in ("per_channel", "per_tensor")}


def keras_layers():
    return nn.backend.keras.layers


# --- weights


def test_rounded_values_are_whole_steps_of_a_127th_of_the_largest():
    values = nn.backend.tf.constant([[1.27, 0.0], [-0.014, 2.54], [0.016, -0.021]])
    found = qat.rounded(values, (0,)).numpy()
    assert found == pytest.approx(np.array([[1.27, 0.0], [-0.01, 2.54], [0.02, -0.02]]), abs=1e-7)
    whole = qat.rounded(values, (0, 1)).numpy()
    assert whole == pytest.approx(np.array([[1.28, 0.0], [-0.02, 2.54], [0.02, -0.02]]), abs=0.011)
    assert np.allclose(np.round(whole / 0.02), whole / 0.02, atol=1e-4)


def test_zeros_stay_zeros_and_equal_values_stay_equal():
    values = np.random.default_rng(0).normal(0, 1, (40, 8)).astype(np.float32).round(1)
    values[:, 3] = 0
    found = qat.rounded(nn.backend.tf.constant(values), (0, 1)).numpy()
    assert (found[values == 0] == 0).all()
    assert len(np.unique(found)) <= len(np.unique(values))
    by_channel = qat.rounded(nn.backend.tf.constant(values), (0,)).numpy()
    assert (by_channel[values == 0] == 0).all()
    assert np.isfinite(by_channel).all()


def test_the_gradient_passes_as_if_nothing_were_rounded():
    tf = nn.backend.tf
    values = tf.Variable([[0.3, -1.0], [0.004, 0.7]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(
            qat.rounded(tf.convert_to_tensor(values), (0,)) * [[1.0, 2.0], [3.0, 4.0]]
        )
    assert tape.gradient(loss, values).numpy().tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("kind", "shape", "per_channel", "per_tensor"),
    [
        ("Dense", (5, 3), ((5, 3), (0,)), ((5, 3), (0, 1))),
        ("Conv2D", (3, 3, 2, 4), ((3, 3, 2, 4), (0, 1, 2)), ((3, 3, 2, 4), (0, 1, 2, 3))),
        ("DepthwiseConv2D", (3, 3, 2, 1), ((3, 3, 2, 1), (0, 1)), ((3, 3, 2, 1), (0, 1, 2, 3))),
        ("projection", (12, 3, 4), ((12, 3, 4), (0,)), ((12, 3, 4), (0, 1, 2))),
        ("MultiHeadAttention", (3, 4, 12), ((3, 4, 12), (0, 1)), ((3, 4, 12), (0, 1, 2))),
        ("LSTM", (5, 24), ((5, 4, 6), (0, 2)), ((5, 4, 6), (0, 2))),
        ("embeddings", (20, 8), ((20, 8), (0, 1)), ((20, 8), (0, 1))),
    ],
)
def test_who_shares_a_scale(kind, shape, per_channel, per_tensor):
    assert qat.sharing(kind, shape, "per_channel") == per_channel
    assert qat.sharing(kind, shape, "per_tensor") == per_tensor


def convolutions():
    layers = keras_layers()
    inputs = layers.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    x = layers.DepthwiseConv2D(3, activation="relu", name="depthwise")(x)
    x = layers.Conv1D(5, 2, name="rows")(layers.Reshape((4, 16), name="reshape")(x))
    return sequence_nets.finished(
        inputs, layers.GlobalMaxPooling1D(name="largest")(layers.ReLU(name="relu")(x))
    )


NETS = {name: known.build for name, known in sequence_nets.NETS.items()} | {
    "convolutions": convolutions
}


@pytest.mark.parametrize("scales", INT8)
@pytest.mark.parametrize("net", NETS)
def test_kernels_are_rounded_as_those_in_the_file(net, scales):
    model = NETS[net]()
    stage = replace(sequence_nets.staged(model), export=INT8[scales])
    file = converter.to_tflite(stage, sequence_nets.samples_for(model))
    numbers = numbers_in_training(stage, scales)
    found = [
        weight
        for weight in tflite.weights.read_weights(file, stage)
        if weight.role.endswith("kernel")
    ]
    assert {(weight.layer, weight.position) for weight in found} == {
        key for key in qat.covered(stage) if key not in {("tokens", 0), ("places", 0)}
    }
    for weight in found:
        own = numbers[weight.layer, weight.position]
        if weight.part:
            own = own[:, ("input", "forget", "cell", "output").index(weight.part)]
        # a depthwise kernel lies as it is
        channels = len(weight.values) if len(weight.values) > 1 else 1
        laid = own.reshape(-1, channels).T.reshape(weight.values.shape)
        assert np.abs(laid - weight.values).max() <= 1, weight.name  # a tie may fall to either side
        assert (laid == weight.values).mean() >= 0.97, weight.name


def numbers_in_training(stage, scales):
    """Weight -> whole numbers, -127 to 127, in the shape in which they share scales."""
    model = nn.graph.build(stage.graph)
    nn.graph.write_weights(model, stage.weights)
    found = {}
    for layer in nn.graph.layers(stage.graph):
        name = layer["config"]["name"]
        roundings = qat._roundings(model.get_layer(name), layer, scales)
        own = [key for key in qat.covered(stage) if key[0] == name]
        for key, (_, rounding) in zip(own, roundings, strict=True):
            values = nn.backend.tf.reshape(stage.weights[key], rounding.shape)
            step = np.abs(values).max(axis=rounding.axes, keepdims=True) / 127
            found[key] = np.round(qat.rounded(values, rounding.axes).numpy() / step).astype(int)
    return found


def left_float(stage):
    """What the weights that stay float are to their layers.

    Of a batch normalisation, which is folded, `norm`.
    """
    known, rounded = Net(stage).weights, set(qat.covered(stage))
    return {
        key: known[key].role if key in known else "norm"
        for key in stage.weights
        if key not in rounded
    }


@pytest.mark.parametrize("net", CATALOG.architectures.names())
def test_nothing_but_biases_and_normalisation_stays_float(net, few):
    spec = fixed(default_net(net, few.root))
    architecture = CATALOG.architectures.build(spec.architecture.name, spec.architecture.knobs)
    stage = nn.graph.initial_stage(architecture, few.info(spec), seed=0)
    assert set(left_float(stage).values()) <= {"bias", "gamma", "beta", "norm"}
    assert len(qat.covered(stage)) + len(left_float(stage)) == len(stage.weights)
    wrapped, _ = qat.QatWrap().build(nn.graph.build(stage.graph))
    rounded = sum(len(getattr(layer, "_weight_vars", ())) for layer in wrapped.layers)
    assert rounded == len(qat.covered(stage))


# --- activations


def places_of(model):
    layers = {layer["config"]["name"]: layer for layer in nn.graph.layers(nn.graph.to_graph(model))}
    return quantization_points.places(layers, frozenset(model.output_names))


def test_a_layer_and_what_is_fused_with_it_are_rounded_once():
    layers = keras_layers()
    inputs = layers.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    x = layers.ReLU(6.0, name="clip")(layers.BatchNormalization(name="norm")(x))
    y = layers.Conv2D(4, 3, padding="same", name="branch")(layers.Dropout(0.1, name="drop")(x))
    x = layers.Activation("relu", name="relu")(layers.Add(name="sum")([x, y]))
    y = layers.LeakyReLU(0.1, name="leaky")(layers.Conv2D(2, 1, name="thin")(x))
    x = layers.Concatenate(name="both")([layers.Conv2D(3, 1, name="wide")(x), y])
    x = layers.Flatten(name="flat")(layers.MaxPooling2D(name="pool")(x))
    model = nn.backend.keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))
    assert places_of(model) == {
        "clip": quantization_points.Place(),
        "branch": quantization_points.Place(),
        "relu": quantization_points.Place(),
        "thin": quantization_points.Place(),
        "both": quantization_points.Place(),
        "head": quantization_points.Place(inner=True, output=False, ends=(0, 255 / 256)),
    }


def test_gates_have_the_ends_of_their_activation_and_answers_of_a_regression_their_own():
    layers = keras_layers()
    inputs = layers.Input((8,), name="numbers")
    x = layers.Dense(4, activation="sigmoid", name="gate")(inputs)
    y = layers.Activation("tanh", name="squashed")(layers.Dense(4, name="dense")(inputs))
    x = layers.Multiply(name="gated")([x, y])
    model = nn.backend.keras.Model(inputs, layers.Dense(1, name="head")(x))
    assert places_of(model) == {
        "gate": quantization_points.Place(inner=True, ends=(0, 255 / 256)),
        "squashed": quantization_points.Place(ends=(-1, 127 / 128)),
        "dense": quantization_points.Place(),
        "gated": quantization_points.Place(),
        "head": quantization_points.Place(),
    }


def test_tokens_and_positions_are_whole_numbers_already():
    found = places_of(sequence_nets.attention())
    assert not {"text", "positions", "tokens", "places"} & set(found)
    assert {"embedded", "attention_norm", "mix", "query", "scaled", "mean"} <= set(found)


def test_ranges_are_those_of_the_samples_and_hold_zero():
    layers = keras_layers()
    inputs = layers.Input((2,), name="numbers")
    x = layers.Dense(1, use_bias=False, name="sum")(inputs)
    model = nn.backend.keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="head")(x))
    stage = sequence_nets.untrained(model)
    weights = {("sum", 0): [[1.0], [1.0]], ("head", 0): [[-2.0]], ("head", 1): [0.5]}
    stage = stage.with_weights({key: np.array(value, np.float32) for key, value in weights.items()})
    few = np.arange(1, 121, dtype=np.float32).reshape(60, 2)
    samples = Samples({"numbers": few}, np.zeros(60))
    expected = {"sum": (0.0, 239.0), "head inner": (-477.5, 0.0)}
    assert qat.ranges(stage, samples) == expected
    one = {"sum": (0.0, 3.0), "head inner": (-5.5, 0.0)}
    assert qat.ranges(stage, Samples({"numbers": few[:1]}, np.zeros(1))) == one
    assert qat.ranges(stage, samples) == expected  # whatever was looked at before
    assert qat.dynamic_of(expected) == {
        "low/sum": 0.0, "low/head inner": -477.5, "high/sum": 239.0, "high/head inner": 0.0
    }  # fmt: skip


def test_a_range_follows_the_batches_in_training_only():
    tf = nn.backend.tf
    quantizer = qat.Range()
    quantizer.build(None, "output", nn.backend.keras.layers.Layer())
    quantizer.low.assign(-1.0)
    quantizer.high.assign(254 / 255 * 2)
    values = tf.constant([0.5, 3.0, 9.0])
    assert quantizer(values, False, {}).numpy().max() == pytest.approx(
        float(quantizer.high), abs=0.02
    )
    assert float(quantizer.low) == -1.0
    quantizer(values, True, {})
    assert float(quantizer.low) == pytest.approx(-qat.DECAY)
    assert float(quantizer.high) == pytest.approx(254 / 255 * 2 * qat.DECAY + 9 * (1 - qat.DECAY))


def test_an_answer_of_nothing_but_zeros_is_finite():
    quantizer = qat.Range()
    quantizer.build(None, "output", nn.backend.keras.layers.Layer())
    assert quantizer(nn.backend.tf.zeros(3), True, {}).numpy().tolist() == [0, 0, 0]


# --- the net that is trained


def emulated(stage, calibration, samples):
    """What the net that is trained answers, with the ranges of the file."""
    model = nn.graph.build(stage.graph)
    variables = nn.graph.variables(model)
    wrapped, dynamic = qat.QatWrap(stage.export.scales).build(model)
    nn.graph.assign(variables, stage.weights)
    first = qat.dynamic_of(qat.ranges(stage, calibration))
    assert set(first) == set(dynamic)
    for name, value in first.items():
        dynamic[name].assign(value)
    return wrapped(dict(samples.inputs), training=False).numpy()


@pytest.mark.parametrize("net", SMALL)
@pytest.mark.parametrize("scales", INT8)
def test_it_answers_as_the_file_does_where_pixels_are_whole_numbers(net, scales, lab):
    job = job_for(fixed(SMALL[net]), lab)
    stage = replace(job.baseline.stage, export=INT8[scales])
    pixels = np.round(job.calibration.inputs["image"] * 255) / 255  # the file rounds its input too
    samples = Samples({"image": pixels.astype(np.float32)}, job.calibration.labels)
    file = interpreter.outputs(converter.to_tflite(stage, samples), samples)

    def far(answers):
        return float(np.abs(np.clip(np.round(answers * 256), 0, 255) / 256 - file).mean())

    assert far(emulated(stage, samples, samples)) <= 0.1 * far(converter.predict(stage, samples))


def test_its_ranges_are_those_of_the_file(lab):
    net = use("squeezenet_se", filters=4, blocks=2, squeeze=0.5, reduction=2, units=8)
    job = job_for(fixed(net, epochs=1), lab)
    stage = replace(job.baseline.stage, export=INT8["per_channel"])
    details = interpreter.opened(
        converter.to_tflite(stage, job.calibration), threads=1
    ).get_tensor_details()
    steps = np.array(
        [step for detail in details for step in detail["quantization_parameters"]["scales"]]
    )
    found = qat.ranges(stage, job.calibration)
    assert {
        "conv_1",
        "fire_2",
        "se_1_mean",
        "se_2_weighed",
        "se_1_weights inner",
        "head inner",
    } <= set(found)
    for name, (low, high) in found.items():
        assert np.abs(steps / ((high - low) / 255) - 1).min() < 1e-4, name


def masked_attention(*, mask_zero=True):
    layers = keras_layers()
    inputs = layers.Input((7,), dtype="int32", name="text")
    x = layers.Embedding(20, 8, mask_zero=mask_zero, name="tokens")(inputs)
    seen = layers.MultiHeadAttention(2, 4, name="heads")(x, x)
    x = layers.Attention(name="mix")([layers.Add(name="attended")([x, seen]), x])
    return sequence_nets.finished(inputs, layers.GlobalAveragePooling1D(name="mean")(x))


def twice():
    """One layer that reads two inputs."""
    layers = keras_layers()
    inputs = [layers.Input((8,), name=name) for name in ("one", "other")]
    dense = layers.Dense(6, activation="relu", name="twice")
    x = layers.Concatenate(name="both")([dense(item) for item in inputs])
    return nn.backend.keras.Model(inputs, layers.Dense(4, activation="softmax", name="head")(x))


def test_masks_pass_through_rounded_layers():
    model = masked_attention()
    stage, samples = sequence_nets.staged(model), sequence_nets.samples_for(model)
    assert (samples.inputs["text"] == 0).any()
    plain = converter.predict(stage, samples)
    open_net = replace(stage, graph=nn.graph.to_graph(masked_attention(mask_zero=False)))
    change = np.abs(emulated(stage, samples, samples) - plain).max()
    assert change < np.abs(converter.predict(open_net, samples) - plain).max() / 4


@pytest.mark.parametrize("build", [sequence_nets.mixed, masked_attention, twice])
def test_reused_and_fresh_nets_give_the_same_bits_and_every_weight_learns(build):
    model = build()
    stage, samples = sequence_nets.staged(model), sequence_nets.samples_for(model)

    def trained(seed=0):
        dynamic = qat.dynamic_of(qat.ranges(stage, samples))
        asked = {"epochs": 1, "seed": seed, "wrap": qat.QatWrap(), "dynamic": dynamic}
        return training.fit.fit(stage, sequence_nets.training_of(model, **asked))

    first = trained()
    assert digest(trained(seed=1)) != digest(first)
    assert digest(trained()) == digest(first)
    for kept in (training.fit.nets, qat.nets):
        kept.clear()
    assert digest(trained()) == digest(first)
    still = {
        key for key, value in first.weights.items() if np.array_equal(value, stage.weights[key])
    }
    assert {left_float(stage)[key] for key in still} <= {"key_bias"}  # it cancels out
