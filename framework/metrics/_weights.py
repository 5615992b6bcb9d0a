"""What the metrics that count in the file look at."""

from __future__ import annotations

from framework.contracts import Array, Exported


def values_of(exported: Exported) -> list[Array]:
    """The values of each weight of the file, biases included, in the types that it stores."""
    return [weight.values for weight in exported.weights]
