"""The project on disk: where its root is, what a study file may be."""

from __future__ import annotations

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
    write(root, '"""Q?"""\nSTUDY = [][0]\n')
    with pytest.raises(InvalidValue, match="IndexError") as told:
        project.load_study(root, "mine")
    assert told.value.__notes__ == ["In studies/mine.py, line 2."]
