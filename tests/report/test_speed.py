"""Speed beside size: every trial, its latency with an interval, and the reason where theory and
clock differ."""

import pytest
from synthetic_runs import FakeStore, baseline, control, parent, study_of_thirty, trial

from framework.report import collect, page
from framework.report.speed import gap_reason, protocol, speed_columns, speed_frame
from framework.report.tables.columns import columns_of, markdown

NAME = "squeezenet_prune"


def speeds(value, width=0.02, *, latency=80.0, threads=1.0):
    found = {
        "speedup_measured": value,
        "latency_us_p50": latency,
        "baseline.latency_us_p50": latency * value,
    }
    ends = {
        f"{name}{end}": number * (1 + sign * width)
        for name, number in found.items()
        for end, sign in (("_low", -1), ("_high", 1))
    }
    return found | ends | {"latency_threads": threads}


def of(measured, theory, **extra):
    counts = {"macs_dense": 100.0, "macs_effective": 100.0, "baseline.macs_dense": 100.0}
    return speeds(measured) | {"speedup_theoretical": theory} | counts | extra


IN_BLOCKS = {  # 1000 weights, 900 of them zero and not in the file
    "params_total": 1000.0,
    "params_nonzero": 100.0,
    "size_dense_bytes": 4000.0,
    "baseline.size_dense_bytes": 4000.0,
    "size_tflite_bytes": 700.0,
    "baseline.size_tflite_bytes": 4200.0,
}


def timed(runs, **values):
    return collect(FakeStore(runs), NAME)


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        (of(1.0, 1.0), ""),
        (of(1.9, 2.0), ""),  # within what the clock can tell
        (of(1.0, 5.0, macs_effective=20.0), "scattered zeros"),
        (of(3.2, 9.0, macs_effective=11.0, **IN_BLOCKS), "zero blocks are skipped"),
        (of(2.4, 1.0, bits_reached=8.0), "8 bits"),
        (of(1.0, 4.0, macs_effective=25.0, bits_reached=16.0), "unpacked to float32"),
        (of(1.5, 4.0, macs_dense=25.0, macs_effective=25.0), "each layer costs time"),
        (of(1.0, 3.0, macs_effective=99.0), "not explained"),
        ({"accuracy_drop": 0.0}, ""),  # nothing was timed
    ],
)
def test_the_gap_between_theory_and_clock_has_its_reason(metrics, reason):
    found = gap_reason(metrics)
    assert reason in found
    assert bool(found) == bool(reason)


def test_zeros_that_the_file_leaves_out_are_not_called_scattered():
    """Unless there are as many that it holds, as under block_prune of a net whose convolutions were
    pruned before."""
    assert "scattered" not in gap_reason(of(3.2, 9.0, macs_effective=11.0, **IN_BLOCKS))
    half = IN_BLOCKS | {"size_tflite_bytes": 3000.0}
    both = gap_reason(of(1.4, 9.0, macs_effective=11.0, **half))
    assert "scattered" in both
    assert "zero blocks are skipped" in both
    # a dense file of the same net, a few bytes shorter
    padded = IN_BLOCKS | {"size_tflite_bytes": 4188.0}
    assert "blocks" not in gap_reason(of(1.0, 9.0, macs_effective=11.0, **padded))


def test_two_reasons_are_both_told():
    found = gap_reason(of(2.0, 5.0, macs_effective=20.0, bits_reached=8.0))
    assert "scattered zeros" in found
    assert "8 bits" in found


@pytest.fixture
def runs():
    extra = of(1.0, 5.0, macs_effective=20.0)
    dense = baseline()
    dense.metrics.update(speeds(1.001))
    return timed(
        [
            parent(),
            dense,
            control(),
            trial(0, 0.98, 9000, extra=extra),
            trial(1, 0.5, 9500, extra=extra),
        ]
    )


def test_every_trial_has_a_row_with_size_and_latency_beside_each_other(runs):
    frame = speed_frame(runs)
    assert list(frame["label"]) == ["baseline", "control", "trial 0 (front)", "trial 1"]
    last = frame.iloc[2]
    assert (last["latency"], last["speedup"]) == ("80.0 (78.4 to 81.6)", "1.00 (0.98 to 1.02)")
    assert last["size_tflite_bytes_ratio"] == 1
    assert "scattered zeros" in last["reason"]
    assert frame.iloc[0]["speedup"] is None  # the dense net has none against itself


def test_the_page_says_what_varies_and_how_it_was_timed(runs):
    shown = markdown(speed_frame(runs), columns_of(speed_frame(runs), speed_columns(runs), level=0))
    assert "compress.0.sparsity" in shown
    assert "compress.0.epochs" in shown
    told = protocol(runs)
    assert "1 thread" in told
    assert "no difference (1.001" in told


def test_of_very_many_trials_the_page_has_the_front_and_says_so(runs, monkeypatch):
    whole = page.speed_page(runs)
    assert "trial 1 " in whole
    assert "timing.csv" not in whole
    monkeypatch.setattr(page, "MOST_TRIALS", 1)
    shown = page.speed_page(runs)
    assert "Of 2 trials those on the front; all are in `timing.csv`." in shown
    assert "trial 0 (front)" in shown
    assert "trial 1 " not in shown


def test_a_machine_whose_clock_cannot_be_trusted_is_called_so():
    dense = baseline()
    dense.metrics.update(speeds(1.2))
    told = protocol(timed([parent(), dense, trial(0, extra=speeds(1.0))]))
    assert "**the times of this machine cannot be trusted**" in told


def test_runs_without_latency_say_so():
    runs = timed(study_of_thirty())
    assert protocol(runs) == "No latency was measured."
    assert "latency" not in speed_frame(runs).columns
