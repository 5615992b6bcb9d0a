"""The store of many runs is one that everything of ours reads."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.many_runs.__main__ import in_a_process, report
from benchmarks.many_runs.make import NAME, make
from framework.tracking.store import Store

COUNT = 40


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("many")
    make(root, COUNT)
    return root


def test_every_copy_is_whole_and_no_two_are_the_same(root: Path) -> None:
    store = Store.open(root, create=False)
    runs = store.runs(NAME, role="trial")
    assert [run.number for run in runs] == list(range(COUNT))
    assert len({run.tags["spec_digest"] for run in runs}) == COUNT
    for run in runs:
        assert store.complete(run)
        assert store.verify(run.run_id, digests=True)[0] == []
        assert store.data(run.run_id)["validation"] == 1000


def test_the_report_and_search_runs_are_of_the_same_numbers(root: Path) -> None:
    report(root)
    # in a process of its own: MLflow keeps which store it was told of
    in_a_process("search_runs", root)
    trials = pd.read_csv(root / "out" / "trials.csv").set_index("number")
    searched = pd.read_csv(root / "search_runs.csv").set_index("tags.squeezelab.trial")
    assert len(trials) == len(searched) == COUNT
    for name in ("val_accuracy", "params_nonzero"):
        assert (trials[name] == searched[f"metrics.{name}"].sort_index()).all()
    provenance = json.loads((root / "out" / "provenance.json").read_text())
    assert len(provenance["trials"]) == COUNT
    # nothing was edited, whatever SQL made of it
    assert "the store was edited" not in (root / "out" / "pareto.md").read_text()
