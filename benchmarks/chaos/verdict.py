"""What a disturbed study has to have in common with an undisturbed one, and where it has not."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping

from benchmarks.chaos.server import Database, StoredRun
from framework.results.record import MACHINE, MANIFEST_JSON, METRICS_JSON, MODEL_TFLITE, PREFIX
from framework.runner.engine.latencies import LATENCY
from framework.tracking.artifacts import is_as_listed
from framework.tracking.conversion import our_metric

ENDED = ("FINISHED", "FAILED")
# what runs and sessions have of their own; the baseline is compared by its spec
OTHERWISE = {f"{PREFIX}{name}" for name in ("attempt", "host", "baseline", "key", "lease")}
OTHERWISE |= {"mlflow.parentRunId"}
Key = tuple[str, str]
"""Role, and number and seed of a trial, or the digest of another run's spec."""
Facts = dict[str, object]
"""What of a run has to be equal, by what it is."""


def expected(calm: Database, *, is_stopped: bool) -> Mapping[Key, Facts]:
    """What the runs of an undisturbed study are; arguments as of `differences`."""
    facts = {}
    for key, run in _by_key(calm, []).items():
        facts[key] = _facts(run, calm, is_stopped=is_stopped)
    return facts


def differences(calm: Mapping[Key, Facts], disturbed: Database, *, is_stopped: bool) -> list[str]:
    """Where they differ, a line each.

    Args:
        calm: as `expected` of the undisturbed study.
        is_stopped: the undisturbed study stopped because of what failed: how far the trials beside
            those had come is then nobody's promise.
    """
    faults = _parents(disturbed, "FAILED" if is_stopped else "FINISHED") + _attempts(disturbed)
    faults += _models(disturbed)
    present = _by_key(disturbed, faults)
    for key in sorted(calm.keys() | present.keys()):
        what = " ".join(key)
        if key not in present:
            # which of the others had begun when it stopped is nobody's promise
            if key[0] == "trial" or not is_stopped:
                faults.append(f"{what} is missing")
        elif key in calm:
            facts = _facts(present[key], disturbed, is_stopped=is_stopped)
            faults += _unlike(what, calm[key], facts)
        elif not is_stopped:
            faults.append(f"{what} is one too many")
    return faults


def running(database: Database) -> list[str]:
    """The runs that are RUNNING."""
    runs = [run for run in database.runs.values() if run.info.status == "RUNNING"]
    return [" ".join(_key(run)) for run in runs]


def _parents(database: Database, status: str) -> list[str]:
    """Whether there is one, and how it ended."""
    parents = [run for run in database.runs.values() if _tag(run, "role") == "study"]
    statuses = [run.info.status for run in parents]
    return [] if statuses == [status] else [f"parents: {statuses}, not one {status}"]


def _attempts(database: Database) -> list[str]:
    """Where the attempts at a trial are not counted from 1 on."""
    attempts: dict[str, list[int]] = defaultdict(list)
    for run in database.runs.values():
        if _tag(run, "attempt"):
            attempts[" ".join(_key(run))].append(int(_tag(run, "attempt")))
    return [
        f"{what}: attempts {counts}"
        for what, counts in sorted(attempts.items())
        if sorted(counts) != list(range(1, len(counts) + 1))
    ]


def _models(database: Database) -> list[str]:
    """Where a run with a file has not exactly one model, or another one has any."""
    models: dict[str, list[str]] = defaultdict(list)
    for model in database.models.values():
        models[model.source_run_id].append(model.model_id if model.status == "READY" else "")
    faults = []
    for run_id, run in database.runs.items():
        has_file = run.info.status in ENDED and MODEL_TFLITE in run.files
        led_to = {one.model_id for one in run.outputs.model_outputs} if run.outputs else set()
        there = models[run_id]
        if len(there) != has_file or (has_file and led_to != set(there)):
            faults.append(f"{' '.join(_key(run))} is {run.info.status} with models {there}")
    return faults


