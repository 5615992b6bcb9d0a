"""Nets in files that are against whoever reads them: too large, damaged, without end.

Each state is a study of one net of a file, on the digits of scikit-learn.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.attacks.states import State, everything, replaced, turned

STUDY = '''"""Does a net of a file run?"""

from framework import Float, Study, Train, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("from_file", path="{path}"),
    train=Train(epochs=1, warmup_epochs=0, batch_size=32),
    compress=[use("magnitude_prune", sparsity=Float(0.3, 0.95), epochs=1)],
    trials=1,
)
'''
SOUND_NET = "net: sound"
READING = "check|report"
SOUND_CODES = frozenset({"check", "study"})  # report finds no run of it
MANY = 2**30
Layer = dict[str, Any]


def layer(kind: str, name: str, *sources: str, **config: Any) -> Layer:
    """A layer as Keras 2 describes it."""
    nodes = [[[source, 0, 0, {}] for source in sources]] if sources else []
    described = {"class_name": kind, "config": {"name": name, **config}, "name": name}
    return described | {"inbound_nodes": nodes}


def net(*layers: Layer, inputs: str = "x", output: str = "y") -> Layer:
    """A functional model."""
    ends = {"input_layers": [[inputs, 0, 0]], "output_layers": [[output, 0, 0]]}
    return {"class_name": "Functional", "config": {"name": "m", "layers": list(layers), **ends}}


def begun(shape: Sequence[int] = (8, 8, 1)) -> Layer:
    """The input."""
    return layer("InputLayer", "x", batch_input_shape=[None, *shape], dtype="float32")


def ended(source: str, units: int = 10) -> Layer:
    """Ten answers."""
    return layer("Dense", "y", source, units=units, activation="softmax", use_bias=True)


FLAT = layer("Flatten", "flat", "x")


def h5(
    config: Any, arrays: Mapping[str, Any], change: Callable[[Any], None] | None = None
) -> bytes:
    """An `.h5` file: its configuration, and `layer/weight` -> array; None leaves out its content.

    Args:
        change: of the open file, at last.
    """
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
        names: dict[str, list[str]] = {}
        for name, values in arrays.items():
            names.setdefault(name.split("/")[0], []).append(name)
            where = f"model_weights/{name.split('/')[0]}/{name}"
            if isinstance(values, tuple):  # a shape: nothing of it takes room in the file
                chunks = (*(1 for _ in values[1:]), min(values[-1], 2**16))
                file.create_dataset(where, values, "f4", chunks=chunks)
            else:
                file[where] = np.asarray(values, np.float32)
        for name, of_layer in names.items():
            file[f"model_weights/{name}"].attrs["weight_names"] = [n.encode() for n in of_layer]
        if change:
            change(file)
    return stream.getvalue()


def dense(inputs: int = 64, units: int = 10) -> dict[str, Any]:
    """The arrays of the last layer."""
    return {"y/kernel:0": np.full((inputs, units), 0.01), "y/bias:0": np.zeros(units)}


def sound(
    *between: Layer,
    inputs: int = 64,
    shape: Sequence[int] = (8, 8, 1),
    arrays: Mapping[str, Any] | None = None,
) -> bytes:
    """A net whose layers follow one another, with the arrays of the last one and others."""
    layers, last = [begun(shape)], "x"
    for one in between or (layer("Flatten", "flat", "x"),):
        layers.append(one)
        last = one["name"]
    return h5(net(*layers, ended(last)), {**(arrays or {}), **dense(inputs)})


def zeros(count: int) -> tuple[bytes, int]:
    """So many zeros in a packed form, and their checksum; without making them all."""
    block = bytes(2**20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # a full flush forgets what came before, so that a block may be repeated
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(count // len(block)):
        checksum = zlib.crc32(block, checksum)
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    return packed * (count // len(block)) + end, checksum


def bomb(member: str, count: int, *, told: int | None = None) -> bytes:
    """A `.keras` file of which one member unpacks to `count` zeros; its head says `told`."""
    members = {"metadata.json": b'{"keras_version": "3.5.0"}', "config.json": b"{}"}
    members["model.weights.h5"] = b"\x89HDF\r\n\x1a\n"
    stream = io.BytesIO()
    packed, checksum = zeros(count)
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            if name != member:
                archive.writestr(name, content)
        # written raw, then described as what it is packed as
        archive.writestr(member, packed)
        info = archive.getinfo(member)
        info.compress_type, info.file_size, info.CRC = zipfile.ZIP_DEFLATED, told or count, checksum
        head = info.FileHeader(zip64=False)
        archive.fp.seek(info.header_offset)  # type: ignore[union-attr]
        archive.fp.write(head)  # type: ignore[union-attr]
        archive.fp.seek(archive.start_dir)  # type: ignore[union-attr]
    return stream.getvalue()


def in_models(depth: int) -> Layer:
    """A model in a model, this deep."""
    inner = net(begun(), layer("Flatten", "flat", "x"), ended("flat"))
    for number in range(depth):
        name = f"m{number}"
        around = {**inner, "name": name, "inbound_nodes": [[["x", 0, 0, {}]]]}
        around["config"] = {**inner["config"], "name": name}
        inner = net(begun(), around, output=name)
    return inner


def doubled(times: int) -> Layer:
    """A model that uses a model twice, which uses one twice, and so on."""
    inner = net(begun(), layer("Activation", "y", "x", activation="relu"))
    for number in range(times):
        name = f"m{number}"
        twice = [[["x", 0, 0, {}]], [[name, 0, 0, {}]]]
        around = {**inner, "name": name, "inbound_nodes": twice}
        around["config"] = {**inner["config"], "name": name}
        inner = net(begun(), around)
        inner["config"]["output_layers"] = [[name, 1, 0]]
    return inner


def circle() -> bytes:
    """Two layers of which each reads the other."""
    a, b = (layer("Activation", name, other, activation="relu") for name, other in ("ab", "ba"))
    return h5(net(begun(), a, b, layer("Flatten", "f", "b"), ended("f")), dense())


def flipped(seed: int) -> bytes:
    """A sound file in which some bytes of what describes its content are others."""
    content = bytearray(sound())
    generator = np.random.default_rng(seed)
    # behind the signature, and before the numbers themselves
    for place in generator.integers(8, min(len(content), 6000), 12):
        content[place] = generator.integers(256)
    return bytes(content)


def damaged_heap() -> bytes:
    """A sound file whose local heaps say that their free parts follow themselves."""
    content = bytearray(sound())
    start = content.find(b"HEAP")
    while start >= 0:
        # the head of the list of free parts, and in each place the next one
        segment = int.from_bytes(content[start + 24 : start + 32], "little")
        content[start + 16 : start + 24] = (0).to_bytes(8, "little")
        content[segment : segment + 16] = bytes(8) + (16).to_bytes(8, "little")
        start = content.find(b"HEAP", start + 4)
    return bytes(content)


def large(root: Path) -> None:
    """A file of three gigabytes that takes no room."""
    path = root / "net.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    os.truncate(path, 3 * 2**30)


def wide_attributes(file: Any) -> None:
    """A list of names in very many pieces."""
    group = file["model_weights/y"]
    for number in range(3000):
        group.attrs[f"weight_names{number}"] = [b"y/kernel:0"] * 8
    del group.attrs["weight_names"]


def recurrent(steps: int, kind: str = "SimpleRNN", gates: int = 1) -> bytes:
    """A loop over very many steps, which is exported step by step."""
    arrays = {f"r/{name}:0": np.zeros(shape) for name, shape in (
        ("kernel", (64, 4 * gates)), ("recurrent_kernel", (4, 4 * gates)), ("bias", (4 * gates,))
    )}  # fmt: skip
    if kind == "GRU":
        arrays["r/bias:0"] = np.zeros((2, 12))
    more = {"reset_after": True} if kind == "GRU" else {}
    return sound(
        layer("Flatten", "flat", "x"),
        layer("RepeatVector", "many", "flat", n=steps),
        layer(kind, "r", "many", units=4, use_bias=True, **more),
        inputs=4,
        arrays=arrays,
    )


def following(count: int, kind: str, **config: Any) -> list[Layer]:
    """Layers `a0`, `a1` and so on, each fed by the one before it."""
    layers, source = list[Layer](), "x"
    for number in range(count):
        layers.append(layer(kind, f"a{number}", source, **config))
        source = f"a{number}"
    return layers


def averaged(*between: Layer) -> bytes:
    """A net that ends in the mean of pictures."""
    mean = layer("GlobalAveragePooling2D", "mean", between[-1]["name"])
    return sound(*between, mean, inputs=1)


def repeated(count: int) -> bytes:
    """A net that repeats a picture in one line."""
    many = layer("RepeatVector", "n", "flat", n=count)
    return sound(FLAT, many, layer("GlobalAveragePooling1D", "mean", "n"))


def wide(units: int, kernel: Any) -> bytes:
    """A net whose last layer is declared with a shape in place of its numbers."""
    arrays = {"y/kernel:0": kernel, "y/bias:0": (10,)}
    return h5(net(begun(), FLAT, ended("flat", units)), arrays)


Content = tuple[str, Callable[[], bytes]]


def packed() -> dict[str, Content]:
    """Files that hold more than they are large."""
    weights = partial(bomb, "model.weights.h5")
    return {
        "declares 100 GB": ("net.h5", lambda: wide(10, (10, 2_500_000_000))),
        "declares 900 MB": ("net.h5", lambda: wide(3_500_000, (64, 3_500_000))),
        "weights unpack to 900 MB": ("net.keras", lambda: weights(900 * 2**20)),
        "weights unpack to 3 GB": ("net.keras", lambda: weights(3 * 2**30)),
        "unpacks to more than it says": ("net.keras", lambda: weights(2**30, told=1000)),
        "configuration unpacks to 1 GB": ("net.keras", lambda: bomb("config.json", 2**30)),
    }


def enormous() -> dict[str, Content]:
    """Nets that make very much of little."""
    up = partial(following, kind="UpSampling2D", size=[8, 8])
    pads = layer("ZeroPadding2D", "p", "x", padding=[[0, 10**6], [0, 10**6]])
    units = layer("Dense", "d", "flat", units=MANY, use_bias=True)
    arrays = {"d/kernel:0": np.zeros((64, 4)), "d/bias:0": np.zeros(4)}
    relus = partial(following, kind="Activation", activation="relu")
    last = layer("Flatten", "flat", "a99999")
    return {
        "a billion units": ("net.h5", lambda: sound(FLAT, units, arrays=arrays)),
        "repeats a billion times": ("net.h5", lambda: repeated(MANY)),
        "repeats 3 million times": ("net.h5", lambda: repeated(3_000_000)),
        "scales up for ever": ("net.h5", lambda: averaged(*up(10))),
        "scales up to 33 000 x 33 000": ("net.h5", lambda: averaged(*up(4))),
        "pads by a million": ("net.h5", lambda: averaged(pads)),
        "a loop of 100 000 steps": ("net.h5", lambda: recurrent(100_000)),
        "a GRU of 5 000 steps": ("net.h5", lambda: recurrent(5_000, "GRU", 3)),
        "100 000 layers": ("net.h5", lambda: sound(*relus(100_000), last)),
        "models 100 deep": ("net.h5", lambda: h5(in_models(100), {})),
        "lists 100 000 deep": ("net.h5", lambda: h5("[" * 100_000, {})),
        "models doubled 25 times": ("net.h5", lambda: h5(doubled(25), {})),
    }


def damaged() -> dict[str, Content]:
    """Files that contradict themselves."""
    pieces = net(begun(), FLAT, ended("flat"))
    contents: dict[str, Content] = {
        "a circle": ("net.h5", circle),
        "a heap without end": ("net.h5", damaged_heap),
        "3 000 attributes": ("net.h5", lambda: h5(pieces, dense(), wide_attributes)),
        "empty": ("net.h5", bytes),
        "of another kind": ("net.h5", lambda: b"\x80\x04cposix\nsystem\n"),
    }
    for seed in range(1, 5):
        contents[f"bytes flipped {seed}"] = ("net.h5", partial(flipped, seed))
    return contents


def contents() -> dict[str, Content]:
    """Name -> name of a file, and what makes its content."""
    return {"sound": ("net.h5", sound), **packed(), **enormous(), **damaged()}


def nets() -> dict[str, State]:
    """All states of nets; the sound one first."""
    states = {}
    for name, (path, content) in contents().items():
        states[f"net: {name}"] = _state(path, partial(_written, path, content))
    states["net: 3 GB of nothing"] = _state("net.h5", large)
    for into in ("folder", "pipe", "loop", "dangling"):
        states[f"net: a {into}"] = _state("net.h5", turned("net.h5", into))
    zero = "/dev/zero"
    states["net: without end"] = _state("net.h5", lambda root: (root / "net.h5").symlink_to(zero))
    return states


def _written(path: str, content: Callable[[], bytes], root: Path) -> None:
    (root / path).write_bytes(content())


def _state(path: str, change: Callable[[Path], None]) -> State:
    study = replaced("studies/tiny.py", STUDY.format(path=path).encode())
    return State(everything(study, change), sound=SOUND_NET)
