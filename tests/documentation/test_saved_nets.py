"""The table of layers of docs/saved-nets.md is of what the code is now, and as good as it says."""

from pathlib import Path

import pytest

from docs.saved_nets import table
from framework.contracts import Catalog

ROOT = Path(__file__).parents[2]
LEAST_FILES = 60


def test_it_was_made_by_the_nets_layers_and_strategies_as_they_are():
    assert table.outdated(ROOT, Catalog()) == [], "make saved-nets"
    assert (ROOT / table.PAGE).read_text("utf-8") == table.page_text(ROOT), "make saved-nets"


def test_most_layers_are_read_and_pruned_and_none_dies_behind_check():
    rows = table.read(ROOT)["rows"]
    assert sum(len(made["read"]) for made in rows.values()) >= LEAST_FILES
    assert not table.died(rows)
    counted = table.exported(rows)
    left_out = sorted(set(counted) - set(table.pruned(rows)))
    assert len(left_out) <= (1 - table.LEAST_SHARE) * len(counted), left_out


@pytest.mark.slow
def test_it_is_found_again(tmp_path):
    # TensorFlow is loaded here, and by no other test of the page
    from docs.saved_nets import run
    from framework.runner.baseline import Lab

    run.save(tmp_path / "nets")
    lab = Lab(tmp_path, Catalog())
    for row, made in table.read(ROOT)["rows"].items():
        assert run.result(row, tmp_path / "nets", lab) == made, row
