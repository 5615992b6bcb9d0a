"""A run's net handed out.

Its `.tflite` file, and a page next to it that says what it is and how to use it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from framework.contracts import Catalog, DataInfo, Plugin
from framework.display.card_facts import Facts, gather
from framework.display.card_usage import usage_text
from framework.errors import UserError
from framework.planning.own_plugins import catalog_of
from framework.planning.parts import dataset_of
from framework.results import looks, record
from framework.results.quantities import ledger_lines
from framework.results.record import BASELINE_PREFIX, Run
from framework.study.spec import Spec
from framework.system.text import visible
from framework.tracking.lookup import find_run
from framework.tracking.store import Store

SUFFIX = ".tflite"
MEANINGS = {
    "regression": (
        "R2: 1 is perfect, 0 no better than the mean of the labels. RMSE: in the unit of the "
        "labels.",
    ),
    "reconstruction": (
        "R2: 1 is perfect, 0 no better than the mean of each number of the input. MSE: of normal "
        "samples, in the square of the input's unit. AUC: of the mean squared error of a sample as "
        "its anomaly score.",
    ),
}
ROLES = ("trial", "baseline", "control")  # whose runs have a file of their own


def export(
    root: Path, text: str, out: Path, *, settings: Sequence[str] = (), force: bool = False
) -> list[Path]:
    """Copy a run's file to `out`, checked against its sha256, and write its card next to it.

    Args:
        text: the run, as `lookup.find_run` takes it.
        out: ends in `.tflite`, in a folder that is there.
        settings: overrides of the study in `NAME:12`.
        force: overwrite.

    Returns:
        The file and the card.

    Raises:
        UserError: the run has no file, or `out` will not do; nothing is written.
    """
    card = out.with_suffix(".md")
    _check_target(out, card, force=force)
    store = Store.open(root, create=False)
    run = find_run(store, root, text, settings=settings)
    _check_run(store, run)
    content = store.artifact(run.run_id, record.MODEL_TFLITE)
    page = visible(card_text(gather(store, run, content, out.name), catalog_of(root), root))
    # written aside and moved, so that a kill leaves no half of a file under its name
    for path, data in ((out, content), (card, page.encode())):
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        aside.write_bytes(data)
        aside.replace(path)
    return [out, card]


def _check_target(out: Path, card: Path, *, force: bool) -> None:
    if out.suffix != SUFFIX or out.is_dir():
        raise UserError(
            "The file to write ends in .tflite.",
            given=f"Given: {out}.",
            todo="For example OUT=model.tflite.",
        )
    if not out.parent.is_dir():
        raise UserError(
            "There is no such folder.", given=f"Given: {out.parent}.", todo="Make it first."
        )
    # the card too, whose name was not given
    existing = list(filter(Path.exists, (out, card)))
    if existing and not force:
        raise UserError(
            f"{' and '.join(map(str, existing))} would be overwritten.",
            todo="Choose another name, or allow it: FORCE=1 (--force).",
        )


def _check_run(store: Store, run: Run) -> None:
    role = run.tags.get("role", "")
    if role not in ROLES and not (role == looks.ROLE and looks.is_anew(run)):
        raise UserError(
            f"A run of role {role or 'unknown'} has no file of its own.",
            given=f"Run: {run.run_id} ({run.name}).",
            todo="Choose a trial, baseline or control.",
        )
    if run.status != "FINISHED" or not store.complete(run):
        reason = f", {run.tags['reason']}" if run.tags.get("reason") else ""
        raise UserError(
            "This run did not finish, so it has no file.",
            given=f"Run: {run.run_id} ({run.name}), {run.status}{reason}.",
            todo="Choose one of the table: make report.",
        )


def card_text(facts: Facts, catalog: Catalog, root: Path) -> str:
    """The card, in Markdown."""
    info = dataset_of(facts.spec, catalog, root).info
    sections = {
        "Quality": _quality(facts, info, catalog),
        "Size": _ledger(facts.run, catalog),
        "Speed": _speed(facts.run),
        "Use": usage_text(facts, info),
        "How it was made": _made(facts.spec, catalog),
        "Where it comes from": _origin(facts),
        "Limits": _limits(facts, info),
    }
    blocks = [f"# {facts.file}", *_what(facts, info, catalog)]
    for title, text in sections.items():
        if text:  # there is no speed where the latency was not measured
            blocks += [f"## {title}", text]
    return "\n\n".join(blocks) + "\n"


def _what(facts: Facts, info: DataInfo, catalog: Catalog) -> list[str]:
    spec, role = facts.spec, facts.run.tags["role"]
    if role == looks.ROLE:  # as what it was trained anew
        role = "trial" if facts.run.number >= 0 else "control" if spec.compress else "baseline"
    kind = {
        "trial": f"compressed by {spec.strategy}",
        "control": "fine-tuned, not compressed",
        "baseline": "dense",
    }[role]
    net = _named(catalog.architectures.get(spec.architecture.name))
    data = _named(catalog.datasets.get(spec.dataset.name))
    return [
        f"{spec.architecture.name} for {spec.dataset.name}: {_task(info)}, {kind}. "
        f"One TensorFlow Lite file of {facts.size:,} bytes.",
        f"- Net: {net}\n- Data: {data}",
    ]


def _task(info: DataInfo) -> str:
    return {
        "classes": f"classification into {info.classes} classes",
        "binary": "a decision between two classes",
        "regression": "regression of one number",
        "reconstruction": "reconstruction of the input",
    }[info.task]


def _named(plugin: type[Plugin]) -> str:
    return f"`{plugin.name}`. {plugin.summary()} Source: {plugin.source()}"


def _quality(facts: Facts, info: DataInfo, catalog: Catalog) -> str:
    comes_trained = catalog.architectures.get(facts.spec.architecture.name).trained
    text = ["Measured on this file, not on the net it was made from.", *MEANINGS.get(info.task, ())]
    if "train" in facts.data:
        verb = "Fine-tuned" if comes_trained else "Trained"
        text.append(
            f"{verb} on {facts.data['train']} samples; {facts.data['calibration']} are kept for "
            f"calibration."
        )
    if facts.looks:
        text.append(f"The test split was looked at {len(facts.looks)} time(s) for this file.")
    if facts.confirmed or facts.dense_confirmed:
        text.append(
            "Under new seeds, which the search had not used, nets were trained anew and measured "
            "on test once each: mean ± sample standard deviation over them."
        )
    return "\n\n".join(
        [_table(_quality_rows(facts, qualities(info.task, catalog))), " ".join(text)]
    )


def qualities(task: str, catalog: Catalog) -> dict[str, str]:
    """Metric of a split -> what it is called: of the task, its own quality first."""
    first = record.QUALITY[task]
    labels = {first: catalog.metrics.get(first).label}
    for name in catalog.metrics.names():
        metric = catalog.metrics.get(name)
        if metric.of_split and task in metric.tasks:
            labels[name] = metric.label or name
    return labels


def _quality_rows(facts: Facts, titles: Mapping[str, str]) -> list[list[str]]:
    """The quality on each split that was measured, next to that of the dense net.

    Args:
        titles: metric of a split -> what the card calls it.
    """
    head = ["split", "samples"]
    for title in titles.values():
        head += [f"{title}, this net", f"{title}, dense net"]
    samples = str(facts.data.get("validation", "?"))
    rows = [head, ["validation", samples, *_quality_cells(facts.run, "val", titles)]]
    # all looks are at one file, so the last one is shown
    if facts.looks:
        rows.append(["test", "sealed", *_quality_cells(facts.looks[-1], "test", titles)])
    if facts.confirmed or facts.dense_confirmed:
        count = max(len(facts.confirmed), len(facts.dense_confirmed))
        seeds = f"{count} new seeds" if count > 1 else "a new seed"
        rows.append([f"test, {seeds}", "sealed", *_confirmed_cells(facts, titles)])
    return rows


def _confirmed_cells(facts: Facts, names: Iterable[str]) -> list[str]:
    cells = []
    for name in names:
        for runs in (facts.confirmed, facts.dense_confirmed):
            metric = f"{looks.PREFIX}{name}"
            values = [run.metrics[metric] for run in runs if metric in run.metrics]
            cells.append(_mean_text(values))
    return cells


def _mean_text(values: Sequence[float]) -> str:
    """`0.9840 ± 0.0031`; the mean alone of one value, nothing of none."""
    if not values:
        return ""
    spread = f" ± {record.decimals(stdev(values))}" if len(values) > 1 else ""
    return f"{record.decimals(fmean(values))}{spread}"


def _quality_cells(run: Run, split: str, names: Iterable[str]) -> list[str]:
    cells = []
    for name in names:
        for prefix in ("", BASELINE_PREFIX):
            value = run.metrics.get(f"{prefix}{split}_{name}")
            cells.append("" if value is None else record.decimals(value))
    return cells


def _ledger(run: Run, catalog: Catalog) -> str:
    lines = ledger_lines(catalog)
    rows = [["line", "this net", "dense net", "ratio"]]
    for name, value in sorted(run.metrics.items()):
        dense = run.metrics.get(f"{BASELINE_PREFIX}{name}")
        if name in lines and dense is not None:
            ratio = f"{dense / value:.2f}x" if value else "-"
            rows.append([name, f"{value:,.0f}", f"{dense:,.0f}", ratio])
    return (
        f"{_table(rows)}\n\nRatio: dense net / this net, each on its own line; above 1 is smaller."
    )


def _speed(run: Run) -> str:
    """Latency next to the dense net's; empty where it was not measured."""
    if not set(record.SPEEDS) <= run.metrics.keys():
        return ""
    this = _interval(run, "latency_us_p50")
    dense = _interval(run, f"{BASELINE_PREFIX}latency_us_p50")
    threads = f"{run.metrics.get('latency_threads', 1):.0f} thread(s)"
    return (
        f"One sample: {this} microseconds; the dense net: {dense}; on {threads} of the run's "
        f"machine. Ratio: {_interval(run, 'speedup_measured')}."
    )


