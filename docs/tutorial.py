"""The numbers of docs/from-lenet-to-squeezenet.md and its Chinese twin.

    make tutorial        # about ten minutes on 2 cores; a study that has been run is not run again

Runs the commands of the page and writes its tables. Every line of a `sh` block is a command; after
one that begins with `make study`, the table between `<!-- table -->` and `<!-- end -->` is made
from the trials.csv of its report. The last table puts all nets side by side.
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

from docs.markdown import table
from framework.cli.base import say, text_of
from framework.contracts import Catalog
from framework.errors import SqueezelabError, UserError
from framework.planning.plan import plan
from framework.system.paths import find_root

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
        steps = run_all(commands(texts[PAGES[0]]), root)
        for path, text in texts.items():
            language = "zh" if path.stem.endswith(".zh") else "en"
            (root / path).write_text(filled(text, steps, language), "utf-8")
    except SqueezelabError as error:
        say(text_of(error))
        return error.exit_code if isinstance(error, UserError) else 1
    return 0


def run_all(lines: Iterable[str], root: Path) -> list[Step]:
    """Run the commands in order; what the studies among them have measured."""
    steps = []
    for command in lines:
        run(command, root)
        if command.startswith("make study"):
            steps.append(step_of(command, root))
    return steps


def commands(text: str) -> list[str]:
    """Every command of the page, in order."""
    lines = "\n".join(BLOCK.findall(text)).splitlines()
    return list(filter(None, lines))


def settings_of(command: str) -> tuple[str, list[str]]:
    """The study of a `make study` line and its overrides."""
    variables = dict(word.split("=", 1) for word in shlex.split(command)[2:])
    return variables["NAME"], variables.get("SET", "").split()


def run(command: str, root: Path) -> None:
    """Run one command of the page.

    Raises:
        SqueezelabError: it failed.
    """
    say(command)
    # the tables are made from what it writes; what it prints is left out, its errors are not
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
    net, knobs = "lenet5", []
    for setting in settings:
        key, value = setting.split("=", 1)
        if key == "architecture":
            net = value
        elif key.startswith("architecture."):
            knobs.append(f"{key.split('.')[1]}={value}")
    return " ".join([net, *knobs])


def filled(text: str, steps: Iterable[Step], language: str) -> str:
    """The page with its tables: one for each study, in their order, and one of all."""
    every = list(steps)
    following = iter(every)

    def replaced(place: re.Match[str]) -> str:
        is_one = place[2] == "table"
        made = of_one(next(following), language) if is_one else of_all(every, language)
        return f"{place[1]}{made}\n{place[3]}"

    return PLACE.sub(replaced, text)


def of_one(step: Step, language: str) -> str:
    """Accuracy and sizes of one net: dense, in 8 bits, with zeros, with both."""
    rows = []
    for name, trial in zip(ROWS[language], step.trials, strict=True):
        row = [
            name,
            percent(trial),
            whole(trial["params_nonzero"]),
            whole(trial[FILE]),
            whole(trial[COMPRESSED]),
            times_smaller(trial),
        ]
        rows.append(row)
    return table(HEADS[language], rows)


def of_all(steps: Iterable[Step], language: str) -> str:
    """All nets side by side."""
    rows = []
    for step in steps:
        last = step.trials[-1]
        qualities = map(percent, step.trials)
        parameters = whole(last["params_total"])
        rows.append([step.label, step.dataset, parameters, *qualities, times_smaller(last)])
    return table(ALL_HEADS[language], rows)


def times_smaller(trial: Row) -> str:
    """Than the dense net's file, both compressed."""
    return f"{float(trial[f'baseline.{COMPRESSED}']) / float(trial[COMPRESSED]):.1f}"


def percent(trial: Row) -> str:
    """Accuracy of the exported file on validation."""
    return f"{100 * float(trial['val_accuracy']):.1f}"


def whole(text: Any) -> str:
    """A count."""
    return f"{float(text):,.0f}"


if __name__ == "__main__":
    sys.exit(main())
