"""What is left of a study and what it costs: counted rightly, on the right grounds, and without
writing anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from studies_support import Project, new_project

from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.runner.engine.choice import Place
from framework.runner.forecast import estimate as module
from framework.runner.forecast.estimate import Cost, Work, estimate, rows
from framework.runner.forecast.timing import TrialCost
from framework.system import host
from framework.system.disk import size_bytes

CONTROL = 2  # epochs: the most that a trial of `tiny` may spend
DENSE = 2
ALONE = Place()
TPE = {"sampler": '"tpe"'}


class FixedPace:
    """A stopwatch that knows without looking."""

    once = 10.0

    def __init__(self, root: Path, catalog: Catalog, *_: Any) -> None:
        pass

    def cost(self, spec: Any) -> TrialCost:
        return TrialCost(10.0, 1.0, 2.0, 1000.0)

    dense_cost = cost


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Stopwatch", FixedPace)


def look(
    project: Project, *settings: str, fresh: bool = False, place: Place = ALONE
) -> tuple[Work, Cost]:
    options: Any = {"catalog": Catalog(), "fresh": fresh, "say": lambda text: None}
    planned = plan(project.root, "tiny", settings=settings, catalog=options["catalog"])
    return estimate(planned, project.root, place=place, **options)


def contents(project: Project) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("timed")
def test_a_study_that_never_ran(project: Project) -> None:
    project.write_study(trials=10)
    project.store()  # follows its folder, which this test has copied
    before = contents(project)
    work, cost = look(project)
    assert contents(project) == before
    assert (work.done, list(work.todo)) == (0, list(range(10)))
    assert (work.least_epochs, work.most_epochs) == (10, 20)
    assert 12 < work.expected_epochs < 18
    assert [spec.train.epochs for spec in work.untrained] == [DENSE]
    assert [spec.strategy for spec in work.controls] == ["identity"]
    store = 12 * module.STORE_SECONDS
    assert cost.seconds == pytest.approx(
        10.0 + 12 * 1.0 + 2.0 * (DENSE + CONTROL + work.expected_epochs) + store
    )
    # the dense net lies in the cache as well
    assert cost.size == pytest.approx(13 * 1000 + 12 * module.STORE_BYTES)


@pytest.mark.usefixtures("timed")
def test_a_study_without_a_store(project: Project) -> None:
    project.write_study()
    (project.root / "mlflow.db").unlink()
    work, _ = look(project)
    assert len(work.todo) == 3
    assert not (project.root / "mlflow.db").exists()


@pytest.mark.usefixtures("timed")
def test_a_grid_is_counted_exactly(project: Project) -> None:
    project.write_study(
        sampler='"grid"',
        trials=10,
        compress='[use("magnitude_prune", sparsity=0.5, epochs=Choice(1, 4, 7))]',
    )
    work, _ = look(project)
    assert len(work.todo) == 3
    assert work.expected_epochs == 1 + 4 + 7
    work, _ = look(project, "trials=2")
    assert work.expected_epochs == 1 + 4


@pytest.mark.usefixtures("timed")
def test_every_dense_net_that_trials_need_is_counted(project: Project) -> None:
    parts = {
        "train": "Train(epochs=Choice(1, 2), warmup_epochs=0, batch_size=32)",
        "sampler": '"grid"',
        "trials": 4,
    }
    project.write_study(
        **parts, compress='[use("magnitude_prune", epochs=0, sparsity=Choice(0.3, 0.6))]'
    )
    work, _ = look(project)
    assert sorted(spec.train.epochs for spec in work.untrained) == [1, 2]
    assert (work.least_epochs, work.expected_epochs, work.most_epochs) == (0, 0.0, 0)


def test_what_is_done_tells_what_is_left(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write_study(trials=5)
    foretold = look(project)[1]
    project.study()
    files = size_bytes(project.root / ".artifacts") + size_bytes(
        project.root / ".cache" / "baselines"
    )
    assert 0.5 < (foretold.size - 7 * module.STORE_BYTES) / files < 2
    work, cost = look(project)
    assert (work.done, list(work.todo), work.controls, work.dense) == (5, [], [], [])
    assert (cost.seconds, cost.size) == (0.0, 0.0)

    monkeypatch.delattr(module, "Stopwatch")  # from here on nothing may be timed
    work, cost = look(project, "trials=8")
    assert list(work.todo) == [5, 6, 7]
    assert (work.controls, work.dense) == ([], [])
    walls = [(run.end_ms - run.start_ms) / 1000 for run in project.runs("trial")]
    assert cost.seconds == pytest.approx(3 * sum(walls) / 5)
    assert "5 finished trials" in cost.source
    work, _ = look(project, fresh=True)
    assert (work.done, len(work.todo), len(work.dense), work.untrained) == (0, 5, 1, [])
    assert {run.tags["generation"] for run in project.store().runs("tiny")} == {"0"}


@pytest.mark.usefixtures("timed")
def test_the_words(project: Project) -> None:
    project.write_study(hours=2, keep='"front"')
    catalog = Catalog()
    study = plan(project.root, "tiny", settings=[], catalog=catalog).study
    work, _ = look(project)
    told = rows(work, Cost(600.0, 5e6, "a test"), study=study, catalog=catalog)
    assert told["left to run"] == "3 trials, 0 are done"
    assert told["epochs, baseline"] == "2 (1 to train, 0 ready)"
    assert told["epochs, trials"].startswith("3 to 6, about ")
    assert told["time"] == "about 10 min; this session ends after 2 h"
    assert told["disk"].startswith("about 5.0 MB, before")


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize(
    ("workers", "fields", "time"),
    [
        (0, {}, "about 10 min"),
        (2, {}, "5 min at best in 2 workers; 10 min in one process"),
        (9, {}, "3 min at best in 9 workers, 4 at once as cores allow; 10 min in one process"),
        (
            2,
            {"train": "Train(threads=4)"},
            "about 10 min, no less in 2 workers, 1 at once as cores allow",
        ),
        (
            3,
            {"trials": 2},
            "5 min at best in 3 workers, 2 at once for no more are left; 10 min in one process",
        ),
        # a search that learns has as many at work as `ahead` and its seeds say
        (4, TPE, "about 10 min, no less in 4 workers, 1 at once as results allow"),
        (
            4,
            TPE | {"ahead": 2},
            "5 min at best in 4 workers, 2 at once as results allow; 10 min in one process",
        ),
        (4, TPE | {"seeds": 4}, "3 min at best in 4 workers; 10 min in one process"),
    ],
)
def test_the_words_on_time_are_of_where_it_runs(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    fields: dict[str, object],
    time: str,
) -> None:
    monkeypatch.setattr(host, "cores", lambda: 4)
    project.write_study(**{"trials": 100, "sampler": '"random"'} | fields)
    catalog = Catalog()
    study = plan(project.root, "tiny", settings=[], catalog=catalog).study
    work, _ = look(project)

    def told(place: Place) -> str:
        cost = Cost(600.0, 5e6, "a test", place)
        return rows(work, cost, study=study, catalog=catalog)["time"]

    assert told(Place(workers=workers)) == time
    assert told(Place(cluster="auto")).startswith("about 10 min on one slot of the cluster")


@pytest.mark.usefixtures("timed")
def test_as_many_workers_as_the_study_would_start(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_study(trials=100, sampler='"random"')
    monkeypatch.setattr(host, "cores", lambda: 2)
    _, cost = look(project, place=Place(workers="auto"))
    assert cost.place.workers == 2
    monkeypatch.setattr(host, "cores", lambda: 1)
    _, cost = look(project, place=Place(workers="auto"))
    assert cost.place.workers == 0
