"""The dense net: trained once for its spec and environment, cached under their digest."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from framework import nn
from framework.contracts.catalog import Catalog
from framework.contracts.data import DataInfo, Splits
from framework.contracts.label_unit import OWN, LabelUnit
from framework.contracts.net import Stage, WeightKey, Weights
from framework.contracts.plugins import Architecture
from framework.nn import training
from framework.planning.parts import dataset_of
from framework.study.spec import SCHEMA, Spec, digest_of
from framework.system import fonts, host, paths
from framework.system.locks import patient_lock

log = logging.getLogger("framework")
PACKAGES = ("tensorflow", "tf_keras", "numpy", "tensorflow-model-optimization", "ai-edge-litert")
DESCRIPTION_DIGEST = "baseline.json.sha256"
EpochReport = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Baseline:
    """A trained dense net.

    Args:
        digest: of its spec and the environment.
        initial: the net before training; the same as `stage` where the weights come with the net.
        stage: the net after it; of a regression in the unit that it was trained in.
        curve: one mapping of values per epoch.
        seconds: wall time of the training, when it was done.
    """

    digest: str
    initial: Stage
    stage: Stage
    curve: tuple[Mapping[str, float], ...]
    seconds: float
    unit: LabelUnit = OWN


@dataclass(frozen=True)
class Dense:
    """What was measured of a dense net: what its compressed ones are compared with.

    Args:
        file: its exported file.
        metrics: by their names in the store.
    """

    file: bytes
    metrics: Mapping[str, float]


class Source(Protocol):
    """Where samples come from: a data set of the project, or what was handed over of one."""

    @property
    def info(self) -> DataInfo:
        """What is known of it before it is loaded."""

    def load(self, root: Path, shapes: Mapping[str, tuple[int, ...]]) -> Splits:
        """The open splits; see `contracts.Dataset`."""


def fingerprint() -> dict[str, str]:
    """What besides the spec decides the bits of a result.

    Library versions and the processor.
    """
    return dict(zip(PACKAGES, map(version, PACKAGES), strict=True)) | host.processor()


def baseline_digest(spec: Spec) -> str:
    """sha256 of the dense spec and the environment fingerprint."""
    return digest_of({"schema": SCHEMA, "spec": spec.dense().digest, "environment": fingerprint()})


class Lab:
    """What the trials of one process share: data sets in memory, and dense nets.

    Args:
        root: the project.
        catalog: the plug-ins.
        cache: dense nets are looked for in the project's cache, and kept there; else each is
            trained anew.
        source: of a spec's samples; None for the data sets of the project.
    """

    def __init__(
        self,
        root: Path,
        catalog: Catalog,
        *,
        cache: bool = True,
        source: Callable[[Spec], Source] | None = None,
    ) -> None:
        fonts.keep_in(root)
        self.root, self.catalog, self._cache = root, catalog, cache
        self.source = source or self._dataset
        self._splits: dict[str, Splits] = {}
        self._baselines: dict[str, Baseline] = {}
        self.measured: dict[str, Dense] = {}

    def _dataset(self, spec: Spec) -> Source:
        return dataset_of(spec, self.catalog, self.root)

    def architecture(self, spec: Spec) -> Architecture:
        """The spec's net, as a plug-in."""
        return self.catalog.architectures.build(
            spec.architecture.name, dict(spec.architecture.knobs)
        ).located(self.root)

    def info(self, spec: Spec) -> DataInfo:
        """What is known of the spec's data set, with the inputs its architecture reads."""
        info = self.source(spec).info
        return replace(info, inputs=self.architecture(spec).input_shapes(info))

    def shapes(self, spec: Spec) -> Mapping[str, tuple[int, ...]]:
        """Input shapes that the spec's architecture asks for."""
        return self.info(spec).inputs

    def splits(self, spec: Spec) -> Splits:
        """The open splits, preprocessed for the spec's architecture; loaded once."""
        shapes = self.shapes(spec)
        key = digest_of([spec.dataset.json(), dict(shapes)])  # JSON writes tuples as lists
        if key not in self._splits:
            nn.backend.start(spec.train.threads)
            self._splits[key] = self.source(spec).load(self.root, shapes)
        return self._splits[key]

    def unit(self, spec: Spec, stage: Stage) -> LabelUnit:
        """What labels the spec's net trains on.

        Standardised ones in a regression, unless it comes trained.
        """
        if self.info(spec).task != "regression" or self.architecture(spec).trained:
            return OWN
        return LabelUnit.of(self.splits(spec).train.labels, stage)

    def initial(self, spec: Spec) -> Stage:
        """The net of a spec before training.

        The seed decides its weights, unless they come with it.
        """
        nn.backend.start(spec.train.threads)
        seed = purpose_seed(spec.seed, "weights")
        return nn.graph.initial_stage(self.architecture(spec), self.info(spec), seed=seed)

    def has_baseline(self, spec: Spec) -> bool:
        """Whether the spec's dense net needs no training.

        It lies in the cache, or its weights come with it.
        """
        return self.architecture(spec).trained or self._folder(baseline_digest(spec)).exists()

    def baseline(self, spec: Spec, report: EpochReport = lambda epoch, values: None) -> Baseline:
        """The dense net of a spec: from memory, the cache, or trained by one process.

        A net whose weights come with it is its own baseline: nothing is trained, and nothing
        cached.
        """
        digest = baseline_digest(spec)
        if self.architecture(spec).trained and digest not in self._baselines:
            initial = self.initial(spec)
            self._baselines[digest] = Baseline(digest, initial, initial, (), 0.0)
        if digest not in self._baselines:
            made = self._cached if self._cache else self._train
            self._baselines[digest] = made(spec, digest, self.initial(spec), report)
        return self._baselines[digest]

    def _cached(self, spec: Spec, digest: str, initial: Stage, report: EpochReport) -> Baseline:
        """The dense net from the cache, or trained now and put there."""
        folder = self._folder(digest)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with patient_lock(f"{folder}.lock"):
            baseline = _read(folder, digest, initial, self.unit(spec, initial))
            if baseline is None:
                baseline = self._train(spec, digest, initial, report)
                _write(folder, baseline, spec)
                return baseline
        # the dense net's own run shows it, whoever trained
        for epoch, values in enumerate(baseline.curve, start=1):
            report(epoch, values)
        return baseline

    def train_dense(
        self, spec: Spec, initial: Stage, *, report: EpochReport, stop: int | None = None
    ) -> Stage:
        """The baseline's training, or its first `stop` epochs.

        A net that comes trained stays as it is.
        """
        if self.architecture(spec).trained:
            return initial
        splits, unit = self.splits(spec), self.unit(spec, initial)
        request = training.fit.Fit(
            info=self.info(spec),
            samples=unit.standardised(splits.train),
            validation=unit.standardised(splits.validation),
            train=spec.train,
            epochs=spec.train.epochs,
            warmup_epochs=spec.train.warmup_epochs,
            seed=purpose_seed(spec.seed, "baseline"),
            stop=stop,
            report=lambda epoch, values: report(epoch, unit.curve(values)),
        )
        return training.fit.fit(initial, request)

    def _folder(self, digest: str) -> Path:
        return paths.baselines(self.root) / digest

    def _train(self, spec: Spec, digest: str, initial: Stage, report: EpochReport) -> Baseline:
        curve: list[Mapping[str, float]] = []

        def note(epoch: int, values: Mapping[str, float]) -> None:
            curve.append(dict(values))
            report(epoch, values)

        began = time.monotonic()
        stage = self.train_dense(spec, initial, report=note)
        return Baseline(
            digest, initial, stage, tuple(curve), time.monotonic() - began, self.unit(spec, initial)
        )


