"""What one run yields, and the names under which the store keeps it.

Other people's scripts rely on these names: a test pins them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from operator import attrgetter
from typing import Literal

PREFIX = "squeezelab."
ID_DIGITS = 32  # of a run, hexadecimal
TAGS = (
    "role", "study", "dataset", "architecture", "strategy", "seed", "pareto", "git", "dirty",
    "host", "trial", "attempt", "generation", "study_digest", "spec_digest", "baseline", "reason",
    "lease", "overrides", "metric_versions", "plugin_files", "key", "node", "look",
)  # fmt: skip
# where a person finds the ids of runs, whoever keeps them
IDS = "Ids stand in reports/out/NAME/provenance.json, which make report NAME=... writes."
# a replicate is a trial under a further seed
ROLES = ("study", "baseline", "control", "trial", "replicate", "confirm")
Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]

STUDY_JSON = "study.json"  # the resolved study
SPEC_JSON = "spec.json"  # the fixed spec
IMPORTANCE_JSON = "importance.json"  # of the study: how much each knob decides
OPTUNA_JSON = "optuna.json"  # what the sampler was asked and answered
MODEL_TFLITE = "model.tflite"
WEIGHTS_NPZ = "weights.npz"
LAYERS_CSV = "layers.csv"
METRICS_JSON = "metrics.json"  # name -> value; holds the store to what was measured
# what `keep="front"` removes of trials that are not on the front
NET_FILES = (MODEL_TFLITE, WEIGHTS_NPZ)
# name, bytes, sha256 of every other artifact, and weight -> tensor; written last
MANIFEST_JSON = "manifest.json"
ERROR_TXT = "error.txt"

# task -> the metric that says how good
QUALITY = {
    "classes": "accuracy",
    "binary": "accuracy",
    "regression": "r2",
    "reconstruction": "r2",
}
BASELINE_PREFIX = "baseline."  # a metric of the dense net, next to the trial's own
EPOCH_PREFIX = "epoch."  # a curve, with the epoch as its step
# of a study's own run: the best value of each objective on its front, and what the front is
BEST_PREFIX, FRONT_SIZE, HYPERVOLUME = "best.", "front_size", "hypervolume"
# on a dense net's own run: the share of the most frequent label of validation
CHANCE_ACCURACY = "chance_accuracy"
# next to it: what the quality has to be above to count as better than guessing
CHANCE_LIMIT = "chance_limit"
TIMES = (
    "seconds",
    "fit_seconds",
    "export_seconds",
    "measure_seconds",
)
# 99 % intervals; the speed-up is baseline / file, both timed next to each other
SPEEDS = tuple(
    map(
        "".join,
        product(
            ("latency_us_p50", "baseline.latency_us_p50", "speedup_measured"),
            ("", "_low", "_high"),
        ),
    )
)
MEMORY = "memory_bytes"  # what the process of a trial held at its end
# depend on the machine: never in a table of results
MACHINE = (*TIMES, *SPEEDS, "latency_threads", MEMORY)


def quality_of(task: str) -> str:
    """The metric that says how good a file is, on validation.

    `val_accuracy`, or `val_r2` for a regression or a reconstruction.
    """
    return f"val_{QUALITY[task]}"


def drop_of(task: str) -> str:
    """The baseline's quality minus the file's: `accuracy_drop`, or `r2_drop`.

    A share.
    """
    return f"{QUALITY[task]}_drop"


def decimals(value: float) -> str:
    """A share for a reader, with four decimals: `0.9840`.

    What is below a hundredth with four digits: `0.001234`.
    """
    return f"{value:.4g}" if 0 < abs(value) < 0.01 else f"{value:.4f}"


@dataclass(frozen=True)
class Record:
    """All that one trial yields, good or bad.

    Args:
        metrics: final values by their names in the store, those of the baseline under `baseline.`.
        times: what depends on the machine, by the names in `MACHINE`.
        artifacts: file name -> content; the store adds the manifest.
        tensors: `layer/role` -> index of its tensor in the file; goes into the manifest.
        versions: metric plug-in -> version, of those that were measured; goes into the manifest and
            a tag.
        data: which data were used: sizes and sha256 of splits; empty where none could be loaded.
        reason: of a failure, one word: `exception`, `diverged`, `timeout`, `not_deployable`,
            `died`, `cancelled`.
        error: traceback of a failure.
        node: of a cluster, that ran it; empty where no other machine did.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    tensors: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    data: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""
    error: str = ""
    node: str = ""

    @property
    def values(self) -> Mapping[str, float]:
        """Metrics and times: what a trial may be judged by, as the store has it."""
        return {**self.metrics, **self.times}

    @property
    def status(self) -> Status:
        """FAILED if there is a reason, FINISHED otherwise."""
        return "FAILED" if self.reason else "FINISHED"


@dataclass(frozen=True)
class Run:
    """One run as read back from the store.

    Args:
        tags: by their names without the prefix `squeezelab.`.
        params: the fixed spec, flat.
        metrics: final values; curves are not among them.
        start_ms, end_ms: since the epoch; `end_ms` is 0 while it runs.
    """

    run_id: str
    name: str
    status: Status
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    start_ms: int = 0
    end_ms: int = 0

    @property
    def number(self) -> int:
        """The trial's number, 0-based; -1 for a run that is no trial."""
        return int(self.tags.get("trial", "-1"))

    @property
    def seed(self) -> int:
        """The seed of its spec."""
        return int(self.tags.get("seed", "0"))

    @property
    def generation(self) -> int:
        """0, and 1 more for each time that its study was begun anew."""
        return int(self.tags.get("generation", "0"))


def latest_generation(runs: Iterable[Run]) -> int:
    """The highest of them, which a study goes on with and tables show; 0 where there is none."""
    return max(map(attrgetter("generation"), runs), default=0)


def one_of_each(runs: Mapping[int, Run]) -> dict[int, Run]:
    """Of runs of one spec the one with the lowest number.

    A spec that was tried twice is one point, not two.

    Args:
        runs: by number of the trial.
    """
    first, seen = {}, set()
    for number in sorted(runs):
        digest = runs[number].tags.get("spec_digest", f"trial {number}")
        if digest not in seen:
            seen.add(digest)
            first[number] = runs[number]
    return first
