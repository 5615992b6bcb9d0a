"""The runs of any number of studies by configuration: what is the same but for its seed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, starmap
from operator import attrgetter
from statistics import mean
from typing import Any, Protocol

from framework.contracts import Catalog
from framework.errors import UnknownName
from framework.report.collected import collect
from framework.report.frame import StudyRuns
from framework.report.selection import RunStore, complete_runs, digest_of, like, with_status
from framework.report.statistics.intervals import Summary, resolution_of, summary
from framework.results import looks
from framework.results.edited import as_measured
from framework.results.metric_versions import newest, others
from framework.results.record import (
    BASELINE_PREFIX,
    CHANCE_ACCURACY,
    SPEC_JSON,
    Run,
)
from framework.results.replicates import constraints_of
from framework.study.constraints import AtLeast, AtMost
from framework.study.spec import Spec, spec_from_json

CONTROL = "identity"


class ComparedStore(RunStore, Protocol):
    """What a comparison asks of the store besides."""

    def data(self, run_id: str, /) -> dict[str, object]:
        """The facts of the data that a run used."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A spec without its seed, with its runs.

    Args:
        spec: with the lowest seed.
        runs: seed -> finished run, in ascending order.
        failed: seeds that ended with a reason and no result.
        edited: whether the store says otherwise than a run measured.
        constraints: of the studies that asked for it.
    """

    spec: Spec
    runs: Mapping[int, Run]
    failed: frozenset[int] = frozenset()
    edited: bool = False
    constraints: Sequence[AtMost | AtLeast] = ()

    @property
    def digest(self) -> str:
        """What ties its runs together, 64 hex digits."""
        return self.spec.configuration

    def values(self, name: str) -> dict[int, float]:
        """Seed -> a metric, of the runs that have it."""
        return {seed: run.metrics[name] for seed, run in self.runs.items() if name in run.metrics}

    @cached_property
    def beyond(self) -> list[str]:
        """The constraints that its means do not meet, as `size_tflite_bytes above 50000`."""
        found = []
        for one in self.constraints:
            values = self.values(one.metric)
            if values and one.violation({one.metric: mean(values.values())}) > 0:
                side = "above" if isinstance(one, AtMost) else "below"
                found.append(f"{one.metric} {side} {one.limit:g}")
        return found


@dataclass(frozen=True, kw_only=True)
class Net:
    """All configurations that begin with one dense net: an architecture, trained on a data set.

    Args:
        name: tells it apart from the others of a report.
        quality: the task's own metric, as `val_accuracy`.
        dense: not compressed.
        controls: the identity strategy; that with most seeds and the largest budget first.
        compressed: all others.
        samples: of the validation split; None where the store does not say.
        confirmed: digest of a configuration -> it under new seeds, measured on both splits.
    """

    name: str
    quality: str
    dense: Configuration
    controls: Sequence[Configuration] = ()
    compressed: Sequence[Configuration] = ()
    samples: int | None = None
    drop: str = field(default="accuracy_drop")
    confirmed: Mapping[str, Configuration] = field(default_factory=dict)

    @property
    def tested(self) -> str:
        """The quality on the test split, as `test_accuracy`."""
        return looks.PREFIX + self.quality.removeprefix("val_")

    @property
    def configurations(self) -> list[Configuration]:
        """All of them, the dense one first."""
        return [self.dense, *self.controls, *self.compressed]

    @property
    def resolution(self) -> float:
        """The least standard deviation of the quality that says something; 0 if there is none."""
        counted = self.quality == "val_accuracy" and self.samples
        return resolution_of(self.samples) if counted and self.samples else 0.0

    @cached_property
    def above_chance(self) -> float | None:
        """What the dense net has above chance; None where it has no quality."""
        values = self.dense.values(self.quality)
        if not values:
            return None
        chance = self.dense.values(CHANCE_ACCURACY)
        return mean(values.values()) - (mean(chance.values()) if chance else 0.0)

    def quality_of(self, one: Configuration) -> Summary | None:
        """Of the validation split; None without a finished run."""
        values = list(one.values(self.quality).values())
        if not values:
            return None
        return summary(values, resolution=self.resolution, above_chance=self.above_chance)

    def test_of(self, one: Configuration) -> Summary | None:
        """Of the test split; None of what was not confirmed."""
        anew = self.confirmed.get(one.digest)
        return self._beside_quality(anew, anew.values(self.tested)) if anew else None

    def gap_of(self, one: Configuration) -> Summary | None:
        """Validation minus test, both of the same file; None of what was not confirmed."""
        anew = self.confirmed.get(one.digest)
        if anew is None:
            return None
        validation, test = anew.values(self.quality), anew.values(self.tested)
        gaps = {seed: validation[seed] - test[seed] for seed in validation.keys() & test.keys()}
        return self._beside_quality(anew, gaps)

    def _beside_quality(self, one: Configuration, values: Mapping[int, float]) -> Summary | None:
        """Of a number of each seed; what is flagged on validation has no interval of anything."""
        if not values:
            return None
        answer = summary([values[seed] for seed in sorted(values)], above_chance=self.above_chance)
        quality = self.quality_of(one)
        is_flagged = quality is not None and quality.flags
        return replace(answer, low=None, high=None) if is_flagged else answer


class Remembering:
    """A store that is asked once for each thing: every digest of a study looks at all of its runs.

    Args:
        store: which is asked.
    """

    def __init__(self, store: ComparedStore) -> None:
        self._store = store
        self._runs: dict[tuple[str, ...], list[Run]] = {}
        self._complete: dict[str, bool] = {}
        self.artifact, self.data, self.steps = store.artifact, store.data, store.steps

    def runs(self, study: str, /, **tags: str) -> list[Run]:
        """As of a `RunStore`."""
        key = (study, *map("=".join, sorted(tags.items())))
        if key not in self._runs:
            self._runs[key] = self._store.runs(study, **tags)
        return self._runs[key]

    def complete(self, run: Run, /) -> bool:
        """As of a `RunStore`."""
        if run.run_id not in self._complete:
            self._complete[run.run_id] = self._store.complete(run)
        return self._complete[run.run_id]


def studies_of(
    store: RunStore, names: Iterable[str], *, digest: str | None, catalog: Catalog
) -> list[StudyRuns]:
    """Every generation of every digest of these studies.

    Args:
        digest: of one study, where others of the same name are not meant.

    Raises:
        UserError: the store holds no such study.
    """
    studies = []
    for name in names:
        parents = store.runs(name, role="study")
        chosen: set[tuple[str | None, int | None]] = set()
        for run in parents:
            if digest is None or digest_of(run) == digest:
                chosen.add((digest_of(run), run.generation))
        # where there is none `collect` says so
        keys = sorted(chosen, key=str) or [(digest, None)]
        for one, generation in keys:
            options: dict[str, Any] = {"catalog": catalog, "averages": False}
            studies.append(collect(store, name, digest=one, generation=generation, **options))
    return studies


def nets_of(store: ComparedStore, studies: Sequence[StudyRuns]) -> list[Net]:
    """The configurations of the studies by their dense net, in the order of names.

    A spec that was run in several generations or studies counts once, by its latest run; of runs
    measured by several versions of the quality's metric those of the latest.
    """
    groups: dict[str, list[_Entry]] = {}
    for entry in _latest(chain.from_iterable(starmap(_entries, ((store, one) for one in studies)))):
        groups.setdefault(entry.spec.dense().configuration, []).append(entry)
    names = _names({digest: entries[0].spec for digest, entries in groups.items()})
    nets = [_net(store, names[digest], entries) for digest, entries in groups.items()]
    return sorted(nets, key=lambda net: (net.name, net.dense.digest))


def confirmed_of(store: RunStore, study: StudyRuns) -> StudyRuns:
    """A study with the runs that confirm it in place of its own.

    Those of earlier generations and digests are among them, where the configuration is one of this
    study: a net that was looked at is not looked at again.
    """
    anew = filter(looks.is_anew, complete_runs(store, study.name, looks.ROLE))
    edited: dict[str, Sequence[str]] = {}
    whole = replace(study, baselines=(), controls=(), trials=as_measured(store, anew, edited))
    asked = {entry.spec.configuration for entry in _entries(store, study)}
    ours = like(study.parent, whole.trials)
    runs = with_status(ours, "FAILED")
    for entry in _entries(store, whole):
        if entry.run in ours or entry.spec.configuration in asked:
            runs += looks.confirmed([entry.run])
    return replace(whole, trials=runs, edited=edited)


def confirmed_configurations(
    store: RunStore, studies: Iterable[StudyRuns]
) -> dict[str, Configuration]:
    """Digest of a configuration -> it under the seeds under which it was confirmed."""
    entries = (_entries(store, confirmed_of(store, study)) for study in studies)
    return {one.digest: one for one in _configurations(list(_latest(chain(*entries))))}


# --- from the store -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    """One run with its spec and the study that it was found in."""

    run: Run
    spec: Spec
    study: StudyRuns


def _entries(store: RunStore, study: StudyRuns) -> Iterator[_Entry]:
    ranked = [*study.baselines, *study.controls, *study.trials]
    outdated = others(ranked, newest(ranked, [study.quality]))
    for run in ranked:
        if run not in outdated:
            try:
                content = store.artifact(run.run_id, SPEC_JSON)
            except UnknownName:
                # a run that failed before anything was written has nothing to compare
                continue
            yield _Entry(run, spec_from_json(json.loads(content)), study)


def _latest(entries: Iterable[_Entry]) -> Iterator[_Entry]:
    """One for each spec: the same bits came out of all of them."""
    latest: dict[str, _Entry] = {}
    for entry in entries:
        before = latest.get(entry.spec.digest)
        if before is None or _later(entry.run) > _later(before.run):
            latest[entry.spec.digest] = entry
    yield from latest.values()


def _later(run: Run) -> tuple[bool, int, str]:
    # a result goes before a failure, whichever came first
    return run.status == "FINISHED", run.start_ms, run.run_id


def _net(store: ComparedStore, name: str, entries: Sequence[_Entry]) -> Net:
    # the task is that of the data set, which all of them share
    study = entries[0].study
    kinds: dict[str, list[Configuration]] = {}
    for configuration in _configurations(entries):
        kinds.setdefault(_kind(configuration.spec), []).append(configuration)
    dense = kinds.get("dense") or [_dense_by_others(entries)]
    runs = [entry.run for entry in entries if entry.run.status == "FINISHED"]
    return Net(
        name=name,
        quality=study.quality,
        drop=study.drop,
        dense=dense[0],
        controls=sorted(kinds.get("control", ()), key=_control_first),
        compressed=sorted(kinds.get("compressed", ()), key=attrgetter("digest")),
        samples=_samples(store, runs),
    )


def _configurations(entries: Sequence[_Entry]) -> Iterator[Configuration]:
    by_digest: dict[str, dict[int, _Entry]] = {}
    for entry in entries:
        by_digest.setdefault(entry.spec.configuration, {})[entry.spec.seed] = entry
    for seeds in by_digest.values():
        ordered = dict(sorted(seeds.items()))
        finished, failed = {}, set()
        for seed, entry in ordered.items():
            if entry.run.status == "FINISHED":
                finished[seed] = entry.run
            else:
                failed.add(seed)
        edited = any(one.run.run_id in one.study.edited for one in ordered.values())
        first = next(iter(ordered.values())).spec
        yield Configuration(
            spec=first,
            runs=finished,
            failed=frozenset(failed),
            edited=edited,
            constraints=_constraints(ordered.values()),
        )


def _constraints(entries: Iterable[_Entry]) -> list[AtMost | AtLeast]:
    """Of the studies of a configuration, each once."""
    stated = chain.from_iterable(constraints_of(entry.study.resolved) for entry in entries)
    return list(dict.fromkeys(stated))


def _kind(spec: Spec) -> str:
    if not spec.compress:
        return "dense"
    return "control" if spec.strategy == CONTROL else "compressed"


def _control_first(one: Configuration) -> tuple[int, float, str]:
    """Of most seeds, then of the largest budget: methods are held against one control."""
    return -len(one.runs), -one.spec.compress[0].knobs.get("epochs", 0), one.digest


def _dense_by_others(entries: Sequence[_Entry]) -> Configuration:
    """The dense net by what its compressed ones say of it: its own run may be elsewhere."""
    runs: dict[int, Run] = {}
    for entry in entries:
        metrics = {}
        for name, value in entry.run.metrics.items():
            if name.startswith(BASELINE_PREFIX):
                metrics[name.removeprefix(BASELINE_PREFIX)] = value
        if metrics:
            tags = {"strategy": "none"}
            runs[entry.spec.seed] = Run("", "", "FINISHED", tags, {}, metrics)
    return Configuration(spec=entries[0].spec.dense(), runs=dict(sorted(runs.items())))


def _samples(store: ComparedStore, runs: Sequence[Run]) -> int | None:
    """Of the validation split, by the first run that says it."""
    for run in runs:
        size = store.data(run.run_id).get("validation")
        if isinstance(size, (int, float)):
            return int(size)
    return None


def _names(specs: Mapping[str, Spec]) -> dict[str, str]:
    """Digest of a dense net -> `lenet5 on digits`, with what tells nets of one name apart."""
    plain, parameters = {}, {}
    for digest, spec in specs.items():
        plain[digest] = f"{spec.architecture.name} on {spec.dataset.name}"
        parameters[digest] = spec.dense().parameters()
    names = {}
    for digest, name in plain.items():
        alike = [parameters[other] for other in plain if plain[other] == name]
        settings = []
        for path, value in sorted(parameters[digest].items()):
            if path != "seed" and len({one.get(path) for one in alike}) > 1:
                settings.append(f"{path}={value}")
        names[digest] = f"{name} ({', '.join(settings)})" if settings else name
    return names
