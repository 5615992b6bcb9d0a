"""How many workers a study is worth on this machine."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

from framework.results.record import MEMORY
from framework.study.checks import BLIND
from framework.system import child, host

if TYPE_CHECKING:
    from framework.study.study import Study
    from framework.tracking.history import History

START_SECONDS = 10.0  # that a session takes longer with workers: each loads and traces by itself
# of a study that has run nothing yet: the trials of small nets, for which starting counts
TRIAL_SECONDS = 2.0
WORKER_BYTES = 3 * 2**29  # of a worker before any was measured: 1.5 GiB
ROOM = 1.25  # a worker may hold more than those before it did


def worth(
    study: Study, history: History, *, memory_bytes: int | None, left: int | None = None
) -> int:
    """How many workers to start; 0 to run the trials in this process.

    What cores, memory and the study's search allow, and no more than bring its end nearer.

    Args:
        history: of the generation that it goes on with or begins.
        memory_bytes: that each worker may hold; None for what those of this study held.
        left: runs that no search waits for; None for the trials that are left of the study.
    """
    each = memory_bytes or worker_bytes(history)
    free = child.free_memory_share() or host.most_bytes()
    if left is None:
        left = study.trials * study.seeds - len(history.done) - len(history.replicates)
        wide = width(study, left)
    else:
        wide = left
    most = min(wide, cores_for(study), free // each)
    fastest = min(range(1, max(1, most) + 1), key=lambda count: seconds(history, left, count))
    return 0 if fastest == 1 else fastest


def width(study: Study, left: int) -> int:
    """How many of the runs that are left can be at work at once, on however many workers.

    Of a search that learns trial n waits for trial n - ahead; further seeds wait for one trial.
    """
    if study.sampler in BLIND:
        return left
    return min(left, int(study.ahead) * study.seeds)


def cores_for(study: Study) -> int:
    """How many of its runs have cores of their own on this machine, and at least one."""
    return max(1, host.cores() // study.train.threads)


def seconds(history: History, left: int, count: int) -> float:
    """About how long the trials that are left take with so many workers."""
    ended = [(run.end_ms - run.start_ms) / 1000 for run in history.done.values()]
    each = fmean(ended) if ended else TRIAL_SECONDS
    return math.ceil(left / count) * each + (START_SECONDS if count > 1 else 0.0)


def worker_bytes(history: History) -> int:
    """What a worker is supposed to hold: what trials of the study have held, and some room."""
    held = [run.metrics[MEMORY] for run in history.done.values() if MEMORY in run.metrics]
    return int(ROOM * max(held)) if held else WORKER_BYTES
