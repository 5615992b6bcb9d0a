"""Runs of every shipped study, made without training: specs of its space, numbers of its metrics.

They lie in memory, in the form in which the store hands them back.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from framework.contracts import Catalog
from framework.errors import UnknownName
from framework.planning.plan import Plan, plan
from framework.planning.resolve import control_spec
from framework.results.quantities import ledger_lines
from framework.results.record import SPEC_JSON, STUDY_JSON, Run, drop_of, quality_of
from framework.study import Choice, Float, Int, Spec

ROOT = Path(__file__).parents[2]
CATALOG = Catalog()
TRIALS = 10
PARAMS = 60_000.0
ASKED = ("sparsity", "clusters", "bits")


@dataclass
class MemoryStore:
    """Holds runs with their artifacts."""

    held: list[Run] = field(default_factory=list)
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    without_manifest: set[str] = field(default_factory=set)

    def runs(self, study: str, /, **tags: str) -> list[Run]:
        wanted = {"study": study, **tags}.items()
        return [run for run in self.held if wanted <= run.tags.items()]

    def complete(self, run: Run, /) -> bool:
        ended = run.status in ("FAILED", "FINISHED")
        return ended and run.run_id not in self.without_manifest

    def artifact(self, run_id: str, name: str, /) -> bytes:
        if (run_id, name) not in self.files:
            raise UnknownName("artifact", name, [key for _, key in self.files])
        return self.files[run_id, name]

    def steps(self, run_id: str, metric: str, /) -> list[tuple[int, float]]:
        (one,) = [run for run in self.held if run.run_id == run_id]
        top = one.metrics.get(metric.removeprefix("epoch."), 0.0)
        return [(epoch, top * (1 - 0.5 ** (epoch + 1))) for epoch in range(6)]

    def data(self, run_id: str, /) -> dict[str, Any]:
        return {"train": 4000, "calibration": 200, "validation": 1000, "train_sha256": "ab" * 32}


def store_of(name: str, *, seeds: int = 2, trials: int = TRIALS, rename: str = "") -> MemoryStore:
    """A study's runs, each under several seeds; trial 2 fails.

    Args:
        rename: what the study is called instead.
    """
    planned = plan(ROOT, name, settings=[], catalog=CATALOG)
    return Made(planned, rename or name, seeds).store(trials)


class Made:
    """Makes the runs of one study."""

    def __init__(self, planned: Plan, name: str, seeds: int) -> None:
        self.planned, self.name, self.seeds = planned, name, seeds
        self.made = MemoryStore()
        self.tags = {"study": name, "study_digest": planned.study.digest, "generation": "0"}
        self.tags |= {"host": "box", "git": "abc", "dirty": "false"}

    def store(self, trials: int) -> MemoryStore:
        parent = self._add("study", None, {}, {})
        study = self.planned.study
        head = {"name": self.name, "question": "How far?", "overrides": [], "seeds": self.seeds}
        head |= {"study": study.json(), "digest": study.digest, "task": self.planned.task}
        head |= {"classes": 10, "trials": trials, "environment": {"tensorflow": "2.21.0"}}
        self.made.files[parent, STUDY_JSON] = json.dumps(head, sort_keys=True).encode()
        specs = self._specs(trials)
        for spec in {one.dense().digest: one.dense() for one in specs}.values():
            for seed in range(self.seeds):
                self._net(replace(spec, seed=seed))
        for number, spec in enumerate(specs):
            for seed in range(self.seeds):
                role = "replicate" if seed else "trial"
                tags = {"trial": f"{number:06d}", "attempt": "0"}
                failed = {"reason": "diverged"} if number == 2 else {}
                self._add(role, replace(spec, seed=seed), tags | failed, self._metrics(spec, seed))
        return self.made

    def _net(self, dense: Spec) -> None:
        """The dense net of a seed, and its control."""
        self._add("baseline", dense, {"strategy": "none"}, self._base(dense.seed))
        control = replace(control_spec(self.planned.study, CATALOG), seed=dense.seed)
        control = replace(control, architecture=dense.architecture, train=dense.train)
        metrics = self._metrics(control, dense.seed, sparsity=0.0)
        self._add("control", control, {"strategy": "identity"}, metrics)

    def _specs(self, trials: int) -> list[Spec]:
        """Different ones, of the study's space, the same each time."""
        draw = random.Random(self.name)
        specs: dict[str, Spec] = {}
        for _ in range(20 * trials):
            spec = self.planned.study.fix(lambda _, domain: _drawn(draw, domain))
            specs.setdefault(spec.digest, spec)
        return list(specs.values())[:trials]

    def _base(self, seed: int) -> dict[str, float]:
        quality = quality_of(self.planned.task)
        values = dict.fromkeys(ledger_lines(CATALOG), PARAMS)
        values |= {"params_total": PARAMS, quality: 0.97 + 0.003 * seed, "seconds": 9.0}
        others = {"val_r2": {"val_rmse": 0.3, "val_mse": 0.09, "val_auc": 0.9}}
        return values | others.get(quality, {}) | {"latency_us_p50": 100.0}

    def _metrics(self, spec: Spec, seed: int, sparsity: float | None = None) -> dict[str, float]:
        base = self._base(seed)
        draw = random.Random(f"{spec.digest}{seed}")
        zeros = random.Random(spec.configuration).uniform(0.3, 0.98)
        zeros = zeros if sparsity is None else sparsity
        quality, drop = quality_of(self.planned.task), drop_of(self.planned.task)
        own = {name: value for name, value in base.items() if name != "seconds"}
        for line in ledger_lines(CATALOG) - {"params_total"}:
            own[line] = float(round(base[line] * (1 - zeros)))
        own[quality] = round(base[quality] - 0.4 * zeros**12 - 0.01 * draw.random(), 3)
        named = {f"baseline.{name}": value for name, value in base.items() if name != "seconds"}
        times = {"seconds": 5.0 + seed, "fit_seconds": 3.0}
        reached = {f"{name}_{word}": zeros for name in ASKED for word in ("asked", "reached")}
        speeds = {"speedup_theoretical": 1 / (1 - zeros), "speedup_measured": 1.1}
        return own | named | times | reached | speeds | {drop: base[quality] - own[quality]}

    def _add(
        self, role: str, spec: Spec | None, tags: Mapping[str, str], metrics: Mapping[str, float]
    ) -> str:
        run_id = f"{role}{len(self.made.held)}"
        named = {**self.tags, "role": role, **tags}
        if spec is not None:
            named |= {"architecture": spec.architecture.name, "seed": str(spec.seed)}
            named = {"strategy": spec.strategy, "spec_digest": spec.digest} | named
            content = json.dumps(spec.json(), sort_keys=True).encode()
            self.made.files[run_id, SPEC_JSON] = content
        status = "FAILED" if "reason" in tags else "FINISHED"
        params = spec.parameters() if spec else {}
        shown = {} if status == "FAILED" else dict(metrics)
        run = Run(run_id, role, status, named, params, shown, len(self.made.held))
        self.made.held.append(run)
        return run_id


def _drawn(draw: random.Random, domain: Any) -> Any:
    if isinstance(domain, Choice):
        return draw.choice(domain.options)
    if isinstance(domain, Int):
        return draw.randint(int(domain.low), int(domain.high))
    assert isinstance(domain, Float)
    value = draw.uniform(domain.low, domain.high)
    return (
        value
        if domain.step is None
        else domain.low + domain.step * round((value - domain.low) / domain.step)
    )
