"""Files of saved nets written by hand, without keras: their configuration and their arrays."""

from __future__ import annotations

import io
import json
import zipfile

import h5py
import numpy as np
import pytest

from framework.errors import InvalidStudy
from framework.nn import saved

ARRAYS = {"layers/dense/vars/0": np.ones((4, 3)), "layers/dense/vars/1": np.zeros(3)}


def layer(kind, name, *sources, **config):
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"keras_history": [source, 0, 0]}}
        for source in sources
    ]
    nodes = (
        [{"args": [tensors if len(tensors) > 1 else tensors[0]], "kwargs": {}}] if tensors else []
    )
    described = {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name, **config},
        "name": name,
    }
    return described | {"registered_name": None, "inbound_nodes": nodes}


def model(*layers, inputs=("x",), output="y"):
    """A functional model as Keras 3 describes it; by default four numbers in, three out."""
    first = [layer("InputLayer", name, batch_shape=[None, 4], dtype="float32") for name in inputs]
    layers = layers or (layer("Dense", output, "x", units=3, activation="softmax", use_bias=True),)
    config = {"layers": [*first, *layers], "input_layers": [[name, 0, 0] for name in inputs]}
    return {"class_name": "Functional", "config": config | {"output_layers": [[output, 0, 0]]}}


def hdf5(arrays=ARRAYS, change=lambda file: None):
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, values in arrays.items():
            file[name] = np.asarray(values, np.float32)
        change(file)
    return stream.getvalue()


def write_keras(path, config=None, arrays=ARRAYS, *, change=lambda file: None, version="3.15.1"):
    """A `.keras` file; `change` may do anything to its arrays."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps(config or model()))
        archive.writestr("model.weights.h5", hdf5(arrays, change))
    return path


def refused(path, *words):
    with pytest.raises(InvalidStudy) as caught:
        saved.load(path)
    told = str(caught.value)
    assert path.name in told
    for word in words:
        assert word in told, told
    assert caught.value.exit_code == 2


def tensor(name, node=0, output=0):
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, node, output]}}


def call(*given, **keywords):
    return {"inbound_nodes": [{"args": list(given), "kwargs": keywords}]}
