"""What a number of a run is called, by what its metric states and by nothing else."""

from dataclasses import dataclass

import pytest

from framework.contracts import Catalog, Metric, metric
from framework.results.quantities import counts, ledger_lines, quantities, quantity, spanned

CATALOG = Catalog()


@pytest.mark.parametrize(
    ("name", "title", "axis", "better"),
    [
        ("val_accuracy", "val. accuracy (%)", "Validation accuracy (%)", "max"),
        ("accuracy_drop", "drop (points)", "Accuracy drop (points)", "min"),
        ("r2_drop", "drop in R2", "Drop in R2", "min"),
        ("params_nonzero", "non-zero", "Non-zero parameters", "min"),
        ("size_tflite_bytes", ".tflite (bytes)", ".tflite file (bytes)", "min"),
        ("size_tflite_bytes_ratio", ".tflite ratio", ".tflite file, baseline / row", "max"),
        ("latency_us_p50", "latency (us)", "Latency (us)", "min"),
        ("never_heard_of", "never heard of", "Never heard of", None),
    ],
)
def test_known_names(name, title, axis, better):
    stated = quantity(name, CATALOG)
    assert (stated.title, stated.axis, stated.better) == (title, axis, better)


def test_meanings_are_plain_text_for_every_format():
    for stated in quantities(CATALOG).values():
        assert stated.doc, stated.name
        assert "`" not in stated.doc, stated.name
    assert "a bound, and no file" in quantity("size_entropy_bytes", CATALOG).doc


def test_a_metric_of_ones_own_is_stated_once():
    catalog = Catalog().extended()
    with catalog.filing():

        @metric("flash_bytes", version=1)
        @dataclass(frozen=True, kw_only=True)
        class FlashBytes(Metric):
            """Bytes of flash memory.

            Source: made for this test.
            """

            label = "flash memory"
            unit = "bytes"
            format = "count"
            ledger = True

            def measure(self, exported):
                return 1.0

    stated = quantity("flash_bytes", catalog)
    assert (stated.title, stated.doc) == ("flash memory (bytes)", "bytes of flash memory")
    assert quantity("flash_bytes_ratio", catalog).title == "flash memory ratio"
    assert "flash_bytes" in counts(catalog) & ledger_lines(catalog)
    objectives = {"val_rmse": "min", "flash_bytes": "min", "val_accuracy": "max"}
    assert spanned(objectives, "classes")[0] == "flash_bytes"


def test_the_lines_of_the_ledger():
    lines = ledger_lines(CATALOG)
    assert {name for name in lines if name.startswith(("params_", "size_", "macs_"))} == lines
    assert len(lines) == 10


@pytest.mark.parametrize(
    ("objectives", "expected"),
    [
        ({"val_accuracy": "max", "params_nonzero": "min"}, ("params_nonzero", "val_accuracy")),
        (
            {"accuracy_drop": "min", "latency_us_p50": "min", "size_tflite_bytes": "min"},
            ("latency_us_p50", "accuracy_drop"),
        ),
        ({"latency_us_p50": "min"}, ("latency_us_p50", "val_accuracy")),
        ({"val_accuracy": "max"}, ("params_nonzero", "val_accuracy")),
        (
            {"size_dense_bytes": "min", "params_nonzero": "min", "val_accuracy": "max"},
            ("size_dense_bytes", "val_accuracy"),
        ),
    ],
)
def test_the_axes_are_a_cost_and_a_quality(objectives, expected):
    assert spanned(objectives, "classes") == expected
