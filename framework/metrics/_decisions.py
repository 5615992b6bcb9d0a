"""What a net decides."""

from __future__ import annotations

from framework.contracts import Array, Task


def decisions(outputs: Array, task: Task) -> Array:
    """(n,) the class of each sample: of equal outputs the first wins; binary: above a half is 1.

    Args:
        outputs: (n, units).
    """
    return outputs[:, 0] > 0.5 if task == "binary" else outputs.argmax(axis=1)
