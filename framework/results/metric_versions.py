"""Which version of a metric a run was measured by.

Numbers of different versions are not ranked together.

The manifest of a run has the version of every metric; its tag `metric_versions` names those above
1, so that a list of runs tells. Runs from before that was written were measured by version 1 of
each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from framework.results.record import BASELINE_PREFIX, QUALITY, Run, drop_of

TAG = "metric_versions"
SPLITS = ("val_", "test_")
MADE_OF = dict(zip(map(drop_of, QUALITY), QUALITY.values(), strict=True)) | {
    "speedup_theoretical": "macs_effective"
}
"""Values derived from a metric -> that metric."""

Versions = Mapping[str, int]
"""Metric plug-in -> version."""


def as_text(versions: Versions) -> str:
    """What the tag says: those above 1, as `size_sparse_bytes:2`, parted by commas."""
    parts = []
    for name, version in sorted(versions.items()):
        # runs from before the tag have none, which has to mean the same as all at version 1
        if version <= 1:
            continue
        parts.append(f"{name}:{version}")
    return ",".join(parts)


def plugin_of(name: str) -> str:
    """The metric that a value in the store is or is made of."""
    plain = name.removeprefix(BASELINE_PREFIX)
    for split in SPLITS:
        plain = plain.removeprefix(split)
    return MADE_OF.get(plain, plain)


def version_of(run: Run, name: str) -> int:
    """Of the metric behind a value of the run."""
    stated = run.tags.get(TAG)
    if not stated:
        return 1
    wanted = plugin_of(name)
    for part in stated.split(","):
        metric, _, version = part.rpartition(":")
        if metric == wanted:
            return int(version)
    return 1


def newest(runs: Iterable[Run], names: Iterable[str]) -> dict[str, int]:
    """The latest version that any of the runs has of each value."""
    latest = dict.fromkeys(names, 1)
    for run in one_each(runs):
        for name, version in latest.items():
            latest[name] = max(version, version_of(run, name))
    return latest


def one_each(runs: Iterable[Run]) -> Collection[Run]:
    """One run of those that say the same of their versions, as nearly all do."""
    return {run.tags.get(TAG): run for run in runs}.values()


def others(runs: Iterable[Run], wanted: Versions) -> list[Run]:
    """The runs that were measured by other versions.

    Args:
        wanted: value in the store -> version.
    """
    runs = list(runs)
    outdated = {run.tags.get(TAG) for run in one_each(runs) if newest([run], wanted) != wanted}
    return [run for run in runs if run.tags.get(TAG) in outdated]
