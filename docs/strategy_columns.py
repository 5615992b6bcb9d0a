"""The columns of the tables in docs/strategies.md: what a cell says of one result.

A result is what docs/measurements.py wrote of one row; some cells compare it with others of the
same table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from statistics import mean, stdev
from typing import Any

import numpy as np

Result = Mapping[str, Any]
Results = Mapping[str, Result]
Cell = Callable[[Result, Results], str]
UNTRAINED = ("snip", "dynamic_sparse")  # strategies that train the net from its beginning
NO_METHOD = ("random_prune", "identity")  # what methods are compared with
_runs_of = itemgetter("net", "dataset", "seeds")


def interval(differences: Sequence[float], *, comparisons: int = 1) -> tuple[float, float]:
    """(mean, half of its 95 % interval) of paired differences (Student's t, n - 1).

    Args:
        comparisons: how many intervals are to be right at once; each is made wider for it
            (Bonferroni).
    """
    from scipy.stats import t

    # 2.5 % on either side, shared out among the comparisons
    quantile = t.ppf(1 - 0.025 / comparisons, len(differences) - 1)
    half = quantile * stdev(differences) / np.sqrt(len(differences))
    return mean(differences), float(half)


# --- quality --------------------------------------------------------------------------------------


def _seeds(result: Result, _: Results) -> str:
    return " ".join(map(percent, result["quality"]))


def mean_quality(result: Result, _: Results) -> str:
    """Their mean in percent, with the standard deviation of the seeds where there are several."""
    values = result["quality"]
    spread = f" ± {percent(stdev(values))}" if len(values) > 1 else ""
    return f"{percent(mean(values))}{spread}"


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.2f}"


def drop_to_control(result: Result, results: Results) -> str:
    """Points lost to the same net trained on without compression; empty where there is none."""
    control = _control(result, results)
    return _lost(control["quality"], result["quality"]) if control else ""


def drop_to_dense(result: Result, _: Results) -> str:
    """Points lost to the dense net."""
    return "" if result["strategy"] == "none" else _lost(result["baseline"], result["quality"])


def _lost(better: Sequence[float], worse: Sequence[float]) -> str:
    """Points lost, with the standard error of their mean."""
    lost = [100 * (one - other) for one, other in zip(better, worse, strict=True)]
    error = f" ± {stdev(lost) / len(lost) ** 0.5:.2f}" if len(lost) > 1 else ""
    return f"{mean(lost):.2f}{error}"


def _control(result: Result, results: Results) -> Result | None:
    """The same net trained on as long, under the same rate, without compression."""
    if result["strategy"] in ("none", "identity"):
        return None
    controls = [other for other in results.values() if _may_control(other, result)]
    for control in controls:
        if control["epochs"] == result["epochs"]:
            return control
    # What begins untrained has the dense net's epochs among its own: its control is the one of the
    # net, whose epochs are fewer.
    if result["strategy"] in UNTRAINED and len(controls) == 1:
        return controls[0]
    return None


def _may_control(other: Result, result: Result) -> bool:
    return (
        other["strategy"] == "identity"
        and _factor(other) == _factor(result)
        and _runs_of(other) == _runs_of(result)
    )


def _factor(result: Result) -> float:
    return float(result.get("factor", 2.0))


# --- against random pruning -----------------------------------------------------------------------


def against_random(result: Result, results: Results) -> str:
    """The difference to random zeros of the same sparsity, rate and proportions."""
    if result["strategy"] in NO_METHOD:
        return ""
    family = [other for other in results.values() if _family(other) == _family(result)]
    control = _random_control(result, family)
    if control is None:
        return ""
    pairs = zip(result["quality"], control["quality"], strict=True)
    # every method of the family is compared with random zeros: as many intervals are to be right
    # at once
    methods = sum(other["strategy"] not in NO_METHOD for other in family)
    middle, half = interval([value - random for value, random in pairs], comparisons=methods)
    verdict = "" if abs(middle) > half else ", not told apart"
    low, high = 100 * (middle - half), 100 * (middle + half)
    return f"{100 * middle:+.2f} ({low:+.2f} to {high:+.2f}){verdict}"


def _family(result: Result) -> tuple[float, float]:
    """Sparsity and rate."""
    return result["knobs"][-1].get("sparsity", 0.0), _factor(result)


def _random_control(result: Result, family: Sequence[Result]) -> Result | None:
    for other in family:
        if other["strategy"] == "random_prune" and _proportions(other) == _proportions(result):
            return other
    return None


def _proportions(result: Result) -> str:
    """Of its zeros, as far as random pruning can have them too."""
    return "erk" if result["knobs"][-1].get("layers") == "erk" else "global"


# --- what is read off -----------------------------------------------------------------------------


def _metric(name: str, form: str = "{:.1f}", factor: float = 1.0) -> Cell:
    def cell(result: Result, _: Results) -> str:
        values = result["metrics"].get(name)
        return form.format(factor * mean(values)) if values else ""

    return cell


def _ratio(name: str) -> Cell:
    return lambda result, _: f"{mean(result['ratios'][name]):.2f}x"


def _requested(name: str, form: str) -> Cell:
    """What was asked for and what the file has, the largest of the seeds."""

    def cell(result: Result, _: Results) -> str:
        asked = result["metrics"].get(f"{name}_asked")
        if not asked:
            return ""
        reached = result["metrics"][f"{name}_reached"]
        return f"{form.format(max(asked))} / {form.format(max(reached))}"

    return cell


def _epochs(result: Result, _: Results) -> str:
    return str(result["epochs"])


def _speed(result: Result, _: Results) -> str:
    times = result["times"]
    by_seed = " ".join(map("{:.2f}".format, times["speedup_measured"]))
    low, high = min(times["speedup_measured_low"]), max(times["speedup_measured_high"])
    return f"{by_seed} ({low:.2f} to {high:.2f})"


COLUMNS: Mapping[str, tuple[tuple[str, Cell], ...]] = {
    "quality": (("by seed", _seeds), ("mean", mean_quality)),
    "drop": (
        ("points lost to the control", drop_to_control),
        ("to the dense net", drop_to_dense),
    ),
    "zeros": (("zeros (%)", _metric("sparsity_reached", "{:.2f}", 100)),),
    "epochs": (("epochs", _epochs),),
    "against random": (("against random (points, 95 %)", against_random),),
    "touched": (("rounded in training (%)", _metric("touched_share", "{:.1f}", 100)),),
    "quantized": (
        ("8 bits or whole numbers in the file (%)", _metric("quantized_share", "{:.1f}", 100)),
    ),
    "clusters": (("values a tensor, asked / file", _requested("clusters", "{:.0f}")),),
    "clusters a channel": (
        ("values a channel", _metric("clusters_reached_per_channel", "{:.0f}")),
    ),
    "bits": (("bits, asked / file", _requested("bits", "{:.2f}")),),
    "non-zero ratio": (("non-zero", _ratio("params_nonzero")),),
    "file ratio": ((".tflite", _ratio("size_tflite_bytes")),),
    "zstd ratio": (("zstd", _ratio("size_tflite_compressed_bytes")),),
    "codebook ratio": (("codebook", _ratio("size_codebook_bytes")),),
    "entropy ratio": (("entropy", _ratio("size_entropy_bytes")),),
    "speed-up": (("measured speed-up by seed (99 % interval of all)", _speed),),
    "theory": (("theory", _metric("speedup_theoretical", "{:.1f}x")),),
}


def heads(names: Sequence[str]) -> Iterator[str]:
    """The heads of these columns; some names stand for two."""
    for name in names:
        for head, _ in COLUMNS[name]:
            yield head


def cells(names: Sequence[str], result: Result, results: Results) -> Iterator[str]:
    """What these columns say of a result, which is one of the results of its table."""
    for name in names:
        for _, cell in COLUMNS[name]:
            yield cell(result, results)
