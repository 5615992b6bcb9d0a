"""Where a study stopped.

What its runs in the store say, after those of dead sessions are closed.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from framework.errors import StudyLocked
from framework.results.record import Run, latest_generation
from framework.system import interrupt

if TYPE_CHECKING:
    from framework.planning.plan import Plan
    from framework.tracking.store import Store

LEASE_OVER_SECONDS = 600.0  # silence after which another host may take over
LOOK_SECONDS = 5.0  # between two looks at another host's sign of life, which it renews every minute
DAY_SECONDS = 24 * 3600.0  # by which clocks of two hosts do not differ
log = logging.getLogger("framework")


@dataclass(frozen=True)
class History:
    """What earlier sessions of a study left.

    Args:
        generation: the one to go on with.
        parent: the parent run, if there is one.
        changed: the store knows this study's name only under other digests.
        done: runs of finished and failed trials by number.
        replicates: the same under further seeds, by number and seed.
        attempts: how often each trial was begun, by number and seed.
        dense: finished baseline runs.
        untrainable: spec digests of baselines that failed.
        controls: spec digests of the identity controls that are done; one that failed failed for
            good, as a trial does.
    """

    generation: int
    parent: Run | None
    changed: bool
    done: dict[int, Run] = field(default_factory=dict)
    replicates: dict[tuple[int, int], Run] = field(default_factory=dict)
    attempts: dict[tuple[int, int], int] = field(default_factory=dict)
    dense: tuple[Run, ...] = ()
    untrainable: frozenset[str] = frozenset()
    controls: frozenset[str] = frozenset()


def resume(store: Store, plan: Plan, *, host: str, fresh: bool) -> History:
    """Read a study's history and close what dead sessions left open; the caller holds its lock.

    Args:
        host: this machine's name.
        fresh: begin a new generation.

    Raises:
        StudyLocked: it runs on another host.
    """
    everything = store.runs(plan.name)
    history = read_history(store, plan, everything, fresh=fresh)
    # the parent is resumed, not closed: the study goes on under it
    parents = [history.parent] if history.parent else []
    _close_stale(store, plan.name, everything, host=host, keep=parents)
    return history


def read_history(
    store: Store, plan: Plan, everything: Sequence[Run] | None = None, *, fresh: bool
) -> History:
    """Read a study's history and change nothing.

    Args:
        everything: all runs of its name, where they have been read.
        fresh: as it would begin a new generation.
    """
    everything = store.runs(plan.name) if everything is None else everything
    same_study = _tagged(everything, "study_digest", plan.study.digest)
    generation = latest_generation(same_study) + (1 if fresh and same_study else 0)
    runs = [run for run in same_study if run.generation == generation]
    parents = _tagged(runs, "role", "study")
    # Runs that were cut off do not count, but are attempts: a number that is asked again has one
    # more.
    begun = [*_tagged(runs, "role", "trial"), *_tagged(runs, "role", "replicate")]
    attempts = Counter(map(attrgetter("number", "seed"), begun))
    complete = list(filter(store.complete, runs))
    baselines = _tagged(complete, "role", "baseline")
    dense = [run for run in baselines if run.status == "FINISHED"]
    return History(
        generation=generation,
        parent=parents[0] if parents else None,
        changed=bool(everything) and not same_study,
        done={run.number: run for run in _tagged(complete, "role", "trial") if run.number >= 0},
        replicates=_by_seed(complete),
        attempts=dict(attempts),
        dense=tuple(dense),
        untrainable=_digests(baselines) - _digests(dense),
        controls=_digests(_tagged(complete, "role", "control")),
    )


def _digests(runs: Sequence[Run]) -> frozenset[str]:
    return frozenset(run.tags.get("spec_digest", "") for run in runs)


def _by_seed(runs: Sequence[Run]) -> dict[tuple[int, int], Run]:
    """Those under further seeds, by number and seed."""
    return {(run.number, run.seed): run for run in _tagged(runs, "role", "replicate")}


def _tagged(runs: Sequence[Run], name: str, value: str) -> list[Run]:
    return [run for run in runs if run.tags.get(name) == value]


def refuse_if_leased(store: Store, name: str, runs: Sequence[Run], *, host: str) -> None:
    """Return unless another host is at work on the study.

    Its sign of life is a time by its own clock, which may differ from this one's by hours. So what
    counts is whether the sign changes within ten minutes by this host's clock; one that is a day
    old is not waited for.

    Args:
        runs: all of the study.
        host: this machine's name.

    Raises:
        StudyLocked: one is.
        KeyboardInterrupt: an interrupt came meanwhile.
    """
    foreign = [run for run in runs if run.status == "RUNNING" and run.tags.get("host") != host]
    signs = {run.run_id: run.tags.get("lease", "0") for run in foreign if run.tags.get("lease")}
    if time.time() - max(map(float, signs.values()), default=0.0) > DAY_SECONDS:
        return
    other = foreign[0].tags.get("host", "?")
    log.warning(
        "Runs of %s are RUNNING on %s: looking whether it lives, for %.0f minutes at most. Ctrl-C "
        "ends it.",
        name,
        other,
        LEASE_OVER_SECONDS / 60,
    )
    ends = time.monotonic() + LEASE_OVER_SECONDS
    while time.monotonic() < ends:
        interrupt.pause(LOOK_SECONDS)
        if any(_has_moved(store.run(run_id), sign) for run_id, sign in signs.items()):
            raise StudyLocked(
                f"Study {name} runs on another host.",
                given=f"Host: {other}; it gave a sign of life just now.",
                todo="Wait for it, or stop it there with Ctrl-C: what is done is kept.",
            )


def _has_moved(run: Run, sign: str) -> bool:
    """Whether a run that was RUNNING with a sign of life has another, or has ended."""
    return run.status != "RUNNING" or run.tags.get("lease") != sign


def _close_stale(
    store: Store,
    name: str,
    runs: Sequence[Run],
    *,
    host: str,
    keep: Sequence[Run],
) -> None:
    """Close as KILLED what dead sessions left RUNNING.

    Whoever holds the lock knows that all of this host are dead.
    """
    refuse_if_leased(store, name, runs, host=host)
    for run in runs:
        if run.status == "RUNNING" and run not in keep:
            store.close(run.run_id, "KILLED", reason="died")
