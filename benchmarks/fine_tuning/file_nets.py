"""Six nets as users bring them: trained and saved by keras itself, of Keras 2 (.h5) and 3 (.keras).

Each is another kind: batch normalisation behind the activation, a frozen body that was trained for
another question, raw columns behind a normalisation, a recurrent net, pre-activation by momentum,
separable convolutions of sound. All data are there without a download.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from framework.contracts import Array, Catalog
from framework.contracts.data import Samples
from framework.planning.resolve import first_value, resolve
from framework.runner.baseline import Lab
from framework.study import Study, Use, use

ROWS, TABLE = 4000, "people.csv"
BATCH = 32
LOSS = "sparse_categorical_crossentropy"


@dataclass(frozen=True)
class FileNet:
    """A net that comes trained.

    Args:
        dataset: what it is trained on, and studied on.
        like: a net of the framework's that is fed alike, so that its samples are those to train on.
        ending: `h5` is written by Keras 2, `keras` by Keras 3.
        learn: makes and trains it: (keras, inputs, labels) -> model.
        raw: knobs with which the data set is as the net is to be trained on.
        factor, offset: of the numbers that it reads: pixels of 0 to 1, or as they are.
        inputs: which of the data set's it reads, where several would fit.
    """

    dataset: Use
    like: Use
    ending: str
    learn: Callable[[Any, Array, Array], Any]
    raw: Mapping[str, Any]
    factor: float = 1.0
    offset: float = 0.0
    inputs: str = ""


def fitted(
    model: Any, inputs: Array, labels: Array, *, epochs: int, optimizer: Any = "adam"
) -> Any:
    """The model, trained as introductions to keras do it."""
    # XLA compiles for longer than these nets train
    model.compile(optimizer, LOSS, jit_compile=False)
    model.fit(inputs, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return model


def cnn_batch_norm(keras: Any, inputs: Array, labels: Array) -> Any:
    """Bytes of a picture; batch normalisation behind ReLU, dropout."""
    layers = keras.layers
    stack = [keras.Input(inputs.shape[1:]), layers.Rescaling(1 / 255)]
    for filters in (16, 32):
        stack += [layers.Conv2D(filters, 3, activation="relu"), layers.BatchNormalization()]
        stack += [layers.MaxPooling2D()]
    stack += [layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dropout(0.3)]
    stack += [layers.Dense(10, activation="softmax")]
    return fitted(keras.Sequential(stack), inputs, labels, epochs=20)


def transfer(keras: Any, inputs: Array, labels: Array) -> Any:
    """A body that has learned odd from even, a new head, then all of it at a small rate."""
    layers = keras.layers
    stack = [keras.Input(inputs.shape[1:])]
    for filters in (16, 32, 64):
        stack += [layers.Conv2D(filters, 3, padding="same", use_bias=False)]
        stack += [layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()]
    body = keras.Sequential([*stack, layers.GlobalAveragePooling2D()], name="body")
    first = keras.Sequential([keras.Input(inputs.shape[1:]), body, layers.Dense(2, "softmax")])
    fitted(first, inputs, labels % 2, epochs=15)
    # else the first steps of a head that knows nothing would undo what the body has learned
    body.trainable = False
    head = [layers.Dropout(0.2), layers.Dense(10, activation="softmax")]
    model = keras.Sequential([keras.Input(inputs.shape[1:]), body, *head])
    fitted(model, inputs, labels, epochs=10)
    body.trainable = True
    return fitted(model, inputs, labels, epochs=15, optimizer=keras.optimizers.Adam(3e-4))


def mlp_table(keras: Any, inputs: Array, labels: Array) -> Any:
    """Columns in their own units behind a normalisation that has looked at them."""
    layers = keras.layers
    scale = layers.Normalization()
    scale.adapt(inputs.reshape(len(inputs), -1))
    stack = [keras.Input(inputs.shape[1:]), layers.Flatten(), scale]
    stack += [layers.Dense(64, activation="relu"), layers.Dropout(0.2)]
    stack += [layers.Dense(32, activation="relu"), layers.Dense(3, activation="softmax")]
    return fitted(keras.Sequential(stack), inputs, labels, epochs=30)


def gru_rows(keras: Any, inputs: Array, labels: Array) -> Any:
    """A recurrent net that reads a picture row by row."""
    layers = keras.layers
    stack = [keras.Input(inputs.shape[1:]), layers.GRU(64), layers.Dropout(0.2)]
    stack += [layers.Dense(10, activation="softmax")]
    return fitted(keras.Sequential(stack), inputs, labels, epochs=60)


def preact_resnet(keras: Any, inputs: Array, labels: Array) -> Any:
    """Normalisation and ReLU before each convolution; stochastic gradient descent, weight decay."""
    layers = keras.layers
    image = keras.Input(inputs.shape[1:])
    decay = keras.regularizers.L2(1e-4)
    trunk = layers.Conv2D(16, 3, strides=2, padding="same", kernel_regularizer=decay)(image)
    for filters, stride in ((16, 1), (32, 2)):
        ready = layers.ReLU()(layers.BatchNormalization()(trunk))
        inner = layers.Conv2D(filters, 3, strides=stride, padding="same", kernel_regularizer=decay)
        branch = layers.ReLU()(layers.BatchNormalization()(inner(ready)))
        branch = layers.Conv2D(filters, 3, padding="same", kernel_regularizer=decay)(branch)
        if stride > 1:  # He et al. 2016 take the shortcut behind the activation, too
            trunk = layers.Conv2D(filters, 1, strides=stride, kernel_regularizer=decay)(ready)
        trunk = layers.Add()([trunk, branch])
    pooled = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.BatchNormalization()(trunk)))
    model = keras.Model(image, layers.Dense(10, activation="softmax")(pooled))
    rate = keras.optimizers.schedules.CosineDecay(0.05, 25 * (len(inputs) // BATCH))
    momentum = keras.optimizers.SGD(rate, momentum=0.9)
    return fitted(model, inputs, labels, epochs=25, optimizer=momentum)


def separable_sound(keras: Any, inputs: Array, labels: Array) -> Any:
    """Separable convolutions of a spectrogram."""
    layers = keras.layers
    stack = [keras.Input(inputs.shape[1:])]
    for filters in (16, 32, 32):
        stack += [layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)]
        stack += [layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D((1, 2))]
    stack += [layers.GlobalAveragePooling2D(), layers.Dense(10, activation="softmax")]
    return fitted(keras.Sequential(stack), inputs, labels, epochs=8)


DIGITS, CNN = use("digits"), use("cnn")
PEOPLE = use("csv", path=TABLE, target="group")
NETS = {
    "cnn_batch_norm": FileNet(DIGITS, CNN, "h5", cnn_batch_norm, {}, factor=255.0),
    "transfer": FileNet(DIGITS, CNN, "keras", transfer, {}, factor=2.0, offset=-1.0),
    "mlp_table": FileNet(PEOPLE, use("mlp"), "h5", mlp_table, {"scale": "none"}),
    "gru_rows": FileNet(use("digits_rows"), use("lstm"), "keras", gru_rows, {}),
    "preact_resnet": FileNet(DIGITS, CNN, "keras", preact_resnet, {}),
    "separable_sound": FileNet(
        use("digits_audio"),
        use("image_audio", reads="audio"),
        "h5",
        separable_sound,
        {},
        inputs="audio",
    ),
}


def write_table(path: Path) -> None:
    """A table of people in three groups that overlap: no net tells all of them apart."""
    random = np.random.default_rng(0)
    age = random.uniform(18, 90, ROWS).round()
    income = np.exp(random.normal(10.3, 0.6, ROWS)).round()
    hours = random.gamma(4.0, 8.0, ROWS).round(1)
    others = random.normal([0, 1000, -0.01], [5, 300, 0.004], (ROWS, 3)).round(5)
    score = np.sin(age / 12) + (np.log(income) - 10.3) * 1.5 - (hours / 32 - 1) * others[:, 0] / 5
    group = np.digitize(score + random.normal(0, 0.3, ROWS), [-0.6, 0.6])
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["age", "income", "hours", "drift", "load", "offset", "group"])
        for numbers, name in zip(np.column_stack([age, income, hours, others]), group, strict=True):
            rows.writerow([*numbers, "abc"[name]])


def written(name: str, root: Path, folder: Path, *, seed: int) -> Path:
    """The file of a net, made now if it is not there; one for each seed.

    Args:
        root: the project, whose cache has the data.
        folder: where the files are kept.
    """
    net = NETS[name]
    file = folder / f"{name}-{seed}.{net.ending}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / TABLE).exists():
        write_table(folder / TABLE)
    if not file.exists():
        samples = _samples(net, root, folder)
        (numbers,) = samples.inputs.values()
        keras = _keras(net.ending)
        keras.utils.set_random_seed(seed)
        model = net.learn(keras, numbers * net.factor + net.offset, samples.labels)
        # under another name first: a kill while it is written leaves no half of a net
        model.save(aside := file.with_stem(f"{file.stem}.new"))
        aside.rename(file)
    return file


def dataset_of(net: FileNet, root: Path, folder: Path) -> Use:
    """Its data set, seen from the project."""
    if "path" not in net.dataset.knobs:
        return net.dataset
    knobs = {**net.dataset.knobs, "path": os.path.relpath(folder / TABLE, root)}
    return replace(net.dataset, knobs=knobs)


def _samples(net: FileNet, root: Path, folder: Path) -> Samples:
    """What it is trained on: the train split alone, as those of a study are."""
    catalog, dataset = Catalog(), dataset_of(net, root, folder)
    dataset = replace(dataset, knobs={**dataset.knobs, **net.raw})
    study = resolve(Study(dataset=dataset, architecture=net.like), catalog, root)
    return Lab(root, catalog).splits(study.fix(first_value)).train


def _keras(ending: str) -> Any:
    """Keras 2 or 3, by what the file is to be."""
    from framework.nn import backend

    if ending == "h5":
        return backend.keras
    import keras  # type: ignore[import-untyped]

    return keras
