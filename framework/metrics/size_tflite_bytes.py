"""Size of the exported file."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric


@metric("size_tflite_bytes", version=1)
@dataclass(frozen=True, kw_only=True)
class SizeTfliteBytes(Metric):
    """Bytes of the `.tflite` file, which stores zeros like any other value.

    So pruning alone does not change it.

    Source: the TensorFlow Lite file format (FlatBuffers).
    """

    label = ".tflite file"
    head = ".tflite"
    unit = "bytes"
    format = "count"
    ledger = True

    def measure(self, exported: Exported) -> float:
        """Its length."""
        return float(len(exported.file))
