"""Runs as they are written and read back, on real stores."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from framework.errors import SqueezelabError, UnknownName, UserError
from framework.results import record
from framework.results.record import Record
from framework.tracking import artifacts, locations
from framework.tracking import store as store_module
from framework.tracking.store import Store


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_BACKEND_STORE_URI", raising=False)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield Store.open(tmp_path_factory.mktemp("a project # with +signs"))


@pytest.fixture
def study(request: pytest.FixtureRequest) -> str:
    """A study of its own for every test."""
    return str(request.node.name).partition("[")[0]


def mlflow_client(store: Store) -> Any:
    """MLflow's own view, past our code."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store.uri)


def begin(store: Store, study: str, **tags: str) -> str:
    return store.begin(study, role="trial", name="trial 0", tags=tags, params={"seed": "0"})


def folder_of(store: Store, study: str, run_id: str) -> Path:
    return store.root / ".artifacts" / study / run_id / "artifacts"


# --- names ----------------------------------------------------------------------------------------


def test_names_other_peoples_scripts_rely_on() -> None:
    assert record.PREFIX == "squeezelab."
    assert {
        "role", "study", "dataset", "architecture", "strategy", "seed", "pareto", "git", "dirty",
        "host", "trial", "attempt", "generation", "study_digest", "spec_digest", "baseline",
        "reason",
    } <= set(record.TAGS)  # fmt: skip
    assert {"study", "baseline", "control", "trial", "confirm"} <= set(record.ROLES)
    assert (record.STUDY_JSON, record.SPEC_JSON, record.OPTUNA_JSON) == (
        "study.json",
        "spec.json",
        "optuna.json",
    )
    assert (record.MODEL_TFLITE, record.WEIGHTS_NPZ) == ("model.tflite", "weights.npz")
    assert (record.LAYERS_CSV, record.METRICS_JSON) == ("layers.csv", "metrics.json")
    assert (record.MANIFEST_JSON, record.ERROR_TXT) == (
        "manifest.json",
        "error.txt",
    )
    assert (record.BASELINE_PREFIX, record.EPOCH_PREFIX) == ("baseline.", "epoch.")


def test_names_in_the_store_are_the_pinned_ones(store: Store, study: str) -> None:
    run_id = store.begin(
        study, role="trial", name="trial 7", tags={"trial": "000007"}, params={"compress.0": "x"}
    )
    store.curve(run_id, 1, {"loss": 0.5})
    store.finish(run_id, Record(metrics={"val_accuracy": 0.9}, artifacts={"spec.json": b"{}"}))
    seen = mlflow_client(store).get_run(run_id)
    ours = {name: value for name, value in seen.data.tags.items() if name.startswith("squeezelab.")}
    assert len(ours.pop("squeezelab.key")) == 64
    assert ours == {
        "squeezelab.role": "trial",
        "squeezelab.study": study,
        "squeezelab.trial": "000007",
    }
    assert seen.data.params == {"compress.0": "x"}
    assert seen.data.metrics == {"val_accuracy": 0.9, "epoch/loss": 0.5}
    assert seen.info.run_name == "trial 7"
    assert {file.path for file in mlflow_client(store).list_artifacts(run_id)} == {
        "spec.json",
        "metrics.json",
        "manifest.json",
    }


def test_groups_of_metrics_are_sections_in_the_store_and_have_their_names_in_code(
    store: Store, study: str
) -> None:
    run_id = begin(store, study)
    values = {"macs_dense": 1.0, "baseline.macs_dense": 2.0}
    store.finish(run_id, Record(metrics=values))
    assert mlflow_client(store).get_run(run_id).data.metrics == {
        "macs_dense": 1.0,
        "baseline/macs_dense": 2.0,
    }
    assert store.run(run_id).metrics == values
    assert json.loads(store.artifact(run_id, "metrics.json")) == values


