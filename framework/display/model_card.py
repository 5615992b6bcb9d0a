"""A run's net handed out.

Its `.tflite` file, and a page beside it that says what it is and how to use it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.contracts import Catalog, DataInfo, Plugin
from framework.errors import UserError
from framework.nn import tflite
from framework.planning.own_plugins import catalog_of
from framework.planning.resolve import dataset_of
from framework.results import record
from framework.results.record import BASELINE_PREFIX, Run
from framework.study import Spec, Use, spec_from_json
from framework.tracking.lookup import find_run
from framework.tracking.store import Store

SUFFIX = ".tflite"
SHOWN = {  # task -> metric of a split, and what the card calls it
    "classes": {"accuracy": "accuracy"},
    "binary": {"accuracy": "accuracy"},
    "regression": {"r2": "R2", "rmse": "RMSE"},
}
MEANINGS = {
    "regression": (
        "R2: 1 is perfect, 0 no better than the mean of the labels. RMSE: in the unit of the "
        "labels.",
    )
}
ROLES = ("trial", "baseline", "control")
LEDGER = ("params_", "size_", "macs_")
RUNTIME = "ai_edge_litert"
HOLDS = {  # what the inputs hold that go by a name of their own
    "image": "a picture: height x width x channels, values 0 to 1 (bytes / 255), grey where there "
    "is 1 channel; others are resized bilinearly. Nothing else is subtracted or scaled.",
    "audio": "a log-mel spectrogram: frames x bins x 1, in time and in frequency from low to high, "
    "of the same window, filters and scale as the data set's.",
    "sequence": "numbers: steps x features, the first step first, in the scale of the data set.",
}


@dataclass(frozen=True)
class Facts:
    """All that a card tells.

    Args:
        file: name of the file beside the card.
        size: its bytes; `digest`: its sha256.
        study: content of the parent's `study.json`; empty if there is none.
        data: sizes of the splits.
        looks: finished `confirm` runs of this configuration, oldest first.
    """

    file: str
    size: int
    digest: str
    run: Run
    spec: Spec
    study: Mapping[str, Any]
    data: Mapping[str, Any]
    looks: Sequence[Run]
    inputs: Sequence[Any]
    outputs: Sequence[Any]


def export(
    root: Path, text: str, out: Path, *, settings: Sequence[str] = (), force: bool = False
) -> list[Path]:
    """Copy a run's file to `out`, checked against its sha256, and write its card beside it.

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
    page = card_text(gather(store, run, content, out.name), catalog_of(root), root)
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
    there = [str(path) for path in (out, card) if path.exists()]
    if there and not force:
        raise UserError(
            f"{' and '.join(there)} would be overwritten.",
            todo="Choose another name, or allow it: FORCE=1 (--force).",
        )


def _check_run(store: Store, run: Run) -> None:
    role = run.tags.get("role", "")
    if role not in ROLES:
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


def gather(store: Store, run: Run, content: bytes, name: str) -> Facts:
    """What the store and the file know of a run.

    Args:
        content: the file.
        name: under which it is handed out.
    """
    lines = json.loads(store.artifact(run.run_id, record.MANIFEST_JSON))
    digest = next(line["sha256"] for line in lines if line["name"] == record.MODEL_TFLITE)
    spec = spec_from_json(json.loads(store.artifact(run.run_id, record.SPEC_JSON)))
    study = run.tags["study"]
    own = {key: run.tags[key] for key in ("study_digest", "generation")}
    parents = [
        item for item in store.runs(study, role="study", **own) if store.has_manifest(item.run_id)
    ]
    described = json.loads(store.artifact(parents[-1].run_id, record.STUDY_JSON)) if parents else {}
    looks = [
        item
        for item in store.runs(study, role="confirm", spec_digest=spec.digest)
        if item.status == "FINISHED"
    ]
    inputs, outputs = tflite.signature.ports(content)
    return Facts(
        file=name,
        size=len(content),
        digest=digest,
        run=run,
        spec=spec,
        study=described,
        data=store.data(run.run_id),
        looks=looks,
        inputs=inputs,
        outputs=outputs,
    )


# --- the page -------------------------------------------------------------------------------------


def card_text(facts: Facts, catalog: Catalog, root: Path) -> str:
    """The card, in Markdown."""
    info = dataset_of(facts.spec, catalog, root).info
    comes_trained = catalog.architectures.get(facts.spec.architecture.name).trained
    sections = {
        "Quality": _quality(facts, info, comes_trained=comes_trained),
        "Size": _ledger(facts.run),
        "Speed": _speed(facts.run),
        "Use": _use(facts, info),
        "How it was made": _made(facts.spec, catalog),
        "Where it comes from": _origin(facts),
        "Limits": _limits(facts, info),
    }
    head = [f"# {facts.file}", *_what(facts, info, catalog)]
    return (
        "\n\n".join([*head, *(f"## {title}\n\n{text}" for title, text in sections.items() if text)])
        + "\n"
    )


