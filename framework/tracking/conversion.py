"""Between our names and values and MLflow's.

Tags, metrics, limits of length, searches, runs read back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from framework.errors import SqueezelabError
from framework.results.record import BASELINE_PREFIX, BEST_PREFIX, EPOCH_PREFIX, PREFIX, TAGS, Run

PARAM_LIMIT = 6000  # characters; MLflow cuts silently above
TAG_LIMIT = 8000
NAME_LIMIT = 250
EXPERIMENT_TAG_LIMIT = 20_000
NUMBERS = ("trial", "attempt", "generation", "lease")  # tags that are read as such
NUMERIC = (int, float)
QUOTES = frozenset("'\"`\\")
# groups of metrics: what comes before a "/" is a section in MLflow's pages, before a "." it is not
SECTIONS = {BASELINE_PREFIX: "baseline/", EPOCH_PREFIX: "epoch/", BEST_PREFIX: "best/"}


def prefixed(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags by their names in the store, with the prefix `squeezelab.`.

    Args:
        tags: by names of `record.TAGS`.

    Raises:
        SqueezelabError: an unknown tag, or a value longer than MLflow keeps.
    """
    unknown = sorted(set(tags) - set(TAGS))
    if unknown:
        raise SqueezelabError(
            f"There is no tag called {', '.join(unknown)}.", todo=f"Known: {', '.join(TAGS)}."
        )
    check_length("tag", tags, limit=TAG_LIMIT)
    return {f"{PREFIX}{name}": value for name, value in tags.items()}


def without_prefix(tags: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Those of the tags whose names begin with the prefix, by what follows it."""
    return {
        name.removeprefix(prefix): value for name, value in tags.items() if name.startswith(prefix)
    }


def check_length(kind: str, values: Mapping[str, str], *, limit: int) -> None:
    """Return if no value is longer than MLflow keeps.

    Args:
        kind: what the values are, for the message.
        limit: in characters.

    Raises:
        SqueezelabError: one is longer.
    """
    for name, value in values.items():
        if len(value) > limit:
            raise SqueezelabError(
                f"The {kind} {name} is longer than the {limit} characters MLflow keeps.",
                given=f"Given: {len(value)} characters, {value[:60]!r}...",
                todo="Put what is long into an artifact.",
            )


def stored_metric(name: str) -> str:
    """What the store calls a metric: `baseline/macs_dense` for `baseline.macs_dense`."""
    for ours, section in SECTIONS.items():
        if name.startswith(ours):
            return section + name.removeprefix(ours)
    return name


@lru_cache(maxsize=4096)  # few names, and every run has them
def our_metric(stored: str) -> str:
    """Our name of a metric of the store; those that earlier versions wrote have it already."""
    for ours, section in SECTIONS.items():
        if stored.startswith(section):
            return ours + stored.removeprefix(section)
    return stored


def search_filter(tags: Mapping[str, str]) -> str:
    """What MLflow can look for; values with quotes are left to the caller.

    Args:
        tags: by names of `record.TAGS`.
    """
    return " AND ".join(_conditions(tags))


def _conditions(tags: Mapping[str, str]) -> Iterator[str]:
    for name, value in tags.items():
        if QUOTES.isdisjoint(value):
            yield f"tags.`{PREFIX}{name}` = '{value}'"


def as_run(run: Any) -> Run:
    """One of MLflow's runs as ours.

    Args:
        run: an `mlflow.entities.Run`.

    Raises:
        SqueezelabError: a tag that has to be a number is none.
    """
    info, data = run.info, run.data
    tags = without_prefix(data.tags, PREFIX)
    for name in NUMBERS:
        if not tags.get(name, "0").isdecimal():
            raise SqueezelabError(
                f"The tag {name} of a run is no number: it was edited in the store.",
                given=f"Run {info.run_id} ({info.run_name}): {PREFIX}{name} = {tags[name]!r}.",
                todo="Set it back in the MLflow UI, or delete the run there.",
            )
    return Run(
        run_id=info.run_id,
        name=info.run_name or "",
        status=info.status,
        tags=tags,
        params=dict(data.params),
        metrics=_final(data.metrics),
        start_ms=info.start_time or 0,
        # MLflow keeps the old one of a run begun again
        end_ms=0 if info.status == "RUNNING" else info.end_time or 0,
    )


def _final(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics by our names, without the curves, of which MLflow gives the last point.

    What was edited in the database to be no number was not measured.
    """
    names = _final_names(tuple(name for name, value in metrics.items() if type(value) in NUMERIC))
    return {name: metrics[stored] for name, stored in names.items()}


@lru_cache(maxsize=64)  # of runs there are few kinds, whose metrics have the same names
def _final_names(stored: tuple[str, ...]) -> dict[str, str]:
    """Our names of metrics that are no curves -> theirs."""
    final: dict[str, str] = {}
    for theirs in stored:
        name = our_metric(theirs)
        # a run of an earlier version that was timed again has both names: the later one is meant
        is_earlier = theirs == name and name in final
        if not is_earlier and not name.startswith(EPOCH_PREFIX):
            final[name] = theirs
    return final
