"""Size of the exported file under zstandard."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric

LEVEL = 19  # the highest that zstandard has without more memory for reading it


@metric("size_tflite_compressed_bytes", version=1)
@dataclass(frozen=True, kw_only=True)
class SizeTfliteCompressedBytes(Metric):
    """Bytes of the `.tflite` file under zstandard, level 19: where zeros begin to show.

    Source: Collet & Kucherawy 2021, RFC 8878.
    """

    label = ".tflite file under zstandard"
    head = "zstd"
    unit = "bytes"
    format = "count"
    ledger = True

    def measure(self, exported: Exported) -> float:
        """The length of the compressed file."""
        import zstandard

        return float(len(zstandard.ZstdCompressor(level=LEVEL).compress(exported.file)))
