"""What a study says while it runs, to whoever looks on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from framework.planning import own_plugins
from framework.planning.resolve import budget
from framework.results import chance, volume
from framework.results.status import DELETED_METRICS, OTHER_METRICS, StudyStatus
from framework.runner.events import Ended, Observer, Running
from framework.study.space import Choice
from framework.system import host
from framework.tracking.ui import names

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.planning.plan import Plan
    from framework.results.record import Record
    from framework.runner.schedule import Work
    from framework.study.spec import Spec
    from framework.tracking.history import History

MEND = (
    "What is measured against it says nothing: look at the data, its labels, the range of its "
    "inputs, and train=."
)


GPU_TEXT = (
    "The GPU of this machine is not used: it sums in another order each time, and no result could "
    "be rebuilt to the bit. WORKERS= uses more cores."
)


SEARCHED = ("trial", "replicate", "confirm")  # roles of runs that a search has asked for


@dataclass(frozen=True)
class Position:
    """How far a study has come.

    Args:
        done, wanted: runs of trials, all seeds together.
        eta_seconds: until the session ends.
    """

    done: int
    wanted: int
    eta_seconds: float


class Teller:
    """Makes sentences and events of what the coordinator knows.

    Args:
        plan: the study.
        catalog: the plug-ins.
        observer: who is told.
    """

    def __init__(self, plan: Plan, catalog: Catalog, observer: Observer) -> None:
        self._plan, self._study = plan, plan.study
        self._catalog, self._observer = catalog, observer
        self._axes: tuple[volume.Axis, ...] = ()  # as soon as there is a dense net
        self._is_explained = False  # what hypervolume is

    def history(
        self, history: History, tags: Mapping[str, str], *, unranked: int, deleted: int
    ) -> None:
        """What of earlier sessions a person has to know before anything runs.

        Args:
            tags: of the runs that this session makes.
            unranked, deleted: trials that are left out of the front.
        """
        if host.gpus():
            self._observer.say(GPU_TEXT)
        if unranked:
            self._observer.say(f"{unranked} trials {OTHER_METRICS}")
        if deleted:
            self._observer.say(f"{deleted} trials {DELETED_METRICS}")
        for warning in own_plugins.changed_code(history.done.values(), tags):
            self._observer.say(warning)
        # an overridden study is another question on purpose
        if history.changed and not self._plan.overrides:
            self._observer.say(
                "The study has changed since it was run; its earlier trials stay under their "
                "digest."
            )

    def begin(self, history: History, *, done: int, wanted: int) -> None:
        """Before anything runs."""
        self._observer.begin(self._plan, done=done, wanted=wanted)
        for run in history.dense:
            self._compare_with(run.metrics)
            self._warn(run.tags.get("architecture", ""), run.metrics)

    def running(self, role: str, what: str, spec: Spec) -> Running:
        """A run of a spec that begins."""
        epochs = budget(spec, self._catalog) if spec.compress else spec.train.epochs
        return Running(what, tried=self._tried(role, spec), epochs=epochs)

    def reference(self, what: str, spec: Spec, result: Record) -> None:
        """A baseline or a control has ended."""
        self._observer.ended(self._ended(what, spec, result))
        if not (spec.compress or result.reason):
            self._compare_with(result.values)
            self._warn(self._net(spec), result.metrics)

    def trial(self, work: Work, result: Record, *, status: StudyStatus, position: Position) -> None:
        """A trial has ended, with the front that it may have changed."""
        front = status.front()
        event = self._counted(work, result, position, failed=status.failed())
        event = replace(event, front=len(front))
        if self._axes and work.number in front:
            event = self._with_gain(event, status, work.number)
        self._observer.ended(event)

    def confirmation(self, work: Work, result: Record, *, position: Position, failed: int) -> None:
        """A net that was trained anew to be confirmed.

        Args:
            failed: how many of them have.
        """
        event = self._counted(work, result, position, failed=failed)
        self._observer.ended(replace(event, front=None))  # nothing is searched

    def _counted(self, work: Work, result: Record, position: Position, *, failed: int) -> Ended:
        """One of many that were asked for."""
        return replace(
            self._ended(work.what, work.spec, result),
            tried=self._tried(work.role, work.spec),
            position=position.done,
            of=position.wanted,
            failed=failed,
            eta_seconds=position.eta_seconds,
        )

    def _ended(self, what: str, spec: Spec, result: Record) -> Ended:
        """What is told of any run that has ended."""
        return Ended(what=what, net=self._net(spec), record=result, values=self._objectives(result))

    def _compare_with(self, dense: Mapping[str, float]) -> None:
        """Take the first dense net as what the front's hypervolume is measured from."""
        of_study = self._study.objectives, dense, self._plan.task
        self._axes = self._axes or volume.axes_of(*of_study)

    def _with_gain(self, event: Ended, status: StudyStatus, number: int) -> Ended:
        """The event with what its trial won, of which it is said once what that is."""
        if not self._is_explained:
            self._observer.say(volume.meaning(self._axes))
            self._is_explained = True
        metrics = status.metrics()
        whole = volume.volume_of(metrics.values(), self._axes)
        del metrics[number]
        gain = whole - volume.volume_of(metrics.values(), self._axes)
        return replace(event, is_on_front=True, volume=whole, gain=gain)

    def fewer(self, *, wanted: int, distinct: int) -> None:
        """Why there are fewer trials than asked for: no spec is trained twice.

        Args:
            wanted: how many there will be.
            distinct: how many specs there are.
        """
        if wanted == 1:
            self._observer.say(
                "Nothing is searched, so one trial tells all: give a knob a domain to search it."
            )
        elif self._study.sampler != "grid":
            asked = f"{distinct} distinct of {self._study.trials} trials asked for"
            self._observer.say(
                f"No spec is trained twice, and there are no more: {asked}. Give a knob more "
                f"values for more."
            )

    def _tried(self, role: str, spec: Spec) -> str:
        """What tells a trial from the others."""
        is_tried = role in SEARCHED and (spec.compress or role != "confirm")
        return names.tried(self._study, spec) if is_tried else ""

    def _net(self, spec: Spec) -> str:
        """What the architecture is called in a study that searches over several."""
        return names.net_name(spec) if isinstance(self._study.architecture, Choice) else ""

    def _objectives(self, result: Record) -> dict[str, float]:
        """The objectives' values of a run that has ended, as far as there are any."""
        return {
            name: result.values[name] for name in self._study.objectives if name in result.values
        }

    def _warn(self, net: str, metrics: Mapping[str, float]) -> None:
        """Say loudly that a dense net has learned nothing, or is fed wrongly."""
        text = chance.warning(metrics, self._plan.task)
        if text:
            self._observer.say(
                f"WARNING: the baseline{f' of {net}' if net else ''} is {text}. {MEND}"
            )
