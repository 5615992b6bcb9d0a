"""One small net for each layer of keras, beside a dense head, as Keras 2 and Keras 3 save it.

    TF_USE_LEGACY_KERAS=1 python -m docs.saved_nets.nets FOLDER     # those of Keras 2
    python -m docs.saved_nets.nets FOLDER OTHER                     # those of Keras 3

Writes each as `.h5` and `.keras`, its answers into `answers.npz`, and into `plain.json` what the
plain converter makes of it, but for what OTHER, the folder of the other keras, has of it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Collection
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

FORMATS = ("h5", "keras")
TOLERANCE = 1e-4  # of a probability, between net and file
CLASSES = 3
FEW = 4  # samples on which answers are compared
ANSWERS = "answers.npz"
# input -> its shape; the names are those of the data
INPUTS: dict[str, tuple[int, ...]] = {
    "image": (8, 8, 3),
    "sequence": (6, 4),
    "numbers": (8,),
    "volume": (4, 4, 4, 2),
    "clip": (3, 6, 6, 2),
    "rows": (4, 6, 2),
    "text": (7,),
}
Apply = Callable[[Any, Any], Any]
"""(layers of a keras, what they are given) -> their output."""


def _conv(layers: Any, x: Any) -> Any:
    return layers.Conv2D(4, 3, activation="relu")(x)


def _pair(name: str) -> Apply:
    return lambda layers, x: getattr(layers, name)()([x, layers.Dense(8)(x)])


def _one(name: str, *values: Any, **options: Any) -> Apply:
    return lambda layers, x: getattr(layers, name)(*values, **options)(x)


def _behind_conv(name: str, *values: Any, **options: Any) -> Apply:
    return lambda layers, x: getattr(layers, name)(*values, **options)(_conv(layers, x))


def _within(wrapper: str, name: str, *values: Any, **options: Any) -> Apply:
    return lambda layers, x: getattr(layers, wrapper)(getattr(layers, name)(*values, **options))(x)


def _with_itself(name: str, *values: Any, **options: Any) -> Apply:
    return lambda layers, x: getattr(layers, name)(*values, **options)([x, x])


# input -> what the row is called -> the layer
LAYERS: dict[str, dict[str, Apply]] = {
    "image": {
        "AveragePooling2D": _one("AveragePooling2D", 2),
        "BatchNormalization": _one("BatchNormalization"),
        "BatchNormalization, behind an activation": _behind_conv("BatchNormalization"),
        "CenterCrop": _one("CenterCrop", 4, 4),
        "Conv2D": _one("Conv2D", 3, 2),
        "Conv2D, in groups": _one("Conv2D", 6, 2, groups=3),
        "Conv2DTranspose": _one("Conv2DTranspose", 4, 3, strides=2, padding="same"),
        "Cropping2D": _one("Cropping2D", 1),
        "DepthwiseConv2D": _one("DepthwiseConv2D", 2),
        "GaussianDropout": _behind_conv("GaussianDropout", 0.2),
        "GlobalAveragePooling2D": _behind_conv("GlobalAveragePooling2D"),
        "GlobalMaxPooling2D": _behind_conv("GlobalMaxPooling2D"),
        "GroupNormalization": _one("GroupNormalization", 3),
        "LocallyConnected2D": _one("LocallyConnected2D", 3, 4, strides=4),
        "MaxPooling2D": _one("MaxPooling2D", 2),
        "PReLU": _behind_conv("PReLU", shared_axes=[1, 2]),
        "RandomFlip": _one("RandomFlip"),
        "RandomRotation": _one("RandomRotation", 0.1),
        "RandomZoom": _one("RandomZoom", 0.1),
        "Rescaling": _one("Rescaling", 0.5, offset=0.1),
        "Resizing": _one("Resizing", 5, 5),
        "SeparableConv2D": _one("SeparableConv2D", 4, 3),
        "SpatialDropout2D": _one("SpatialDropout2D", 0.2),
        "UpSampling2D": _one("UpSampling2D", 2),
        "UpSampling2D, bilinear": _one("UpSampling2D", 2, interpolation="bilinear"),
        "ZeroPadding2D": _one("ZeroPadding2D", 1),
    },
    "sequence": {
        "AdditiveAttention": _with_itself("AdditiveAttention"),
        "Attention": _with_itself("Attention"),
        "AveragePooling1D": _one("AveragePooling1D", 2),
        "Bidirectional, GRU": _within("Bidirectional", "GRU", 3),
        "Bidirectional, LSTM": _within("Bidirectional", "LSTM", 3),
        "Bidirectional, LSTM with all steps": _within(
            "Bidirectional", "LSTM", 3, return_sequences=True
        ),
        "Conv1D": _one("Conv1D", 3, 2),
        "Conv1DTranspose": _one("Conv1DTranspose", 3, 2, strides=2),
        "Cropping1D": _one("Cropping1D", 1),
        "DepthwiseConv1D": _one("DepthwiseConv1D", 2),
        "Dot": _with_itself("Dot", axes=(2, 2)),
        "EinsumDense": _one("EinsumDense", "abc,cd->abd", output_shape=(6, 5), bias_axes="d"),
        "Flatten": _one("Flatten"),
        "GRU": _one("GRU", 3),
        "GlobalAveragePooling1D": _one("GlobalAveragePooling1D"),
        "GlobalMaxPooling1D": _one("GlobalMaxPooling1D"),
        "GroupQueryAttention": lambda layers, x: layers.GroupQueryAttention(2, 4, 2)(x, x),
        "LSTM": _one("LSTM", 3),
        "LayerNormalization": _one("LayerNormalization"),
        "LocallyConnected1D": _one("LocallyConnected1D", 3, 2),
        "Masking": lambda layers, x: layers.GlobalAveragePooling1D()(layers.Masking()(x)),
        "MaxPooling1D": _one("MaxPooling1D", 2),
        "MultiHeadAttention": lambda layers, x: layers.MultiHeadAttention(2, 3)(x, x),
        "Permute": _one("Permute", (2, 1)),
        "RMSNormalization": _one("RMSNormalization"),
        "SeparableConv1D": _one("SeparableConv1D", 3, 2),
        "SimpleRNN": _one("SimpleRNN", 3),
        "SpatialDropout1D": _one("SpatialDropout1D", 0.2),
        "TimeDistributed, Dense": _within("TimeDistributed", "Dense", 5),
        "UpSampling1D": _one("UpSampling1D", 2),
        "ZeroPadding1D": _one("ZeroPadding1D", 1),
    },
    "numbers": {
        "Activation": _one("Activation", "swish"),
        "ActivityRegularization": _one("ActivityRegularization", 0.1),
        "Add": _pair("Add"),
        "AlphaDropout": _one("AlphaDropout", 0.2),
        "Average": _pair("Average"),
        "Concatenate": _pair("Concatenate"),
        "Dense": _one("Dense", 6, activation="relu"),
        "Dropout": _one("Dropout", 0.2),
        "ELU": _one("ELU", 0.5),
        "GaussianNoise": _one("GaussianNoise", 0.1),
        "Identity": _one("Identity"),
        "LeakyReLU": _one("LeakyReLU", 0.2),
        "Maximum": _pair("Maximum"),
        "Minimum": _pair("Minimum"),
        "Multiply": _pair("Multiply"),
        "Normalization": _one("Normalization", mean=[0.1] * 8, variance=[2.0] * 8),
        "ReLU": _one("ReLU", 6.0),
        "RepeatVector": _one("RepeatVector", 3),
        "Reshape": _one("Reshape", (4, 2)),
        "Softmax": _one("Softmax"),
        "SpectralNormalization": _within("SpectralNormalization", "Dense", 6),
        "Subtract": _pair("Subtract"),
        "ThresholdedReLU": _one("ThresholdedReLU", 0.3),
        "UnitNormalization": _one("UnitNormalization"),
    },
    "volume": {
        "AveragePooling3D": _one("AveragePooling3D", 2),
        "Conv3D": _one("Conv3D", 3, 2),
        "Conv3DTranspose": _one("Conv3DTranspose", 3, 2, strides=2),
        "Cropping3D": _one("Cropping3D", 1),
        "GlobalAveragePooling3D": _one("GlobalAveragePooling3D"),
        "GlobalMaxPooling3D": _one("GlobalMaxPooling3D"),
        "MaxPooling3D": _one("MaxPooling3D", 2),
        "UpSampling3D": _one("UpSampling3D", 2),
        "ZeroPadding3D": _one("ZeroPadding3D", 1),
    },
    "clip": {
        "ConvLSTM2D": _one("ConvLSTM2D", 3, 2),
        "TimeDistributed, Conv2D": _within("TimeDistributed", "Conv2D", 3, 2),
    },
    "rows": {"ConvLSTM1D": _one("ConvLSTM1D", 3, 2)},
    "text": {"Embedding": _one("Embedding", 9, 4)},
}


def input_of(row: str) -> str:
    """What the net of a row reads."""
    return next(name for name, rows in LAYERS.items() if row in rows)


def file_name(row: str) -> str:
    """Of the net of a row, without its ending."""
    return re.sub(r"\W", "_", row)


def samples(name: str, count: int, seed: int = 0) -> Any:
    """(count, ...) inputs made up by a rule."""
    random = np.random.default_rng(seed)
    if name == "text":
        return random.integers(0, 9, (count, *INPUTS[name])).astype(np.int32)
    return random.uniform(0.0, 1.0, (count, *INPUTS[name])).astype(np.float32)


def built(keras: Any, row: str) -> Any:
    """The net of a row, with weights of a seed: none is zero, no variance is small.

    Raises:
        AttributeError: this keras has no such layer.
    """
    name, layers = input_of(row), keras.layers
    keras.utils.set_random_seed(0)
    inputs = keras.Input(INPUTS[name], name=name, dtype="int32" if name == "text" else None)
    x = LAYERS[name][row](layers, inputs)
    x = layers.Flatten()(x) if len(x.shape) > 2 else x
    model = keras.Model(inputs, layers.Dense(CLASSES, activation="softmax", name="head")(x))
    random, values = np.random.default_rng(0), []
    for weight in model.weights:
        value = np.asarray(weight)
        is_number = value.dtype.kind == "f"
        values.append(value + random.uniform(0.05, 0.3, value.shape) if is_number else value)
    model.set_weights(values)
    return model


def plain(model: Any, name: str) -> str:
    """`yes` where the converter exports the net and the file agrees, else why not."""
    outcome = ""
    # the first makes one operation of a loop, but does not find every variable of Keras 3
    for convert in (_by_function, _by_model):
        outcome = _agrees(partial(convert, model, name), model, name)
        if outcome == "yes":
            break
    return outcome


def _by_function(model: Any, name: str) -> Any:
    import tensorflow as tf

    spec = tf.TensorSpec((1, *INPUTS[name]), tf.int32 if name == "text" else tf.float32)
    single = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec)
    return tf.lite.TFLiteConverter.from_concrete_functions([single], model).convert()


def _by_model(model: Any, _name: str) -> Any:
    import tensorflow as tf

    return tf.lite.TFLiteConverter.from_keras_model(model).convert()


def _agrees(convert: Callable[[], Any], model: Any, name: str) -> str:
    from tensorflow.lite.python.convert_phase import ConverterError

    try:
        file = convert()
    except (ConverterError, RuntimeError, ValueError) as error:
        return f"the converter refuses it: {_operation(str(error))}"
    try:
        answers = [_answer(file, sample) for sample in samples(name, FEW)]
    except RuntimeError as error:
        return f"the file does not run: {str(error).splitlines()[0][:100]}"
    said = np.asarray(model(samples(name, FEW), training=False))
    farthest = float(np.abs(np.concatenate(answers) - said).max())
    # what is no number is no less either
    return "yes" if farthest <= TOLERANCE else f"the file is {farthest:.1e} off"


def _answer(file: bytes, sample: Any) -> Any:
    """Of a file that is opened anew: a recurrent layer keeps its state."""
    from ai_edge_litert.interpreter import Interpreter

    runtime = Interpreter(model_content=file)
    runtime.allocate_tensors()
    runtime.set_tensor(runtime.get_input_details()[0]["index"], sample[None])
    runtime.invoke()
    return runtime.get_tensor(runtime.get_output_details()[0]["index"])


def _operation(text: str) -> str:
    """The operations that the runtime does not have, of an error of the converter."""
    missing = sorted(set(re.findall(r"'(tf\.\w+)' op is neither", text)))
    if missing:
        return f"the runtime has no {', '.join(missing)}"
    return text.splitlines()[0][:100] if text else "without a word"


def save_all(keras: Any, folder: Path, known: Collection[str] = ()) -> None:
    """Every net that this keras knows, in every format, and `plain.json`.

    Args:
        known: rows of which the other keras has said what the plain converter makes of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    exported, answers = {}, dict[str, Any]()
    for name, rows in LAYERS.items():
        for row in rows:
            try:
                model = built(keras, row)
            except AttributeError:
                continue  # the other keras alone has this layer
            for kind in FORMATS:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # .h5 is called legacy
                    model.save(folder / f"{file_name(row)}.{kind}")
            answers[file_name(row)] = np.asarray(model(samples(name, FEW), training=False))
            if row not in known:
                exported[row] = plain(model, name)
    np.savez(folder / ANSWERS, **answers)
    (folder / "plain.json").write_text(json.dumps(exported, indent=1), "utf-8")


if __name__ == "__main__":
    is_keras_2 = bool(os.environ.get("TF_USE_LEGACY_KERAS"))
    here, other = Path(sys.argv[1]), [Path(name) / "plain.json" for name in sys.argv[2:]]
    said = json.loads(other[0].read_text("utf-8")) if other else {}
    save_all(import_module("tf_keras" if is_keras_2 else "keras"), here, said)