def purpose_seed(seed: int, purpose: str) -> int:
    """A seed of 31 bits that depends on a trial's seed and on what it is for."""
    return int(digest_of([seed, purpose])[:8], 16) % 2**31


def pack_weights(weights: Weights) -> bytes:
    """An `.npz` file with entries `layer/position`; the same weights give the same bytes."""
    buffer = io.BytesIO()
    named: dict[str, Any] = {str(WeightKey(*key)): value for key, value in sorted(weights.items())}
    np.savez(buffer, **named)
    return buffer.getvalue()


def unpack_weights(content: bytes) -> dict[WeightKey, Any]:
    """What `pack_weights` packed; arrays only, nothing is unpickled."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {WeightKey.of(name): stored[name] for name in stored.files}


def damaged_baselines(root: Path) -> list[str]:
    """Cached dense nets that are not what was written, as paths from the project.

    Nothing is changed.
    """
    damaged = []
    for folder in sorted(paths.baselines(root).glob("[0-9a-f]" * 64)):
        try:
            _verified(folder)
        except (OSError, ValueError, KeyError, TypeError):
            damaged.append(str(folder.relative_to(root)))
    return damaged


def _verified(folder: Path) -> tuple[dict[str, Any], bytes]:
    """A cached net's description and its weights, if both have their sha256."""
    text = (folder / "baseline.json").read_bytes()
    content = (folder / "weights.npz").read_bytes()
    described = json.loads(text)
    if sha256(content).hexdigest() != described["sha256"]:
        raise ValueError("weights.npz does not have its sha256")
    # entries of earlier versions have none
    digest = folder / DESCRIPTION_DIGEST
    if digest.exists() and digest.read_text("ascii").split()[:1] != [sha256(text).hexdigest()]:
        raise ValueError("baseline.json does not have its sha256")
    return described, content


