"""The tables of docs/mlperf-tiny.md, from the runs of a project.

    python -m benchmarks.mlperf_tiny_tables PROJECT

PROJECT is what `python -m benchmarks.mlperf_tiny` wrote, with its studies run: `resnet8_tiny` with
any of `--set seed=0`, `1` and `2`, the others as they are. Of a study that was not run to its end
there is what is done, and how much that is; of seeds, those that are whole. A trial that failed has
its reason in place of numbers. Accuracy on the test split is that of trials on which `confirm` has
looked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from statistics import mean

from benchmarks.mlperf_tiny import NETS
from benchmarks.shared import parser_of
from framework.report.collected import collect
from framework.report.frame import StudyRuns
from framework.results.record import Run
from framework.tracking.store import Store


@dataclass(frozen=True)
class Column:
    """A column: its head, the metric, and how the metric's values by seed are written."""

    head: str
    metric: str
    text: Callable[[Sequence[float]], str]


def percents(values: Sequence[float]) -> str:
    """Each seed's, and their mean where they differ."""
    texts = [f"{100 * value:.2f}" for value in values]
    if len(set(texts)) == 1:
        return texts[0]
    return f"{' '.join(texts)}; mean {100 * mean(values):.2f}"


def agreements(values: Sequence[float]) -> str:
    """The share of samples on which a file and its float net decide alike."""
    return percents([1 - value for value in values])


def decimals(values: Sequence[float]) -> str:
    """R2, which has no percent."""
    return " ".join(map("{:.3f}".format, values))


def counts(values: Sequence[float]) -> str:
    """A whole number; the mean of several."""
    return f"{mean(values):,.0f}".replace(",", " ")


SIZES = (
    Column("parameters not zero", "params_nonzero", counts),
    Column("`.tflite` bytes", "size_tflite_bytes", counts),
    Column("compressed by zstd", "size_tflite_compressed_bytes", counts),
)
TEST = Column("on the test set (%)", "test_accuracy", percents)
ACCURACY = Column("accuracy (%)", "val_accuracy", percents)
AGREEMENT = Column("decides as its float net (%)", "val_disagreement", agreements)
R2 = Column("R2", "val_r2", decimals)
COLUMNS = {
    "classes": (ACCURACY, AGREEMENT, *SIZES),
    "reconstruction": (R2, *SIZES),
}


def runs_of(store: Store, name: str) -> list[StudyRuns]:
    """What the store has of a study, once for each seed that it was run with, the newest run."""
    by_seed: dict[int, StudyRuns] = {}
    parents = sorted(store.runs(name, role="study"), key=attrgetter("start_ms"))
    for digest in dict.fromkeys(parent.tags["study_digest"] for parent in parents):
        runs = collect(store, name, digest=digest)
        looks = store.runs(name, role="confirm", study_digest=digest)
        trials = [_with_test(run, looks) for run in runs.trials]
        by_seed[runs.resolved["seed"]] = replace(runs, trials=trials)
    return [by_seed[seed] for seed in sorted(by_seed)]


def _with_test(run: Run, looks: Sequence[Run]) -> Run:
    """The trial with what the first look at the test split has measured."""
    for look in looks:
        if look.number == run.number and look.status == "FINISHED":
            return replace(run, metrics={**run.metrics, **look.metrics})
    return run


def rows_of(runs: StudyRuns) -> Iterator[tuple[str, Run]]:
    """The runs of a table with what they are called: as the net comes, trained on, each trial."""
    named = [(runs.chain(run), run) for run in runs.trials]
    # the trial that a choice leaves without a step has the baseline's file
    for run in [run for chain, run in named if chain == "none"] or runs.baselines:
        yield "as it comes", run
    for run in runs.controls:
        yield "trained on, not compressed", run
    for chain, run in named:
        if chain != "none":
            yield f"`{chain}`", run


def heading(name: str, repeated: Sequence[StudyRuns]) -> str:
    """The study, its seeds, and how many of its trials are done where it has not ended."""
    seeds = ", ".join(str(runs.resolved["seed"]) for runs in repeated)
    so_far = "" if _is_whole(repeated[0]) else f"; {len(repeated[0].trials)} trials so far"
    return f"\n{name}, seed {seeds} (n = {len(repeated)}{so_far})\n"


def _is_whole(runs: StudyRuns) -> bool:
    return runs.parent.status == "FINISHED"


def table(repeated: Sequence[StudyRuns]) -> Iterator[str]:
    """The lines of a table of one study, run with one seed or several."""
    columns = [*COLUMNS[repeated[0].task]]
    if any(TEST.metric in run.metrics for runs in repeated for run in runs.trials):
        columns.insert(1, TEST)
    by_name: dict[str, list[Run]] = {}
    for runs in repeated:
        for name, run in rows_of(runs):
            by_name.setdefault(name, []).append(run)
    yield f"| file | {' | '.join(column.head for column in columns)} |"
    yield "|---" * (1 + len(columns)) + "|"
    for name, group in by_name.items():
        yield f"| {name} | {' | '.join(_cells(group, columns))} |"


def _cells(group: Sequence[Run], columns: Sequence[Column]) -> Iterator[str]:
    failed = [run for run in group if run.status != "FINISHED"]
    for column in columns:
        if failed:
            yield failed[0].tags.get("reason", failed[0].status)
        else:
            values = [run.metrics[column.metric] for run in group if column.metric in run.metrics]
            yield column.text(values) if values else ""


def main() -> int:
    """Print the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("project", type=Path)
    project = parser.parse_args().project
    store = Store.open(project, create=False)
    for name in ("resnet8_tiny", *NETS):
        begun = runs_of(store, name)
        # a mean over seeds of which one lacks a row would be no mean
        repeated = list(filter(_is_whole, begun)) or begun[:1]
        if repeated:
            print("\n".join([heading(name, repeated), *table(repeated)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
