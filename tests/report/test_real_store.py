"""The report reads what the real store wrote."""

import json

from synthetic_runs import ROOT, TAGS, baseline, control, study_json, trial

from framework.report import run_report
from framework.results.record import STUDY_JSON, Record
from framework.tracking.store import Store

NAME = "squeezenet_prune"


def write(store, run, parent):
    tags = {
        name: value for name, value in run.tags.items() if name not in ("role", "study", "reason")
    }
    made = store.begin(
        NAME, role=run.tags["role"], name=run.name, tags=tags, params=run.params, parent=parent
    )
    if run.status == "KILLED":
        store.close(made, "KILLED")
    else:
        reason = run.tags.get("reason", "")
        store.finish(
            made, Record(run.metrics, artifacts={"a.txt": b"x"}, reason=reason, error=reason)
        )
    return made


def test_a_report_from_a_real_store(tmp_path):
    store = Store.open(tmp_path)
    tags = {name: value for name, value in TAGS.items() if name != "study"}
    parent = store.begin(NAME, role="study", name=NAME, tags=tags, params={})
    store.put(parent, {STUDY_JSON: json.dumps(study_json(), sort_keys=True).encode()})
    dense = write(store, baseline(), parent)
    trials = [
        trial(0, 0.98, 90_000),
        trial(1, 0.5, status="KILLED"),
        trial(1, 0.95, 20_000, attempt="1"),
        trial(2, 0.9),
    ]
    trials.append(trial(3, status="FAILED", reason="diverged"))
    for run in (control(), *trials):
        run.tags["baseline"] = dense
        write(store, run, parent)
    store.close(parent, "FINISHED")

    found = run_report(Store.open(tmp_path, create=False), NAME, root=ROOT, out=tmp_path / "out")
    assert list(found.front["trial"]) == [0, 1]
    assert list(found.front["params_nonzero"]) == [90_000, 20_000]
    assert (
        "Trials: 4 (3 finished, 1 failed: diverged)" in (tmp_path / "out" / "pareto.md").read_text()
    )
    origin = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert origin["baselines"][0]["run_id"] == dense


def test_a_curve_is_read_back_step_by_step(tmp_path):
    store = Store.open(tmp_path)
    run = store.begin(NAME, role="trial", name="a", tags={}, params={})
    for epoch, value in enumerate((0.5, 0.75, 0.875)):
        store.curve(run, epoch, {"val_accuracy": value})
    store.finish(run, Record({"val_accuracy": 0.9}, artifacts={"a.txt": b"x"}))
    again = Store.open(tmp_path, create=False)
    assert again.steps(run, "epoch.val_accuracy") == [(0, 0.5), (1, 0.75), (2, 0.875)]
    assert again.steps(run, "epoch.nothing") == []