def test_a_run_of_an_earlier_version_is_read_also_where_it_was_timed_since(
    store: Store, study: str
) -> None:
    run_id = begin(store, study)
    for name, value in {"baseline.macs_dense": 2.0, "baseline.latency_us_p50": 3.0}.items():
        mlflow_client(store).log_metric(run_id, name, value)
    mlflow_client(store).log_metric(run_id, "epoch.loss", 0.5)
    assert store.run(run_id).metrics == {"baseline.macs_dense": 2.0, "baseline.latency_us_p50": 3.0}
    store.add(run_id, {"baseline.latency_us_p50": 4.0})
    for run in (store.run(run_id), *store.runs(study)):
        assert run.metrics == {"baseline.macs_dense": 2.0, "baseline.latency_us_p50": 4.0}


# --- one run --------------------------------------------------------------------------------------


def test_a_record_comes_back_exactly(store: Store, study: str) -> None:
    values = [
        0.1 + 0.2,
        math.nextafter(1, 2),
        math.pi * 1e-300,
        -1.7e308,
        5e-324,
        float(2**53 - 1),
        0.0,
    ]
    wanted = Record(
        metrics={f"m{index}": value for index, value in enumerate(values)},
        times={"seconds": 1 / 3},
        artifacts={"model.tflite": bytes(range(256)), "figures/front.svg": b"<svg/>"},
    )
    params = {f"compress.0.knob{index}": "é" * index for index in range(130)}
    run_id = store.begin(
        study, role="trial", name="t", tags={"strategy": "a+b", "trial": "000003"}, params=params
    )
    assert store.run(run_id).status == "RUNNING"
    store.finish(run_id, wanted)
    run = store.run(run_id)
    assert run.status == "FINISHED"
    assert run.metrics == {**wanted.metrics, **wanted.times}
    assert run.params == params
    told = {"role": "trial", "study": study, "strategy": "a+b", "trial": "000003"}
    assert run.tags == told | {"key": run.tags["key"]}
    assert run.number == 3
    assert run.start_ms <= run.end_ms
    assert {name: store.artifact(run_id, name) for name in wanted.artifacts} == wanted.artifacts
    assert store.complete(run)


def test_the_manifest_lists_every_file(store: Store, study: str) -> None:
    run_id = begin(store, study)
    store.finish(run_id, Record(artifacts={"spec.json": b"{}"}))
    store.put(run_id, {"front.svg": b"<svg/>"})
    assert json.loads(store.artifact(run_id, "manifest.json")) == [
        {
            "name": "front.svg",
            "bytes": 6,
            "sha256": "d4dc56669143034f31aa309635d4113d9ad76a02b1739da22c965ed2049be9e6",
        },
        {
            "name": "spec.json",
            "bytes": 2,
            "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        },
    ]


def test_a_failure_keeps_reason_and_traceback(store: Store, study: str) -> None:
    run_id = begin(store, study)
    store.finish(
        run_id,
        Record(reason="diverged", error="Traceback: loss is nan", artifacts={"spec.json": b"{}"}),
    )
    run = store.run(run_id)
    assert (run.status, run.tags["reason"]) == ("FAILED", "diverged")
    assert store.artifact(run_id, "error.txt") == b"Traceback: loss is nan"
    assert store.artifact(run_id, "spec.json") == b"{}"
    assert store.complete(run)


def test_values_that_are_not_finite_are_left_out(store: Store, study: str) -> None:
    run_id = begin(store, study)
    store.curve(run_id, 0, {"loss": math.nan, "val_accuracy": 0.5})
    store.finish(run_id, Record(metrics={"a": math.inf, "b": math.nan, "c": -math.inf, "d": 1.0}))
    assert store.run(run_id).metrics == {"d": 1.0}
    assert mlflow_client(store).get_run(run_id).data.metrics == {
        "d": 1.0,
        "epoch/val_accuracy": 0.5,
    }


def test_a_killed_run_has_its_status_and_its_curves(store: Store, study: str) -> None:
    run_id = begin(store, study)
    store.curve(run_id, 3, {"loss": 0.25})
    store.close(run_id, "KILLED", reason="interrupted")
    run = store.run(run_id)
    assert (run.status, run.tags["reason"], run.metrics) == ("KILLED", "interrupted", {})
    assert [(point.step, point.value) for point in history(store, run_id)] == [(3, 0.25)]
    assert not store.complete(run)


def history(store: Store, run_id: str) -> list[Any]:
    return list(mlflow_client(store).get_metric_history(run_id, "epoch/loss"))


def test_curves_are_written_every_ten_seconds(
    store: Store, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 105.0, 110.0, 111.0])
    run_id = begin(store, study)
    written = []
    with monkeypatch.context() as patch:
        patch.setattr(store_module.time, "monotonic", lambda: next(clock))
        for epoch in range(4):
            store.curve(run_id, epoch, {"loss": 1 / (epoch + 1)})
            written.append(len(history(store, run_id)))
    assert written == [0, 0, 3, 3]
    store.finish(run_id, Record())
    assert [(point.step, point.value) for point in history(store, run_id)] == [
        (0, 1),
        (1, 1 / 2),
        (2, 1 / 3),
        (3, 1 / 4),
    ]