def _what(facts: Facts, info: DataInfo, catalog: Catalog) -> list[str]:
    spec = facts.spec
    task = {
        "classes": f"classification into {info.classes} classes",
        "binary": "a decision between two classes",
        "regression": "regression of one number",
    }[info.task]
    kind = {
        "trial": f"compressed by {spec.strategy}",
        "control": "fine-tuned, not compressed",
        "baseline": "dense",
    }
    net, data = (_named(catalog.of(what).get(use.name)) for what, use in _parts(spec))
    return [
        f"{spec.architecture.name} for {spec.dataset.name}: {task}, "
        f"{kind[facts.run.tags['role']]}. "
        f"One TensorFlow Lite file of {facts.size:,} bytes.",
        f"- Net: {net}\n- Data: {data}",
    ]


def _parts(spec: Spec) -> list[tuple[str, Any]]:
    return [("architecture", spec.architecture), ("dataset", spec.dataset)]


def _named(plugin: type[Plugin]) -> str:
    return f"`{plugin.name}`. {plugin.summary()} Source: {plugin.source()}"


def _quality(facts: Facts, info: DataInfo, *, comes_trained: bool) -> str:
    names = SHOWN[info.task]
    rows = [
        [
            "split",
            "samples",
            *(f"{title}, {whose} net" for title in names.values() for whose in ("this", "dense")),
        ]
    ]
    looks = [("test", "sealed", "test", look.metrics) for look in facts.looks[-1:]]
    for split, samples, prefix, metrics in [
        ("validation", _validation(facts), "val", facts.run.metrics),
        *looks,
    ]:
        pairs = ([f"{prefix}_{name}", f"{BASELINE_PREFIX}{prefix}_{name}"] for name in names)
        rows.append(
            [split, samples, *(_number(metrics.get(name)) for pair in pairs for name in pair)]
        )
    told = ["Measured on this file, not on the net it was made from.", *MEANINGS.get(info.task, ())]
    if "train" in facts.data:
        kept = f"{facts.data['calibration']} are kept for calibration."
        told.append(
            f"{'Fine-tuned' if comes_trained else 'Trained'} on {facts.data['train']} samples; "
            f"{kept}"
        )
    if facts.looks:
        told.append(
            f"The test split was looked at {len(facts.looks)} time(s) for this configuration."
        )
    return "\n\n".join([_table(rows), " ".join(told)])


def _validation(facts: Facts) -> str:
    """How many samples are in the split."""
    return str(facts.data.get("validation", "?"))


def _ledger(run: Run) -> str:
    rows = [["line", "this net", "dense net", "ratio"]]
    for name, value in sorted(run.metrics.items()):
        dense = run.metrics.get(f"{BASELINE_PREFIX}{name}")
        if name.startswith(LEDGER) and dense is not None:
            rows.append(
                [name, f"{value:,.0f}", f"{dense:,.0f}", f"{dense / value:.2f}x" if value else "-"]
            )
    return (
        f"{_table(rows)}\n\nRatio: dense net / this net, each on its own line; above 1 is smaller."
    )


def _speed(run: Run) -> str:
    """Latency beside the dense net's; empty where it was not measured."""
    if "latency_us_p50" not in run.metrics:
        return ""
    own, dense, ratio = (
        "{} (99 % interval {} to {})".format(
            *(f"{run.metrics[f'{name}{end}']:.4g}" for end in ("", "_low", "_high"))
        )
        for name in ("latency_us_p50", f"{BASELINE_PREFIX}latency_us_p50", "speedup_measured")
    )
    threads = f"{run.metrics['latency_threads']:.0f} thread(s)"
    return (
        f"One sample: {own} microseconds; the dense net: {dense}; on {threads} of the run's "
        f"machine. Ratio: {ratio}."
    )


def _use(facts: Facts, info: DataInfo) -> str:
    lines = [_port_text("input", port) for port in facts.inputs] + [
        _port_text("output", port) for port in facts.outputs
    ]
    lines += [
        f"- `{port.name}` holds {input_text(port, facts.spec.dataset, info)}"
        for port in facts.inputs
    ]
    lines.append(f"- {_answer_text(info)}")
    return "\n".join([*lines, "", f"```python\n{snippet(facts, info)}\n```"])


def _port_text(kind: str, port: Any) -> str:
    stored = f"; stored integer = value / {port.scale:g} + {port.zero}" if port.scale else ""
    return (
        f"- {kind.capitalize()} `{port.name}`: {' x '.join(map(str, port.shape))}, "
        f"{port.dtype}{stored}"
    )


