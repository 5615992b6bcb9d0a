"""Runs as the store would hand them back, for a study whose front is known.

Run as a script it writes a report.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from framework import AtMost, Choice, Float, Study, Train, use
from framework.errors import UnknownName
from framework.report import run_report
from framework.results.record import Run

ROOT = Path(__file__).parents[2]
PARAMS = 190_734
DIGEST = "5f" * 32
TAGS = {
    "study": "squeezenet_prune",
    "study_digest": DIGEST,
    "generation": "1",
    "host": "box",
    "git": "abc",
    "dirty": "false",
}
DENSE = {"architecture": "squeezenet", "architecture.width": "0.5", "train.epochs": "30"}
STUDY = Study(
    dataset=use("digits"),
    architecture=use("squeezenet", width=0.5),
    train=Train(epochs=30),
    compress=(
        use("magnitude_prune", layers="erk", sparsity=Float(0.5, 0.98), epochs=Choice(2, 4, 8)),
    ),
    constraints=(AtMost("accuracy_drop", 0.5),),
)


@dataclass
class FakeStore:
    """Holds runs and one `study.json` per parent."""

    held: list[Run] = field(default_factory=list)
    head: dict = field(default_factory=lambda: study_json())  # noqa: PLW0108  (defined below)
    without_manifest: tuple = ()

    def runs(self, study, /, **tags):
        wanted = {"study": study, **tags}.items()
        return [run for run in self.held if wanted <= run.tags.items()]

    def complete(self, run, /):
        return run.status == "FAILED" or (
            run.status == "FINISHED" and run.run_id not in self.without_manifest
        )

    def data(self, run_id, /):
        return {}

    def steps(self, run_id, metric, /):
        return ()

    def artifact(self, run_id, name, /):
        if name != "study.json":
            raise UnknownName("artifact", name, ["study.json"])
        return json.dumps(self.head | {"of": run_id}, sort_keys=True).encode()


def study_json(study=STUDY, **changes):
    question = "How sparse can SqueezeNet get before accuracy falls by one point?"
    head = {
        "name": "squeezenet_prune",
        "question": question,
        "overrides": [],
        "digest": DIGEST,
        "trials": 30,
    }
    return head | {"study": study.json()} | changes


def parent(**tags):
    tags = {**TAGS, "role": "study", **tags}
    return Run(
        f"parent{tags['study_digest'][:4]}{tags['generation']}",
        "study",
        "RUNNING",
        tags,
        {},
        {},
        1_000,
    )


def metrics(accuracy, nonzero, *, of_trial=True):
    """The metrics of a net with this accuracy and this many non-zero parameters."""
    base = {
        "val_accuracy": 0.9880382775119617,
        "params_total": PARAMS,
        "params_nonzero": PARAMS - 100,
    }
    base |= {
        "size_tflite_bytes": 782_340,
        "size_tflite_compressed_bytes": 718_003,
        "macs_dense": 8_123_456,
    }
    own = base | {"val_accuracy": accuracy, "params_nonzero": nonzero}
    own["size_tflite_compressed_bytes"] = 21_000 + round(3.65 * nonzero)
    found = own if of_trial else base
    found = {name: float(value) for name, value in found.items()} | {
        "seconds": 98765.25,
        "fit_seconds": 11.0,
    }
    if of_trial:
        found |= {f"baseline.{name}": float(value) for name, value in base.items()}
        found["accuracy_drop"] = base["val_accuracy"] - accuracy
    return found


def baseline(**tags):
    tags = {**TAGS, "role": "baseline", "architecture": "squeezenet", "strategy": "none", **tags}
    return Run("dense", "baseline", "FINISHED", tags, DENSE, metrics(0, 0, of_trial=False), 2_000)


def control(**tags):
    tags = {
        **TAGS,
        "role": "control",
        "architecture": "squeezenet",
        "strategy": "identity",
        "baseline": "dense",
        **tags,
    }
    return Run(
        "same",
        "control",
        "FINISHED",
        tags,
        {**DENSE, "compress.0": "identity"},
        metrics(0.99, PARAMS - 120),
        3_000,
    )


def trial(
    number, accuracy=0.9, nonzero=50_000, *, status="FINISHED", reason="", extra=None, **tags
):
    """One trial; `extra` are further metrics."""
    sparsity = 1 - nonzero / PARAMS
    named = {
        "role": "trial",
        "trial": f"{number:06d}",
        "attempt": "0",
        "strategy": "magnitude_prune",
        "baseline": "dense",
    }
    tags = {
        **TAGS,
        **named,
        "architecture": "squeezenet",
        **({"reason": reason} if reason else {}),
        **tags,
    }
    params = {
        **DENSE,
        "compress.0": "magnitude_prune",
        "compress.0.layers": "erk",
        "compress.0.sparsity": json.dumps(sparsity),
    }
    params["compress.0.epochs"] = json.dumps((2, 4, 8)[number % 3])
    found = {"seconds": 3.0 + number} if reason else metrics(accuracy, nonzero)
    if not reason:
        found |= {"sparsity_asked": sparsity, "sparsity_reached": sparsity}
    run_id = f"run{number}a{tags['attempt']}"
    return Run(run_id, "trial", status, tags, params, found | (extra or {}), 4_000 + number)


def study_of_thirty():
    """Thirty trials from half to a fiftieth of the parameters.

    Trial 7 fails, trial 29 breaks the constraint.
    """
    runs = [parent(), baseline(), control()]
    for number in range(30):
        sparsity = 0.5 + 0.48 * ((number * 11) % 30) / 29
        epochs = (2, 4, 8)[number % 3]
        accuracy = (
            round(
                209
                * (0.985 - 0.30 * sparsity**16 - 0.03 * (8 - epochs) / 6 * (1 + (number * 7) % 5))
            )
            / 209
        )
        runs.append(trial(number, accuracy, round(PARAMS * (1 - sparsity))))
    runs[3 + 7] = trial(7, status="FAILED", reason="diverged")
    broken = runs[3 + 29]
    runs[3 + 29] = replace(
        broken, metrics={**broken.metrics, "val_accuracy": 0.2, "constraint_violation": 0.288}
    )
    return runs


if __name__ == "__main__":
    found = run_report(
        FakeStore(study_of_thirty()), "squeezenet_prune", root=ROOT, out=Path(sys.argv[1])
    )
    sys.stdout.write(found.table)
