"""A run made again from its spec, and compared with what the store has of it.

Nothing is written to the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.contracts.catalog import Catalog
from framework.contracts.net import Array
from framework.errors import SqueezelabError, UserError
from framework.results import looks, metric_versions, record
from framework.results.quantities import ledger_lines
from framework.runner import trial
from framework.runner.baseline import Lab, fingerprint, unpack_weights
from framework.study.spec import Spec, Use, spec_from_json
from framework.tracking.lookup import find_run
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.results.record import Record, Run

SAME, CLOSE, DIFFERENT = 0, 4, 5  # what the command ends with
SHARE_TOLERANCE = 0.02  # of accuracies, drops and other shares in another environment: two points
COUNT_TOLERANCE = 0.01  # of sizes and counts there, relative
BY_STUDY = "constraint_violation"  # the study's own judgement of a trial, no measurement
TOLERANCE = f"shares within {SHARE_TOLERANCE:g}, sizes and counts within {COUNT_TOLERANCE:.0%}"


Pair = tuple[float | None, float | None]
"""A metric then and now; None where it is absent."""


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
    # times are others in every run, there is no study here that could judge constraints, and
    # the test split stays sealed
    names = {*run.metrics, *again.metrics} - {*record.MACHINE, BY_STUDY, *looks.of_test(run)}
    left_out = {name for name in names if _version_then(run, name) != _version_now(again, name)}
    pairs = _unequal(run, again, names - left_out)
    rows = [*_other_files(files, again), *starmap(_metric_row, pairs.items())]
    notes = []
    if left_out:
        notes.append(f"Left out, measured by another version then: {', '.join(sorted(left_out))}.")
    if not rows:
        count = len(names - left_out)
        reason = f"{head}: the same bits. Weights, file and {count} metrics are equal."
        return Verdict(SAME, [reason, *notes])
    environment = [f"  {line}" for line in changed]
    # in the same environment the same bits are due, however small the difference
    if changed and all(starmap(_close, pairs.items())):
        reason = (
            f"{head}: not the same bits, but within tolerance ({TOLERANCE}). The environment is "
            "another:"
        )
        return Verdict(CLOSE, [reason, *environment, *rows, *notes])
    why = environment or ["  The environment is the same."]
    return Verdict(DIFFERENT, [f"{head}: different.", *why, *rows, *notes])


def _unequal(run: Run, again: Record, names: Iterable[str]) -> dict[str, Pair]:
    """Name -> (value then, value now) of the metrics that are not equal, sorted."""
    pairs = {}
    for name in sorted(names):
        then, now = run.metrics.get(name), again.metrics.get(name)
        if then != now:
            pairs[name] = (then, now)
    return pairs


def _other_files(files: Mapping[str, bytes | str], again: Record) -> Iterator[str]:
    """A line for each file whose content is not the stored one."""
    for name, stored in files.items():
        if not _same_file(name, stored, again.artifacts[name]):
            yield f"  {name}: other content"


def _metric_row(name: str, pair: Pair) -> str:
    then, now = map(_shown, pair)
    return f"  {name}: {then} then, {now} now"


def _version_then(run: Run, name: str) -> int:
    return metric_versions.version_of(run, name)


def _version_now(again: Record, name: str) -> int:
    return again.versions.get(metric_versions.plugin_of(name), 1)


def _check_role(run: Run) -> None:
    if run.tags["role"] == "study":
        raise UserError(
            "A study is no single run.", todo="Give one of its trials: NAME:12, or the id of a run."
        )
    if run.tags["role"] == looks.ROLE and not looks.is_anew(run):
        raise UserError(
            "A look at the test split trains nothing: it measured the stored file of a trial.",
            todo=f"Reproduce that trial, {run.tags['study']}:{run.number}; look again with make "
            f"confirm.",
        )
    # also of a FAILED one: what is compared are a net's weights and file, and it left none
    if run.status != "FINISHED":
        raise UserError(
            f"The run is {run.status}: it left no net to compare with.",
            given=f"Reason: {run.tags.get('reason', 'unknown')}.",
            todo="Choose a run that finished.",
        )


def _check_versions(run: Run, spec: Spec, catalog: Catalog) -> None:
    """Raise UserError if a plug-in of the spec has another version now."""
    other = []
    for kind, part in _parts(spec):
        version = catalog.of(kind).get(part.name).plugin_version
        if part.version != version:
            other.append(f"{part.name}: version {part.version} then, {version} now")
    if other:
        revision = run.tags.get("git", "unknown")
        dirty = ", with changes that were not committed" if run.tags.get("dirty") == "true" else ""
        raise UserError(
            "The run was made by other versions of plug-ins, whose numbers differ.",
            given="\n".join(other),
            todo=f"Reproduce it with the code that made it: git revision {revision}{dirty}.",
        )


def _parts(spec: Spec) -> Iterator[tuple[str, Use]]:
    """(kind, plug-in) of all that a spec uses."""
    yield "dataset", spec.dataset
    yield "architecture", spec.architecture
    for step in spec.compress:
        yield "strategy", step


def _check_data(stored: Mapping[str, Any], now: Mapping[str, str]) -> None:
    """Raise UserError if the data of a split are not those that the run logged."""
    lines = {}
    for split, digest in now.items():
        then = stored.get(f"{split}_sha256", digest)
        if then != digest:
            lines[split] = f"{split}: {then} then, {digest} now"
    if lines:
        raise UserError(
            f"The data are not those of the run: {', '.join(lines)}.",
            given="\n".join(lines.values()),
            todo="Bring back the data that it was trained on; make data says where they lie.",
        )


def _files(store: Store, run_id: str) -> dict[str, bytes | str]:
    """The net's files by name, each checked by its sha256.

    Of those removed to save disk that sha256.
    """
    lines = {}
    for line in json.loads(store.artifact(run_id, record.MANIFEST_JSON)):
        lines[line["name"]] = line
    files: dict[str, bytes | str] = {}
    for name in record.NET_FILES:
        if "removed" in lines[name]:
            files[name] = lines[name]["sha256"]
        else:
            files[name] = store.artifact(run_id, name)
    return files


def _environment(store: Store, run: Run) -> list[str]:
    """What besides the spec is another than when the run was made, as its study's parent noted.

    Or may be: what earlier versions did not note.
    """
    then: dict[str, str] = {}
    for study_json in _studies(store, run):
        then |= study_json.get("environment", {})
    now = fingerprint()
    changed = []
    for name in then | now:
        noted, found = then.get(name, "not noted"), now.get(name)
        if noted != found:
            changed.append(f"{name}: {noted} then, {found} now")
    return changed


def _studies(store: Store, run: Run) -> Iterator[dict[str, Any]]:
    """What the parents of a run's study and generation noted of it."""
    digest, generation = run.tags.get("study_digest", ""), run.tags.get("generation", "")
    parents = store.runs(
        run.tags["study"], role="study", study_digest=digest, generation=generation
    )
    for parent in parents:
        try:
            content = store.artifact(parent.run_id, record.STUDY_JSON)
        except SqueezelabError:  # it was killed before it wrote this
            continue
        yield json.loads(content)


def _same_file(name: str, stored: bytes | str, made: bytes) -> bool:
    if isinstance(stored, str):
        return stored == hashlib.sha256(made).hexdigest()
    if name != record.WEIGHTS_NPZ:
        return stored == made
    old, new = unpack_weights(stored), unpack_weights(made)
    return old.keys() == new.keys() and all(_same_bits(old[key], new[key]) for key in old)


def _same_bits(old: Array, new: Array) -> bool:
    """By their bytes: 0.0 and -0.0 are equal numbers and other bits."""
    return (old.dtype, old.shape, old.tobytes()) == (new.dtype, new.shape, new.tobytes())


def _close(name: str, pair: Pair) -> bool:
    """Whether two values of a metric are within the tolerance of another environment."""
    then, now = pair
    if then is None or now is None:
        return False
    plain = name.removeprefix(record.BASELINE_PREFIX)
    is_relative = plain.startswith("speedup") or plain in ledger_lines(Catalog())
    return abs(then - now) <= (COUNT_TOLERANCE * abs(then) if is_relative else SHARE_TOLERANCE)


def _shown(value: float | None) -> str:
    return "absent" if value is None else f"{value!r}"
