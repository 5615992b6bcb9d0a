"""A run made again from its spec, and held against what the store has of it.

Nothing is written to the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.contracts import Catalog
from framework.errors import SqueezelabError, UserError
from framework.results import metric_versions, record
from framework.results.record import Record, Run
from framework.runner import trial
from framework.runner.baseline import Lab, fingerprint, unpack_weights
from framework.study import Spec, spec_from_json
from framework.tracking.lookup import find_run
from framework.tracking.store import Store

SAME, CLOSE, DIFFERENT = 0, 4, 5  # what the command ends with
SHARE_TOLERANCE = 0.02  # of accuracies, drops and other shares in another environment: two points
COUNT_TOLERANCE = 0.01  # of sizes and counts there, relative
BY_STUDY = "constraint_violation"  # the study's own judgement of a trial, no measurement
TOLERANCE = f"shares within {SHARE_TOLERANCE:g}, sizes and counts within {COUNT_TOLERANCE:.0%}"


@dataclass(frozen=True)
class Verdict:
    """What came of it.

    Args:
        code: SAME, CLOSE or DIFFERENT.
        lines: for the terminal.
    """

    code: int
    lines: Sequence[str]


def reproduce(root: Path, text: str, *, settings: Sequence[str], catalog: Catalog) -> Verdict:
    """Train, export and measure a run again, and compare weights, file and metrics.

    Latency and seconds are not.

    The dense net is trained too, whatever the cache has of it.

    Args:
        text: an id, the first digits of one, or `NAME:12`.
        settings: overrides of the study in `NAME:12`.

    Raises:
        UserError: there is no such run, it left nothing to compare with, it was made by other
            versions of plug-ins, or the data are others now.
    """
    store = Store.open(root, create=False)
    run = find_run(store, root, text, settings=settings)
    _check_role(run)
    spec = spec_from_json(json.loads(store.artifact(run.run_id, record.SPEC_JSON)))
    _check_versions(run, spec, catalog)
    lab = Lab(root, catalog, cache=False)
    _check_data(store.data(run.run_id), lab.splits(spec).digests)
    return compare(
        run, _files(store, run.run_id), trial.run(spec, lab), changed=_environment(store, run)
    )


def compare(
    run: Run, files: Mapping[str, bytes | str], again: Record, *, changed: Sequence[str]
) -> Verdict:
    """The verdict on a run that was made again.

    Args:
        files: name -> stored content, or its sha256 where the content was removed to save disk.
        again: what was made now.
        changed: what of the environment is another than the run's.
    """
    head = f"{run.name} ({run.run_id})"
    if again.reason:
        return Verdict(DIFFERENT, [f"{head}: it fails now ({again.reason}).", again.error.strip()])
    other_files = [
        name
        for name, stored in files.items()
        if not _same_file(name, stored, again.artifacts[name])
    ]
    names = {*run.metrics, *again.metrics} - {*record.MACHINE, BY_STUDY}
    left_out = {name for name in names if _version_then(run, name) != _version_now(again, name)}
    compared = sorted(names - left_out)
    pairs = {name: (run.metrics.get(name), again.metrics.get(name)) for name in compared}
    other = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    rows = [
        f"  {name}: {_shown(was)} then, {_shown(now)} now" for name, (was, now) in other.items()
    ]
    rows = [f"  {name}: other content" for name in other_files] + rows
    told = (
        [f"Left out, measured by another version then: {', '.join(sorted(left_out))}."]
        if left_out
        else []
    )
    if not rows:
        return Verdict(
            SAME,
            [f"{head}: the same bits. Weights, file and {len(compared)} metrics are equal.", *told],
        )
    if changed and all(_close(name, *pair) for name, pair in other.items()):
        reason = (
            f"{head}: not the same bits, but within tolerance ({TOLERANCE}). The environment is "
            "another:"
        )
        return Verdict(CLOSE, [reason, *(f"  {line}" for line in changed), *rows, *told])
    why = [f"  {line}" for line in changed] or ["  The environment is the same."]
    return Verdict(DIFFERENT, [f"{head}: different.", *why, *rows, *told])


def _version_then(run: Run, name: str) -> int:
    return metric_versions.version_of(run, name)


def _version_now(again: Record, name: str) -> int:
    return again.versions.get(metric_versions.plugin_of(name), 1)


def _check_role(run: Run) -> None:
    if run.tags["role"] == "study":
        raise UserError(
            "A study is no single run.", todo="Give one of its trials: NAME:12, or the id of a run."
        )
    if run.tags["role"] == "confirm":
        raise UserError(
            "A look at the test split trains nothing: it measured the stored file of a trial.",
            todo=f"Reproduce that trial, {run.tags['study']}:{run.number}; look again with make "
            f"confirm.",
        )
    if run.status != "FINISHED":
        raise UserError(
            f"The run is {run.status}: it left no net to compare with.",
            given=f"Reason: {run.tags.get('reason', 'unknown')}.",
            todo="Choose a run that finished.",
        )


def _check_versions(run: Run, spec: Spec, catalog: Catalog) -> None:
    """Raise UserError if a plug-in of the spec has another version now."""
    parts = [("dataset", spec.dataset), ("architecture", spec.architecture)]
    parts += [("strategy", step) for step in spec.compress]
    today = {
        (kind, part.name): catalog.of(kind).get(part.name).plugin_version for kind, part in parts
    }
    other = [
        f"{part.name}: version {part.version} then, {today[kind, part.name]} now"
        for kind, part in parts
        if part.version != today[kind, part.name]
    ]
    if other:
        revision = run.tags.get("git", "unknown")
        dirty = ", with changes that were not committed" if run.tags.get("dirty") == "true" else ""
        raise UserError(
            "The run was made by other versions of plug-ins, whose numbers differ.",
            given="\n".join(other),
            todo=f"Reproduce it with the code that made it: git revision {revision}{dirty}.",
        )


def _check_data(stored: Mapping[str, Any], now: Mapping[str, str]) -> None:
    """Raise UserError if the data of a split are not those that the run logged."""
    other = [name for name, digest in now.items() if stored.get(f"{name}_sha256", digest) != digest]
    if other:
        raise UserError(
            f"The data are not those of the run: {', '.join(other)}.",
            given="\n".join(
                f"{name}: {stored[f'{name}_sha256']} then, {now[name]} now" for name in other
            ),
            todo="Bring back the data that it was trained on; make data says where they lie.",
        )


def _files(store: Store, run_id: str) -> dict[str, bytes | str]:
    """The net's files by name, each checked by its sha256.

    Of those removed to save disk that sha256.
    """
    lines = {row["name"]: row for row in json.loads(store.artifact(run_id, record.MANIFEST_JSON))}
    return {
        name: lines[name]["sha256"] if "removed" in lines[name] else store.artifact(run_id, name)
        for name in record.NET_FILES
    }


def _environment(store: Store, run: Run) -> list[str]:
    """What besides the spec is another than when the run was made, as its study's parent noted."""
    same = {name: run.tags.get(name, "") for name in ("study_digest", "generation")}
    then: dict[str, str] = {}
    for parent in store.runs(run.tags["study"], role="study", **same):
        try:
            then |= json.loads(store.artifact(parent.run_id, record.STUDY_JSON)).get(
                "environment", {}
            )
        except SqueezelabError:  # it was killed before it wrote this
            continue
    now = fingerprint()
    return [
        f"{name}: {then[name]} then, {now.get(name)} now"
        for name in then
        if then[name] != now.get(name)
    ]


def _same_file(name: str, stored: bytes | str, made: bytes) -> bool:
    if isinstance(stored, str):
        return stored == hashlib.sha256(made).hexdigest()
    if name != record.WEIGHTS_NPZ:
        return stored == made
    old, new = unpack_weights(stored), unpack_weights(made)
    # By their bytes: 0.0 and -0.0 are equal numbers and other bits.
    return old.keys() == new.keys() and all(
        old[key].dtype == new[key].dtype
        and old[key].shape == new[key].shape
        and old[key].tobytes() == new[key].tobytes()
        for key in old
    )


def _close(name: str, was: float | None, now: float | None) -> bool:
    if was is None or now is None:
        return False
    counted = name.removeprefix(record.BASELINE_PREFIX).startswith((*record.COUNTS, "speedup"))
    return abs(was - now) <= (COUNT_TOLERANCE * abs(was) if counted else SHARE_TOLERANCE)


def _shown(value: float | None) -> str:
    return "absent" if value is None else f"{value!r}"
