"""One scenario: a study that is disturbed and resumed to its end, beside the same undisturbed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.chaos import studies
from benchmarks.chaos.engine import SimulatedWorkers
from benchmarks.chaos.lab import Fate, MadeUpLab
from benchmarks.chaos.moments import KINDS, Clock, Event, Killed, Moments
from benchmarks.chaos.seams import placed
from benchmarks.chaos.server import TABLES_URI, URI, Database
from benchmarks.chaos.verdict import Facts, Key, differences, expected, running
from framework.contracts.catalog import Catalog
from framework.errors import MachineError, StudyLocked, StudyStopped
from framework.planning.plan import Plan
from framework.runner.coordinator import Coordinator
from framework.runner.engine.here import InProcess
from framework.runner.events import Interrupted
from framework.runner.study_runs import StudyRuns
from framework.tracking.client import Busy
from framework.tracking.history import LEASE_OVER_SECONDS
from framework.tracking.store import Store

ROOT = Path("/simulated")
DISTURBED = (1, 1, 2, 3)  # sessions to which things happen
MOST_EVENTS, MOST_SLOTS = 3, 4
MOST_SESSIONS = 60
SHARE_AT_ONCE = 0.3  # of events that come at the moment after another
SCENARIOS_A_STUDY = 20
SERVER_EVERY = 3  # studies: one of so many has its store on a server, the others in a database
OPTUNA_EVERY = 400  # studies: one of so many asks Optuna itself
COMPLETE, STOPPED, LATE, INTERRUPTED = "complete", "stopped", "out of time", "interrupted"
CLOSED = (COMPLETE, STOPPED, LATE, INTERRUPTED)  # ends after which nothing is RUNNING


@dataclass
class World:
    """What outlives the sessions of a study."""

    plan: Plan
    fate: Fate
    optuna: bool
    uri: str  # of the store
    # by trials and seeds: all scenarios of a study have the same, with what they have computed
    plans: dict[tuple[int, int], Plan] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    database: Database = field(default_factory=Database)
    told: list[str] = field(default_factory=list)  # what happened, for whoever replays it
    events: Counter[str] = field(default_factory=Counter)  # how often, by kind
    faults: list[str] = field(default_factory=list)  # of sessions

    def plan_of(self, asked: Session) -> Plan:
        """The plan with as many trials and seeds as a session is asked for."""
        whole = self.plan.study
        much = asked.trials or whole.trials, asked.seeds or whole.seeds
        if much not in self.plans:
            study = replace(whole, trials=much[0], seeds=much[1])
            self.plans[much] = replace(self.plan, study=study)
        return self.plans[much]


@dataclass(frozen=True)
class Session:
    """What is asked of one session.

    Args:
        slots: workers; 0 to run trials in the coordinator's process.
        trials, seeds: of the study so far; None for all.
        events: by the number of the moment at which they happen.
    """

    slots: int
    host: str = "one"
    trials: int | None = None
    seeds: int | None = None
    events: Mapping[int, Event] = field(default_factory=dict)


class Silent:
    """An observer."""

    def begin(self, *_: Any, **__: Any) -> None:
        """Say nothing."""

    epoch = phase = ending = ended = say = begin


@dataclass(frozen=True)
class Result:
    """How a scenario went.

    Args:
        faults: what differs from the undisturbed study, a line each.
        told: sessions and what happened in them.
        events: how often each kind of event happened.
    """

    seed: int
    faults: list[str]
    told: list[str]
    events: Mapping[str, int]


@dataclass(frozen=True)
class Calm:
    """A study that nothing has disturbed.

    Args:
        moments: at which something could have.
        facts: what its runs are.
    """

    world: World
    end: str
    moments: int
    facts: Mapping[Key, Facts]

    @property
    def is_stopped(self) -> bool:
        """Whether it stopped because of what failed."""
        return STOPPED in self.end


@lru_cache(maxsize=1)
def undisturbed(group: int) -> Calm:
    """The study of the scenarios from SCENARIOS_A_STUDY * group on, run one trial after another."""
    draw = random.Random(group)
    plan, fate = studies.plan_of(draw), studies.fate_of(draw)
    uri = TABLES_URI if group % SERVER_EVERY else URI
    world = World(plan, fate, group % OPTUNA_EVERY == 0, uri)
    moments, end = 0, LATE
    while end == LATE:
        end, passed = session(world, Session(slots=1), draw=None)
        moments += passed
    facts = expected(world.database, is_stopped=STOPPED in end)
    return Calm(world, end, moments, facts)


def play(seed: int) -> Result:
    """Play the scenario of a seed."""
    calm = undisturbed(seed // SCENARIOS_A_STUDY)
    draw = random.Random(seed)
    alone = calm.world
    world = World(alone.plan, alone.fate, alone.optuna, alone.uri, alone.plans)
    faults = world.faults
    try:
        disturbed_end = _disturbed(world, draw, calm.moments)
        # of several reasons to stop it is the first that is met, side by side one or the other
        if disturbed_end.partition(":")[0] != calm.end.partition(":")[0]:
            faults.append(f"it ended {disturbed_end}, not {calm.end}")
        faults += differences(calm.facts, world.database, is_stopped=calm.is_stopped)
    except Exception as error:  # noqa: BLE001  (whatever it comes to is a fault)
        faults.append(f"{type(error).__name__}: {error}")
    return Result(seed, faults, [f"{world.plan.study} {world.fate}", *world.told], world.events)


def _disturbed(world: World, draw: random.Random, moments: int) -> str:
    """Run the study in sessions to which things happen, then in calm ones to its end.

    Args:
        moments: how many the undisturbed study has.
    """
    for _ in range(draw.choice(DISTURBED)):
        session(world, _session_of(draw, world, moments), draw=draw)
    calm = Session(slots=_slots(draw, world.fate))
    for _ in range(MOST_SESSIONS):
        end, _ = session(world, calm, draw=draw)
        if end.startswith((COMPLETE, STOPPED)):
            return end
    return "never"


def _session_of(draw: random.Random, world: World, moments: int) -> Session:
    trials, seeds = world.plan.study.trials, world.plan.study.seeds
    # what is removed because it is beaten under few seeds may not be under more
    fewest_seeds = 1 if world.plan.study.keep == "all" else seeds
    return Session(
        slots=_slots(draw, world.fate),
        host=draw.choice(("one", "one", "one", "another")),
        # a study of fewer trials or seeds goes on as one of more
        trials=draw.choice((trials, trials, draw.randint(1, trials))),
        seeds=draw.choice((seeds, draw.randint(fewest_seeds, seeds))),
        events=_events(draw, moments),
    )


def _slots(draw: random.Random, fate: Fate) -> int:
    """How many workers; 0 for none: runs that end whoever does them need workers."""
    return draw.randint(1 if fate.deadly else 0, MOST_SLOTS)


def _events(draw: random.Random, moments: int) -> dict[int, Event]:
    events: dict[int, Event] = {}
    moment = -1
    kinds, weights = list(KINDS), list(KINDS.values())
    for kind in draw.choices(kinds, weights, k=draw.randint(1, MOST_EVENTS)):
        share = draw.choice((0.0, 1.0, 0.34, 0.67))
        seconds = draw.choice((1.0, 30.0, 400.0, 4000.0))
        if kind == "jump":
            seconds = draw.choice((-1, 1)) * seconds
        # early moments more often, for a session that goes on has fewer; and one upon another
        is_next = events and draw.random() < SHARE_AT_ONCE
        moment = moment + 1 if is_next else int(moments * draw.random() ** 1.5)
        events[moment] = Event(kind, share, seconds)
    return events


def session(world: World, asked: Session, *, draw: random.Random | None) -> tuple[str, int]:
    """One session: how it ended, and how many moments it had.

    Args:
        draw: in which order trials end; None for one after another.

    Raises:
        Exception: one that nothing explains which happened.
    """
    moments = Moments(world.clock, asked.events)
    with placed(world.clock, moments, world.database, host=asked.host, optuna=world.optuna):
        try:
            end = _run(world, asked, moments, draw)
        # Ctrl-C may come before there is anything to be closed
        except Killed:
            end = "killed"
        except Interrupted:
            end = INTERRUPTED
        except KeyboardInterrupt:
            end = "gone before it began"
        except StudyStopped as error:
            end = f"{STOPPED}: {error.what}"
        except StudyLocked:
            # another host had it, which is dead
            world.clock.sleep(LEASE_OVER_SECONDS)
            end = "locked"
        except (Busy, MachineError, OSError) as error:
            if not moments.happened:  # a machine to which nothing happens refuses nothing
                raise
            end = f"refused: {type(error).__name__}"
    if end.startswith(CLOSED):
        world.faults += [f"{end}, and {run} is left RUNNING" for run in running(world.database)]
    world.told.append(f"session: slots {asked.slots}, host {asked.host}: {end}")
    for number, what, event in moments.happened:
        world.told.append(f"  {number:4d} {what}: {event}")
        world.events[event.kind] += 1
    return end, moments.count


def _run(world: World, asked: Session, moments: Moments, draw: random.Random | None) -> str:
    """What `coordinator.run` does once it has the lock."""
    catalog, plan = Catalog(), world.plan_of(asked)
    runs = StudyRuns(plan, ROOT, store=Store(ROOT, world.uri), catalog=catalog)
    is_here = asked.slots == 0
    lab = MadeUpLab(
        ROOT,
        catalog,
        fate=world.fate,
        moments=moments if is_here else None,
        clock=world.clock,
    )
    engine: Any = InProcess(lab)
    if not is_here:
        engine = SimulatedWorkers(
            asked.slots, lab=lab, moments=moments, clock=world.clock, draw=draw
        )
    observer: Any = Silent()
    coordinator = Coordinator(plan, runs, lab=lab, engine=engine, observer=observer)
    return LATE if coordinator.run(fresh=False).out_of_time else COMPLETE
