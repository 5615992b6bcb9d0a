"""Every block of README and docs is held: code resolves or runs, commands exist and their studies
resolve.

What a whole page of commands does is held elsewhere too: test_tutorial runs the tutorial's studies
in one epoch, test_contributing and test_dropin use the plug-ins of CONTRIBUTING,
test_studies the shipped studies.
"""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from studies_support import Project, never_killed, new_project

import framework
from framework import Study, use
from framework.contracts import Catalog
from framework.errors import DataUnavailable, InvalidStudy, UserError
from framework.planning.plan import plan
from framework.planning.project import study_names
from framework.planning.resolve import resolve
from framework.runner.engine.cluster import joining

ROOT = Path(__file__).parents[2]
NAMES = ("README.md", "README.zh.md", "CONTRIBUTING.md")
PAGES = [*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md"))]
CATALOG = Catalog()
PLACEHOLDERS = {
    "a",
    "b",
    "",
    "x",
    "mine",
    "NAME",
    "my_dataset",
    "my_study",
    "old_study",
    "my_strategy",
    "my_report",
}  # of names that a reader fills in
OWN_PLUGINS = ("threshold_prune", "my_strategy")  # of examples, which other tests drop in
TEXT = {  # first words of blocks that are neither code nor commands -> what they are
    "study file -> plan": "the way of a number",
    "tags.`squeezelab.": "searches in the MLflow UI",
    "#!/bin/bash": "a script for Slurm",
    "is there a digit": "samples of a data set",
    "[MIN [MAX": "samples of a data set",
}


@dataclass(frozen=True)
class Block:
    """One block of a page; the language of a fence, empty for an indented block."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    """Fenced and indented blocks, in order."""
    fence, begun, kept = "", 0, list[str]()
    for number, line in enumerate([*page.read_text("utf-8").splitlines(), ""], start=1):
        if line.startswith("```") and not fence:
            fence, begun, kept = line, number, []
        elif line.startswith("```"):
            yield Block(page.name, begun, fence[3:] or "text", "\n".join(kept))
            fence, kept = "", []
        elif fence:
            kept.append(line)
        elif line.startswith("    ") and (kept or not line.strip().startswith(("-", "|"))):
            begun = begun if kept else number
            kept.append(line[4:])
        elif kept:
            yield Block(page.name, begun, "", "\n".join(kept))
            kept = []


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
# what jobs.md types is run whole by test_jobs
PYTHON = [block for block in BLOCKS if block.language == "python" and block.page != "jobs.md"]
PIECES = [block for block in BLOCKS if not block.language and re.match(r"\w+=\[", block.text)]
INLINE = re.compile(r"`((?:make|squeezelab|\.venv/bin/squeezelab) [a-z-]+(?: [^`]*)?)`")


def commands_of(block: Block) -> list[str]:
    """The lines of a block that are commands, without comments."""
    command = re.compile(r"(?:[A-Z_]+=\S+ )?(?:make|squeezelab|\.venv/bin/\w+|git|cd) ?")
    return [line for line in block.text.splitlines() if command.match(line)]


COMMANDS = [
    *(
        (str(block), line)
        for block in BLOCKS
        if block.language in ("", "sh")
        for line in commands_of(block)
    ),
    *((page.name, line) for page in PAGES for line in INLINE.findall(page.read_text("utf-8"))),
]


def is_text(block: Block) -> bool:
    return any(block.text.startswith(begin) for begin in TEXT)


def test_every_block_is_of_a_kind_that_is_held() -> None:
    held = [*PYTHON, *PIECES]
    unknown = [
        str(block)
        for block in BLOCKS
        if block not in held
        and not (block.page == "jobs.md" and block.language == "python")
        and not is_text(block)
        and len(commands_of(block)) < len(block.text.splitlines())
    ]
    assert unknown == []


# --- code -----------------------------------------------------------------------------------------


def names() -> dict[str, Any]:
    return {name: getattr(framework, name) for name in framework.__all__} | {"framework": framework}


@contextmanager
def files_of_the_readers(text: str) -> Iterator[None]:
    """Names and ranges are right.

    A file that only the reader has may be missing, and nothing else.
    """
    try:
        yield
    except (DataUnavailable, InvalidStudy) as error:
        if not re.search(r"path=|builder=|dataset=(mnist|cifar10|easy_vqa)", text):
            raise
        if isinstance(error, InvalidStudy) and "There is no file" not in error.what:
            raise


def check_study(parts: dict[str, Any]) -> None:
    """Resolve a study of these parts.

    A file of the reader's own may be missing, and nothing else.
    """
    given = {"dataset": use("digits"), "architecture": use("lenet5")} | parts
    with files_of_the_readers(repr(parts)):
        resolve(Study(**given), CATALOG, ROOT)


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_code_compiles_and_what_it_states_resolves(block: Block) -> None:
    tree = ast.parse(block.text)
    if "framework.run(" in block.text or re.search(
        r"^@(strategy|architecture)", block.text, re.MULTILINE
    ):
        # the next test runs it; plug-ins are dropped in by others
        compile(tree, str(block), "exec")
        return
    fields = set(inspect.signature(Study).parameters)
    for statement in tree.body:
        found = names()
        # each by itself: four `dataset = ...`
        exec(compile(ast.Module([statement], []), str(block), "exec"), found)
        study = found.get("STUDY")
        parts = {name: found[name] for name in fields & set(found)}
        if isinstance(study, Study):
            resolve(study, CATALOG, ROOT)
        elif parts:
            check_study(parts)


@pytest.mark.parametrize("block", PIECES, ids=str)
def test_pieces_of_a_study_resolve(block: Block) -> None:
    check_study(eval(f"dict({block.text})", names()))


@pytest.mark.parametrize(
    "block", [block for block in PYTHON if "framework.run(" in block.text], ids=str
)
def test_what_a_notebook_types_runs(
    block: Block,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "STUDY = " in block.text:
        body = block.text.replace(
            "framework.run(", "called = inspect.signature(framework.run).bind("
        )
        found = names() | {"inspect": inspect}
        exec(body, found)
        resolve(found["called"].arguments["study"], CATALOG, ROOT)
        return
    whole: Project = never_killed(tmp_path_factory.getbasetemp(), 5)
    monkeypatch.chdir(whole.root)
    text = (
        block.text.replace("squeezenet_prune", "tiny")
        .replace("trials=30", "trials=5")
        .replace("=0.02", "=1.0")
    )
    text = text.replace('"front.pdf"', "str(out / 'front.pdf')").replace(
        '"model.tflite"', "str(out / 'model.tflite')"
    )
    exec(text, names() | {"out": tmp_path})
    assert (tmp_path / "front.pdf").stat().st_size
    assert (tmp_path / "model.tflite").stat().st_size


# --- commands -------------------------------------------------------------------------------------

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
VARIABLES = {
    word
    for line in re.findall(r"^VARIABLES \+?:?= (.*)$", MAKEFILE, re.MULTILINE)
    for word in line.split()
}


def parsed(command: str) -> tuple[list[str], dict[str, str]]:
    """(words, variables) of a command, its comment left out."""
    words = shlex.split(command.removesuffix("&"), comments=True)
    given = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    return [word for word in words if not re.match(r"[A-Z_]+=", word)], given


@pytest.mark.parametrize(
    ("where", "command"), COMMANDS, ids=[f"{where} {line[:50]}" for where, line in COMMANDS]
)
def test_a_command_exists_and_its_study_resolves(where: str, command: str) -> None:
    (program, *rest), given = parsed(command)
    if program == "make":
        assert not rest or rest[0] in TARGETS, f"{where}: no target {rest}"
        assert set(given) <= VARIABLES | {
            "PYTHON",
            "TFDS_DATA_DIR",
            "TFDS_MANUAL_DIR",
            "MLFLOW_TRACKING_URI",
        }
        check_names(rest[0] if rest else "", given)
    elif program.endswith("squeezelab"):
        check_arguments(rest)
    elif program.endswith("/ray"):
        check_ray(rest)
    else:
        check_script(program, rest)


def check_names(target: str, given: dict[str, str]) -> None:
    """What a target is asked about is there: a shipped study, or what `make show` and `make data`
    know."""
    name = given.get("NAME", "")
    if target in ("study", "report", "check", "confirm", "export", "reproduce", "forget"):
        for one in name.split() if given.get("KIND") == "compare" else [name]:
            check_settings(one, given.get("SET", ""))
    elif target in ("show", "data") and not is_placeholder(name):
        kinds = (CATALOG.datasets, CATALOG.architectures, CATALOG.strategies, CATALOG.metrics)
        known = [*(one for kind in kinds for one in kind.names()), *study_names(ROOT)]
        assert name in known or name in OWN_PLUGINS, name
    for one in filter(None, (given.get("A"), given.get("B"))):
        assert re.match(r"[0-9a-f.]+$", one) or one.partition(":")[0] in (
            *study_names(ROOT),
            "NAME",
        ), one


def check_script(program: str, words: list[str]) -> None:
    """The script or module is there, and says something of each option."""
    files = [ROOT / word for word in words if word.endswith(".py")]
    if words[:1] == ["-m"] and words[1].startswith(("docs.", "benchmarks.")):
        files = [ROOT / f"{words[1].replace('.', '/')}.py"]
    assert all(file.is_file() for file in files)
    assert files or words[:1] == ["-m"] or program in ("git", "cd")
    text = "".join(file.read_text("utf-8") for file in files)
    options = {word for word in words if word.startswith("--")} if files else set()
    assert not [option for option in options if option not in text]


def check_ray(words: list[str]) -> None:
    """Ray's command line takes these words, as far as it is installed; nothing is run."""
    try:
        joining.library()
    except UserError as error:
        pytest.skip(error.todo)
    from ray.scripts.scripts import cli

    command = cli.commands[words[0]]
    command.make_context(words[0], words[1:])


def is_placeholder(name: str) -> bool:
    """Whether a reader fills in the name."""
    return name.strip(".") in PLACEHOLDERS


def check_settings(name: str, settings: str) -> None:
    """The shipped study resolves with these overrides; what is a reader's own is left out."""
    if is_placeholder(name) or any(own in settings for own in OWN_PLUGINS) or "run=" in settings:
        return
    with files_of_the_readers(settings):
        plan(ROOT, name, settings=settings.split(), catalog=CATALOG)


def check_arguments(words: list[str]) -> None:
    """The command line takes these words; nothing is run."""
    import typer.main

    from framework.cli import app

    known = typer.main.get_command(app)
    command = known.commands[words[0]]  # type: ignore[attr-defined]
    if len(words) > 1:  # `squeezelab study` alone speaks of the command
        command.make_context(words[0], words[1:])


SHIPPED = sorted(
    {
        (given["NAME"], given.get("SET", ""))
        for _, line in COMMANDS
        for words, given in [parsed(line)]
        if words[:2] == ["make", "study"] and not is_placeholder(given.get("NAME", ""))
    }
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"), SHIPPED, ids=[f"{name} {settings[:40]}" for name, settings in SHIPPED]
)
def test_a_study_command_foretells_its_cost(
    name: str, settings: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    if re.search(r"path=|run=|dataset=(mnist|cifar10|easy_vqa)", settings) or any(
        own in settings for own in OWN_PLUGINS
    ):
        pytest.skip("It asks for a file or a run of the reader's.")
    project: Project = new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")
    (project.root / "studies" / f"{name}.py").write_bytes(
        (ROOT / "studies" / f"{name}.py").read_bytes()
    )
    project.command(
        "study", name, "--dry-run", *(word for one in settings.split() for word in ("--set", one))
    )
    assert not project.store().studies()
