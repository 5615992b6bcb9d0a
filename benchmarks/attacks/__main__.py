"""Every command in every state: no traceback, nothing silent, nothing lost, nothing outside.

    .venv/bin/python -m benchmarks.attacks --states 'full|read-only' --commands 'report|doctor'
    .venv/bin/python -m benchmarks.attacks --training --keep cases.jsonl --base base

A project with a finished study is copied for each case, a state of `catalogue` is made in the copy,
and a command is run there. Prints each case that is wrong, and at the end one line for each of
`results.CRITERIA`. With `--keep` a run goes on where another of the same code stopped, and with
`--part 2/3` it tries a third. States that need root or mounts are skipped elsewhere, and said.

Each state is tried with the commands that it can matter to (`catalogue.KINDS`), with `--whole` with
every one that does not train. With `--training` those that load TensorFlow are tried, too, in the
states in which training comes to something of its own (`catalogue.TRAINED`).
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.attacks.cases import Case, base_project, tried
from benchmarks.attacks.catalogue import COMMANDS, EVERY, matters, states
from benchmarks.attacks.results import Kept, summary
from benchmarks.shared import parser_of


def main() -> None:
    """Try what was asked for; end with 1 if a case is wrong."""
    parser = parser_of(__doc__)
    parser.add_argument("--states", default="", help="a regular expression; all by default")
    parser.add_argument("--commands", default="", help="the same, of commands")
    parser.add_argument(
        "--pair",
        action="append",
        default=[],
        metavar="STATES=COMMANDS",
        help="both, several times; in place of the two above",
    )
    parser.add_argument("--training", action="store_true", help="commands that train, too")
    parser.add_argument("--whole", action="store_true", help="every command in every state")
    parser.add_argument("--base", type=Path, help="a project to copy, made if it is not there")
    parser.add_argument(
        "--keep", type=Path, help="a file of cases: those in it are not tried again"
    )
    parser.add_argument("--part", default="1/1", metavar="K/N", help="one of N shares")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each case")
    parser.add_argument("--show", action="store_true", help="what each command said")
    arguments = parser.parse_args()
    base = arguments.base or Path(tempfile.mkdtemp(prefix="attacked-")) / "project"
    base_project(base)
    both = f"(?:{arguments.states})={arguments.commands}"
    pairs = [pair.rpartition("=")[::2] for pair in arguments.pair or [both]]
    chosen, skipped = _chosen(pairs, training=arguments.training, whole=arguments.whole)
    for name, why in skipped.items():
        # said, not passed over: a machine without mounts has tried less
        print(f"skipped  {name}: {why}", flush=True)
    part, parts = map(int, arguments.part.split("/"))
    run = Run(base, Kept(arguments.keep))
    cases = []
    for name, command in chosen[part - 1 :: parts]:
        case = run.case(name, command)
        cases.append(case)
        say(case, as_json=arguments.json, show=arguments.show)
    if not arguments.base:
        shutil.rmtree(base.parent)
    wrong = sum(bool(case.faults) for case in cases)
    print(f"{len(cases)} cases, {wrong} wrong", file=sys.stderr)
    if cases and not arguments.json:
        print("\n".join(summary(cases, skipped=len(skipped))))
    sys.exit(wrong > 0)


class Run:
    """Tries cases, each once."""

    def __init__(self, base: Path, kept: Kept) -> None:
        self._base, self._kept, self._states = base, kept, states()

    def case(self, name: str, command: str) -> Case:
        """How a command goes in a state, beside how it goes in the sound one."""
        state = self._states[name]
        return self._case(name, command).beside(self._case(state.sound, command))

    def _case(self, name: str, command: str) -> Case:
        case = self._kept.case(name, command)
        if case is None:
            words = EVERY[command]
            case = tried(self._base, name, self._states[name], command, words)
            self._kept.add(case)
        return case


def _chosen(
    pairs: Sequence[tuple[str, str]], *, training: bool, whole: bool
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """States with commands that were asked for, and states that cannot be made here, with why."""
    chosen: list[tuple[str, str]] = []
    skipped: dict[str, str] = {}
    # what trains comes last: it takes most of the time
    for command in EVERY if training else COMMANDS:
        for name, state in states().items():
            everywhere = whole and command in COMMANDS
            if not (everywhere or matters(name, state, command)):
                continue
            if is_asked(name, command, pairs):
                if state.missing:
                    skipped[name] = state.missing
                else:
                    chosen.append((name, command))
    return chosen, skipped


def is_asked(state: str, command: str, pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether a pair of regular expressions is found in both."""
    for states_pattern, commands_pattern in pairs:
        if re.search(states_pattern, state) and re.search(commands_pattern, command):
            return True
    return False


def say(case: Case, *, as_json: bool, show: bool) -> None:
    """Print a case; one that is well only if asked for."""
    if as_json:
        print(json.dumps(case._asdict()), flush=True)
    elif case.faults or show:
        verdict = f"WRONG ({'; '.join(case.faults)})" if case.faults else "ok"
        print(f"{verdict}  {case.state} / {case.command}: {case.code}, {case.seconds:.1f} s")
        print("\n".join(f"    {line}" for line in case.said.splitlines()[-25:]), flush=True)


if __name__ == "__main__":
    main()
