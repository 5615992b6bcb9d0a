"""Report new_name: trials by size, the baseline above them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from framework.report import StudyRuns
from framework.results.record import Run

# What a row shows: name of the metric in the store, head, format. `framework.report.tables` has
# whole tables and writes them for a paper, too: front.front_table, latex.latex. All names:
# make show RUN=ID-OF-A-RUN
COLUMNS = (
    ("val_accuracy", "accuracy", "{:.4f}"),
    ("val_r2", "R2", "{:.4f}"),
    ("params_nonzero", "non-zero", "{:,.0f}"),
    ("size_tflite_bytes", "file (bytes)", "{:,.0f}"),
)


# The one function that a report has. It is called with an empty folder as `out` by
# `make report NAME=STUDY KIND=new_name`.
def build(runs: StudyRuns, out: Path) -> list[Path]:
    """Write the report's files into a folder.

    Args:
        runs: of one study: baselines, controls, trials (finished and failed), the resolved study.
        out: an existing folder; the files are moved to reports/out/STUDY/ when all are written.

    Returns:
        The paths written.
    """
    trials = sorted(
        runs.finished, key=lambda run: (run.metrics.get("params_nonzero", 0.0), run.number)
    )
    nets = [*runs.baselines, *trials]
    # What no run measured is not there: a regression has R2 and no accuracy.
    measured: set[str] = set()
    for run in nets:
        measured.update(run.metrics)
    shown = [column for column in COLUMNS if column[0] in measured]
    head = " | ".join(["net", *(title for _, title, _ in shown)])
    ruler = "|".join(["---"] * (1 + len(shown)))
    rows = [line(run, shown) for run in nets]
    # A report says what it leaves out, and how many seeds are behind a number.
    note = (
        f"{len(trials)} finished trials, {len(runs.failed)} failed. One seed: no interval is shown."
    )
    path = out / "new_name.md"
    path.write_text(
        "\n".join([f"# {runs.name}", "", head, ruler, *rows, "", note, ""]), encoding="utf-8"
    )
    return [path]


def line(run: Run, columns: Sequence[tuple[str, str, str]]) -> str:
    """One row of the table; what a run did not measure is left empty, never 0."""
    cells = ["baseline" if run.number < 0 else f"trial {run.number}"]  # only trials have numbers
    for name, _, form in columns:
        value = run.metrics.get(name)
        cells.append("" if value is None else form.format(value))
    return " | ".join(cells)
