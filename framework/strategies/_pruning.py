"""What strategies that prune by a mask share.

Masks from scores, at once or while the net trains, and their record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import starmap

import numpy as np

from framework.contracts import Array, Job, Mask, Remask, Stage, Tuning, WeightKey
from framework.nn import compression
from framework.study.constraints import TOLERANCE

Scores = Mapping[WeightKey, Array]
Shapes = Mapping[WeightKey, tuple[int, ...]]
Zeros = Mapping[WeightKey, Array]
ZerosAt = Callable[[float, Stage], Zeros]
"""(share of the training that is done, 0 to 1, the net as it is then) -> weight -> its zeros."""
ScoresAt = Callable[[Stage], Scores]
Choose = Callable[[float, Scores], Zeros]
"""(share of the training that is done, 0 to 1, scores) -> weight -> its zeros."""
HALVINGS = 4  # of the sparsity that `max_drop` looks for: to a sixteenth of what was asked


def masked(stage: Stage, zeros: Zeros) -> Stage:
    """The stage with these zeros, which later steps enforce."""
    weights = dict(stage.weights)
    for key, places in zeros.items():
        weights[key] = np.where(places, 0, weights[key]).astype(weights[key].dtype)
    return stage.with_weights(weights).keeping(tuple(starmap(Mask, zeros.items())))


def gradual(stage: Stage, job: Job, epochs: int, zeros_at: ZerosAt) -> Stage:
    """Train while the masks grow, about twenty times along 60 % of the training.

    At once where there are no epochs.

    Args:
        epochs: of training, at least 0.
        zeros_at: the share of the zeros that is due (cubic: fast first) and the net -> zeros of all
            kernels.
    """
    if not epochs:
        return masked(stage, zeros_at(1.0, stage))
    end, every = compression.pruning.ramp(epochs * job.steps_per_epoch())
    # Counted back from the end, so that the last update has all zeros.
    steps = frozenset(range(end, 0, -every))
    remask = Remask(steps, lambda step, now: zeros_at(1 - (1 - step / end) ** 3, now))
    return job.finetune(mask_every_kernel(stage), epochs, Tuning(remask=remask))


def mask_every_kernel(stage: Stage) -> Stage:
    """The stage with a mask on every kernel: of the zeros that it enforces, or of none."""
    enforced = stage.masks
    masks = []
    for key, shape in compression.pruning.kernels(stage).items():
        # A `Remask` changes only masks that the net has.
        zeros = enforced[key] if key in enforced else np.zeros(shape, bool)
        masks.append(Mask(key, zeros))
    return stage.keeping(tuple(masks))


def asking(stage: Stage, asked: Mapping[WeightKey, int]) -> Stage:
    """The pruned stage with the zeros asked of each kernel; later steps enforce those it has."""
    return stage.asking(asked, keeps=zero_masks(stage, asked))


def zero_masks(stage: Stage, keys: Iterable[WeightKey]) -> tuple[Mask, ...]:
    """Masks of all weights that are zero, pruned or not, of these kernels."""
    return tuple(Mask(key, stage.weights[key] == 0) for key in keys)


def within_max_drop(
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
        sparsity: asked for, 0 to 1.
        max_drop: quality that may be lost, a share; None: any.
    """
    pruned = prune(sparsity)
    # a net that loses exactly as much as it may is good: the difference of two shares is not exact
    least = job.quality(stage) - max_drop - TOLERANCE if max_drop is not None else -math.inf
    if max_drop is None or job.quality(pruned) >= least:
        return pruned, sparsity
    low, high, best = 0.0, sparsity, None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        candidate = prune(middle)
        if job.quality(candidate) >= least:
            low, best = middle, candidate
        else:
            high = middle
    # where no sparsity that was tried is good nothing is pruned, but training is the same
    return (best, low) if best else (prune(0.0), 0.0)


