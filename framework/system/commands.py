"""How a command is typed in a project: with make in a checkout, `squeezelab` itself elsewhere.

Sentences name commands as the Makefile has them, because most projects are checkouts. Where there
is no Makefile of ours, `as_typed` says the same in the words of the command line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

TARGETS = (
    "study", "report", "list", "check", "show", "ui", "confirm", "data", "new", "doctor", "forget",
    "clean-cache", "diff", "export", "export-optuna", "reproduce", "cancel",
)  # fmt: skip
# a value ends before the sentence's own full stop, unless it is a reader's own to fill in
VALUE = r'(?:"[^"]*"|\.\.\.|[^\s"`]*[^\s"`.,;:)])'
VARIABLE = rf"[A-Z]+={VALUE}"
COMMAND = re.compile(rf"\bmake ({'|'.join(TARGETS)})\b(?!-)((?: {VARIABLE})*)")
ALONE = re.compile(rf"\b(?:FRESH=1|YES=1|FORCE=1|DRY=1|SET={VALUE}|HOURS={VALUE})")
SETUP = re.compile(r"\bmake clean setup(?: PYTHON=\S+)?")
SWITCHES = {"FRESH": "--fresh", "YES": "--yes", "FORCE": "--force", "DRY": "--dry-run"}
OPTIONS = {"KIND": "--kind", "TRIAL": "--trial", "PORT": "--port", "OVER": "--over"}
OPTIONS |= {"TRIALS": "--trials", "SEEDS": "--seeds"}
OPTIONS |= {"WORKERS": "--workers", "MEMORY": "--memory", "CLUSTER": "--cluster"}
WORDS = ("NAME", "RUN", "A", "B", "OUT")


def as_typed(text: str, root: Path | None) -> str:
    """The text with its commands as they are typed in this project.

    Args:
        root: of the project; None outside of one.
    """
    if not (COMMAND.search(text) or ALONE.search(text) or SETUP.search(text) or ".venv" in text):
        return text
    if root and has_makefile(root):
        return text
    text = SETUP.sub("pip install --force-reinstall squeezelab", text)
    text = COMMAND.sub(_command, text)
    text = ALONE.sub(lambda match: " ".join(_options(_variables(match[0]))), text)
    return text.replace(".venv/bin/", "")


def has_makefile(root: Path) -> bool:
    """Whether this is a checkout of Squeezelab, whose Makefile knows all commands."""
    try:
        return "-m framework" in (root / "Makefile").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _command(match: re.Match[str]) -> str:
    target, values = match[1], _variables(match[2])
    words = ["squeezelab", target]
    if target == "new" and "KIND" in values:
        words.append(values.pop("KIND"))
    if target in ("export", "reproduce") and {"NAME", "TRIAL"} <= set(values):
        values = {"RUN": f"{values['NAME']}:{values['TRIAL']}", **values}
        del values["NAME"], values["TRIAL"]
    words += [values[name] for name in WORDS if name in values]
    return " ".join([*words, *_options(values)])


def _variables(text: str) -> dict[str, str]:
    """`NAME=x SET="a b"` as a mapping; what a reader fills in is called by the variable."""
    values = {}
    for name, value in re.findall(rf"([A-Z]+)=({VALUE})", text):
        values[name] = name if value == "..." else value.strip('"')
    return values


def _options(values: Mapping[str, str]) -> Iterator[str]:
    for pair in values.get("SET", "").split():
        yield f"--set {shlex.quote(pair)}"
    if "HOURS" in values:
        yield f"--set hours={values['HOURS']}"
    for name, option in OPTIONS.items():
        if name in values:
            yield f"{option} {values[name]}"
    for name, switch in SWITCHES.items():
        if values.get(name, "0") != "0":
            yield switch
