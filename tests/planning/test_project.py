"""The project on disk: where its root is, what a study file may be."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import InvalidStudy, InvalidValue, UnknownName, UserError
from framework.planning import project
from framework.system.paths import find_root

GOOD = '"""How small?\n\nSource and cost."""\n\nfrom framework import Study, use\n\n'
GOOD += 'STUDY = Study(dataset=use("digits"), architecture=use("lenet5"), trials=7)\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "studies").mkdir()
    return tmp_path


def write(root: Path, text: str, name: str = "mine") -> None:
    (root / "studies" / f"{name}.py").write_text(text, "utf-8")


def test_root_is_the_nearest_folder_with_studies(root: Path) -> None:
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    assert find_root(deep) == root
    (root / "a" / "studies").mkdir()
    assert find_root(deep) == root / "a"


def test_no_root(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder called studies/") as told:
        find_root(tmp_path)
    assert told.value.todo


def test_names_leave_out_what_begins_with_an_underscore(root: Path) -> None:
    for name in ("b", "a", "_shared"):
        write(root, GOOD, name)
    (root / "studies" / "notes.txt").write_text("no study", "utf-8")
    assert project.study_names(root) == ["a", "b"]


def test_a_study_is_loaded_with_its_question(root: Path) -> None:
    write(root, GOOD)
    loaded = project.load_study(root, "mine")
    assert (loaded.name, loaded.question, loaded.study.trials) == ("mine", "How small?", 7)


def test_loading_leaves_no_trace(root: Path) -> None:
    write(root, GOOD)
    project.load_study(root, "mine")
    assert [path.name for path in root.rglob("*")] == ["studies", "mine.py"]


@pytest.mark.parametrize("name", ["yours", "../studies/mine", "mine.py", "_hidden", ""])
def test_a_name_that_is_no_study(root: Path, name: str) -> None:
    write(root, GOOD)
    write(root, GOOD, "_hidden")
    with pytest.raises(UnknownName, match="no study called"):
        project.load_study(root, name)


PROGRAMS = [
    "import os",
    "import framework",
    "from os import path",
    "from frameworks import thing",
    "from . import other",
    "x = 1",
    "STUDY: int = 1",
    "STUDY = OTHER = 1",
    "STUDY.trials = 3",
    "print('hello')",
    "if True:\n    STUDY = 1",
    "def study():\n    return 1",
    "class Study: pass",
    "'a second text'",
]


@pytest.mark.parametrize("statement", PROGRAMS)
def test_a_program_is_refused_before_it_runs(root: Path, statement: str) -> None:
    write(root, f'"""Q?"""\n{statement}\nraise SystemExit("it ran")\n')
    with pytest.raises(InvalidStudy, match=r"studies/mine\.py, line 2: a study file is a value"):
        project.load_study(root, "mine")


@pytest.mark.parametrize("action", ["run", "load"])
def test_a_study_file_does_nothing(root: Path, action: str) -> None:
    write(root, GOOD.replace("Study, use", f"{action}, Study, use") + "STUDY = 1\n")
    with pytest.raises(
        InvalidStudy, match=f"line 5: a study file is a value, it does not {action} anything"
    ) as caught:
        project.load_study(root, "mine")
    assert f"framework.{action} in a script" in caught.value.todo


@given(st.text(max_size=60))
def test_whatever_a_file_holds_it_is_a_study_or_a_few_lines(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    root = tmp_path_factory.getbasetemp() / "any"
    (root / "studies").mkdir(parents=True, exist_ok=True)
    (root / "studies" / "mine.py").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserError, match=r"studies/mine\.py"):
        project.load_study(root, "mine")


def test_not_utf8(root: Path) -> None:
    (root / "studies" / "mine.py").write_bytes(b'"""\xff\xfe"""')
    with pytest.raises(InvalidStudy, match="UTF-8"):
        project.load_study(root, "mine")


@pytest.mark.parametrize(
    ("parts", "said", "line"),
    [
        (
            "Study(\n    dataset=use('digits'),\n    architecture=use('lenet5'),\n    trails=3,\n)",
            "trails",
            3,
        ),
        (
            "Study(\n    dataset=use('digits'),\n    architecture=use('lenet5'),\n    "
            "train=Train(epoch=3),\n)",
            "epoch",
            6,
        ),
    ],
)
def test_a_wrong_argument_names_its_line(root: Path, parts: str, said: str, line: int) -> None:
    write(root, f'"""Q?"""\nfrom framework import Study, Train, use\nSTUDY = {parts}\n')
    with pytest.raises(UnknownName, match=f"called '{said}'") as told:
        project.load_study(root, "mine")
    assert told.value.__notes__ == [f"In studies/mine.py, line {line}."]


def test_any_other_error_is_told_too(root: Path) -> None:
    write(root, '"""Q?"""\nfrom framework import use\nSTUDY = use()\n')
    with pytest.raises(InvalidValue, match="TypeError") as told:
        project.load_study(root, "mine")
    assert told.value.__notes__ == ["In studies/mine.py, line 3."]


HOSTILE = [
    '__import__("os").system("touch ran")',
    'use.__globals__["__builtins__"]',
    "(lambda: use)()",
    "[use(name) for name in (1, 2)]",
    "(x := 3)",
    '**dict(compress="x")',
    '**{"trials": 3}',
    '*["digits"]',
    '{**{"a": 1}}',
    'f"{use}"',
    '"a" * 10**9',
    "9**9**9",
    "1 << 99",
    "[1, 2][0]",
    "use if use else 3",
    "use or 3",
    "1 < 2",
    "{1, 2}",
    "...[0:1]",
    "(await use())",
    "'a' + 'b'",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_literal_and_no_call_of_a_known_name_is_refused(
    root: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    value = text if text.startswith("*") else f"trials={text}"
    write(root, f'"""Q?"""\nfrom framework import Study, use\nSTUDY = Study(\n  {value})\n')
    with pytest.raises(InvalidStudy, match=r"studies/mine\.py, line [34]") as told:
        project.load_study(root, "mine")
    assert told.value.todo
    assert not (root / "ran").exists()


@pytest.mark.parametrize("name", ["print", "open", "eval", "__builtins__", "os"])
def test_no_name_is_known_but_those_that_are_imported(root: Path, name: str) -> None:
    write(root, f'"""Q?"""\nfrom framework import Study\nSTUDY = {name}\n')
    with pytest.raises(UserError, match=r"no name called|is not a Study"):
        project.load_study(root, "mine")


@pytest.mark.parametrize("module", ["framework.study", "framework.tracking.store", ".framework"])
def test_names_come_from_framework_itself(root: Path, module: str) -> None:
    write(root, f'"""Q?"""\nfrom {module} import os\nSTUDY = 1\n')
    with pytest.raises(InvalidStudy, match="line 2: a study file is a value"):
        project.load_study(root, "mine")


@pytest.mark.parametrize("text", ["-" * 100_000 + "1", "(" * 5000, "+".join("1" * 20_000)])
def test_what_is_nested_too_deeply_is_refused(root: Path, text: str) -> None:
    write(root, f'"""Q?"""\nSTUDY = {text}\n')
    with pytest.raises(UserError, match=r"studies/mine\.py|does not load"):
        project.load_study(root, "mine")


def test_a_file_of_any_size_is_refused_by_its_size(root: Path) -> None:
    write(root, GOOD + "#" * 1_000_000)
    with pytest.raises(InvalidStudy, match="larger than"):
        project.load_study(root, "mine")


def test_only_files_are_studies(root: Path) -> None:
    write(root, GOOD)
    os.mkfifo(root / "studies" / "pipe.py")  # to open it would wait for ever
    (root / "studies" / "folder.py").mkdir()
    (root / "studies" / "device.py").symlink_to("/dev/zero")
    (root / "studies" / "nothing.py").symlink_to(root / "missing")
    assert project.study_names(root) == ["mine"]


def test_numbers_may_be_computed_and_names_renamed(root: Path) -> None:
    text = GOOD.replace("trials=7", "trials=4 * 10 - +2, seed=-(-3)")
    write(root, text.replace("Study, use", "Study as S, use").replace("Study(", "S("))
    study = project.load_study(root, "mine").study
    assert (study.trials, study.seed) == (38, 3)


@pytest.mark.parametrize("name", ["Default", "a@b", "a:1", "it's", 'so "so"', "ring\x07"])
def test_a_name_that_means_something_else_is_refused(root: Path, name: str) -> None:
    write(root, GOOD, name)
    with pytest.raises(InvalidStudy, match="name") as told:
        project.load_study(root, name)
    # the way out: another name, of plain signs
    assert re.search("another name|by letters", told.value.todo)
    (root / "studies" / f"{name}.py").rename(root / "studies" / "other-name_2.1.py")
    assert project.load_study(root, "other-name_2.1").study.trials == 7
