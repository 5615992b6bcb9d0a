"""What the benchmarks share: how they are called, a trial outside of a study, and its workers."""

from __future__ import annotations

import argparse
import subprocess

from framework.errors import SqueezelabError
from framework.results.record import Record
from framework.runner import trial
from framework.runner.baseline import Lab
from framework.study import Spec


def parser_of(text: str | None) -> argparse.ArgumentParser:
    """A parser whose help is a module's docstring, with its lines as they are."""
    return argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def study_parser(text: str | None, *, several: bool = False) -> argparse.ArgumentParser:
    """A parser of a study, of overrides and of the seeds that it is repeated for.

    Args:
        several: of `studies` in place of one `study`.
    """
    parser = parser_of(text)
    if several:
        parser.add_argument("studies", nargs="+")
    else:
        parser.add_argument("study")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    return parser


def measured(spec: Spec, lab: Lab) -> Record:
    """The record of one trial, which is logged nowhere.

    Raises:
        SqueezelabError: the trial failed.
    """
    record = trial.run(spec, lab)
    if record.reason:
        raise SqueezelabError(f"seed {spec.seed} failed: {record.reason}", given=record.error)
    return record


def workers_of(coordinator: int) -> list[int]:
    """The worker processes of a coordinator: not its tracker of resources."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(coordinator)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split(None, 1) for line in listed.stdout.splitlines()]
    return [int(pid) for pid, args in lines if "spawn_main" in args]
