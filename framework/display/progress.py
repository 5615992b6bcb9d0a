"""What a person sees of a running study.

Progress on stderr, a live line on a terminal, plain lines elsewhere.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from framework.planning.plan import Plan
from framework.results.failure import cause
from framework.results.record import decimals
from framework.runner.events import Ended, Running
from framework.system.commands import as_typed
from framework.system.text import visible

NOTEBOOK_COLUMNS = 120
PHASES = ("training", "exporting", "timing")  # of a run, that are shown
SILENCE_SECONDS = 30.0  # after which a file that is written to gets a sign of life
HEAD = 21  # characters of "trial 12 (13 of 30)"; those of further seeds are longer


class Progress:
    """The observer that shows a study on a console; use it as a context manager.

    Args:
        console: on stderr; results go to stdout elsewhere.
        root: the project, whose commands sentences name as they are typed there.
    """

    def __init__(self, console: Console, *, root: Path | None = None) -> None:
        self.console, self._root = console, root
        self._bar = _bar(console)
        self._lines: dict[str, str] = {}  # of the runs that are at work
        # redirect_stdout: results go there, also while this is shown
        options: dict[str, Any] = {"transient": True, "redirect_stdout": False}
        live = Live(console=console, get_renderable=self._shown, **options)
        self._live = live if console.is_terminal else None
        self._spoke = time.monotonic()  # when a line was last written

    def __enter__(self) -> Progress:
        # on the same console: what is written past it would run into the live line
        handler = RichHandler(console=self.console, show_time=False, show_path=False, markup=False)
        logging.getLogger("framework").handlers = [handler]
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._live.stop()

    def begin(self, plan: Plan, *, done: int, wanted: int, what: str = "trials") -> None:
        """One line on what is about to happen."""
        study = plan.study
        head = f"{plan.name}: {study.dataset.name}, sampler {study.sampler}, seed {study.seed}"
        if plan.overrides:
            head += f", with {' '.join(plan.overrides)}"
        self.say(head)
        todo = max(0, wanted - done)
        state = f"{done} of {wanted} {what} are done" if done else f"{wanted} {what} to run"
        self.say(f"{state}; {todo} to go." if done and todo else f"{state}.")
        # nets that are confirmed are all trained, however long it takes
        if study.hours and todo and what == "trials":
            self.say(
                f"For {duration(study.hours * 3600)} from now; the trial that runs then is "
                f"finished first."
            )
        # a live line of a study that has nothing to run would be wiped as soon as it is drawn
        if self._live and todo:
            self._bar.add_task(what, total=wanted, completed=done, left="")
            self._live.start()

    def epoch(self, running: Running, epoch: int, values: Mapping[str, float]) -> None:
        """The run's live line, with the values of an epoch; a plain one now and then."""
        shown = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        # a strategy that looks for the best of several nets trains longer than it is asked to
        of = f" of {running.epochs}" if epoch <= running.epochs else ""
        self._at(running, f"training, epoch {epoch}{of}  {shown}")

    def phase(self, running: Running, name: str) -> None:
        """The run's live line, with what it is at; a plain one now and then."""
        if name in PHASES:
            self._at(running, name)

    def _at(self, running: Running, what: str) -> None:
        line = visible(" · ".join(filter(None, [running.what, running.tried, what])))
        if self._live is None:
            # a sign of life in a file, where each epoch would bury what counts
            if time.monotonic() - self._spoke >= SILENCE_SECONDS:
                self.say(line)
            return
        is_new = running.what not in self._lines
        self._lines[running.what] = line
        # at once when it is new: an epoch of a small net ends before the next refresh
        if is_new:
            self._live.refresh()

    def _shown(self) -> Group:
        """What stays at the bottom: how far the study is, below it what is at work."""
        # a line that is too long for a terminal goes on in the next one
        return Group(self._bar, *map(Text, self._lines.values()))

    def ending(self) -> None:
        """Load what the report needs, for there is nothing else to do."""
        from framework.display.publish import load  # which is what takes the time

        if self._root:
            load(self._root)

    def ended(self, event: Ended) -> None:
        """One line for each run."""
        self._lines.pop(event.what, None)
        head = event.what if not event.of else f"{event.what} ({event.position} of {event.of})"
        if event.record.reason:
            said = " ".join(cause(event.record.error)) or event.record.reason
            failed = f"FAILED, {event.record.reason}: {said}"
            self._line(head, "  ".join(filter(None, [event.net, failed])), style="red")
        else:
            values = (f"{name} {number(value)}" for name, value in event.values.items())
            self._line(head, "  ".join([*filter(None, [event.net]), *values]))
        if event.of:
            self._status(event)
            left = f"about {duration(event.eta_seconds)} left" if event.eta_seconds else ""
            self._update(completed=event.position, left=left)

    def say(self, text: str) -> None:
        """A sentence."""
        self._spoke = time.monotonic()
        # soft_wrap: without a terminal rich breaks lines at 80 columns
        self.console.print(
            visible(as_typed(text, self._root)), markup=False, highlight=False, soft_wrap=True
        )

    def _update(self, **fields: Any) -> None:
        # nothing is counted where nothing was to be run
        if self._bar.task_ids:
            self._bar.update(self._bar.task_ids[0], **fields)

    def _line(self, head: str, text: str, *, style: str | None = None) -> None:
        self._spoke = time.monotonic()
        self.console.print(
            visible(f"{head:<{HEAD}} {text}"),
            style=style,
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    def _status(self, event: Ended) -> None:
        parts = [event.tried] if event.tried else []
        if event.front is not None:
            parts.append(_front(event))
        if event.failed:
            parts.append(f"failed {event.failed}")
        if event.eta_seconds:
            parts.append(f"about {duration(event.eta_seconds)} left")
        self._line("", ", ".join(parts), style="dim")


def _front(event: Ended) -> str:
    """What the front is, and what the trial gave it."""
    if not event.is_on_front:
        return f"front {event.front}"
    text = f"on the front of {event.front}"
    if event.volume is not None:
        text += f", hypervolume {event.volume:.3f} (+{event.gain:.3f})"
    return text


def screen() -> Console:
    """Stderr; in a notebook plain lines below the cell, where a live line would leave traces."""
    if "ipykernel" in sys.modules:
        return Console(
            file=sys.stdout, force_jupyter=False, force_terminal=False, width=NOTEBOOK_COLUMNS
        )
    return Console(stderr=True)


def _bar(console: Console) -> Bar:
    """Trials done and wanted, and the time left."""
    return Bar(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=console,
    )


def number(value: float) -> str:
    """A count with thousands separators, a share with four decimals, less with as many digits."""
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) > 1 else decimals(value)


def duration(seconds: float) -> str:
    """Seconds in words, to two units."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
