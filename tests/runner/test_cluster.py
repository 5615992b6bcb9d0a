"""A real Ray cluster: nodes of one CPU on this machine, and the same bytes as in one process."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from studies_support import (
    REPOSITORY,
    Project,
    Watcher,
    children,
    is_alive,
    never_killed,
    new_project,
)

from framework.display.publish import conclude
from framework.errors import InvalidStudy, MachineError, UserError
from framework.planning.own_plugins import catalog_of
from framework.planning.plan import plan
from framework.runner import coordinator
from framework.runner.baseline import Lab
from framework.runner.confirm.anew import Wish, confirm_anew
from framework.runner.engine import handed
from framework.runner.engine.choice import Place
from framework.runner.engine.cluster import engine, joining
from framework.runner.events import Outcome
from framework.study import Spec, Train, use

TRIALS = 5
NODE = {"num_cpus": 1, "object_store_memory": 2**27}
# so that Ray notices a node that was killed after a second or two
HEALTH = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 2,
}
OWN = '''"""A strategy of a project's own."""

import os
import signal
from dataclasses import dataclass

from framework.contracts import Job, Stage, Strategy, knob, strategy


@strategy("own_step", version=1)
@dataclass(frozen=True, kw_only=True)
class OwnStep(Strategy):
    """Changes nothing, or ends its process.  Source: this test."""

    how: str = knob("lives", choices=("lives", "raises", "dies"), doc="what it does")

    def apply(self, stage: Stage, job: Job) -> Stage:
        """As it is asked."""
        if self.how == "raises":
            at_once = os.environ["TF_NUM_INTEROP_THREADS"]
            raise ValueError(f"raised by the test, {at_once} operation at once")
        if self.how == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        return stage
