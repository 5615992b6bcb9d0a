"""Random studies under random deaths, kills, full disks, lost answers and clock jumps.

    make chaos SEEDS=100000      # .venv/bin/python -m benchmarks.chaos --seeds 100000
    make chaos SEED=123          # one of them again, with all that happened in it

The coordinator, its schedule, the sampler, the runs of a study and the store are the real ones. The
world around them is simulated (`seams`): the clock, Ctrl-C, the workers, MLflow's store with its
single writes, the files, the results of trials, and Optuna but for one study in `OPTUNA_EVERY`. A
scenario (`scenario`) is a study of at most 8 trials that is run in sessions to which things happen
at some of their waits and writes, and at last in one to which nothing does. It has to have what the
same study has that nobody disturbs (`verdict`): by number one run that ended, with its status,
spec, metrics and files, baselines and controls once, and nothing RUNNING.

Prints the seeds that differ, and ends with 1 if one does.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from benchmarks.chaos.scenario import SCENARIOS_A_STUDY, Result, play
from benchmarks.shared import parser_of

SEEDS = 100_000
PORTION = 50 * SCENARIOS_A_STUDY  # of seeds that a process is given at a time
TOLD_EVERY = 10_000
MOST_TOLD = 20  # seeds that differ
FEWER_LOOKS = 50_000  # objects made between two looks for garbage, of which there is little


@dataclass(frozen=True)
class Portion:
    """What became of some seeds.

    Args:
        wrong: those that differ.
        events: how often each kind of event happened.
    """

    count: int
    wrong: Sequence[Result]
    events: Mapping[str, int]


def main() -> None:
    """Play what was asked for; end with 1 if a scenario differs."""
    parser = parser_of(__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from 0 on")
    parser.add_argument("--seed", type=int, help="this one alone, with what happened")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    if arguments.seed is not None:
        sys.exit(replayed(arguments.seed))
    sys.exit(played(arguments.seeds, arguments.processes))


def replayed(seed: int) -> bool:
    """Print one scenario; whether it differs."""
    result = play(seed)
    print("\n".join(result.told))
    print("\n".join(result.faults) or "As if undisturbed.")
    return bool(result.faults)


def played(count: int, processes: int) -> bool:
    """Play seeds 0 to `count` - 1 and print what differs; whether one does."""
    began, done, events = time.monotonic(), 0, Counter[str]()
    wrong: list[int] = []
    for portion in _portions(count, processes):
        done += portion.count
        events.update(portion.events)
        for result in portion.wrong:
            wrong.append(result.seed)
            # one cause has many seeds
            if len(wrong) <= MOST_TOLD:
                print(f"make chaos SEED={result.seed}: {'; '.join(result.faults[:3])}", flush=True)
        if done % TOLD_EVERY == 0 or done == count:
            seconds = time.monotonic() - began
            print(f"{done} scenarios, {len(wrong)} differ, {seconds:.0f} s", flush=True)
    print(", ".join(f"{kind} {times}" for kind, times in events.most_common()))
    return bool(wrong)


def _portions(count: int, processes: int) -> Iterator[Portion]:
    starts = range(0, count, PORTION)
    seeds = [range(start, min(start + PORTION, count)) for start in starts]
    if processes == 1:
        yield from map(portion, seeds)
        return
    with ProcessPoolExecutor(processes, initializer=_prepare) as pool:
        yield from pool.map(portion, seeds)


def _prepare() -> None:
    gc.freeze()
    gc.set_threshold(FEWER_LOOKS)


def portion(seeds: Sequence[int]) -> Portion:
    """Play some seeds."""
    results = list(map(play, seeds))
    events: Counter[str] = Counter()
    for result in results:
        events.update(result.events)
    return Portion(len(seeds), [result for result in results if result.faults], events)


if __name__ == "__main__":
    main()
