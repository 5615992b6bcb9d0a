"""docs/strategies.md: what it says was measured by what stands here now, and holds what it promises."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from framework.contracts import Catalog

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import capabilities  # noqa: E402
import measurements  # noqa: E402
import pages  # noqa: E402
import strategy_page  # noqa: E402

CATALOG = Catalog()
ROWS = [(item, row) for item in measurements.MEASUREMENTS for row in item.rows]


def test_the_page_is_that_of_the_registry_and_the_results() -> None:
    text = pages.pages(ROOT, CATALOG)[strategy_page.PAGE]
    assert (ROOT / strategy_page.PAGE).read_text("utf-8") == text, "run: make measurements"


@pytest.mark.parametrize(("item", "row"), ROWS, ids=[f"{item.name} {row.name}" for item, row in ROWS])
def test_a_result_is_that_of_what_stands_here(item: measurements.Measurement, row: measurements.Row) -> None:
    found = measurements.read(item, ROOT)
    assert measurements.is_current(row, found, ROOT, CATALOG), f"run: make measurements NAME={item.name}"
    assert found[row.name]["seeds"] == [0, 1, 2]


@pytest.mark.parametrize("item", measurements.MEASUREMENTS, ids=lambda item: item.name)
def test_results_hold_what_is_promised(item: measurements.Measurement) -> None:
    assert item.check(measurements.read(item, ROOT)) == []


def test_checks_can_fail() -> None:
    item = next(item for item in measurements.MEASUREMENTS if item.name == "mnist-90")
    found = measurements.read(item, ROOT)
    worse = {name: {**row, "quality": [0.5] * 3} if row["strategy"] == "snip" else row for name, row in found.items()}
    assert any("snip" in line for line in item.check(worse))


def test_what_runs_where_was_tried_with_these_plug_ins() -> None:
    found = capabilities.read(ROOT)
    assert found["digest"] == capabilities.digest(CATALOG), "run: make capabilities"
    assert set(found["nets"]) == set(CATALOG.architectures.names())
    assert all(set(cells) == set(CATALOG.strategies.names()) for cells in found["nets"].values())


@pytest.mark.parametrize("name", CATALOG.strategies.names())
def test_every_strategy_has_a_card_with_its_paper_and_its_limits(name: str) -> None:
    text = (ROOT / strategy_page.PAGE).read_text("utf-8")
    card = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert "Source:" in card
    assert "Not for:" in card
    assert "| knob |" in card
