"""The dense net's cache: trained once, found again, never trusted when damaged."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from nets_support import CATALOG, SMALL, fixed
from studies_support import Project, new_project

from framework.contracts.net import Stage
from framework.results.record import Run
from framework.runner.baseline import Lab, damaged_baselines

AT_ONCE = 'use("magnitude_prune", epochs=0, sparsity=Choice(0.3, 0.98, 0.5, 0.7))'


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digests of the dense nets that are trained from now on."""
    found: list[str] = []
    original = Lab.train_dense

    def train_dense(self: Lab, spec: Any, *arguments: Any, **options: Any) -> Stage:
        found.append(spec.digest)
        return original(self, spec, *arguments, **options)

    monkeypatch.setattr(Lab, "train_dense", train_dense)
    return found


def test_a_baseline_is_found_again_by_every_study(project: Project, trained: list[str]) -> None:
    for name, net in (("tiny", 32), ("other", 32), ("wide", 40)):
        architecture = f'use("lenet_300_100", units_1={net}, units_2=16)'
        project.write_study(
            name, architecture=architecture, compress=f"[{AT_ONCE}]", sampler='"grid"', trials=1
        )
        project.study(name)
    assert len(trained) == len(set(trained)) == 2
    one, other = (project.runs("baseline", name)[0] for name in ("tiny", "other"))
    assert one.metrics["val_accuracy"] == other.metrics["val_accuracy"]
    assert curve(project, one) == curve(project, other) != []


def curve(project: Project, run: Run) -> list[Any]:
    query = (
        "SELECT step, value FROM metrics WHERE run_uuid = ? AND key = 'epoch/loss' ORDER BY step"
    )
    with closing(sqlite3.connect(project.root / "mlflow.db")) as database:
        return database.execute(query, (run.run_id,)).fetchall()


def flip_a_bit(folder: Path) -> None:
    whole = (folder / "weights.npz").read_bytes()
    (folder / "weights.npz").write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])


DAMAGES: dict[str, Callable[[Path], None]] = {
    "flipped bit": flip_a_bit,
    "no weights": lambda folder: (folder / "weights.npz").unlink(),
    "no description": lambda folder: (folder / "baseline.json").unlink(),
}


def test_a_damaged_baseline_is_put_aside_and_trained_again(
    project: Project, trained: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    project.write_study(sampler='"grid"', compress=f"[{AT_ONCE}]", trials=1)
    project.study()
    folder = next(
        path for path in (project.root / ".cache" / "baselines").iterdir() if path.is_dir()
    )
    whole = (folder / "weights.npz").read_bytes()
    # each is met by one more trial of the study
    for trials, (damage, make) in enumerate(DAMAGES.items(), start=2):
        caplog.clear()
        make(folder)
        with caplog.at_level(logging.WARNING, logger="framework"):
            project.study("tiny", f"trials={trials}")
        assert "damaged" in caplog.text, damage
        assert len(trained) == trials, damage
        assert (folder / "weights.npz").read_bytes() == whole, damage
        assert len(list(folder.parent.glob("*.damaged-*"))) == trials - 1, damage


def test_weights_have_the_nets_order_wherever_they_come_from(lab):
    spec = fixed(SMALL["lenet5"])
    trained = lab.baseline(spec)
    read = Lab(lab.root, CATALOG).baseline(spec)
    assert list(read.stage.weights) == list(trained.stage.weights) == list(trained.initial.weights)
    shuffled = trained.stage.with_weights(dict(sorted(trained.stage.weights.items(), reverse=True)))
    assert list(shuffled.weights) == list(trained.stage.weights)


def test_no_bit_of_a_cached_net_flips_unnoticed(lab: Lab, tmp_path: Path) -> None:
    digest = lab.baseline(fixed(SMALL["lenet5"])).digest
    folder = tmp_path / ".cache" / "baselines" / digest
    shutil.copytree(lab.root / ".cache" / "baselines" / digest, folder)
    assert damaged_baselines(tmp_path) == []
    for name in ("baseline.json", "weights.npz", "baseline.json.sha256"):
        whole = (folder / name).read_bytes()
        for place in range(0, min(len(whole), 64), 7):
            flipped = bytes([whole[place] ^ 1])
            (folder / name).write_bytes(whole[:place] + flipped + whole[place + 1 :])
            assert len(damaged_baselines(tmp_path)) == 1, (name, place)
        (folder / name).write_bytes(whole)
    (folder / "baseline.json.sha256").unlink()  # as earlier versions wrote it
    assert damaged_baselines(tmp_path) == []
