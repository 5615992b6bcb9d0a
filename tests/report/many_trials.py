"""A study of any number of trials, as wide as a real one: for the size of a page."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
from synthetic_runs import PARAMS, baseline, control, parent, trial

from framework.results.record import Run

LEDGER = ("size_dense_bytes", "size_sparse_bytes", "size_codebook_bytes", "size_entropy_bytes")
MEASURED = (
    "macs_effective", "speedup_theoretical", "val_disagreement",
    "latency_us_p50", "latency_us_p50_low", "latency_us_p50_high",
    "speedup_measured", "speedup_measured_low", "speedup_measured_high",
)  # fmt: skip
STRATEGIES = ("magnitude_prune", "random_prune", "global_prune")


def many_trials(count: int) -> list[Run]:
    """The parent, its dense net, its control and that many trials, drawn from one seed."""
    generator = np.random.default_rng(0)
    runs = [parent(), _named(baseline()), _named(control())]
    runs += [_trial(number, generator) for number in range(count)]
    return runs


def _trial(number: int, generator: np.random.Generator) -> Run:
    sparsity, strategy = float(generator.uniform(0.3, 0.99)), STRATEGIES[number % 3]
    loss = 0.3 * sparsity ** (16 - 4 * (number % 3)) + 0.01 * abs(generator.standard_normal())
    nonzero = round(PARAMS * (1 - sparsity))
    extra = dict.fromkeys(LEDGER, 0.0)
    for name in LEDGER:
        extra[name] = float(round(4 * nonzero * generator.uniform(1, 2)))
        extra[f"baseline.{name}"] = 4.0 * PARAMS
    extra |= {name: float(generator.uniform(1, 3)) for name in MEASURED}
    extra |= {"clusters_asked": 2.0 ** (2 + number % 5), "bits_reached": 32.0, "touched_share": 1.0}
    run = trial(number, round((0.985 - loss) * 5000) / 5000, nonzero, extra=extra)
    if number % 50 == 7:
        run = trial(number, status="FAILED", reason="diverged")
    more = {
        "compress.0": strategy,
        "compress.0.learning_rate": json.dumps(float(10 ** generator.uniform(-5, -2))),
        "compress.0.schedule": ("cubic", "constant", "cosine")[number % 3],
        "train.batch_size": json.dumps(int(2 ** generator.integers(4, 8))),
    }
    tags = {**run.tags, "strategy": strategy}
    return _named(replace(run, params=run.params | more, tags=tags))


def _named(run: Run) -> Run:
    """With an id as MLflow gives it."""
    return replace(run, run_id=hashlib.sha256(run.run_id.encode()).hexdigest()[:32])
