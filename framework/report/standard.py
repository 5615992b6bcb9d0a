"""Quality against size: the Pareto front of a study beside its baseline and control.

`pareto.*` and `trials.csv` hold only what the specs determine, so they are the same bytes for a
study that was killed and went on. What depends on the machine is in `timing.csv` and
`provenance.json`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

from framework.report.checklist import at_chance, toys, unmet
from framework.report.columns import COLUMNS
from framework.report.figures import Axis, Cloud, save, trade_off
from framework.report.frame import StudyRuns, timing_frame, trials_frame
from framework.report.pareto import RATIO, axes_of, baselines_shown, front, pareto_frame, point
from framework.report.resolved import alternatives, names_of, part_text, train_text
from framework.report.speed import protocol, speed_columns, speed_frame
from framework.report.tables import (
    Column,
    columns_of,
    csv,
    four_digits,
    latex,
    markdown,
    markdown_text,
    percent,
)
from framework.results.fronts import Direction
from framework.results.record import COUNTS, Run
from framework.study.constraints import feasible
from framework.study.overrides import key_of
from framework.study.spec import HOW_MUCH

AXIS_LABELS = {
    "val_accuracy": "Validation accuracy (%)",
    "accuracy_drop": "Accuracy drop (points)",
    "val_r2": "Validation R²",
    "r2_drop": "Drop in R²",
    "val_rmse": "Validation RMSE",
    "params_nonzero": "Non-zero parameters",
    "params_total": "Parameters",
    "size_tflite_bytes": ".tflite file (bytes)",
    "size_tflite_compressed_bytes": ".tflite file under zstandard (bytes)",
    "macs_dense": "Multiply-accumulates per sample",
    "macs_effective": "Multiply-accumulates per sample, zero weights left out",
    "size_dense_bytes": "Bare weights (bytes)",
    "size_codebook_bytes": "Weights as indices into codebooks (bytes)",
    "size_sparse_bytes": "Non-zero weights with their index (bytes)",
    "size_entropy_bytes": "Entropy bound of the weights (bytes)",
    "latency_us_p50": "Latency (us)",
}
AXIS_WORDS = {"val_rmse": "RMSE"}  # where it is not the task's own quality
SHARES = ("val_accuracy", "accuracy_drop", "sparsity_asked", "sparsity_reached")
# no better than the labels' mean: how much worse has no end, and would squeeze all else
FLOORS = {"val_r2": 0.0}
TASKS = {"binary": "a decision between two classes", "regression": "regression of one number"}
ORIGIN_TAGS = ("host", "git", "dirty", "attempt", "spec_digest", "baseline")
SEED_NOTE = "n = 1 seed: no interval is shown"
RATIO_NOTE = (
    "Ratios are baseline / row, each on the same line of the size ledger; above 1 is smaller than "
    "the baseline"
)


def build(runs: StudyRuns, out: Path) -> list[Path]:
    """Write the report's files into a folder.

    Args:
        runs: of one study.
        out: an existing folder.

    Returns:
        The paths written: table, figure, data, provenance.
    """
    frame = pareto_frame(runs)
    texts = {
        "pareto.md": page(runs, frame),
        "pareto.csv": csv(frame),
        "pareto.tex": paper_table(runs, frame),
        "trials.csv": csv(trials_frame(runs)),
        "speed.md": speed_page(runs),
        "timing.csv": csv(timing_frame(runs)),
        "provenance.json": json.dumps(provenance(runs), indent=2, sort_keys=True) + "\n",
    }
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    return [*(out / name for name in texts), *save(figure_of(runs), out, "pareto")]


def page(runs: StudyRuns, frame: pd.DataFrame) -> str:
    """The report as one Markdown page."""
    columns = columns_of(frame, COLUMNS, level=2)
    ledger = [
        column
        for column in columns
        if column.name in ("label", "architecture") or column.level == 2
    ]
    quality = AXIS_WORDS.get(axes_of(runs).quality, runs.quality_word)
    title = f"# {markdown_text(runs.name)}: {quality} against size"
    blocks = [
        title,
        markdown_text(runs.study.get("question", "")),
        *toy_warning(runs),
        *(f"**{markdown_text(line[0].upper() + line[1:])}.**" for line in at_chance(runs)),
        "\n".join(f"- {head}: {markdown_text(text)}" for head, text in facts(runs, frame)),
        *no_front(runs, frame),
        markdown(frame, [column for column in columns if column.level < 2]),
        f"![{quality} against size](pareto.svg)",
        "## The size ledger",
        markdown(frame, ledger),
        "## How to read it",
        "\n".join(f"- {line}." for line in notes(runs, columns)),
        "## Asked of an honest result and not met here",
        "\n".join(f"- {markdown_text(line)}." for line in unmet(runs, frame)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def speed_page(runs: StudyRuns) -> str:
    """Size and latency beside each other, as one Markdown page."""
    frame = speed_frame(runs)
    blocks = [
        f"# {markdown_text(runs.name)}: speed and size",
        protocol(runs),
        markdown(frame, columns_of(frame, speed_columns(runs), level=0)),
        "- **measured speed-up**: latency of the baseline / latency of the row; an interval that "
        "holds 1 shows no difference.",
        "- **theoretical speed-up**: multiply-accumulates of the baseline / those of the row whose "
        "weight is not zero.",
        f"- **{runs.quality_word}**: of the exported file on the validation split.",
    ]
    return "\n\n".join(blocks) + "\n"


def facts(runs: StudyRuns, frame: pd.DataFrame) -> list[tuple[str, str]]:
    """(what, text) for the head of the page; what does not apply is left out."""
    study = runs.resolved
    ways = ", ".join(f"{name} {way}" for name, way in runs.objectives.items())
    limits = ", ".join(f"{metric} {kind} {limit:g}" for kind, metric, limit in study["constraints"])
    found = [
        (
            "Overrides",
            " ".join(
                setting for setting in runs.study.get("overrides", ()) if not _how_much(setting)
            ),
        ),
        ("Data set", part_text(study["dataset"])),
        ("Task", task_text(runs)),
        ("Architecture", part_text(study["architecture"])),
        ("Compression", "; then ".join(part_text(step) for step in study["compress"])),
        ("Training", train_text(study["train"])),
        ("Objectives", ways),
        ("Constraints", limits.replace("AtMost", "at most").replace("AtLeast", "at least")),
        ("Sampler", f"{study['sampler']}, seed {study['seed']}"),
        ("Trials", trial_counts(runs)),
        ("Baseline", baseline_text(runs, frame)),
        ("Study digest", runs.parent.tags.get("study_digest", "")),
    ]
    return [(head, text) for head, text in found if text]


def trial_counts(runs: StudyRuns) -> str:
    """`30 (29 finished, 1 failed: timeout)`."""
    reasons = Counter(run.tags.get("reason", "unknown") for run in runs.failed)
    why = ", ".join(
        f"{count} {reason}" if len(reasons) > 1 else reason
        for reason, count in sorted(reasons.items())
    )
    parts = [
        f"{len(runs.finished)} finished",
        f"{len(runs.failed)} failed{f': {why}' if why else ''}",
    ]
    broken = sum(not feasible(run.metrics) for run in runs.finished)
    parts += [f"{broken} of the finished break a constraint"] if broken else []
    return f"{len(runs.trials)} ({', '.join(parts)})"


def task_text(runs: StudyRuns) -> str:
    """What is asked of the nets, where `study.json` says it."""
    if runs.study.get("task") == "classes":
        return f"classification into {runs.study['classes']} classes"
    return TASKS.get(runs.task, "")


def baseline_text(runs: StudyRuns, frame: pd.DataFrame) -> str:
    """How good each baseline is on the validation split."""
    rows = frame[frame["row"] == "baseline"].to_dict("records")
    known = [row for row in rows if row.get(runs.quality) is not None]
    values = [_quality_text(runs, row) for row in known]
    if len(known) > 1:
        whose = [
            f"{row.get('architecture') or ''} {row['label'].removeprefix('baseline')}".strip()
            for row in known
        ]
        values = [f"{value} ({text})" for value, text in zip(values, whose, strict=True)]
    return f"{'; '.join(values)} on the validation split, exported file" if values else ""


def _quality_text(runs: StudyRuns, row: dict[Any, Any]) -> str:
    if runs.task != "regression":
        return f"{percent(row[runs.quality])} %"
    error = f", RMSE {row['val_rmse']:.4g}" if row.get("val_rmse") is not None else ""
    return f"R2 {four_digits(row[runs.quality])}{error}"


def toy_warning(runs: StudyRuns) -> list[str]:
    """One line that flags a toy data set or net."""
    found = toys(runs)
    verb = "is a toy" if len(found) == 1 else "are toys"
    pairs = alternatives(runs.resolved["architecture"])
    scope = f"{pairs} (data set, architecture) pair{'s' if pairs > 1 else ''}"
    warning = (
        f"**{markdown_text(_listed(found))} {verb}**: do not generalise from this page ({scope})."
    )
    return [warning] if found else []


def no_front(runs: StudyRuns, frame: pd.DataFrame) -> list[str]:
    """Why the table has no row of the front, if it has none."""
    if (frame["row"] == "front").any():
        return []
    if not runs.finished:
        return [
            "**No trial has finished, so there is no front.** The reasons of failed trials are in "
            "`trials.csv`."
        ]
    return [
        "**No finished trial meets the constraints, so there is no front.** All trials are in "
        "`trials.csv`."
    ]


def notes(runs: StudyRuns, columns: Iterable[Column]) -> list[str]:
    """What the rows and columns mean, in Markdown, without full stops."""
    shares = " (accuracies as shares of 1)" if runs.task != "regression" else ""
    nets = (
        "; each row is measured against the baseline of its own architecture"
        if runs.several_nets
        else ""
    )
    rows = [
        "**baseline**: the dense net; **control**: the identity strategy, the same fine-tuning "
        "without compression; "
        "**trial**: on the Pareto front of the finished trials that meet the constraints, largest "
        "first",
        SEED_NOTE,
        "The search saw the validation split, so the front is optimistic; the headline of a paper "
        "is the test split",
        "Nothing here is a measured speed: that is in `speed.md`, apart, because it depends on the "
        "machine",
        f"{RATIO_NOTE}{nets}",
    ]
    rows += [
        f"**{markdown_text(column.head)}**: {markdown_text(column.doc)}"
        for column in columns
        if column.doc
    ]
    return [
        *rows,
        f"`pareto.csv` has this table and `trials.csv` every trial with exact numbers{shares}; "
        "`provenance.json` leads from each row to its run; `timing.csv` has the seconds",
    ]


def paper_table(runs: StudyRuns, frame: pd.DataFrame) -> str:
    """The table for a paper, with what its columns mean in the caption."""
    columns = columns_of(frame, COLUMNS, level=1)
    study = runs.resolved
    nets = _listed(names_of(study["architecture"]))
    described = [column for column in columns if column.doc and not column.name.endswith(RATIO)]
    meanings = "; ".join(f"{column.short or column.head}: {column.doc}" for column in described)
    found = toys(runs)
    toy = f" Toys: {', '.join(found)}." if found else ""
    caption = (
        f"Pareto front of study {runs.name}: {nets} on {study['dataset']['use']}, "
        f"{SEED_NOTE}.{toy} {meanings}. "
        f"{RATIO_NOTE}. Control: identity strategy with the same fine-tuning. Bold: best trial of "
        f"a column."
    )
    return latex(
        frame, columns, compared=list(frame["row"] == "front"), caption=caption, label=runs.name
    )


def _listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def figure_of(runs: StudyRuns) -> Any:
    """Quality against size of every finished trial; by architecture if there are several."""
    axes = axes_of(runs)
    best, dense = front(runs), [run for _, run in baselines_shown(runs)]
    shown = [*runs.finished, *dense, *runs.controls]
    names = sorted({runs.net(run) or "" for run in shown}) if runs.several_nets else []
    x, y = _axis(axes.size, axes.size_way), _axis(axes.quality, axes.quality_way)

    def cloud(net: str | None) -> Cloud:
        def points(group: Iterable[Run]) -> list[tuple[float, float]]:
            mine = (run for run in group if net is None or runs.net(run) == net)
            found = (point(run, (axes.size, axes.quality)) for run in mine)
            return [(values[0], values[1]) for values in found if values is not None]

        others = _without(runs.finished, best)
        return Cloud(
            trials=points(run for run in others if feasible(run.metrics)),
            infeasible=points(run for run in others if not feasible(run.metrics)),
            front=points(best),
            baselines=points(dense),
            controls=points(runs.controls),
        )

    return trade_off(cloud(None), x, y, nets={name: cloud(name) for name in names})


def _without(runs: Iterable[Run], chosen: Sequence[Run]) -> list[Run]:
    there = {run.run_id for run in chosen}
    return [run for run in runs if run.run_id not in there]


def provenance(runs: StudyRuns) -> dict[str, Any]:
    """From each row to its run: run id, host, code revision, start, seconds."""
    return {
        "study": runs.name,
        "study_digest": runs.parent.tags.get("study_digest", ""),
        "generation": runs.parent.tags.get("generation", ""),
        "parent": _origin(runs.parent),
        "baselines": [_origin(run) for run in runs.baselines],
        "controls": [_origin(run) for run in runs.controls],
        "trials": {str(run.number): _origin(run) for run in runs.trials},
        "environment": runs.study.get("environment", {}),
        "report": {
            "squeezelab": version("squeezelab"),
            "matplotlib": matplotlib.__version__,
            "pandas": pd.__version__,
        },
    }


def _how_much(setting: str) -> bool:
    """Whether an override changes how much is run and not what.

    The same trials make the same page.
    """
    return key_of(setting) in HOW_MUCH


def _origin(run: Run) -> dict[str, Any]:
    tags = {name: run.tags[name] for name in ORIGIN_TAGS if name in run.tags}
    start = datetime.fromtimestamp(run.start_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return {
        "run_id": run.run_id,
        "status": run.status,
        "start": start,
        "seconds": run.metrics.get("seconds"),
    } | tags


def _axis(name: str, better: Direction) -> Axis:
    label, log = AXIS_LABELS.get(name, name.replace("_", " ")), name.startswith(COUNTS)
    return Axis(
        label=f"{label} (log scale)" if log else label,
        better=better,
        log=log,
        percent=name in SHARES,
        floor=FLOORS.get(name),
    )
