"""Bits pinned per version: what a short training of every strategy and every architecture gives, to
the bit.

    python tests/contract/pins.py            # what has no pin for this machine
    python tests/contract/pins.py --write    # add pins that are missing; one that is there is never
    written over

A pin stands under name and version in a file per environment (`pins/*.json`: library versions and
the processor, as baselines are found by them). Other bits under the same version fail
`test_pins.py`: raise the plug-in's version, then write. Masks from fixed numbers hang on numpy
alone and have one file for all machines.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import numpy as np
from nets_support import (
    CATALOG,
    INFO,
    FewSamples,
    Tiny,
    default_net,
    digest,
    fixed,
    job_for,
    tiny_samples,
    tiny_stage,
)

from framework import nn, use
from framework.contracts import Array, DataInfo, Samples, Splits, Stage
from framework.contracts.job import PLAIN, Tuning
from framework.runner.baseline import Lab, fingerprint
from framework.runner.trial import compress
from framework.study import Spec, Use

FOLDER = Path(__file__).parent / "pins"
MASKS = FOLDER / "masks.json"
Pin = Mapping[str, Any]


class TinyLab(Lab):
    """A lab whose every net is `Tiny` on its stripes: the version of no shipped net or data set is
    in its bits."""

    def architecture(self, spec: Spec) -> Tiny:
        return Tiny()

    def info(self, spec: Spec) -> DataInfo:
        return INFO

    def splits(self, spec: Spec) -> Splits:
        nn.backend.start(spec.train.threads)
        seeded: dict[str, Samples] = {
            name: tiny_samples(96, seed=seed) for seed, name in enumerate(PARTS)
        }
        return replace(super().splits(spec), **seeded)


PARTS = ("train", "calibration", "validation")


def file_of(found: Mapping[str, str]) -> Path:
    """Where an environment's pins lie."""
    return FOLDER / f"{sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:12]}.json"


def read(path: Path) -> dict[str, Pin]:
    """Name and version -> pin; empty where there is no file."""
    return dict(json.loads(path.read_text("utf-8"))["pins"]) if path.exists() else {}


def elsewhere() -> dict[str, Pin]:
    """What other machines have pinned, by name and version."""
    others = [
        path
        for path in sorted(FOLDER.glob("*.json"))
        if path not in (MASKS, file_of(fingerprint()))
    ]
    return {key: pin for path in others for key, pin in read(path).items()}


def key_of(kind: str, name: str) -> str:
    """`strategy NAME VERSION`.

    An architecture's key has the data set that it is trained on, with its version.
    """
    if kind != "architecture":
        return f"strategy {name} {CATALOG.strategies.get(name).plugin_version}"
    net = CATALOG.architectures.get(name)
    data = CATALOG.datasets.get(net.made_for)
    return f"architecture {name} {net.plugin_version} on {data.name} {data.plugin_version}"


def strategy_pin(name: str, folder: Path) -> dict[str, Any]:
    """A strategy on the net `Tiny`, with one epoch, or the least it takes."""
    lab = TinyLab(folder, CATALOG)
    items = CATALOG.strategies.get(name).knobs().items()
    knobs = {knob: max(1, int(item.low)) for knob, item in items if item.unit == "epochs"}
    spec = fixed(use("lenet5"), Use(name, knobs), epochs=2, batch_size=12)
    job = job_for(spec, lab)
    stage = compress(spec, lab, job)
    return {"weights": digest(stage), "quality": round(job.quality(stage), 4)}


def architecture_pin(name: str, folder: Path) -> dict[str, Any]:
    """A net with its default knobs after one epoch on a few samples."""
    lab = FewSamples(folder, CATALOG)
    spec = fixed(
        default_net(name, folder), Use("identity", {"epochs": 1}), epochs=1, warmup_epochs=0
    )
    job = job_for(spec, lab)
    stage = job.finetune(job.trained, 1) if lab.architecture(spec).trained else job.trained
    return {"weights": digest(stage), "quality": round(job.quality(stage), 4)}


class FixedJob:
    """A job without training: gradients are numbers from a generator, fine-tuning leaves a net as
    it is."""

    fit_seconds = 0.0
    catalog = CATALOG

    def __init__(self) -> None:
        self.initial = self.trained = fixed_stage(0)

    def seed(self, purpose: str) -> int:
        return int(sha256(purpose.encode()).hexdigest()[:8], 16) % 2**31

    def rewind(self, epoch: int) -> Stage:
        return fixed_stage(epoch)

    def finetune(self, stage: Stage, epochs: int, tuning: Tuning = PLAIN) -> Stage:
        return stage

    def gradients(
        self, stage: Stage, *, batches: int, **how: Any
    ) -> list[Mapping[tuple[str, int], Array]]:
        return [fixed_stage(seed + 1).weights for seed in range(batches)]

    def steps_per_epoch(self) -> int:
        return 8


def fixed_stage(seed: int) -> Stage:
    """`Tiny` with weights from a generator.

    Half of them stand on a coarse grid, so that there are ties.
    """
    random, stage = np.random.default_rng(seed), tiny_stage()
    drawn = {key: random.random(stage.weights[key].shape) - 0.5 for key in sorted(stage.weights)}
    coarse = {
        key: np.where(random.random(value.shape) < 0.5, np.round(value, 1), value)
        for key, value in drawn.items()
    }
    return stage.with_weights({key: value.astype(np.float32) for key, value in coarse.items()})


def mask_pin(name: str) -> dict[str, Any]:
    """The masks that a pruning strategy draws from fixed weights and gradients, without training:
    numpy alone."""
    strategy = CATALOG.strategies.get(name)
    knobs = {
        knob: max(0, int(item.low))
        for knob, item in strategy.knobs().items()
        if item.unit == "epochs"
    }
    job = FixedJob()
    stage = CATALOG.strategies.build(name, knobs | {"sparsity": 0.6}).apply(job.trained, job)
    packed = b"".join(np.packbits(stage.masks[key]).tobytes() for key in sorted(stage.masks))
    return {
        "masks": sha256(packed).hexdigest(),
        "zeros": sum(int(zeros.sum()) for zeros in stage.masks.values()),
    }


PRUNING = [
    name
    for name in CATALOG.strategies.names()
    if "sparsity" in CATALOG.strategies.get(name).knobs()
]
TRAINED = {
    "strategy": (CATALOG.strategies.names(), strategy_pin),
    "architecture": (CATALOG.architectures.names(), architecture_pin),
}


def main(arguments: list[str]) -> None:
    """Say what is missing here, or add it."""
    found = fingerprint()
    own, masks = read(file_of(found)), read(MASKS)
    missing = [
        (kind, name)
        for kind, (names, _) in TRAINED.items()
        for name in names
        if key_of(kind, name) not in own
    ]
    unmasked = [name for name in PRUNING if key_of("strategy", name) not in masks]
    for what in (
        *(key_of(*one) for one in missing),
        *(f"masks of {key_of('strategy', name)}" for name in unmasked),
    ):
        print("no pin:", what)
    if "--write" not in arguments:
        return
    with tempfile.TemporaryDirectory() as folder:
        own |= {key_of(kind, name): TRAINED[kind][1](name, Path(folder)) for kind, name in missing}
    masks |= {key_of("strategy", name): mask_pin(name) for name in unmasked}
    FOLDER.mkdir(exist_ok=True)
    for path, content in (
        (file_of(found), {"environment": found, "pins": own}),
        (MASKS, {"pins": masks}),
    ):
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")
        print("written:", path)


if __name__ == "__main__":
    main(sys.argv[1:])
