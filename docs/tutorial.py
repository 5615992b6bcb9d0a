"""The numbers of docs/from-lenet-to-squeezenet.md and its Chinese twin.

Runs their commands and writes the tables.

    make tutorial        # about ten minutes on 2 cores; studies that have been run are not run
    again

Every line of a `sh` block is a command; after one that begins with `make study`, the table between
`<!-- table -->` and `<!-- end -->` is made from the trials.csv of its report. The last table puts
all nets side by side.
"""

from __future__ import annotations

import csv
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages import table

from framework.cli.base import say, text_of
from framework.contracts import Catalog
from framework.errors import SqueezelabError, UserError
from framework.planning.plan import plan
from framework.planning.project import find_root

PAGES = (
    Path("docs") / "from-lenet-to-squeezenet.md",
    Path("docs") / "from-lenet-to-squeezenet.zh.md",
)
HEADS = {  # of the columns, by language
    "en": ("", "accuracy %", "non-zero", "file, bytes", "compressed, bytes", "times smaller"),
    "zh": ("", "准确率 %", "非零参数", "文件字节", "压缩后字节", "缩小倍数"),
}
ROWS = {
    "en": ("dense", "8 bits", "80 % zeros", "zeros and 8 bits"),
    "zh": ("稠密", "8 位", "80 % 为零", "为零且 8 位"),
}
ALL_HEADS = {
    "en": (
        "net",
        "data",
        "parameters",
        "dense %",
        "8 bits %",
        "zeros %",
        "both %",
        "both, times smaller",
    ),
    "zh": ("网络", "数据", "参数", "稠密 %", "8 位 %", "为零 %", "两者 %", "两者缩小倍数"),
}
COMPRESSED, FILE = "size_tflite_compressed_bytes", "size_tflite_bytes"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
PLACE = re.compile(r"(<!-- (table|all) -->\n).*?(<!-- end -->)", re.DOTALL)
Row = Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """One study of the page.

    Args:
        label: what the last table calls the net.
        trials: the rows of its trials.csv: dense, 8 bits, zeros, both.
    """

    label: str
    dataset: str
    trials: Sequence[Row]


def main() -> int:
    """Run every command, then write the tables of both pages."""
    root = find_root(Path.cwd())
    try:
        texts = {path: (root / path).read_text("utf-8") for path in PAGES}
        steps = []
        for command in commands(texts[PAGES[0]]):
            run(command, root)
            if command.startswith("make study"):
                steps.append(step_of(command, root))
        for path, text in texts.items():
            (root / path).write_text(
                filled(text, steps, "zh" if path.stem.endswith(".zh") else "en"), "utf-8"
            )
    except SqueezelabError as error:
        say(text_of(error))
        return error.exit_code if isinstance(error, UserError) else 1
    return 0


def commands(text: str) -> list[str]:
    """Every command of the page, in order."""
    return [line for block in BLOCK.findall(text) for line in block.splitlines() if line]


def settings_of(command: str) -> tuple[str, list[str]]:
    """The study of a `make study` line and its overrides."""
    given = dict(word.split("=", 1) for word in shlex.split(command)[2:])
    return given["NAME"], given.get("SET", "").split()


def run(command: str, root: Path) -> None:
    """Run one command of the page.

    Raises:
        SqueezelabError: it failed.
    """
    say(command)
    done = subprocess.run(shlex.split(command), cwd=root, check=False, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise SqueezelabError(f"{command!r} ended with code {done.returncode}.")


def step_of(command: str, root: Path) -> Step:
    """What a study of the page has measured."""
    name, settings = settings_of(command)
    planned = plan(root, name, settings=settings, catalog=Catalog())
    file = root / "reports" / "out" / planned.folder / "trials.csv"
    with file.open(newline="", encoding="utf-8") as lines:
        return Step(label(settings), planned.study.dataset.name, list(csv.DictReader(lines)))


def label(settings: Sequence[str]) -> str:
    """The net, with the knobs that the command sets."""
    given = dict(item.split("=", 1) for item in settings)
    knobs = [
        f"{key.split('.')[1]}={value}"
        for key, value in given.items()
        if key.startswith("architecture.")
    ]
    return " ".join([given.get("architecture", "lenet5"), *knobs])


def filled(text: str, steps: Iterable[Step], language: str) -> str:
    """The page with its tables."""
    left, every = iter(steps), list(steps)

    def replaced(found: re.Match[str]) -> str:
        made = of_one(next(left), language) if found[2] == "table" else of_all(every, language)
        return f"{found[1]}{made}\n{found[3]}"

    return PLACE.sub(replaced, text)


def of_one(step: Step, language: str) -> str:
    """Accuracy and sizes of one net: dense, in 8 bits, with zeros, with both."""
    rows = []
    for name, trial in zip(ROWS[language], step.trials, strict=True):
        smaller = float(trial[f"baseline.{COMPRESSED}"]) / float(trial[COMPRESSED])
        counts = [whole(trial[column]) for column in ("params_nonzero", FILE, COMPRESSED)]
        rows.append([name, percent(trial), *counts, f"{smaller:.1f}"])
    return table(HEADS[language], rows)


def of_all(steps: Iterable[Step], language: str) -> str:
    """All nets side by side."""
    rows = []
    for step in steps:
        last = step.trials[-1]
        smaller = float(last[f"baseline.{COMPRESSED}"]) / float(last[COMPRESSED])
        rows.append(
            [
                step.label,
                step.dataset,
                whole(last["params_total"]),
                *map(percent, step.trials),
                f"{smaller:.1f}",
            ]
        )
    return table(ALL_HEADS[language], rows)


def percent(trial: Row) -> str:
    """Accuracy of the exported file on validation."""
    return f"{100 * float(trial['val_accuracy']):.1f}"


def whole(text: Any) -> str:
    """A count."""
    return f"{float(text):,.0f}"


if __name__ == "__main__":
    sys.exit(main())
