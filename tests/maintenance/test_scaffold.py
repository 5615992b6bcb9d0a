"""Names that a new file may have, and templates that are working files."""

from __future__ import annotations

import ast
import keyword
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.contracts import Catalog
from framework.errors import DuplicateName, InvalidValue
from framework.maintenance.scaffold import KINDS, TEMPLATES, make
from framework.planning.own_plugins import catalog_of
from framework.planning.project import load_study


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "studies").mkdir()
    return tmp_path


def test_there_is_one_template_for_each_kind() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.py")} == set(KINDS)


@given(st.one_of(st.text(max_size=50), st.from_regex(r"[a-z_][a-z0-9_]{0,45}", fullmatch=True)))
def test_a_name_is_one_of_python_in_lower_case_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    root = tmp_path_factory.mktemp("project")
    good = (
        name.isidentifier() and name.isascii() and name == name.lower() and not name.startswith("_")
    )
    if good and len(name) <= 40 and not keyword.iskeyword(name):
        path = make(root, "report", name, catalog=Catalog()).path
        assert path == root / "reports" / f"{name}.py"
        ast.parse(path.read_text("utf-8"))
    else:
        with pytest.raises(InvalidValue):
            make(root, "report", name, catalog=Catalog())
        assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["tiny", "a", "x" * 40])
def test_a_new_study_loads_and_asks_a_question(root: Path, name: str) -> None:
    made = make(root, "study", name, catalog=Catalog())
    assert load_study(root, name).question.endswith("?")
    assert made.tries == (f"make check NAME={name}", f"make study NAME={name}")
    with pytest.raises(DuplicateName, match="taken"):
        make(root, "study", name, catalog=Catalog())


@pytest.mark.parametrize("kind", ["dataset", "architecture", "strategy", "metric"])
def test_a_new_plug_in_is_found_as_it_is_written(root: Path, kind: str) -> None:
    made = make(root, kind, "mine", catalog=Catalog())
    assert made.path == root / "plugins" / "mine.py"
    catalog = catalog_of(root)
    assert "mine" in catalog.of(kind).names()
    assert "mine" not in Catalog().of(kind).names()
    with pytest.raises(DuplicateName, match="taken"):
        make(root, "study", "mine", catalog=catalog)