'''


def ray_or_skip() -> None:
    """Load Ray as a study does, whose settings it reads then."""
    try:
        joining.library()
    except UserError as error:
        pytest.skip(f"{error.what} {error.todo}")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head of one CPU; tests add other nodes."""
    with joining.environment(secrets.token_hex(32)), pytest.MonkeyPatch.context() as patch:
        # nodes have the code that is tested, whatever is installed
        patch.setenv("PYTHONPATH", str(REPOSITORY))
        ray_or_skip()
        from ray.cluster_utils import Cluster

        head = NODE | {"include_dashboard": False, "_system_config": HEALTH}
        made = Cluster(initialize_head=True, connect=False, head_node_args=head)
        yield made
        made.shutdown()


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")


def run(project: Project, cluster: Any, *settings: str, observer: Watcher) -> Outcome:
    """Run the study on the cluster, and write its report."""
    catalog = catalog_of(project.root)
    planned = plan(project.root, "tiny", settings=settings, catalog=catalog)
    options = {"catalog": catalog, "observer": observer, "cluster": cluster.address}
    outcome = coordinator.run(planned, project.root, **options)
    conclude(project.store(), outcome, root=project.root, out=project.root / "reports/out/tiny")
    return outcome


def test_nets_are_confirmed_on_nodes_and_looked_at_here(
    cluster: Any, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    measured = []
    for place in (Place(cluster=cluster.address), Place()):
        root = tmp_path / ("nodes" if place.cluster else "here")
        shutil.copytree(never_killed(tmp_path_factory.getbasetemp(), TRIALS).root, root)
        options = {"catalog": catalog_of(root), "observer": Watcher(), "place": place}
        planned = plan(root, "tiny", settings=[], catalog=options["catalog"])
        assert confirm_anew(planned, root, Wish(numbers=[2], seeds=1), **options) == 3
        runs = Project(root).runs("confirm")
        assert all(bool(run.tags.get("node")) == bool(place.cluster) for run in runs)
        measured.append(
            {
                run.tags["spec_digest"]: (run.metrics["val_accuracy"], run.metrics["test_accuracy"])
                for run in runs
            }
        )
    assert measured[0] == measured[1]


def stranger(folder: Path) -> dict[str, Any]:
    """Options of a node on which another numpy is installed, as its metadata say."""
    described = folder / "numpy-0.1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n")
    return NODE | {"env_vars": {"PYTHONPATH": f"{folder}{os.pathsep}{REPOSITORY}"}}


def test_two_nodes_find_what_one_process_finds_whoever_comes_and_goes(
    cluster: Any, project: Project, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = never_killed(tmp_path_factory.getbasetemp(), TRIALS)
    shutil.copy(expected.root / "studies" / "tiny.py", project.root / "studies" / "tiny.py")
    second, other = cluster.add_node(**NODE), cluster.add_node(**stranger(tmp_path / "other"))

    def kill(_: Any) -> None:
        if len(watcher.ended_runs) == 2:
            cluster.remove_node(second, allow_graceful=False)
            later.append(cluster.add_node(**NODE))

    later, watcher = list[Any](), Watcher(at_end=kill)
    run(project, cluster, f"trials={TRIALS}", observer=watcher)
    assert project.results() == expected.results()
    runs = [one for role in ("baseline", "control", "trial") for one in project.runs(role)]
    assert {one.status for one in runs} <= {"FINISHED", "KILLED"}
    finished = [one for one in runs if one.status == "FINISHED"]
    assert len({one.tags["node"] for one in finished}) >= 2
    # the coordinator's, which holds the lease; and files are timed there
    assert {one.tags["host"] for one in runs} == {expected.runs("trial")[0].tags["host"]}
    assert all("latency_us_p50" in one.metrics for one in finished)
    (refused,) = [text for text in watcher.said if "is not used" in text]
    assert "its results would have other bits (numpy 0.1, here " in refused
    assert refused.split()[1] not in {one.tags["node"] for one in finished}
    assert sum(text.endswith("joins with 1 at a time.") for text in watcher.said) >= 2
    # nothing of this study is left, here or there
    assert not multiprocessing.active_children()
    for node in (other, *later):
        cluster.remove_node(node)


def test_who_joins_and_who_is_gone_is_told(
    cluster: Any, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 0.0)
    node, said = cluster.add_node(**NODE), Watcher()
    lab = Lab(project.root, catalog_of(project.root))
    options = {"address": cluster.address, "lab": lab, "threads": 1, "memory_bytes": None}
    with closing(engine.Cluster(project.root, **options, say=said.say)) as runs:
        assert runs.slots == 1
        assert runs.choose([]) == 0  # nobody is there to choose, and no run is refused for it
        runs._wait_for_one()
        assert runs._has_free()
        assert said.said[0] == "Waiting for a node that can be used."
        while runs.slots < 2:
            runs._look()
        cluster.remove_node(node, allow_graceful=False)
        while not said.said[-1].endswith("is gone. What it ran is begun again elsewhere."):
            runs._look()
        assert runs.slots == 1


def test_a_head_that_does_not_answer_is_told() -> None:
    def nodes() -> None:
        raise ConnectionError("no route\nto it")

    ray = SimpleNamespace(nodes=nodes, exceptions=SimpleNamespace(RayError=OSError))
    with pytest.raises(MachineError, match="does not answer") as told:
        joining.nodes(ray)
    assert told.value.given == "no route"


def test_workers_and_a_cluster_are_two_places(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("study", "tiny", "--workers", "2", "--cluster", "auto")
    assert project.exit_code(*words) == UserError.exit_code
    said = capsys.readouterr().err
    assert "Trials run in workers of this machine or on a cluster." in said
    assert "Leave WORKERS out" in said


def test_without_ray_the_way_out_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert project.exit_code("study", "tiny", "--cluster", "auto") == UserError.exit_code
    said = capsys.readouterr().err
    assert "A cluster needs Ray, which is not installed." in said
    assert "setup EXTRAS=cluster" in said or "pip install 'squeezelab[cluster]'" in said
    assert "Traceback" not in said


def test_where_there_is_no_cluster_it_is_told(
    project: Project, cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for address in ("no address", "ray://here:10001"):
        assert project.exit_code("study", "tiny", "--cluster", address) == UserError.exit_code
        said = capsys.readouterr().err
        assert "There is no Ray cluster at this address." in said
        assert f"CLUSTER={address}" in said


def test_who_has_another_token_is_not_let_in(
    project: Project, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "f" * 64)
    monkeypatch.setenv("RAY_NUM_REDIS_GET_RETRIES", "2")  # its own tries, a second each
    code = (
        "import sys; from framework.errors import UserError\n"
        "from framework.runner.engine.cluster import joining\n"
        "try: joining.join(sys.argv[1], None)\n"
        "except UserError as error: print(error)"
    )
    said, _ = project.python(code, cluster.address).communicate()
    assert "The cluster asks for a token, and another than the one that is here." in said
    assert "ray get-auth-token" in said


def test_a_token_is_told_from_an_address() -> None:
    error = ConnectionError("Failed to connect")
    assert joining._no_way_in("here:1", error).what == "There is no Ray cluster at this address."
    error.__cause__ = RuntimeError("RPC error: InvalidAuthToken")
    assert joining._no_way_in("here:1", error).what.startswith("The cluster asks for a token")


def test_a_net_outside_of_the_project_has_no_place_elsewhere(tmp_path: Path) -> None:
    lab = Lab(tmp_path, catalog_of(tmp_path))
    for path, is_inside in (("nets/net.keras", True), ("../net.keras", False), ("/a.h5", False)):
        net = use("from_file", path=path)
        spec = Spec(dataset=use("digits"), architecture=net, train=Train())
        if is_inside:
            assert handed.net_files(spec, lab) == [Path(path)]
        else:
            with pytest.raises(InvalidStudy, match="read from a file of the project"):
                handed.net_files(spec, lab)


def ended(processes: list[int]) -> bool:
    """Whether processes end within a while."""
    ends = time.monotonic() + 60
    while any(map(is_alive, processes)) and time.monotonic() < ends:
        time.sleep(0.2)
    return not any(map(is_alive, processes))


@pytest.mark.slow
def test_plug_ins_of_the_project_and_a_cluster_of_ones_own(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray_or_skip()
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    (project.root / "plugins").mkdir()
    (project.root / "plugins" / "own_step.py").write_text(OWN)
    compress = '[use("own_step", how=Choice("lives", "raises", "dies"))]'
    project.write_study(compress=compress, sampler='"grid"', trials=3)
    code = (
        "import sys; from framework.cli import main\n"
        "try: main()\n"
        "finally: print(*sys.modules.keys() & {'ray', 'tensorflow'})"
    )
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        # where Ray looks for clusters that run; a short path, because it makes sockets there
        monkeypatch.setenv("RAY_TMPDIR", folder)
        begun = project.python(code, "study", "tiny", "--cluster", "auto")
        project.wait_for(begun, role="trial")
        crowd = children(begun.pid)
        said, warned = begun.communicate()
    assert begun.returncode == 0, warned
    table, _, modules = said.strip().rpartition("\n")
    assert modules == "ray"
    # Ray itself stays silent, and nothing of it is left
    assert "raylet" not in table + warned
    assert crowd
    assert ended(crowd)
    store, by_number = project.store(), dict[int, list[Any]]()
    for one in project.runs("trial"):
        by_number.setdefault(one.number, []).append(one)
    assert [one.status for one in by_number[0]] == ["FINISHED"]
    assert [one.tags["reason"] for one in by_number[1]] == ["exception"]
    assert sorted(one.status for one in by_number[2]) == ["FAILED", "KILLED", "KILLED"]
    # what a failure says of its log is true on this machine; a worker has the CPU of its slot alone
    for number, text in ((1, "raised by the test, 1 operation at once"), (2, "SIGKILL")):
        (failed,) = [one for one in by_number[number] if one.status == "FAILED"]
        error = store.artifact(failed.run_id, "error.txt").decode()
        assert text in error
        (log,) = re.findall(r"What it printed is in (\S+)\.|printed is in (\S+)\.$", error, re.M)
        assert (project.root / "".join(log)).is_file()


@pytest.mark.slow
def test_who_is_interrupted_or_killed_leaves_nothing_on_the_cluster_and_goes_on(
    cluster: Any, project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = never_killed(tmp_path_factory.getbasetemp(), TRIALS)
    shutil.copy(expected.root / "studies" / "tiny.py", project.root / "studies" / "tiny.py")
    words = ("study", "tiny", "--set", f"trials={TRIALS}", "--cluster", cluster.address)
    node = cluster.add_node(**NODE)
    for number, how in ((0, signal.SIGINT), (2, signal.SIGKILL)):
        before = set(children(os.getpid()))
        begun = project.start(*words)
        project.wait_for(begun, role="trial", number=number)
        crowd = set(children(os.getpid())) - before
        assert len(crowd) > 4  # itself, two actors, and a worker for each
        begun.send_signal(how)
        begun.communicate()
        # workers that Ray keeps for whoever comes are no longer of this study
        assert ended([one for one in crowd if is_of_study(one)])
        if how == signal.SIGINT:
            assert begun.returncode == 130
            assert "RUNNING" not in {one.status for one in project.runs("trial")}
    run(project, cluster, f"trials={TRIALS}", observer=Watcher())
    assert project.results() == expected.results()
    cluster.remove_node(node)


def is_of_study(pid: int) -> bool:
    """Whether a process does runs, or hands them out."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
    return any(word in command for word in ("ray::Hand", "multiprocessing", "framework"))


@pytest.mark.slow
def test_three_nodes_are_killed_at_random_moments(
    cluster: Any, project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    trials = 30
    expected = never_killed(tmp_path_factory.getbasetemp(), trials)
    shutil.copy(expected.root / "studies" / "tiny.py", project.root / "studies" / "tiny.py")
    nodes, killed = [cluster.add_node(**NODE)], []

    def kill(event: Any) -> None:
        if event.position in (5, 12, 20):
            time.sleep(random.random())
            killed.append(nodes.pop())
            cluster.remove_node(killed[-1], allow_graceful=False)
            nodes.append(cluster.add_node(**NODE))

    run(project, cluster, f"trials={trials}", observer=Watcher(at_end=kill))
    assert len(killed) == 3
    assert project.results() == expected.results()
    assert "RUNNING" not in {one.status for one in project.runs("trial")}
    finished = [one.number for one in project.runs("trial") if one.status == "FINISHED"]
    assert sorted(finished) == list(range(trials))
    assert not multiprocessing.active_children()
    cluster.remove_node(nodes.pop())
