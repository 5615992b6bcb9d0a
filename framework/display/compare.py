"""Two studies or two runs next to each other: only what differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.display.rows import goal_rows, head_of, headed
from framework.errors import SqueezelabError, UserError
from framework.planning.own_plugins import catalog_of
from framework.planning.project import study_names
from framework.report.resolved import value_text
from framework.results import record
from framework.results.record import Run
from framework.study.spec import HOW_MUCH, dotted
from framework.study.study import Study
from framework.tracking.lookup import find_run, plan_of
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
    names = study_names(root)
    if first in names and second in names:
        return _studies(root, first, second)
    if first in names or second in names:
        study, other = (first, second) if first in names else (second, first)
        raise UserError(
            "A study is compared with a study, a run with a run.",
            given=f"{study} is a study, {other} is none. The studies: {', '.join(names)}.",
            todo=f"A trial of it is a run: {study}:12.",
        )
    return _runs(root, first, second)


def _studies(root: Path, first: str, second: str) -> str:
    catalog = catalog_of(root)
    one = plan_of(root, first, settings=[], catalog=catalog)
    two = plan_of(root, second, settings=[], catalog=catalog)
    sides = (_flat(one.study), _flat(two.study))
    rows = _differing(*sides)
    if not rows:
        return f"{first} and {second} ask the same: nothing differs but their names."
    heads = [f"{one.name} {one.study.digest[:8]}", f"{two.name} {two.study.digest[:8]}"]
    same = _name_count(*sides) - len(rows)
    return _blocks([("what differs", _sides(rows, heads))], same=same)


def _runs(root: Path, first: str, second: str) -> str:
    store = Store.open(root, create=False)
    one, two = find_run(store, root, first), find_run(store, root, second)
    heads = [head_of(one), head_of(two)]
    if one.run_id == two.run_id:
        return f"{first} and {second} are one run, {heads[0]}."
    origins = (_origin(store, one), _origin(store, two))
    measured, timed = _differing(one.metrics, two.metrics), {}
    # apart, because they differ between two runs of one spec also
    for name in set(measured) & set(record.MACHINE):
        timed[name] = measured.pop(name)
    blocks = [
        ("parameters", _sides(_differing(one.params, two.params), heads)),
        ("metrics", _numbers(measured, heads)),
        ("times, which depend on the machine", _numbers(timed, heads)),
        ("origin", _sides(_differing(*origins), heads)),
    ]
    different = sum(len(rows) - 1 for _, rows in blocks)  # each has a row of heads
    if not different:
        return (
            f"Nothing differs between {heads[0]} and {heads[1]}: parameters, metrics, code, "
            f"environment and host."
        )
    total = _name_count(one.params, two.params) + _name_count(one.metrics, two.metrics)
    return _blocks(blocks, same=total + _name_count(*origins) - different)


def _flat(study: Study) -> dict[str, str]:
    """A resolved study by the names that overrides use."""
    rows: dict[str, Any] = {"sampler": study.sampler, "ahead": study.ahead, "seed": study.seed}
    for name in HOW_MUCH:
        rows[name] = getattr(study, name)
    for _, path, part in study.parts():
        rows |= {path: part.name, f"{path} version": part.version}
        # as JSON, in which domains of any kind are plain values that can be compared
        rows |= dotted(path, part.json()["knobs"])
    rows |= dotted("train", study.train.json())
    rows |= goal_rows(study)
    return {name: value_text(value) for name, value in rows.items()}


def _origin(store: Store, run: Run) -> dict[str, str]:
    """Where a run comes from: tags, and the environment that its study's parent noted."""
    digest, generation = run.tags.get("study_digest", ""), run.tags.get("generation", "")
    origin = {}
    for name in TAGS:
        if name in run.tags:
            origin[name] = run.tags[name]
    origin |= {"status": run.status, "study digest": digest[:8], "generation": generation}
    study = run.tags.get("study", "")
    # one, as a rule; its note is written anew at each start, so it has the last environment
    for parent in store.runs(study, role="study", study_digest=digest, generation=generation):
        try:
            described = json.loads(store.artifact(parent.run_id, record.STUDY_JSON))
        except SqueezelabError:  # it was killed before it wrote this
            continue
        origin |= headed("environment", described.get("environment", {}))
    return origin


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Names whose values differ, in their order; None where one has none."""
    pairs: dict[str, tuple[Any, Any]] = {}
    for name in dict.fromkeys((*first, *second)):
        before, after = first.get(name), second.get(name)
        if before != after:
            pairs[name] = (before, after)
    return pairs


def _name_count(first: Mapping[str, Any], second: Mapping[str, Any]) -> int:
    return len(first.keys() | second.keys())


def _sides(rows: Mapping[str, tuple[Any, Any]], heads: Sequence[str]) -> list[list[str]]:
    return [["", *heads], *([name, *map(_text, pair)] for name, pair in rows.items())]


def _text(value: Any) -> str:
    return ABSENT if value is None else str(value)


def _numbers(
    rows: Mapping[str, tuple[float | None, float | None]], heads: Sequence[str]
) -> list[list[str]]:
    """With the difference second - first, and the ratio second / first."""
    table = [["", *heads, "difference", "ratio"]]
    for name, (before, after) in sorted(rows.items()):
        difference = ratio = ""
        if before is not None and after is not None:
            difference = _number(after - before, sign="+")
            ratio = f"{after / before:.4g}" if before else ""
        table.append([name, _number(before), _number(after), difference, ratio])
    return table


def _number(value: float | None, sign: str = "") -> str:
    if value is None:
        return ABSENT
    large = float(value).is_integer() or abs(value) >= LARGE
    return f"{value:{sign},.0f}" if large else f"{value:{sign}.4g}"


def _blocks(blocks: Iterable[tuple[str, list[list[str]]]], *, same: int) -> str:
    parts = []
    for title, rows in blocks:
        has_more_than_heads = len(rows) > 1
        if has_more_than_heads:
            parts.append(f"{title}\n{_aligned(rows)}")
    return "\n\n".join([*parts, f"Equal: {same} more."])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(LEAST_WIDTH, *map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        line = "  ".join(map(str.ljust, row, widths))
        lines.append(f"  {line.rstrip()}")
    return "\n".join(lines)
