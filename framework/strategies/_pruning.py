"""What strategies that prune by a mask share.

Masks from scores, at once or while the net trains, and their record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from framework.contracts import Array, Job, Mask, Remask, Stage, Tuning, WeightKey
from framework.nn import compression
from framework.study.constraints import TOLERANCE

Zeros = Mapping[WeightKey, Array]
ZerosAt = Callable[[float, Stage], Zeros]
"""(share of the way, 0 to 1, the net as it is then) -> weight -> its zeros."""
ScoresAt = Callable[[Stage], Mapping[WeightKey, Array]]
HALVINGS = 4  # of the sparsity that `max_drop` looks for: to a sixteenth of what was asked


def masked(stage: Stage, zeros: Zeros) -> Stage:
    """The stage with these zeros, which it keeps from now on."""
    weights = dict(stage.weights)
    for key, places in zeros.items():
        weights[key] = np.where(places, 0, weights[key]).astype(weights[key].dtype)
    return stage.with_weights(weights).keeping(
        tuple(Mask(key, places) for key, places in zeros.items())
    )


def gradual(stage: Stage, job: Job, epochs: int, zeros_at: ZerosAt) -> Stage:
    """Train while the masks grow, about twenty times along 60 % of the way.

    At once where there are no epochs.

    Args:
        zeros_at: the share of the way that is done (cubic: fast first) and the net -> zeros of all
            kernels.
    """
    if not epochs:
        return masked(stage, zeros_at(1.0, stage))
    end, every = compression.pruning.ramp(epochs * job.steps_per_epoch())
    steps = frozenset(range(end, 0, -every))
    remask = Remask(steps, lambda step, now: zeros_at(1 - (1 - step / end) ** 3, now))
    return job.finetune(open_to_masks(stage), epochs, Tuning(remask=remask))


def open_to_masks(stage: Stage) -> Stage:
    """The stage with a mask on every kernel: of the zeros that it keeps, or of none."""
    kept = stage.masks
    none = {key: np.zeros(shape, bool) for key, shape in compression.pruning.kernels(stage).items()}
    return stage.keeping(tuple(Mask(key, kept.get(key, zeros)) for key, zeros in none.items()))


def asking(stage: Stage, asked: Mapping[WeightKey, int]) -> Stage:
    """The pruned stage with the zeros asked of each kernel; those it has, it keeps from now on."""
    return stage.asking(asked, keeps=tuple(Mask(key, stage.weights[key] == 0) for key in asked))


def furthest(
    prune: Callable[[float], Stage],
    stage: Stage,
    job: Job,
    *,
    sparsity: float,
    max_drop: float | None,
) -> tuple[Stage, float]:
    """(the net pruned to `sparsity`, its sparsity); less where it would lose too much.

    With `max_drop` the largest sparsity is looked for, by halving, at which the pruned and
    fine-tuned net loses at most that much of its quality on the calibration split against `stage`.
    The first try is `sparsity` itself.

    Args:
        prune: sparsity -> the net pruned to it.
    """
    found = prune(sparsity)
    # a net that loses exactly as much as it may is good: the difference of two shares is not exact
    least = job.quality(stage) - max_drop - TOLERANCE if max_drop is not None else -math.inf
    if max_drop is None or job.quality(found) >= least:
        return found, sparsity
    low, high, best = 0.0, sparsity, None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tried = prune(middle)
        good = job.quality(tried) >= least
        low, high = (middle, high) if good else (low, middle)
        best = tried if good else best
    return (best, low) if best else (prune(0.0), 0.0)


def growing(
    stage: Stage,
    shapes: Mapping[WeightKey, tuple[int, ...]],
    *,
    layers: str,
    sparsity: float,
    scores: ScoresAt,
    floor: float = 0.0,
    counts: Mapping[WeightKey, int] | None = None,
) -> ZerosAt:
    """Zeros that grow from those the stage keeps to `sparsity` of all kernels, least scores first.

    Args:
        shapes: of the kernels to be pruned.
        layers: `uniform`: the same share of each; `erk`: by their shapes; `global`: one threshold
            for all.
        scores: the net -> a score of each weight, at least 0.
        floor: share of each kernel that stays under one threshold, as in
            `compression.masks.lowest`.
        counts: zeros of each kernel, in place of what `layers` and `sparsity` say.
    """
    first = {key: int(stage.masks[key].sum()) if key in stage.masks else 0 for key in shapes}
    if layers == "global":
        begin, goal = (
            sum(first.values()),
            compression.masks.zeros_asked(sum(map(math.prod, shapes.values())), sparsity),
        )
    else:
        last = counts or zeros_asked(layers, shapes, sparsity)

    def zeros_at(done: float, now: Stage) -> Zeros:
        found, gone = scores(now), now.masks
        # what is zero stays zero: another weight's score may be nothing too, as where the gradient
        # is
        found = {
            key: np.where(gone[key], -1.0, found[key]) if key in gone else found[key]
            for key in shapes
        }
        if layers == "global":
            return compression.masks.lowest(found, _between(begin, goal, done), floor)
        return {
            key: compression.masks.least(values, _between(first[key], last[key], done))
            for key, values in found.items()
        }

    return zeros_at


def _between(first: int, last: int, done: float) -> int:
    """From `first` to `last`; never back, where the stage has more zeros than are asked for."""
    return max(first, round(first + (last - first) * done))


def zeros_asked(
    layers: str, shapes: Mapping[WeightKey, tuple[int, ...]], sparsity: float
) -> dict[WeightKey, int]:
    """Zeros of each kernel under `uniform` or `erk` proportions.

    The kernels of one layer share one sparsity.
    """
    shares = compression.pruning.shares(getattr(compression.masks, layers), shapes, sparsity)
    return {
        key: compression.masks.zeros_asked(math.prod(shape), shares[key[0]])
        for key, shape in shapes.items()
    }


def lots(
    job: Job, purpose: str, shapes: Mapping[WeightKey, tuple[int, ...]]
) -> dict[WeightKey, Array]:
    """A number of each weight drawn by lot, 0 to 1.

    A kernel's are drawn by its name, whichever others there are.
    """
    generators = {
        key: np.random.default_rng(job.seed(f"{purpose} {WeightKey(*key)}")) for key in shapes
    }
    return {key: generators[key].random(shape) for key, shape in shapes.items()}


def magnitudes(stage: Stage) -> dict[WeightKey, Array]:
    """|w| of every weight."""
    return {key: np.abs(value) for key, value in stage.weights.items()}


def asked_of(stage: Stage, pruned: Stage, *, layers: str, sparsity: float) -> dict[WeightKey, int]:
    """Kernel -> zeros that were asked of it.

    Under one threshold what it gave each kernel, which sums up to what was.

    Args:
        stage: before the step: where it has more zeros than are asked for, they stay.
        pruned: after it.
    """
    shapes = compression.pruning.kernels(stage)
    if layers == "global":
        return {key: int(pruned.masks[key].sum()) for key in shapes}
    kept = {key: int(zeros.sum()) for key, zeros in stage.masks.items()}
    return {
        key: max(kept.get(key, 0), count)
        for key, count in zeros_asked(layers, shapes, sparsity).items()
    }
