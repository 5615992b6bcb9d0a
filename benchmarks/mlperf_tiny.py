"""A project with the four reference nets of MLPerf Tiny and a study of each.

    python -m benchmarks.mlperf_tiny MODELS PROJECT

MODELS is a folder with `pretrainedResnet.h5`, `vww_96.h5`, `ad01.h5` and `str_ww_ref_model.h5`, as
they lie in mlcommons/tiny under benchmark/training/*/trained_models. `resnet8_tiny` is on CIFAR-10;
the data of the others is made up: smooth random pictures and frames, labelled by which output of
the net itself lies most above its mean. What their studies tell is whether a net can be read,
compressed and exported, how large it is, and how far it drifts: not how good it is.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.shared import parser_of
from framework.contracts import Array, Catalog, DataInfo, Samples

SAMPLES, SEED = 400, 0
EVERY = (
    'use("block_prune", sparsity=0.5, epochs=1)', 'use("dynamic_sparse", sparsity=0.5, epochs=1)',
    'use("global_prune", sparsity=0.5, epochs=1)', 'use("gradient_prune", sparsity=0.5, epochs=1)',
    'use("lottery_ticket", sparsity=0.5, rounds=1, epochs=1)', 'use("low_bit", bits=4, epochs=1)',
    'use("magnitude_prune", sparsity=0.5, epochs=1)', 'use("ptq", format="int8")',
    'use("qat", epochs=1)', 'use("random_prune", sparsity=0.5, epochs=1)',
    'use("snip", sparsity=0.5, epochs=1)',
    'use("variational_prune", sparsity=0.5, epochs=1, tune_epochs=1)',
    'use("weight_cluster", clusters=16, epochs=1)',
)  # fmt: skip
PRUNED = (
    'Choice(None, use("magnitude_prune", sparsity=0.5, epochs=1))',
    'Choice(None, use("ptq", format="int8"))',
)
STUDY = '''"""{question}"""

from framework import Choice, Study, Train, use

STUDY = Study(
    dataset=use({dataset}),
    architecture=use("from_file", path="{file}"),
    train=Train(batch_size={batch}),
    compress=[{compress}],
    objectives={{"quality": "max", "size_tflite_compressed_bytes": "min"}},
    sampler="grid",
    trials={trials},
)
'''


@dataclass(frozen=True)
class Net:
    """A reference net on made-up samples; its task is `classes` unless there are none."""

    file: str
    name: str
    shape: tuple[int, ...]
    classes: int


NETS = {
    "vww_tiny": Net("vww_96.h5", "image", (96, 96, 3), 2),
    "ad_tiny": Net("ad01.h5", "sequence", (640, 1), 0),
    "str_ww_tiny": Net("str_ww_ref_model.h5", "audio", (30, 1, 40), 3),
}


def pictures(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """(n, *shape) bytes: six by six patches of random colours, each picture in its own light."""
    patches = random.uniform(size=(SAMPLES, 6, 6, shape[2]))
    side = shape[0] // 6
    large = patches.repeat(side, axis=1).repeat(side, axis=2)
    light = random.uniform(0.2, 1.0, (SAMPLES, 1, 1, 1))
    dark = random.uniform(-0.3, 0.3, (SAMPLES, 1, 1, 1))
    return (np.clip(large * light + dark, 0, 1) * 255).astype(np.uint8)


def frames(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """(n, *shape) float32: a spectrum of six random waves and noise; of the autoencoder in dB."""
    size = int(np.prod(shape))
    waves = np.cos(np.outer(np.arange(1, 7), np.linspace(0, np.pi, size)))
    spectra = random.normal(size=(SAMPLES, 6)) @ waves
    noise = random.normal(size=(SAMPLES, size))
    values = 3 * spectra + noise
    scaled = values - 40 if shape == NETS["ad_tiny"].shape else 0.5 + values / 20
    return np.asarray(scaled.reshape(SAMPLES, *shape), np.float32)


def decided(net: Net, folder: Path, inputs: Array) -> Array:
    """(n,) the output that lies most above its mean over all samples: so every class occurs."""
    from framework import nn
    from framework.nn.tflite import converter

    is_picture = net.name == "image"
    knobs = {"path": str(folder / net.file)} | ({"pixels": "bytes"} if is_picture else {})
    plugin = Catalog().architectures.build("from_file", knobs)
    info = DataInfo(task="classes", classes=net.classes, inputs={net.name: net.shape})
    asked = replace(info, inputs=plugin.input_shapes(info))
    stage = nn.graph.initial_stage(plugin, asked, seed=SEED)
    read = (inputs / 255).astype(np.float32) if is_picture else inputs
    outputs = converter.predict(stage, Samples({net.name: read}, np.zeros(len(read))))
    # outputs of a softmax may all but vanish
    logits = np.log(np.maximum(outputs.astype(np.float64), 1e-40))
    return np.asarray((logits - logits.mean(axis=0)).argmax(axis=1))


def made_up(net: Net, folder: Path) -> Mapping[str, Any]:
    """The arrays of a net; of a net that rebuilds its input, without labels."""
    random = np.random.default_rng(SEED)
    inputs = (pictures if net.name == "image" else frames)(random, net.shape)
    if not net.classes:
        return {net.name: inputs}
    return {net.name: inputs, "labels": decided(net, folder, inputs)}


def write_study(project: Path, name: str, **parts: object) -> None:
    """A study file of the project."""
    folder = project / "studies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(STUDY.format(**parts), "utf-8")


def write_studies(project: Path) -> None:
    """A study of each net."""
    write_study(
        project,
        "resnet8_tiny",
        question="How much smaller is MLPerf Tiny's ResNet-8, pruned and in 8 bits?",
        dataset='"cifar10"',
        file="pretrainedResnet.h5",
        batch=64,
        compress=", ".join(PRUNED),
        trials=4,
    )
    for name, net in NETS.items():
        task = "" if net.classes else ', task="reconstruction"'
        write_study(
            project,
            name,
            question=f"What does each strategy make of {net.file}, on made-up samples?",
            dataset=f'"arrays", path="{name}.npz"{task}',
            file=net.file,
            batch=32,
            compress=f"Choice({', '.join(EVERY)})",
            trials=len(EVERY),
        )


def main() -> int:
    """Write the project."""
    parser = parser_of(__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("project", type=Path)
    given = parser.parse_args()
    given.project.mkdir(parents=True, exist_ok=True)
    for file in ("pretrainedResnet.h5", *(net.file for net in NETS.values())):
        shutil.copyfile(given.models / file, given.project / file)
    for name, net in NETS.items():
        np.savez(given.project / f"{name}.npz", **made_up(net, given.project))
    write_studies(given.project)
    print(f"Written: {given.project}. Go on there: squeezelab study vww_tiny")
    return 0


if __name__ == "__main__":
    sys.exit(main())