def input_text(port: Any, data: Use, info: DataInfo) -> str:
    """What one input holds; a picture of a name of its own is known by its shape."""
    if port.name in info.tokens:
        vocabulary = (
            f'catalog_of(root).datasets.build("{data.name}", '
            f'{dict(data.knobs)}).vocabulary(root, "{port.name}")'
        )
        return (
            f"a text: {port.shape[1]} token numbers, 0 to {info.tokens[port.name] - 1}; 0 fills "
            f"up short texts. What each stands for: `{vocabulary}`, with `catalog_of` of "
            "`framework.planning.own_plugins` and `root` the project's folder."
        )
    is_picture = len(port.shape) == 4 and port.shape[-1] in (1, 3)
    return HOLDS.get(port.name) or (
        HOLDS["image"] if is_picture else "numbers, in the scale of the data set."
    )


def _answer_text(info: DataInfo) -> str:
    if info.task == "classes":
        last = info.classes - 1
        return (
            "Answer: one probability per class, in the order of the data set's class numbers, 0 "
            f"to {last}."
        )
    if info.task == "binary":
        return (
            "Answer: the probability of class 1; above 0.5 the net decides for class 1, otherwise "
            "for class 0."
        )
    return "Answer: the number itself, in the unit of the data set's labels."


def snippet(facts: Facts, info: DataInfo) -> str:
    """Code that loads the file and asks it one question."""
    zeros = ", ".join(
        f'"{port.name}": np.zeros({port.shape}, np.{port.dtype})' for port in facts.inputs
    )
    shown = {
        "classes": "print(int(answer[0].argmax()))  # number of the class",
        "binary": "print(int(answer[0, 0] > 0.5))  # number of the class",
        "regression": "print(float(answer[0, 0]))  # in the unit of the labels",
    }[info.task]
    return f"""import numpy as np
from {RUNTIME}.interpreter import Interpreter

net = Interpreter(model_path="{facts.file}")
net.allocate_tensors()
sample = {{{zeros}}}  # put yours here
for place in net.get_input_details():
    name = place["name"].removeprefix("serving_default_").partition(":")[0]
    net.set_tensor(place["index"], sample[name])
net.reset_all_variables()  # before each sample: a recurrent net would go on from the last one
net.invoke()
answer = net.get_tensor(net.get_output_details()[0]["index"])
{shown}"""


def _made(spec: Spec, catalog: Catalog) -> str:
    train = ", ".join(f"{name} {value}" for name, value in spec.train.values().items())
    trained = f"Trained on {_knobs(spec.dataset)} with seed {spec.seed}: {train}."
    if catalog.architectures.get(spec.architecture.name).trained:
        trained = (
            f"Its weights came with it. Fine-tuned, where it was, on {_knobs(spec.dataset)}: "
            f"{train}."
        )
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
    knobs = ", ".join(f"{name} {value}" for name, value in use.knobs.items())
    return f"`{use.name}` version {use.version}" + (f" ({knobs})" if knobs else "")


def _origin(facts: Facts) -> str:
    tags = facts.run.tags
    trial = f", trial {facts.run.number}" if facts.run.number >= 0 else f", {tags['role']}"
    dirty = {"true": ", with uncommitted changes", "false": ""}.get(tags.get("dirty", ""), "")
    environment = ", ".join(
        f"{name} {value}" for name, value in facts.study.get("environment", {}).items() if value
    )
    rows = {
        "Run": f"`{facts.run.run_id}`",
        "Study": f"{tags['study']}{trial}; digest `{tags['study_digest'][:8]}`, generation "
        f"{tags['generation']}",
        "Spec": f"digest `{facts.spec.digest[:8]}`",
        "File": f"sha256 `{facts.digest}`",
        "Code": f"revision `{tags.get('git', 'unknown')}`{dirty}",
        "Environment": environment or "unknown",
    }
    return "\n".join(f"- {name}: {text}" for name, text in rows.items())


def _limits(facts: Facts, info: DataInfo) -> str:
    lines = ["One seed: nothing is known of how much another one would differ."]
    if facts.run.tags["role"] == "trial":
        lines.append(
            "Chosen among trials by the validation split, so its figure there is optimistic."
        )
    if not facts.looks:
        lines.append("Never measured on the test split.")
    if facts.study.get("toy", info.toy):
        lines.append(
            f"`{facts.spec.dataset.name}` is a toy data set, on which nearly every method looks "
            f"good."
        )
    lines.append("Its answers on data of another kind than it was trained on mean nothing.")
    return "\n".join(f"- {line}" for line in lines)


def _number(value: float | None) -> str:
    return "" if value is None else record.decimals(value)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    rule = "|" + "|".join("---" for _ in rows[0]) + "|"
    return "\n".join([head, rule, *body])
