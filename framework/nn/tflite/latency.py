"""How long two files take for one sample, measured in turn so that noise strikes both.

A round opens both files anew (where their weights happen to lie in memory makes a difference of its
own), then times them in turn. Rounds are what repeats: an interval comes from the spread between
rounds, so that slow drifts of a shared machine widen it instead of passing for a result.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from framework.contracts.data import Samples
from framework.contracts.net import Array
from framework.nn.tflite import interpreter
from framework.system import interrupt

THREADS = 1
ROUNDS = 10
SAMPLES_PER_ROUND = 20  # of each file: 200 in all
WARM_UP = 3
# a sample is as many runs as this takes: the clock and Python's own time do not count then
LEAST_SAMPLE_US = 200.0
# Student's t, 9 degrees of freedom, 99 %: the bootstrap of ten values would cover too little
T_99 = 3.2498
Sampler = Callable[[], float]


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its 99 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two files timed next to each other.

    Args:
        latency_us: median time of the file for one sample.
        reference_us: the same of the reference.
        speedup: reference / file; above 1 the file is faster.
    """

    latency_us: Interval
    reference_us: Interval
    speedup: Interval


def compare(file: bytes, reference: bytes, samples: Samples) -> Comparison:
    """Time a file against a reference on one thread, 200 samples of each after warming up.

    Args:
        samples: what both are given; at least one sample.

    Raises:
        NotDeployable: a file does not load.
    """
    rounds = np.array([_round(file, reference, samples, number) for number in range(ROUNDS)])
    return Comparison(
        latency_us=geometric_interval(rounds[:, 0]),
        reference_us=geometric_interval(rounds[:, 1]),
        speedup=geometric_interval(rounds[:, 2]),
    )


def geometric_interval(values: Array) -> Interval:
    """The geometric mean of `ROUNDS` positive values with Student's 99 % interval of their logs."""
    logs = np.log(values)
    middle, spread = float(logs.mean()), T_99 * float(logs.std(ddof=1)) / math.sqrt(len(logs))
    return Interval(math.exp(middle), math.exp(middle - spread), math.exp(middle + spread))


def _round(
    file: bytes, reference: bytes, samples: Samples, number: int
) -> tuple[float, float, float]:
    """Medians of both in microseconds, and of neighbours' ratios, reference / file."""
    interrupt.check()
    order = (0, 1) if number % 2 else (1, 0)  # who is opened and timed first takes turns
    timers: dict[int, Sampler] = {}
    for index in order:
        timers[index] = _timer((file, reference)[index], samples)
    times = np.empty((SAMPLES_PER_ROUND, 2))
    for row in times:
        for index in order:
            row[index] = timers[index]()
        # taking turns, so that what the one leaves behind in caches strikes both alike
        order = order[::-1]
    return (
        float(np.median(times[:, 0])),
        float(np.median(times[:, 1])),
        float(np.median(times[:, 1] / times[:, 0])),
    )


def _timer(file: bytes, samples: Samples) -> Sampler:
    """A function that gives the microseconds of one run, the mean of as many as fill one sample."""
    runtime = interpreter.opened(file, threads=THREADS)
    for name, place in interpreter.input_places(runtime).items():
        runtime.set_tensor(place, samples.inputs[name][:1])
    for _ in range(WARM_UP):
        runtime.invoke()
    runs = math.ceil(LEAST_SAMPLE_US / max(_run_us(runtime.invoke, 1), 1e-3))

    def sample() -> float:
        # the state of a recurrent operation would go on from run to run for ever
        runtime.reset_all_variables()
        return _run_us(runtime.invoke, runs)

    return sample


def _run_us(invoke: Callable[[], None], runs: int) -> float:
    began = time.perf_counter_ns()
    for _ in range(runs):
        invoke()
    return (time.perf_counter_ns() - began) / runs / 1000
