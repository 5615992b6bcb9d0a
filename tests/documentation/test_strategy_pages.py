"""docs/strategies.md: what it says was measured by what stands here now, and holds what it
promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs import capability_table, pages, strategy_columns, strategy_page
from docs.measurement_rows import Measurement, Row, current
from docs.measurement_tables import MEASUREMENTS, as_sparse_as_asked
from framework.contracts import Catalog

ROOT = Path(__file__).parents[2]
CATALOG = Catalog()
ROWS = [(item, row) for item in MEASUREMENTS for row in item.rows]


def test_the_page_is_that_of_the_registry_and_the_results() -> None:
    text = pages.pages(ROOT, CATALOG)[strategy_page.PAGE]
    assert (ROOT / strategy_page.PAGE).read_text("utf-8") == text, "run: make measurements"


@pytest.mark.parametrize(
    ("item", "row"), ROWS, ids=[f"{item.name} {row.name}" for item, row in ROWS]
)
def test_a_result_is_that_of_what_stands_here_or_is_named_as_missing(
    item: Measurement, row: Row
) -> None:
    found = current(item, ROOT, CATALOG)
    if row.name not in found:
        part = (
            (ROOT / strategy_page.PAGE)
            .read_text("utf-8")
            .partition(f"### {item.name}\n")[2]
            .partition("\n#")[0]
        )
        told = part.partition("Still to be measured")[2]
        assert f"`{row.steps}`" in told
        return
    assert found[row.name]["seeds"] == list(row.seeds)


@pytest.mark.parametrize("item", MEASUREMENTS, ids=lambda item: item.name)
def test_results_hold_what_is_promised(item: Measurement) -> None:
    assert item.check(current(item, ROOT, CATALOG)) == []


def made_up(
    strategy: str, quality: list[float], *, factor: float = 1.0, **knobs: object
) -> dict[str, object]:
    given = {
        "net": "lenet",
        "dataset": "mnist",
        "epochs": 10,
        "seeds": [0, 1, 2],
        "baseline": [0.9, 0.9, 0.9],
    }
    return given | {"strategy": strategy, "quality": quality, "factor": factor, "knobs": [knobs]}


def test_a_drop_is_to_the_control_of_the_same_rate_and_budget() -> None:
    pruned, alone = made_up("qat", [0.94, 0.95, 0.96]), {"control": made_up("identity", [0.96] * 3)}
    found = {
        "other budget": made_up("identity", [0.99, 0.99, 0.99]) | {"epochs": 20},
        "other rate": made_up("identity", [0.99, 0.99, 0.99], factor=2.0),
        "control": made_up("identity", [0.96, 0.96, 0.96]),
        "pruned": pruned,
    }
    assert strategy_columns.drop_to_control(pruned, found) == "1.00 ± 0.58"
    assert strategy_columns.drop_to_dense(pruned, found) == "-5.00 ± 0.58"
    # the dense net's 10 among them
    from_scratch = made_up("dynamic_sparse", [0.94, 0.95, 0.96]) | {"epochs": 20}
    assert strategy_columns.drop_to_control(from_scratch, alone) == "1.00 ± 0.58"
    assert strategy_columns.drop_to_control(pruned | {"epochs": 20}, alone) == ""
    del found["control"]
    assert strategy_columns.drop_to_control(pruned, found) == ""


def test_a_method_is_held_against_lots_of_its_own_proportions() -> None:
    erk, overall = (
        made_up("random_prune", [0.5, 0.51, 0.5], layers="erk"),
        made_up("random_prune", [0.9, 0.91, 0.9]),
    )
    ours = made_up("magnitude_prune", [0.91, 0.91, 0.9], layers="erk")
    other = made_up("global_prune", [0.91, 0.90, 0.91])
    found = {"a": erk, "b": overall, "c": ours, "d": other}
    assert strategy_columns.against_random(ours, found).startswith("+40.33 (")
    assert strategy_columns.against_random(other, found).endswith("not told apart")
    assert strategy_columns.against_random(erk, found) == ""


def test_more_comparisons_make_an_interval_wider() -> None:
    middle, alone = strategy_columns.interval([0.01, 0.02, 0.03])
    # t(0.975, 2) = 4.3027, times 0.01 / sqrt(3)
    assert (round(middle, 6), round(alone, 5)) == (0.02, 0.02484)
    assert strategy_columns.interval([0.01, 0.02, 0.03], comparisons=7)[1] > 2.5 * alone


def test_checks_can_fail() -> None:
    row = {"metrics": {"sparsity_asked": [0.9], "sparsity_reached": [0.8]}}
    assert as_sparse_as_asked({"x": row}) == ["x has not the zeros that were asked for."]


def test_what_runs_where_was_tried_with_these_plug_ins() -> None:
    found = capability_table.read(ROOT)
    assert set(found["nets"]) == set(CATALOG.architectures.names())
    assert {name: capability_table.outdated(found, name, CATALOG) for name in found["nets"]} == {
        name: [] for name in found["nets"]
    }, "run: make capabilities"
    assert all(set(cells) == set(CATALOG.strategies.names()) for cells in found["nets"].values())


@pytest.mark.parametrize("name", CATALOG.strategies.names())
def test_every_strategy_has_a_card_with_its_paper_and_its_limits(name: str) -> None:
    text = (ROOT / strategy_page.PAGE).read_text("utf-8")
    card = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert "Source:" in card
    assert "Not for:" in card
    assert "| knob |" in card
