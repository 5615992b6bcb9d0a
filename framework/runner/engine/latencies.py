"""The latency of files, timed one at a time when nothing else runs: beside others a clock lies."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from framework.errors import InvalidStudy, SqueezelabError
from framework.results.edited import read_metrics
from framework.results.record import MACHINE, METRICS_JSON, MODEL_TFLITE, SPEC_JSON, Run
from framework.runner.engine.interface import WorkerDied
from framework.runner.events import Observer, Running
from framework.runner.trial import TIMING
from framework.study.spec import spec_from_json
from framework.system import interrupt

if TYPE_CHECKING:
    from framework.results.record import Record
    from framework.runner.engine.interface import Engine
    from framework.study.spec import Spec
    from framework.study.study import Study
    from framework.tracking.store import Store

LATENCY = "latency_us_p50"


def check(study: Study) -> None:
    """Refuse a study whose trials are judged by times, where they run on other machines.

    Raises:
        InvalidStudy: an objective or a constraint is a time.
    """
    if decide(study):
        raise InvalidStudy(
            "Trials that are judged by times run on one machine: files of several have no clock in "
            "common.",
            given=f"Objectives and constraints: {', '.join(_judges(study))}.",
            todo="Leave CLUSTER out.",
        )


def decide(study: Study) -> bool:
    """Whether trials are judged by times: each file is then timed before the next is asked for."""
    return not set(MACHINE).isdisjoint(_judges(study))


def _judges(study: Study) -> list[str]:
    return [*study.objectives, *(constraint.metric for constraint in study.constraints)]


def timed(spec: Spec, result: Record, store: Store, engine: Engine, *, dense: str) -> Record:
    """The record of a run with its latency, where it has none yet.

    Args:
        dense: run id of the baseline; empty for a baseline, whose file is compared with itself.

    Raises:
        WorkerDied: the run is to be done again, as if its worker had died before.
    """
    if result.reason or LATENCY in result.times:
        return result
    file = result.artifacts[MODEL_TFLITE]
    reference = store.artifact(dense, MODEL_TFLITE) if dense else file
    times = engine.time(spec, file, reference)
    return replace(result, times={**result.times, **times})


def time_files(runs: Iterable[Run], store: Store, engine: Engine, *, observer: Observer) -> bool:
    """Time the files that have no latency yet, each beside the file of its baseline.

    A run keeps its status and gets its times as further metrics; what has been done stays when
    this is interrupted. Files that were removed, and those of runs that failed, are left out.

    Args:
        runs: of a study.
        observer: told how many there are, and which is timed.

    Returns:
        Whether none is left that could be timed.

    Raises:
        KeyboardInterrupt: an interrupt came.
    """
    missing = [run for run in runs if run.status == "FINISHED" and LATENCY not in run.metrics]
    if missing:
        observer.say(f"Timing {len(missing)} files, one at a time.")
    left = 0
    for number, run in enumerate(missing, start=1):
        interrupt.check()
        observer.phase(Running("files", tried=f"{number} of {len(missing)}"), TIMING)
        baseline = run.tags.get("baseline") or run.run_id
        try:
            file = store.artifact(run.run_id, MODEL_TFLITE)
            reference = store.artifact(baseline, MODEL_TFLITE)
        except SqueezelabError:  # keep="front" has removed it
            continue
        spec = spec_from_json(json.loads(store.artifact(run.run_id, SPEC_JSON)))
        try:
            times = engine.time(spec, file, reference)
        except WorkerDied as error:
            observer.say(f"{run.name} has no latency yet, the same command tries again. {error}")
            left += 1
            continue
        store.add(run.run_id, times)
        # after the store: numbers that only it has count for nothing, ones that it lacks are missed
        measured = read_metrics(store.artifact(run.run_id, METRICS_JSON)) | times
        content = json.dumps(measured, indent=1, sort_keys=True).encode()
        store.put(run.run_id, {METRICS_JSON: content})
    return left == 0