def _write(folder: Path, baseline: Baseline, spec: Spec) -> None:
    aside = folder.with_suffix(".new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    content = pack_weights(baseline.stage.weights)
    (aside / "weights.npz").write_bytes(content)
    described = {
        "spec": spec.dense().json(),
        "environment": fingerprint(),
        "sha256": sha256(content).hexdigest(),
        "curve": baseline.curve,
        "seconds": baseline.seconds,
        "labels": _moments(baseline.unit),
    }
    text = json.dumps(described, indent=1, sort_keys=True).encode()
    (aside / "baseline.json").write_bytes(text)
    # as `sha256sum -c` reads it
    (aside / DESCRIPTION_DIGEST).write_text(f"{sha256(text).hexdigest()}  baseline.json\n", "ascii")
    os.replace(aside, folder)


def _moments(unit: LabelUnit) -> list[float]:
    return [unit.mean, unit.scale]


def _read(folder: Path, digest: str, initial: Stage, unit: LabelUnit) -> Baseline | None:
    """The cached baseline.

    A damaged entry is put aside with a warning, one in another unit of labels left out.
    """
    if not folder.exists():
        return None
    try:
        described, content = _verified(folder)
        # entries from before labels had a unit were trained in the labels' own
        if described.get("labels", _moments(OWN)) != _moments(unit):
            shutil.rmtree(folder)
            return None
        stage = initial.with_weights(unpack_weights(content))
        return Baseline(
            digest, initial, stage, tuple(described["curve"]), described["seconds"], unit
        )
    except (OSError, ValueError, KeyError) as error:
        _put_aside(folder, error)
        return None


def _put_aside(folder: Path, error: Exception) -> None:
    """Rename a damaged entry, so that it is trained again and can be looked at."""
    aside = folder.with_name(f"{folder.name}.damaged-{int(time.time())}-{os.getpid()}")
    os.replace(folder, aside)
    log.warning(
        "A cached baseline is damaged (%s). It is put aside as %s and trained again.",
        error,
        aside.name,
    )
