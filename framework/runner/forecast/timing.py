"""How long trials take on this machine.

Short ones run through the code that runs trials, and thrown away.

Their net is not trained, and they see the beginning of the training split only: neither changes
what a step costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from framework.errors import SqueezelabError
from framework.planning.resolve import budget, epoch_knobs
from framework.results.failure import cause
from framework.runner import trial
from framework.runner.baseline import Baseline, EpochReport, Lab, baseline_digest
from framework.study.spec import Spec, Use

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.contracts.data import Splits
from framework.results.record import Record

# of fine-tuning, in the two trials whose difference tells what an epoch costs
SHORT_EPOCHS, LONG_EPOCHS = 1, 4
MOST_STEPS = 100  # optimizer steps in one of their epochs
# of the time of a training step that a batch of validation takes: forwards only
VALIDATION_SHARE = 1 / 3
# after which a kind of trial that was not timed counts as the mean of those that were
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class TrialCost:
    """What trials of one kind cost.

    Args:
        once: seconds that the first takes longer than the others: nets are built and traced.
        fixed: seconds of each, besides its epochs: export, measuring.
        epoch: seconds of one epoch of training.
        size: bytes of its files.
    """

    once: float
    fixed: float
    epoch: float
    size: float


class Stopwatch:
    """Times each kind of trial once: one architecture under one chain at one batch size.

    Args:
        root: the project; its data sets are prepared in the cache, as a study would do.
        say: told what is being timed.
    """

    def __init__(
        self, root: Path, catalog: Catalog, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self._show = say
        self._lab = _Untrained(root, catalog)
        self._catalog = catalog
        self._costs: dict[tuple[str, str, int], TrialCost] = {}
        self._began = time.monotonic()

    def cost(self, spec: Spec) -> TrialCost:
        """What trials like this one cost.

        Raises:
            SqueezelabError: the trial failed.
        """
        kind = _kind(spec)
        if kind not in self._costs:
            if self._costs and time.monotonic() - self._began > PATIENCE_SECONDS:
                return _mean(list(self._costs.values()))
            self._costs[kind] = self._time(spec)
        return self._costs[kind]

    def dense_cost(self, spec: Spec) -> TrialCost:
        """What a net of this architecture costs that is trained and not compressed.

        If its compressed ones were timed, the fastest of them tells: steps under a wrapper cost at
        most half as much again, and a study has few dense nets.
        """
        fastest = min(self._trained_alike(spec), key=attrgetter("epoch"), default=None)
        if fastest:
            return fastest
        version = self._catalog.strategies.get("identity").plugin_version
        return self.cost(
            replace(spec, compress=(Use("identity", {"epochs": SHORT_EPOCHS}, version=version),))
        )

    def _trained_alike(self, spec: Spec) -> Iterator[TrialCost]:
        """Of the same architecture at the same batch size, under any chain that trains."""
        architecture, _, batch_size = _kind(spec)
        for kind, cost in self._costs.items():
            if kind[::2] == (architecture, batch_size) and cost.epoch:
                yield cost

    @property
    def once(self) -> float:
        """Seconds for building and tracing, of all kinds timed so far."""
        return sum(cost.once for cost in self._costs.values())

    def _time(self, spec: Spec) -> TrialCost:
        short = with_epochs(spec, SHORT_EPOCHS, self._catalog)
        long = with_epochs(spec, LONG_EPOCHS, self._catalog)
        self._show(f"  {spec.architecture.name}, {spec.strategy}: three trials")
        self._lab.splits(spec)
        # twice: the first run builds and traces the net, which the second finds again
        first, _ = self._run(short)
        self._show(f"  the first took {first:.0f} s, most of it for building and tracing")
        again, record = self._run(short)
        size = float(sum(map(len, record.artifacts.values())))
        epochs, more = budget(short, self._catalog), budget(long, self._catalog)
        if epochs == more:  # nothing is trained
            return TrialCost(max(0.0, first - again), again, 0.0, size)
        epoch = max(0.0, (self._run(long)[0] - again) / (more - epochs))
        return TrialCost(
            max(0.0, first - again),
            max(0.0, again - epochs * epoch),
            epoch * self._lab.scale(spec),
            size,
        )

    def _run(self, spec: Spec) -> tuple[float, Record]:
        began = time.monotonic()
        done = trial.run(spec, self._lab)
        if done.reason:
            raise SqueezelabError(
                f"A trial of this study fails, so its time is not known ({done.reason}).",
                given="\n".join(
                    [
                        f"Tried: {spec.architecture.name}, {spec.strategy}, not trained.",
                        *cause(done.error),
                    ]
                ),
                todo="Mend the cause; a study that stops at it has the whole traceback: make show "
                "RUN=id.",
            )
        return time.monotonic() - began, done


class _Untrained(Lab):
    """A lab whose dense nets are not trained, and whose training split ends after a few steps."""

    def baseline(self, spec: Spec, report: EpochReport = lambda epoch, values: None) -> Baseline:  # noqa: ARG002
        initial = self.initial(spec)
        return Baseline(baseline_digest(spec), initial, initial, (), 0.0)

    def splits(self, spec: Spec) -> Splits:
        whole = super().splits(spec)
        return replace(whole, train=whole.train.first(MOST_STEPS * spec.train.batch_size))

    def scale(self, spec: Spec) -> float:
        """How much longer an epoch is with its validation pass, which is not cut."""
        whole, cut = len(super().splits(spec).train), len(self.splits(spec).train)
        validation = len(self.splits(spec).validation) * VALIDATION_SHARE
        return (whole + validation) / (cut + validation)


def _kind(spec: Spec) -> tuple[str, str, int]:
    return spec.architecture.name, spec.strategy, spec.train.batch_size


def with_epochs(spec: Spec, epochs: int, catalog: Catalog) -> Spec:
    """The same chain with that many epochs wherever it trains.

    0 stays 0, since another code path serves it.
    """
    steps = []
    for step in spec.compress:
        trained = [name for name in epoch_knobs(step, catalog) if step.knobs[name]]
        steps.append(replace(step, knobs={**step.knobs, **dict.fromkeys(trained, epochs)}))
    return replace(spec, compress=tuple(steps))


def _mean(costs: list[TrialCost]) -> TrialCost:
    return TrialCost(
        0.0,
        fmean(map(attrgetter("fixed"), costs)),
        fmean(map(attrgetter("epoch"), costs)),
        fmean(map(attrgetter("size"), costs)),
    )