def test_long_curves_are_written_whole(store: Store, study: str) -> None:
    run_id = begin(store, study)
    for epoch in range(1700):
        store.curve(run_id, epoch, {"loss": float(epoch)})
    store.finish(run_id, Record(metrics={"last": 1.0}))
    assert [point.value for point in history(store, run_id)] == list(map(float, range(1700)))
    assert store.run(run_id).metrics == {"last": 1.0}


def test_a_parent_goes_on(store: Store, study: str) -> None:
    parent = store.begin(study, role="study", name=study, tags={}, params={})
    child = store.begin(study, role="trial", name="trial 0", tags={}, params={}, parent=parent)
    store.close(parent, "KILLED")
    assert store.run(parent).end_ms > 0
    store.resume(parent)
    again = store.run(parent)
    assert (again.status, again.end_ms) == ("RUNNING", 0)
    store.tag(parent, lease="1", pareto="true")
    assert store.run(parent).tags["lease"] == "1"
    store.finish(parent, Record(artifacts={"study.json": b"{}"}))
    assert store.complete(store.run(parent))
    assert mlflow_client(store).get_run(child).data.tags["mlflow.parentRunId"] == parent


def test_the_dataset_is_an_input(store: Store, study: str) -> None:
    run_id = begin(store, study)
    store.log_dataset(
        run_id, name="digits", digest="d" * 64, source="scikit-learn", profile={"train": 1078}
    )
    store.finish(run_id, Record())
    assert store.data(run_id) == {"digest": "d" * 64, "train": 1078}
    data = mlflow_client(store).get_run(run_id).inputs.dataset_inputs[0].dataset
    assert (data.name, data.digest) == ("digits", "d" * 36)
    assert json.loads(data.profile) == {"digest": "d" * 64, "train": 1078}


# --- what is refused ------------------------------------------------------------------------------


def test_nothing_is_cut_silently(store: Store, study: str) -> None:
    run_id = store.begin(
        study, role="trial", name="n" * 250, tags={"host": "h" * 8000}, params={"p": "v" * 6000}
    )
    run = store.run(run_id)
    assert (len(run.name), len(run.tags["host"]), len(run.params["p"])) == (250, 8000, 6000)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"params": {"train.note": "v" * 6001}}, "parameter train.note is longer than the 6000"),
        ({"tags": {"overrides": "v" * 8001}}, "tag overrides is longer than the 8000"),
        ({"name": "n" * 251}, "run's name is longer than the 250"),
        ({"tags": {"colour": "red"}}, "no tag called colour"),
        ({"role": "trail"}, "no role called 'trail'"),
    ],
)
def test_what_the_store_cannot_keep_is_refused_before_anything_is_written(
    store: Store, study: str, changed: dict[str, Any], says: str
) -> None:
    given: dict[str, Any] = {"role": "trial", "name": "t", "tags": {}, "params": {}} | changed
    with pytest.raises(SqueezelabError, match=says):
        store.begin(study, **given)
    assert study not in store.studies()


