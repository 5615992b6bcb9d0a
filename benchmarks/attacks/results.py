"""Cases that are kept, so that a long run goes on where it stopped, and what they say together."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.attacks.cases import MORE_MEMORY_KIB as LIMIT_KIB
from benchmarks.attacks.cases import ROOT, Case

CRITERIA = {  # how a fault begins -> what is promised
    "traceback": "no traceback",
    "words": "ends with a sentence",
    "silent": "nothing silent for 30 s",
    "memory": f"at most {LIMIT_KIB // 1024} MiB above what a sound input takes",
    "outside": "nothing outside the project written",
    "lost": "nothing lost",
    "code": "exit codes as documented",
    "case": "each case could be tried",
}


def code_digest() -> str:
    """The sha256 of all that decides a case: the package, and what attacks it."""
    digest = hashlib.sha256()
    for folder in ("framework", "benchmarks/attacks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class Kept:
    """Cases of this code that were tried before, in a file with a line of JSON for each."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._code = path, code_digest()
        self._cases = dict[tuple[str, str], Case]()
        if path and path.exists():
            for line in path.read_text("utf-8").splitlines():
                self._read(line)

    def _read(self, line: str) -> None:
        try:
            values = json.loads(line)
        except ValueError:  # a kill cut the last line
            return
        if values.pop("code_digest") == self._code:
            case = Case(**values)
            self._cases[case.state, case.command] = case

    def case(self, state: str, command: str) -> Case | None:
        """One that was tried; None if it was not."""
        return self._cases.get((state, command))

    def add(self, case: Case) -> None:
        """Keep one more."""
        self._cases[case.state, case.command] = case
        if self._path:
            line = json.dumps({"code_digest": self._code, **case._asdict()})
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


def summary(cases: Sequence[Case], *, skipped: int) -> Iterator[str]:
    """A line for each criterion."""
    states, commands = {case.state for case in cases}, {case.command for case in cases}
    seconds = sum(case.seconds for case in cases)
    yield (
        f"{len(cases)} cases: {len(states)} states, {len(commands)} commands, "
        f"{seconds / 60:.1f} minutes; {skipped} states skipped"
    )
    for begins, promise in CRITERIA.items():
        wrong = 0
        for case in cases:
            wrong += any(fault.startswith(f"{begins}:") for fault in case.faults)
        yield f"{promise:<55}{wrong or 'no'} case{'s' * (wrong != 1)} wrong{_most(begins, cases)}"


def _most(criterion: str, cases: Sequence[Case]) -> str:
    """How near the limit the worst case came, or which codes there were."""
    if criterion == "silent":
        case = max(cases, key=lambda case: case.silent_seconds)
        return f"; longest {case.silent_seconds:.1f} s ({case.state} / {case.command})"
    if criterion == "memory":
        case = max(cases, key=lambda case: case.above_kib)
        return f"; most {case.above_kib / 1024:+.0f} MiB ({case.state} / {case.command})"
    if criterion == "code":
        counts = sorted(Counter(case.code for case in cases).items())
        return "; " + ", ".join(f"{code}: {count}" for code, count in counts)
    return ""
