"""Two studies or two runs beside each other: only what differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.errors import SqueezelabError, UserError
from framework.planning.own_plugins import catalog_of
from framework.planning.plan import plan
from framework.planning.project import study_names
from framework.report.resolved import value_text
from framework.results import record
from framework.results.record import Run
from framework.study import Study
from framework.study.spec import HOW_MUCH
from framework.tracking.lookup import find_run
from framework.tracking.store import Store

TAGS = ("role", "study", "trial", "reason", "git", "dirty", "host")
ABSENT = "-"
LEAST_WIDTH = 8
LARGE = 1000  # from here on no decimals are shown


def compare(root: Path, first: str, second: str) -> str:
    """What differs between two studies or two runs, as aligned text; a sentence if nothing does.

    Args:
        first, second: names of studies, or runs as `lookup.find_run` takes them.

    Raises:
        UserError: one of them is neither, or they are a study and a run.
    """
    known = [name for name in (first, second) if name in study_names(root)]
    if len(known) == 2:
        return _studies(root, first, second)
    if known:
        other = second if known == [first] else first
        raise UserError(
            "A study is compared with a study, a run with a run.",
            given=f"{known[0]} is a study, {other} is none. The studies: "
            f"{', '.join(study_names(root))}.",
            todo=f"A trial of it is a run: {known[0]}:12.",
        )
    return _runs(root, first, second)


def _studies(root: Path, first: str, second: str) -> str:
    plans = [plan(root, name, settings=[], catalog=catalog_of(root)) for name in (first, second)]
    flat = [_flat(item.study) for item in plans]
    rows = _differing(*flat)
    if not rows:
        return f"{first} and {second} ask the same: nothing differs but their names."
    heads = [f"{item.name} {item.study.digest[:8]}" for item in plans]
    return _blocks(
        [("what differs", _sides(rows, heads))],
        same=len(flat[0].keys() | flat[1].keys()) - len(rows),
    )


def _runs(root: Path, first: str, second: str) -> str:
    store = Store.open(root, create=False)
    runs = [find_run(store, root, text) for text in (first, second)]
    heads = [_head(run) for run in runs]
    if runs[0].run_id == runs[1].run_id:
        return f"{first} and {second} are one run, {heads[0]}."
    origins = [_origin(store, run) for run in runs]
    params, metrics = [run.params for run in runs], [run.metrics for run in runs]
    measured, timed = _differing(*metrics), {}
    for name in set(measured) & set(record.MACHINE):
        timed[name] = measured.pop(name)
    blocks = [
        ("parameters", _sides(_differing(*params), heads)),
        ("metrics", _numbers(measured, heads)),
        ("times, which depend on the machine", _numbers(timed, heads)),
        ("origin", _sides(_differing(*origins), heads)),
    ]
    different = sum(len(rows) - 1 for _, rows in blocks)
    if not different:
        return (
            f"Nothing differs between {heads[0]} and {heads[1]}: parameters, metrics, code, "
            f"environment and host."
        )
    return _blocks(
        blocks,
        same=sum(len(a.keys() | b.keys()) for a, b in (params, metrics, origins)) - different,
    )


def _head(run: Run) -> str:
    number = f" {run.number}" if run.number >= 0 else ""
    return f"{run.run_id[:8]} {run.tags.get('role', '')}{number}"


def _flat(study: Study) -> dict[str, str]:
    """A resolved study by the names that overrides use."""
    stored = study.json()
    rows: dict[str, Any] = {"sampler": study.sampler, "seed": study.seed}
    rows |= {name: getattr(study, name) for name in HOW_MUCH}
    for _, path, part in study.parts():
        rows |= {path: part.name, f"{path} version": part.version}
        rows |= {f"{path}.{name}": value for name, value in part.json()["knobs"].items()}
    rows |= {f"train.{name}": value for name, value in stored["train"].items()}
    rows |= {f"objective {name}": way for name, way in study.objectives.items()}
    rows |= {
        f"constraint {item.metric}": f"{type(item).__name__} {item.limit:g}"
        for item in study.constraints
    }
    return {name: value_text(value) for name, value in rows.items()}


def _origin(store: Store, run: Run) -> dict[str, str]:
    """Where a run comes from: tags, and the environment that its study's parent noted."""
    found = {name: run.tags[name] for name in TAGS if name in run.tags} | {"status": run.status}
    own = {name: run.tags.get(name, "") for name in ("study_digest", "generation")}
    found |= {"study digest": own["study_digest"][:8], "generation": own["generation"]}
    for parent in store.runs(run.tags.get("study", ""), role="study", **own):
        try:
            described = json.loads(store.artifact(parent.run_id, record.STUDY_JSON))
        except SqueezelabError:  # it was killed before it wrote this
            continue
        found |= {
            f"environment {name}": value for name, value in described.get("environment", {}).items()
        }
    return found


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Names whose values differ, in their order; None where one has none."""
    names = dict.fromkeys((*first, *second))
    pairs = {name: (first.get(name), second.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _sides(rows: Mapping[str, tuple[Any, Any]], heads: Sequence[str]) -> list[list[str]]:
    cells = [
        [name, *(ABSENT if value is None else str(value) for value in pair)]
        for name, pair in rows.items()
    ]
    return [["", *heads], *cells]


def _numbers(
    rows: Mapping[str, tuple[float | None, float | None]], heads: Sequence[str]
) -> list[list[str]]:
    """With the difference second - first, and the ratio second / first."""
    table = [["", *heads, "difference", "ratio"]]
    for name, pair in sorted(rows.items()):
        before, after = pair
        shown = [ABSENT if value is None else _number(value) for value in pair]
        if before is not None and after is not None:
            shown += [_number(after - before, sign="+"), f"{after / before:.4g}" if before else ""]
        table.append([name, *shown, *[""] * (4 - len(shown))])
    return table


def _number(value: float, sign: str = "") -> str:
    large = float(value).is_integer() or abs(value) >= LARGE
    return f"{value:{sign},.0f}" if large else f"{value:{sign}.4g}"


def _blocks(blocks: Iterable[tuple[str, list[list[str]]]], *, same: int) -> str:
    parts = [f"{title}\n{_aligned(rows)}" for title, rows in blocks if len(rows) > 1]
    return "\n\n".join([*parts, f"Equal: {same} more."])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(LEAST_WIDTH, *map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(f"  {line.rstrip()}" for line in lines)