def test_a_long_tag_is_refused_later_too(store: Store, study: str) -> None:
    run_id = begin(store, study)
    with pytest.raises(SqueezelabError, match="tag reason is longer"):
        store.tag(run_id, reason="x" * 8001)
    assert "reason" not in store.run(run_id).tags


@pytest.mark.parametrize("name", ["../other.txt", "/etc/other.txt", ""])
def test_an_artifact_stays_in_its_folder(store: Store, study: str, name: str) -> None:
    run_id = begin(store, study)
    with pytest.raises(SqueezelabError, match="relative path"):
        store.put(run_id, {name: b"x"})


@pytest.mark.parametrize("name", ["a/b", "..", ""])
def test_a_study_stays_in_its_folder(store: Store, name: str) -> None:
    with pytest.raises(SqueezelabError, match="name of a file"):
        begin(store, name)


@pytest.mark.parametrize("run_id", ["0" * 32, "no such run!"])
def test_an_unknown_run_is_the_users_mistake(store: Store, run_id: str) -> None:
    with pytest.raises(UnknownName, match="no run called"):
        store.run(run_id)


def test_an_experiment_deleted_in_the_ui_is_named(store: Store, study: str) -> None:
    begin(store, study)
    client = mlflow_client(store)
    client.delete_experiment(client.get_experiment_by_name(study).experiment_id)
    fresh = Store.open(store.root)
    assert fresh.runs(study) == []
    with pytest.raises(UserError, match="was deleted in the MLflow UI"):
        begin(fresh, study)


# --- damage ---------------------------------------------------------------------------------------