def gradual_zeros(
    stage: Stage,
    shapes: Shapes,
    *,
    layers: str,
    sparsity: float,
    scores: ScoresAt,
    floor: float = 0.0,
    counts: Mapping[WeightKey, int] | None = None,
) -> ZerosAt:
    """Zeros that grow from those of the stage to `sparsity` of all kernels, least scores first.

    Args:
        shapes: of the kernels to be pruned.
        layers: `uniform`: the same share of each; `erk`: by their shapes; `global`: one threshold
            for all.
        sparsity: of all kernels together, 0 to 1.
        scores: the net -> a score of each weight, at least 0.
        floor: share of each kernel that stays under one threshold, as in
            `compression.masks.lowest`.
        counts: zeros of each kernel, in place of what `layers` and `sparsity` say.
    """
    first = pruned_counts(stage, shapes)
    if layers == "global":
        total = total_asked(shapes, sparsity)
        choose = _by_one_threshold(sum(first.values()), total, floor)
    else:
        choose = _by_kernel(first, counts or zeros_asked(layers, shapes, sparsity))

    def zeros_at(done: float, now: Stage) -> Zeros:
        return choose(done, _pruned_first(scores(now), now.masks, shapes))

    return zeros_at


def _by_one_threshold(first: int, last: int, floor: float) -> Choose:
    def choose(done: float, scores: Scores) -> Zeros:
        return compression.masks.lowest(scores, between(first, last, done), floor)

    return choose


def _by_kernel(first: Mapping[WeightKey, int], last: Mapping[WeightKey, int]) -> Choose:
    def choose(done: float, scores: Scores) -> Zeros:
        zeros = {}
        for key, values in scores.items():
            count = between(first[key], last[key], done)
            zeros[key] = compression.masks.least(values, count)
        return zeros

    return choose


def _pruned_first(scores: Scores, pruned: Zeros, shapes: Shapes) -> dict[WeightKey, Array]:
    """The scores of these kernels, with those of pruned weights below all others."""
    ranked = {}
    for key in shapes:
        ranked[key] = scores[key]
        # what is zero stays zero: another weight's score may be nothing too, as where the gradient
        # is
        if key in pruned:
            ranked[key] = np.where(pruned[key], -1.0, scores[key])
    return ranked


def between(first: int, last: int, done: float) -> int:
    """From `first` to `last`; never back, where the stage has more zeros than are asked for.

    Args:
        done: share of the zeros that is due, 0 to 1.
    """
    return max(first, round(first + (last - first) * done))


def zeros_asked(layers: str, shapes: Shapes, sparsity: float) -> dict[WeightKey, int]:
    """Zeros of each kernel under `uniform` or `erk` proportions.

    The kernels of one layer share one sparsity.
    """
    shares = compression.pruning.shares(getattr(compression.masks, layers), shapes, sparsity)
    return {
        key: compression.masks.zeros_asked(math.prod(shape), shares[key[0]])
        for key, shape in shapes.items()
    }


def total_asked(shapes: Shapes, sparsity: float) -> int:
    """Zeros of all kernels together; at least one value stays."""
    return compression.masks.zeros_asked(sum(map(math.prod, shapes.values())), sparsity)


def random_scores(job: Job, purpose: str, shapes: Shapes) -> dict[WeightKey, Array]:
    """A random number of each weight, 0 to 1.

    A kernel's are drawn by its name, whichever others there are.

    Args:
        purpose: what they are for; another purpose has other numbers.
    """
    scores = {}
    for key, shape in shapes.items():
        generator = np.random.default_rng(job.seed(f"{purpose} {WeightKey(*key)}"))
        scores[key] = generator.random(shape)
    return scores


def magnitudes(stage: Stage) -> dict[WeightKey, Array]:
    """|w| of every weight."""
    return {key: np.abs(value) for key, value in stage.weights.items()}


def pruned_counts(stage: Stage, keys: Iterable[WeightKey]) -> dict[WeightKey, int]:
    """Kernel -> zeros under its mask; 0 where it has none."""
    counts = dict.fromkeys(keys, 0)
    for key, zeros in stage.masks.items():
        if key in counts:
            counts[key] = int(zeros.sum())
    return counts


def asked_of(stage: Stage, pruned: Stage, *, layers: str, sparsity: float) -> dict[WeightKey, int]:
    """Kernel -> zeros that were asked of it.

    Under one threshold what it gave each kernel, which sums up to what was.

    Args:
        stage: before the step: where it has more zeros than are asked for, they stay.
        pruned: after it.
    """
    shapes = compression.pruning.kernels(stage)
    if layers == "global":
        return pruned_counts(pruned, shapes)
    begun = pruned_counts(stage, shapes)
    asked = zeros_asked(layers, shapes, sparsity)
    return {key: max(begun[key], count) for key, count in asked.items()}
