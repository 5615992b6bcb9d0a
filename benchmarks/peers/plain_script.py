"""A search as one writes it from the documentation of Keras, tfmot, Optuna and MLflow.

    python -m benchmarks.peers.plain_script FOLDER --trials 20 --epochs 15 --tune-epochs 4

One process, TensorFlow's default threads, Optuna on SQLite, MLflow on SQLite with batches of
metrics and pinned requirements, the dense net trained once. FOLDER has `net.h5`, untrained, and
`data.npz` with `x_train`, `y_train`, `x_val`, `y_val`. It uses nothing of Squeezelab's.
"""

from __future__ import annotations

import argparse
import gzip
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import mlflow
import numpy as np
import optuna
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras

BATCH, RATE = 16, 1e-3
PINNED = [f"{name}=={version(name)}" for name in ("tensorflow", "tf_keras", "numpy")]


def compiled(model: Any, rate: float) -> Any:
    """The model, ready to be trained."""
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    return model


def pruned(dense: Any, sparsity: float, data: Any, *, epochs: int) -> Any:
    """A copy of the dense net, pruned while it is trained on, as tfmot's guide has it."""
    steps = epochs * (len(data["x_train"]) // BATCH)
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, sparsity, 0, int(0.6 * steps))
    copy = keras.models.clone_model(dense)
    copy.set_weights(dense.get_weights())
    model = compiled(tfmot.sparsity.keras.prune_low_magnitude(copy, schedule), 2 * RATE)
    model.fit(
        data["x_train"],
        data["y_train"],
        batch_size=BATCH,
        epochs=epochs,
        validation_data=(data["x_val"], data["y_val"]),
        callbacks=[tfmot.sparsity.keras.UpdatePruningStep()],
        verbose=0,
    )
    return tfmot.sparsity.keras.strip_pruning(model)


def converted(model: Any) -> bytes:
    """Its `.tflite` file."""
    return bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def accuracy(file: bytes, data: Any) -> float:
    """Of the file, on the validation samples."""
    net = tf.lite.Interpreter(model_content=file)
    net.allocate_tensors()
    given, told = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]
    right = 0
    for sample, label in zip(data["x_val"], data["y_val"], strict=True):
        net.set_tensor(given, sample[np.newaxis])
        net.invoke()
        right += int(net.get_tensor(told)[0].argmax() == label)
    return right / len(data["y_val"])


def log(model: Any, file: bytes, folder: Path, metrics: dict[str, float]) -> None:
    """The numbers and the file of a run, in one batch each."""
    mlflow.log_metrics(metrics)
    path = folder / "model.tflite"
    path.write_bytes(file)
    mlflow.log_artifact(str(path))
    model.save_weights(folder / "weights.h5")
    mlflow.log_artifact(str(folder / "weights.h5"))
    mlflow.log_text("\n".join(PINNED), "requirements.txt")


def main() -> None:
    """Train the dense net, then prune it as often as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--tune-epochs", type=int, default=4)
    given = parser.parse_args()
    # one seed, from Python's to TensorFlow's
    keras.utils.set_random_seed(0)
    data = np.load(given.folder / "data.npz")
    mlflow.set_tracking_uri(f"sqlite:///{given.folder}/mlflow.db")
    mlflow.set_experiment("plain")
    dense = compiled(keras.models.load_model(given.folder / "net.h5", compile=False), RATE)
    inputs, validation = (data["x_train"], data["y_train"]), (data["x_val"], data["y_val"])
    dense.fit(*inputs, batch_size=BATCH, epochs=given.epochs, validation_data=validation, verbose=0)

    # a closure over the dense net, which is trained once for all
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        sparsity = trial.suggest_float("sparsity", 0.5, 0.98)
        with mlflow.start_run(run_name=f"trial {trial.number}"):
            mlflow.log_params({"sparsity": sparsity, "epochs": given.tune_epochs})
            model = pruned(dense, sparsity, data, epochs=given.tune_epochs)
            file = converted(model)
            kept = sum(int(np.count_nonzero(weight)) for weight in model.get_weights())
            quality = accuracy(file, data)
            size = len(gzip.compress(file))
            log(model, file, given.folder, {"accuracy": quality, "nonzero": kept, "gzip": size})
        return quality, kept

    # as in ours: a line a trial is not what is timed
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=f"sqlite:///{given.folder}/optuna.db",
        directions=["maximize", "minimize"],
        sampler=optuna.samplers.TPESampler(seed=0),
    )
    study.optimize(objective, n_trials=given.trials)
    for trial in study.best_trials:
        print(trial.number, trial.values)


if __name__ == "__main__":
    main()
