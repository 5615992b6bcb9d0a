"""Tables of every kind compile in three layouts: no warning, and no box that is too full."""

from __future__ import annotations

from pathlib import Path

import pytest
from shipped_runs import ROOT, store_of
from tex import LAYOUTS, complaints, needs_tex

from framework.planning.project import study_names
from framework.report import Choices, run_report
from framework.report.figures import style
from framework.report.tables.fit import Layout, Width

pytestmark = needs_tex
KINDS = {
    "pareto": ("ieee", "squeezenet_prune"),
    "ledger": ("article", "lenet5_quantize"),
    "ablation": ("a4", "prune_vs_random"),
    "appendix": ("article", "zoo"),
    "setup": ("ieee", "transformer_chain"),
    "compare": ("a4", "image_audio_quantize"),
}
HOSTILE = (
    r"\input{/etc/passwd} <script>alert(1)</script> =cmd() 100%_&# $x^2$ ~ {",
    "a" * 300,
    "the_name_of_a_method_" * 15,
    "\u202egnp.exe \u200b\x1b[2J",
    "été 中文 µ ß \N{GRINNING FACE}",
)


@pytest.fixture(autouse=True)
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time, and no part in this."""
    monkeypatch.setattr(style, "NO_DATES", {})


def tables(name: str, kind: str, out: Path, width: Width = "page", **changes: object) -> list[Path]:
    store = store_of(name, **changes)  # type: ignore[arg-type]
    choices = Choices(layout=Layout(width=width))
    called = str(changes.get("rename", name))
    made = run_report(store, called, root=out, out=out, kind=kind, choices=choices)
    return [path for path in made.paths if path.suffix == ".tex"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_each_kind_compiles(kind: str, tmp_path: Path) -> None:
    layout, name = KINDS[kind]
    sources = tables(name, kind, tmp_path / "out")
    assert [path.name for path in sources] == [f"{kind}.tex"]
    assert complaints(sources, layout, tmp_path / "paper") == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_compiles_to_itself(name: str, tmp_path: Path) -> None:
    sources = tables("lenet5_prune", "pareto", tmp_path / "out", rename=name, trials=4)
    sources += tables("lenet5_prune", "setup", tmp_path / "out", rename=name, trials=4)
    assert complaints(sources, "ieee", tmp_path / "paper") == []
    assert "root:" not in (tmp_path / "paper" / "paper.log").read_text("latin-1")


@pytest.mark.slow
@pytest.mark.parametrize("width", ["page", "column"])
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("name", study_names(ROOT))
def test_all_tables_of_all_studies_compile_in_all_layouts(
    name: str, seeds: int, width: Width, tmp_path: Path
) -> None:
    sources = tables(name, "all", tmp_path / "out", width, seeds=seeds)
    assert {path.stem for path in sources} == set(KINDS)
    for layout in LAYOUTS:
        assert complaints(sources, layout, tmp_path / layout) == [], layout


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_thousand_trials_go_on_over_pages(layout: str, tmp_path: Path) -> None:
    sources = tables("squeezenet_prune", "appendix", tmp_path / "out", seeds=1, trials=1000)
    assert complaints(sources, layout, tmp_path / "paper") == []