def _by_key(database: Database, faults: list[str]) -> dict[Key, StoredRun]:
    """The runs that count.

    Args:
        faults: gets those that are done twice, and those whose files are not as they were written.
    """
    ended: dict[Key, list[StoredRun]] = defaultdict(list)
    for run in database.runs.values():
        if run.info.status in ENDED and _tag(run, "role") != "study":
            ended[_key(run)].append(run)
            faults += _damage(run)
    for key, runs in ended.items():
        statuses = sorted(run.info.status for run in runs)
        # a dense net that cannot be trained is tried again by each session that needs it
        is_tried_again = key[0] == "baseline" and set(statuses) == {"FAILED"}
        if len(runs) > 1 and not is_tried_again:
            faults.append(f"{' '.join(key)} is there {len(runs)} times: {', '.join(statuses)}")
    return {key: runs[-1] for key, runs in ended.items()}


def _damage(run: StoredRun) -> list[str]:
    """Where the files of a run are not what its manifest says."""
    what = " ".join(_key(run))
    if MANIFEST_JSON not in run.files:
        return [f"{what} is {run.info.status} without a manifest"]
    faults = []
    listed = {line["name"]: line for line in json.loads(run.files[MANIFEST_JSON])}
    for name, line in listed.items():
        content = run.files.get(name)
        # a kill may leave a file that was removed, until the study goes on: this one is at its end
        if "removed" in line:
            is_right = content is None
        else:
            is_right = content is not None and is_as_listed(line, len(content), _sha256(content))
        if not is_right:
            faults.append(f"{what}: {name} is not as its manifest says")
    unlisted = run.files.keys() - listed.keys() - {MANIFEST_JSON}
    return faults + [f"{what}: {name} is not in the manifest" for name in sorted(unlisted)]


def _facts(run: StoredRun, database: Database, *, is_stopped: bool) -> Facts:
    """What has to be equal."""
    data = run.data
    points, machine = set(), set()
    for name, step, value, _ in data.points:
        if our_metric(name) in MACHINE:
            machine.add(name)
        else:
            points.add((name, step, value))
    facts: Facts = {
        "status": run.info.status,
        "params": data.params,
        "points": sorted(points),
        "times each point is there": len(data.points) - len(machine) - len(points),
    }
    dense = database.runs.get(_tag(run, "baseline"))
    facts["baseline"] = (_key(dense), dense.info.status) if dense else ""
    left_out = OTHERWISE | ({f"{PREFIX}pareto"} if is_stopped else set())
    for name in data.tags.keys() - left_out:
        facts[name] = data.tags[name]
    # files are removed and timed when a study ends well, and the front is marked then
    if not is_stopped:
        facts |= _facts_of_files(run)
        # what was removed before the files were timed has no latency, and a failure need not
        is_timed = run.info.status == "FINISHED" and MODEL_TFLITE in run.files
        facts["latency"] = not is_timed or LATENCY in machine
    return facts


def _facts_of_files(run: StoredRun) -> dict[str, object]:
    digests: dict[str, object] = {}
    for name, content in run.files.items():
        if name == METRICS_JSON:
            digests[name] = _without_machine(json.loads(content))
        elif name != MANIFEST_JSON:
            digests[name] = _sha256(content)
    return digests


def _without_machine(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in MACHINE}


def _unlike(what: str, expected: Mapping[str, object], present: Mapping[str, object]) -> list[str]:
    names = sorted(expected.keys() | present.keys())
    unlike = [name for name in names if expected.get(name) != present.get(name)]
    return [
        f"{what}: {name} is {_short(present.get(name))}, not {_short(expected.get(name))}"
        for name in unlike
    ]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _key(run: StoredRun) -> Key:
    role = _tag(run, "role")
    number = _tag(run, "trial")
    return role, f"{number} seed {_tag(run, 'seed')}" if number else _tag(run, "spec_digest")


def _tag(run: StoredRun, name: str) -> str:
    return run.data.tags.get(f"{PREFIX}{name}", "")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
