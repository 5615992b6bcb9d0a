"""Every command in every state: no traceback, nothing silent, nothing lost, nothing outside.

    .venv/bin/python -m benchmarks.attacks --states 'full|read-only' --commands 'report|doctor'

A project with a finished study is copied for each case, a state of `catalogue` is made in the copy,
and a command is run there. Prints each case that is wrong, and how many there were. States that
need root or mounts are skipped elsewhere, and said.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.attacks.cases import MORE_MEMORY_KIB, Case, base_project, tried
from benchmarks.attacks.catalogue import COMMANDS, SOUND, TRAINING, states
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
    parser.add_argument("--base", type=Path, help="a project to copy, made if it is not there")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each case")
    parser.add_argument("--show", action="store_true", help="what each command said")
    arguments = parser.parse_args()
    base = arguments.base or Path(tempfile.mkdtemp(prefix="attacked-")) / "project"
    base_project(base)
    commands = {**COMMANDS, **(TRAINING if arguments.training else {})}
    both = f"(?:{arguments.states})={arguments.commands}"
    pairs = [pair.rpartition("=")[::2] for pair in arguments.pair or [both]]
    count, wrong, usual = 0, 0, dict[str, int]()
    for name, state in states().items():
        chosen = [command for command in commands if is_asked(name, command, pairs)]
        # said, not passed over: a machine without mounts has tried less
        if chosen and state.missing:
            print(f"skipped  {name}: {state.missing}", flush=True)
            continue
        for command in chosen:
            case = tried(base, name, state, command, commands[command])
            # tried first, if at all: it shows what the command takes
            if name == SOUND:
                usual[command] = case.memory_kib + MORE_MEMORY_KIB
            if case.memory_kib > usual.get(command, case.memory_kib):
                case.faults.append(f"{case.memory_kib / 1024:.0f} MiB")
            count, wrong = count + 1, wrong + bool(case.faults)
            say(case, as_json=arguments.json, show=arguments.show)
    if not arguments.base:
        shutil.rmtree(base.parent)
    print(f"{count} cases, {wrong} wrong", file=sys.stderr)
    sys.exit(wrong > 0)


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