def _interval(run: Run, name: str) -> str:
    low, high = run.metrics[f"{name}_low"], run.metrics[f"{name}_high"]
    return f"{run.metrics[name]:.4g} (99 % interval {low:.4g} to {high:.4g})"


def _made(spec: Spec, catalog: Catalog) -> str:
    data, train = _knobs(spec.dataset), _listed(spec.train.values())
    trained = f"Trained on {data} with seed {spec.seed}: {train}."
    # of a net that comes trained nobody here knows how; the fields are those of fine-tuning
    if catalog.architectures.get(spec.architecture.name).trained:
        trained = f"Its weights came with it. Fine-tuned, where it was, on {data}: {train}."
    lines = [f"1. Net: {_knobs(spec.architecture)}. {trained}"]
    for number, step in enumerate(spec.compress, start=2):
        strategy = catalog.strategies.get(step.name)
        lines.append(f"{number}. {_knobs(step)}. {strategy.summary()} Source: {strategy.source()}")
    lines.append(
        f"{len(lines) + 1}. Converted to TensorFlow Lite, one sample at a time; batch "
        f"normalisation is folded."
    )
    return "\n".join(lines)


def _knobs(use: Any) -> str:
    knobs = _listed(use.knobs)
    return f"`{use.name}` version {use.version}" + (f" ({knobs})" if knobs else "")


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _origin(facts: Facts) -> str:
    tags = facts.run.tags
    trial = f", trial {facts.run.number}" if facts.run.number >= 0 else f", {tags['role']}"
    dirty = {"true": ", with uncommitted changes", "false": ""}.get(tags.get("dirty", ""), "")
    # without what is empty, as the vendor of a processor that does not name one
    environment = dict(filter(itemgetter(1), facts.study.get("environment", {}).items()))
    rows = {
        "Run": f"`{facts.run.run_id}`",
        "Study": f"{tags['study']}{trial}; digest `{tags['study_digest'][:8]}`, generation "
        f"{tags['generation']}",
        "Spec": f"digest `{facts.spec.digest[:8]}`",
        "File": f"sha256 `{facts.digest}`",
        "Code": f"revision `{tags.get('git', 'unknown')}`{dirty}",
        "Environment": _listed(environment) or "unknown",
    }
    return _bullets(map(": ".join, rows.items()))


def _limits(facts: Facts, info: DataInfo) -> str:
    lines = ["One seed: nothing is known of how much another one would differ."]
    if facts.confirmed:
        lines = ["This file is of one seed; other seeds differ as the table says."]
    if facts.run.tags["role"] == "trial":
        lines.append(
            "Chosen among trials by the validation split, so its figure there is optimistic."
        )
    if not (facts.looks or facts.confirmed):
        lines.append("Never measured on the test split.")
    if facts.study.get("toy", info.toy):
        lines.append(
            f"`{facts.spec.dataset.name}` is a toy data set, on which nearly every method looks "
            f"good."
        )
    lines.append("Its answers on data of another kind than it was trained on mean nothing.")
    return _bullets(lines)


def _bullets(lines: Iterable[str]) -> str:
    return "- " + "\n- ".join(lines)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    ruler = "|" + "---|" * len(rows[0])
    return "\n".join([head, ruler, *body])
