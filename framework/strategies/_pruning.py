"""What strategies that prune by a mask share: masks from scores, at once or while the net trains, and their record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from framework import nn
from framework.contracts import Array, Job, Mask, Remask, Stage, Step, Strategy

Key = tuple[str, int]
Zeros = Mapping[Key, Array]
ZerosAt = Callable[[float, Stage], Zeros]
"""(share of the way, 0 to 1, the net as it is then) -> weight -> its zeros."""
HALVINGS = 4  # of the sparsity that `max_drop` looks for: to a sixteenth of what was asked


def masked(stage: Stage, zeros: Zeros) -> Stage:
    """The stage with these zeros, which it keeps from now on."""
    weights = dict(stage.weights)
    for key, places in zeros.items():
        weights[key] = np.where(places, 0, weights[key]).astype(weights[key].dtype)
    return stage.with_weights(weights).keeping(tuple(Mask(key, places) for key, places in zeros.items()))


def gradual(stage: Stage, job: Job, epochs: int, zeros_at: ZerosAt) -> Stage:
    """Train while the masks grow, about twenty times along 60 % of the way; at once where there are no epochs.

    Args:
        zeros_at: the share of the way that is done (cubic: fast first) and the net -> zeros of all kernels.
    """
    if not epochs:
        return masked(stage, zeros_at(1.0, stage))
    end, every = nn.pruning.ramp(epochs * job.steps_per_epoch())
    steps = frozenset(range(end, 0, -every))
    remask = Remask(steps, lambda step, now: zeros_at(1 - (1 - step / end) ** 3, now))
    return job.finetune(open_to_masks(stage), epochs, remask=remask)


def open_to_masks(stage: Stage) -> Stage:
    """The stage with a mask on every kernel: of the zeros that it keeps, or of none."""
    kept = stage.masks
    none = {key: np.zeros(shape, bool) for key, shape in nn.pruning.kernels(stage).items()}
    return stage.keeping(tuple(Mask(key, kept.get(key, zeros)) for key, zeros in none.items()))


def begun(stage: Stage) -> int:
    """Zeros of all kernels together that the stage keeps already."""
    return sum(int(zeros.sum()) for zeros in stage.masks.values())


def on_record(
    strategy: Strategy, job: Job, stage: Stage, *, asked: Mapping[Key, int], epochs: int, seconds: float
) -> Stage:
    """The pruned stage with what was asked and reached of each kernel.

    Args:
        asked: kernel -> zeros.
        epochs: of training spent.
        seconds: of `job.fit_seconds` before the step began.
    """
    step = Step(
        strategy=strategy.name,
        knobs=strategy.values(),
        asked={_name(key): int(count) for key, count in asked.items()},
        reached={_name(key): int((stage.weights[key] == 0).sum()) for key in asked},
        epochs=epochs,
        seconds=job.fit_seconds - seconds,
    )
    masks = tuple(Mask(key, stage.weights[key] == 0) for key in asked)
    return stage.with_step(step, keeps=masks)


def furthest(
    prune: Callable[[float], Stage], stage: Stage, job: Job, *, sparsity: float, max_drop: float | None
) -> Any:
    """(the net pruned to `sparsity`, how many nets were trained for it); less far where it would lose too much.

    With `max_drop` the largest sparsity is looked for, by halving, at which the pruned and fine-tuned net loses at most
    that much of its quality on the calibration split against `stage`. The first try is `sparsity` itself.

    Args:
        prune: sparsity -> the net pruned to it.
    """
    found = prune(sparsity)
    if max_drop is None:
        return found, 1
    least = job.quality(stage) - max_drop
    if job.quality(found) >= least:
        return found, 1
    low, high, best = 0.0, sparsity, prune(0.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tried = prune(middle)
        if job.quality(tried) >= least:
            low, best = middle, tried
        else:
            high = middle
    return best, HALVINGS + 2


def _name(key: Key) -> str:
    return f"{key[0]}/{key[1]}"
