"""What the steps of a chain asked for, and what the exported file has of it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from framework.contracts.file import FileWeight
from framework.contracts.net import Array, Bits, Stage, Step, WeightKey, levels_at_most

Weights = Iterable[FileWeight]


def asked_of(stage: Stage, unit: str) -> dict[str, float]:
    """`layer/position` -> what was asked of it in this unit, by the last step that asked."""
    asked: dict[str, float] = {}
    for step in stage.steps:
        if step.unit == unit:
            asked |= step.asked
    return asked


def reached_in(stage: Stage, step: Step) -> dict[str, float]:
    """`layer/position` -> what the stage has of what a step asked for, in the step's unit."""
    reached: dict[str, float] = {}
    for name in step.asked:
        reached[name] = _count(stage, WeightKey.of(name), step.unit)
    return reached


def _count(stage: Stage, key: WeightKey, unit: str) -> int:
    values = stage.weights[key]
    if unit == "zeros":
        return int((values == 0).sum())
    if unit == "clusters":
        return distinct(values)
    bits = stage.export.bits
    for keep in stage.keeps:
        if isinstance(keep, Bits) and keep.weight == key:
            bits = min(bits, bits_of(levels_at_most(values, keep.channels)))
    return bits


def bits_of(levels: int) -> int:
    """The fewest bits that tell so many levels apart, at least 1."""
    return max(1, math.ceil(math.log2(max(1, levels))))


def asked_and_reached(stage: Stage, weights: tuple[FileWeight, ...]) -> dict[str, float]:
    """What the steps asked for and what the file has of it; absent where nothing was asked.

    `sparsity_*`: zeros as a share of the kernels that were to have them. `clusters_*`: distinct
    values of one tensor at most; `clusters_reached_per_channel`: of one output channel. `bits_*`:
    mean bits of a value of a kernel. `touched_share`: share of all weights that the last step asked
    anything of.
    """
    return (
        _sparsity(stage, weights)
        | _clusters(stage, weights)
        | _bits(stage, weights)
        | _touched(stage, weights)
    )


def distinct(values: Array) -> int:
    """How many different values there are."""
    return len(np.unique(values))


def distinct_per_channel(weight: FileWeight) -> int:
    """How many different values one output channel has at most."""
    if not weight.values.size:
        return 0
    channels = np.moveaxis(weight.values, weight.output_axis, 0)
    # all channels at once: `unique` of each takes longer for its call than for its values
    ordered = np.sort(channels.reshape(len(channels), -1), axis=1)
    changes = np.count_nonzero(ordered[:, 1:] != ordered[:, :-1], axis=1)
    return 1 + int(changes.max())


def _made_of(asked: Mapping[str, float], weights: Weights) -> list[FileWeight]:
    """The tensors of the file that belong to a weight of which something was asked."""
    return [weight for weight in weights if weight.key in asked]


def _value_count(weights: Weights) -> int:
    """How many values the tensors have together."""
    return sum(weight.values.size for weight in weights)


def _sparsity(stage: Stage, weights: Weights) -> dict[str, float]:
    asked = asked_of(stage, "zeros")
    pruned = _made_of(asked, weights)
    if not pruned:
        return {}
    zeros = 0
    for weight in pruned:
        zeros += int((weight.values == 0).sum())
    size = _value_count(pruned)
    return {"sparsity_asked": sum(asked.values()) / size, "sparsity_reached": zeros / size}


def _clusters(stage: Stage, weights: Weights) -> dict[str, float]:
    asked = asked_of(stage, "clusters")
    shared = _made_of(asked, weights)
    if not shared:
        return {}
    return {
        "clusters_asked": float(max(asked.values())),
        "clusters_reached": float(max(distinct(weight.values) for weight in shared)),
        "clusters_reached_per_channel": float(max(map(distinct_per_channel, shared))),
    }


def _bits(stage: Stage, weights: Weights) -> dict[str, float]:
    asked = asked_of(stage, "bits")
    if not asked and stage.export.format == "float32":
        return {}
    on_grid = _on_grid(stage)
    sizes, asked_bits, reached_bits = [], [], []
    for weight in weights:
        # TFLite gives the bias of an 8-bit layer 32 bits: it would hide what the kernels got
        if weight.role.endswith("kernel") or weight.key in asked:
            count = weight.values.size
            sizes.append(count)
            asked_bits.append(min(asked.get(weight.key, 32), stage.export.bits) * count)
            reached_bits.append(_bits_of(weight, on_grid=weight.key in on_grid) * count)
    size = sum(sizes)
    return {"bits_asked": sum(asked_bits) / size, "bits_reached": sum(reached_bits) / size}


def _on_grid(stage: Stage) -> set[str]:
    """`layer/position` of the weights that a step has put on a grid of few levels."""
    names = set()
    for keep in stage.keeps:
        if isinstance(keep, Bits):
            names.add(str(WeightKey(*keep.weight)))
    return names


def _bits_of(weight: FileWeight, *, on_grid: bool) -> float:
    """Bits of one value: of its type, or those that tell the levels of one channel apart."""
    stored = 8 * weight.values.itemsize
    return min(stored, bits_of(distinct_per_channel(weight))) if on_grid else stored


def _touched(stage: Stage, weights: tuple[FileWeight, ...]) -> dict[str, float]:
    for step in reversed(stage.steps):
        if step.asked:
            touched = _value_count(_made_of(step.asked, weights))
            return {"touched_share": touched / _value_count(weights)}
    return {}


COLUMNS = (
    "layer", "role", "tensor", "shape", "type", "scales", "size", "nonzero", "zeros_asked",
    "zeros_reached", "weight", "clusters_asked", "bits_asked", "distinct", "distinct_per_channel",
)  # fmt: skip


def layers_csv(stage: Stage, weights: Weights) -> bytes:
    """A line for each tensor of the file: what it is, what was asked of it, what it has."""
    asked = {}
    for unit in ("zeros", "clusters", "bits"):
        asked[unit] = asked_of(stage, unit)
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for weight in weights:
        table.writerow(_described(weight) | _counted(weight, asked))
    return text.getvalue().encode()


def _described(weight: FileWeight) -> dict[str, Any]:
    """The columns of what a tensor is."""
    return {
        "layer": weight.layer,
        "role": weight.name.removeprefix(f"{weight.layer}/"),
        "tensor": weight.tensor,
        "shape": "x".join(map(str, weight.values.shape)),
        "type": weight.values.dtype.name,
        "scales": weight.scales,
        "size": weight.values.size,
        "weight": weight.key,
    }


def _counted(weight: FileWeight, asked: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The columns of what was asked of a tensor and what it has of it."""
    nonzero = int(np.count_nonzero(weight.values))
    return {
        "nonzero": nonzero,
        # what was asked of a whole weight is not asked of each of its parts
        "zeros_asked": "" if weight.part else asked["zeros"].get(weight.key, ""),
        "zeros_reached": weight.values.size - nonzero,
        "clusters_asked": asked["clusters"].get(weight.key, ""),
        "bits_asked": asked["bits"].get(weight.key, ""),
        "distinct": distinct(weight.values),
        "distinct_per_channel": distinct_per_channel(weight),
    }
