"""A real store with the runs of studies under several seeds: numbers are made up, all else is what
a study writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from framework import Choice, Study, Train, use
from framework.contracts import Catalog
from framework.planning.resolve import control_spec, resolve
from framework.report import Choices, Report, run_report
from framework.results.record import SPEC_JSON, STUDY_JSON, Record
from framework.study import Spec
from framework.study.grid import enumerate_specs
from framework.tracking.store import Store

CATALOG = Catalog()
SAMPLES = 1000
OVER = "compress.0.sparsity"
SPARSITIES = (0.5, 0.8, 0.95)
DENSE_PARAMS = {"lenet5": 61_706.0, "lenet_300_100": 266_610.0}
# what a method loses at each sparsity
LOSSES = {
    "magnitude_prune": (0.001, 0.006, 0.03),
    "random_prune": (0.012, 0.06, 0.25),
}


def study_of(net: str = "lenet5", seed: int = 0, methods: Sequence[str] = tuple(LOSSES)) -> Study:
    """The same net under each method at each sparsity."""
    steps = [use(name, sparsity=Choice(*SPARSITIES), epochs=4) for name in methods]
    return resolve(
        Study(
            dataset=use("digits"),
            architecture=use(net),
            train=Train(epochs=10),
            compress=[Choice(*steps) if len(steps) > 1 else steps[0]],
            sampler="grid",
            seed=seed,
        ),
        CATALOG,
    )


class Written:
    """Writes studies into a store.

    Args:
        noise: standard deviation of the accuracy of one training.
        collapsed: (strategy, sparsity, seed) that end at chance.
        failed: (strategy, sparsity, seed) that diverge.
    """

    def __init__(
        self,
        root: Path,
        *,
        noise: float = 0.004,
        collapsed: Sequence[tuple[str, float, int]] = (),
        failed: Sequence[tuple[str, float, int]] = (),
    ) -> None:
        self.store = Store.open(root)
        self.noise, self.collapsed, self.failed = noise, collapsed, failed

    def study(self, name: str, study: Study, *, generation: int = 0) -> None:
        """The parent, its dense net, its control and every trial of the grid."""
        parent, tags = self.begun(name, study, generation=generation)
        specs = [spec for _, spec in enumerate_specs(study)]
        dense = self._run(name, parent, tags, "baseline", specs[0].dense())
        control = control_spec(study, CATALOG)
        self._run(name, parent, tags | {"baseline": dense}, "control", control)
        for number, spec in enumerate(specs):
            trial = {"baseline": dense, "trial": f"{number:06d}", "attempt": "0"}
            self._run(name, parent, tags | trial, "trial", spec)
        self.store.close(parent, "FINISHED")

    def confirm(self, name: str, study: Study, seeds: Sequence[int], *, trials: int = 6) -> None:
        """Dense net, control and the first trials under new seeds, looked at."""
        tags = {"study_digest": study.digest, "generation": "0", "attempt": "1", "look": "true"}
        specs = [spec for _, spec in enumerate_specs(study)][:trials]
        for seed in seeds:
            for spec in (specs[0].dense(), control_spec(study, CATALOG)):
                self._run(name, "", tags, "confirm", replace(spec, seed=seed))
            for number, spec in enumerate(specs):
                trial = {"trial": f"{number:06d}"}
                self._run(name, "", tags | trial, "confirm", replace(spec, seed=seed))

    def look(self, name: str, study: Study) -> None:
        """At the stored file of trial 0."""
        tags = {"study_digest": study.digest, "generation": "0", "trial": "000000"}
        spec = next(spec for _, spec in enumerate_specs(study))
        self._run(name, "", tags, "confirm", spec)

    def begun(self, name: str, study: Study, *, generation: int = 0) -> tuple[str, dict[str, str]]:
        """The parent alone: its id, and the tags of its runs."""
        tags = {"study_digest": study.digest, "generation": str(generation)}
        parent = self.store.begin(name, role="study", name=name, tags=tags, params={})
        head = {"name": name, "question": "", "overrides": [], "study": study.json()}
        head |= {"digest": study.digest, "task": "classes", "classes": 10, "trials": 6}
        self.store.put(parent, {STUDY_JSON: json.dumps(head, sort_keys=True).encode()})
        return parent, tags

    def _run(self, name: str, parent: str, tags: dict[str, str], role: str, spec: Spec) -> str:
        run_id = self.store.begin(
            name,
            role=role,
            name=role,
            tags=tags
            | {
                "architecture": spec.architecture.name,
                "strategy": spec.strategy,
                "seed": str(spec.seed),
                "spec_digest": spec.digest,
                "host": "box",
            },
            params=spec.parameters(),
            parent=parent or None,
        )
        self.store.log_dataset(
            run_id,
            name="digits",
            digest="0" * 64,
            source="rule",
            profile={"train": 4000, "validation": SAMPLES},
        )
        files = {SPEC_JSON: json.dumps(spec.json(), indent=1, sort_keys=True).encode()}
        if _key(spec) in self.failed:
            record = Record(artifacts=files, reason="diverged", error="diverged")
        else:
            metrics = self._metrics(spec)
            if role == "confirm":
                metrics["test_accuracy"] = metrics["val_accuracy"] - lost_on_test(spec)
            times = {"seconds": 9.0, "fit_seconds": 4.0 + spec.seed}
            record = Record(metrics, times=times, artifacts=files)
        self.store.finish(run_id, record)
        return run_id

    def _metrics(self, spec: Spec) -> dict[str, float]:
        base = self._measured(spec.dense())
        if not spec.compress:
            return base | {"chance_accuracy": 0.12, "chance_limit": 0.14}
        own = self._measured(spec)
        drop = base["val_accuracy"] - own["val_accuracy"]
        named = {f"baseline.{key}": value for key, value in base.items()}
        return own | named | {"accuracy_drop": drop}

    def _measured(self, spec: Spec) -> dict[str, float]:
        """The same for the same spec, as a training gives."""
        generator = np.random.default_rng(int(spec.digest[:12], 16))
        accuracy = 0.97 + self.noise * generator.standard_normal()
        sparsity = 0.0
        if spec.strategy in LOSSES:
            sparsity = spec.compress[0].knobs["sparsity"]
            accuracy -= LOSSES[spec.strategy][SPARSITIES.index(sparsity)]
        if _key(spec) in self.collapsed:
            accuracy = 0.12
        params = DENSE_PARAMS[spec.architecture.name]
        nonzero = float(round(params * (1 - sparsity)))
        size = 2000.0 + 3.6 * nonzero + spec.seed
        return {
            "val_accuracy": round(accuracy * SAMPLES) / SAMPLES,
            "params_total": params,
            "params_nonzero": nonzero,
            "size_tflite_bytes": 4 * params + 3000,
            "size_tflite_compressed_bytes": size,
        }


def lost_on_test(spec: Spec) -> float:
    """What a made-up net has less on test: the dense one a point, a compressed one a half more."""
    return (0.015 if spec.strategy in LOSSES else 0.01) + 0.001 * (spec.seed % 2)


def _key(spec: Spec) -> tuple[str, object, int]:
    knobs = spec.compress[0].knobs if spec.compress else {}
    return spec.strategy, knobs.get("sparsity"), spec.seed


def compared(root: Path, out: Path, names: str = "prune", *, over: str = "") -> Report:
    """The report, by a store that is opened anew."""
    store = Store.open(root, create=False)
    return run_report(store, names, root=root, out=out, kind="compare", choices=Choices(over=over))


def seeds(written: Written, name: str, study: Study, count: int) -> None:
    """The same study under further seeds, each a digest of its own."""
    for seed in range(count):
        written.study(name, replace(study, seed=seed))