def test_a_damaged_artifact_is_named(store: Store, study: str) -> None:
    run_id = begin(store, study)
    store.finish(run_id, Record(artifacts={"model.tflite": b"weights", "spec.json": b"{}"}))
    file = folder_of(store, study, run_id) / "model.tflite"
    file.write_bytes(b"weighty")
    with pytest.raises(SqueezelabError, match=r"model\.tflite is damaged or gone") as caught:
        store.artifact(run_id, "model.tflite")
    assert str(file.parent) in str(caught.value)
    file.unlink()
    with pytest.raises(SqueezelabError, match=r"model\.tflite is damaged or gone"):
        store.artifact(run_id, "model.tflite")
    assert store.artifact(run_id, "spec.json") == b"{}"


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_file_that_is_replaced_is_the_old_or_the_new_one_whenever_a_kill_comes(
    store: Store, study: str, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = begin(store, study)
    store.put(run_id, {"metrics.json": b"old"})
    left = iter(range(writes))

    def write(*arguments: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        whole(*arguments)

    whole = artifacts.write
    monkeypatch.setattr(artifacts, "write", write)
    with suppress(KeyboardInterrupt):
        store.put(run_id, {"metrics.json": b"the new one"})
    assert store.artifact(run_id, "metrics.json") == (b"old" if writes < 2 else b"the new one")
    for digests in (False, True):
        assert store.verify(run_id, digests=digests)[0] == []
    folder_of(store, study, run_id).joinpath("metrics.json").write_bytes(b"another")
    with pytest.raises(SqueezelabError, match="damaged"):
        store.artifact(run_id, "metrics.json")


def test_a_tag_that_was_edited_to_no_number_is_named_and_can_be_set_back(
    store: Store, study: str
) -> None:
    run_id = begin(store, study, trial="000003", generation="0")
    mlflow_client(store).set_tag(run_id, "squeezelab.generation", "latest")
    with pytest.raises(SqueezelabError, match="tag generation of a run is no number") as told:
        store.runs(study)
    assert run_id in told.value.given
    mlflow_client(store).set_tag(run_id, "squeezelab.generation", "0")
    assert [run.number for run in store.runs(study)] == [3]
    # the other way out
    mlflow_client(store).set_tag(run_id, "squeezelab.trial", "three")
    mlflow_client(store).delete_run(run_id)
    assert store.runs(study) == []


def test_an_unknown_artifact_gets_a_suggestion(store: Store, study: str) -> None:
    run_id = begin(store, study)
    store.finish(run_id, Record(artifacts={"model.tflite": b"x"}))
    with pytest.raises(UnknownName, match=r"Did you mean 'model\.tflite'"):
        store.artifact(run_id, "model.tflit")


@pytest.mark.parametrize("left", [None, b"", b"[{", b"{}", b"[1]"])
def test_a_run_without_its_manifest_is_not_complete(
    store: Store, study: str, left: bytes | None
) -> None:
    run_id = begin(store, study)
    store.finish(run_id, Record(artifacts={"spec.json": b"{}"}))
    assert store.complete(store.run(run_id))
    file = folder_of(store, study, run_id) / "manifest.json"
    file.unlink() if left is None else file.write_bytes(left)
    assert store.run(run_id).status == "FINISHED"
    assert not store.complete(store.run(run_id))
    with pytest.raises(SqueezelabError, match="manifest"):
        store.artifact(run_id, "spec.json")


def test_a_finish_that_was_cut_off_leaves_no_manifest(
    store: Store, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = begin(store, study)
    whole = artifacts.write

    def cut_off(folder: Path, name: str, content: bytes) -> None:
        if name == "b.bin":
            raise KeyboardInterrupt
        whole(folder, name, content)

    monkeypatch.setattr(artifacts, "write", cut_off)
    with pytest.raises(KeyboardInterrupt):
        store.finish(run_id, Record(artifacts={"a.bin": b"a", "b.bin": b"b"}))
    assert not store.has_manifest(run_id)
    assert store.run(run_id).status == "RUNNING"


def test_artifacts_that_lie_with_a_server(
    store: Store, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "place", lambda location, root: None)
    run_id = begin(store, study)
    assert not store.has_manifest(run_id)
    store.finish(run_id, Record(artifacts={"model.tflite": b"x", "figures/a.svg": b"<svg/>"}))
    store.put(run_id, {"figures/b.svg": b"<svg/>"})
    assert store.complete(store.run(run_id))
    assert (
        store.artifact(run_id, "figures/a.svg")
        == store.artifact(run_id, "figures/b.svg")
        == b"<svg/>"
    )
    assert [path.name for path in (store.root / ".cache").iterdir()] == ["store"]


# --- many runs ------------------------------------------------------------------------------------


def test_runs_by_their_tags(store: Store, study: str) -> None:
    quoted = 'it\'s "so"'
    ids = [
        begin(store, study, generation=str(index % 2), host=quoted if index == 3 else "h")
        for index in range(5)
    ]
    store.finish(ids[0], Record())
    store.close(ids[1], "KILLED")
    assert [run.run_id for run in store.runs(study)] == ids
    assert [run.run_id for run in store.runs(study, generation="1")] == [ids[1], ids[3]]
    assert [run.run_id for run in store.runs(study, generation="1", host=quoted)] == [ids[3]]
    assert store.runs(study, generation="2") == []
    assert store.runs("a study that never ran") == []


def test_all_pages_are_read(store: Store, study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [begin(store, study) for _ in range(7)]
    begin(store, study + "2")
    monkeypatch.setattr(store_module, "RUNS_PER_PAGE", 3)
    assert [run.run_id for run in store.runs(study, role="trial")] == ids
    assert {study, study + "2"} <= set(store.studies())
    assert "Default" not in store.studies()
    assert store.studies() == sorted(store.studies())


# --- what the UI shows ----------------------------------------------------------------------------


def test_tags_that_the_ui_reads(store: Store, study: str) -> None:
    run_id = begin(store, study)
    store.set_ui_tags(study, {"note.content": "of all"})
    store.set_ui_tags(study, {"note.content": "of one"}, run_id=run_id)
    client = mlflow_client(store)
    assert client.get_experiment(store.experiment(study)).tags["mlflow.note.content"] == "of all"
    assert client.get_run(run_id).data.tags["mlflow.note.content"] == "of one"
    assert store.ui_tags(study)["note.content"] == "of all"
    assert store.ui_tags(study, run_id=run_id)["note.content"] == "of one"
    assert not any(name.startswith("squeezelab.") for name in store.ui_tags(study, run_id=run_id))
