"""Two nodes of one CPU on this machine run a study, and one of them is killed in the middle.

    make cluster-demo

Runs the study in one process first, then on a Ray cluster whose second node is killed after the
third trial and replaced by another; then compares the tables. All of it lies in a folder that is
removed at the end. About two minutes on 2 cores.
"""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.engine.project import WHERE
from framework.contracts.catalog import Catalog
from framework.display.progress import Progress, screen
from framework.display.publish import conclude
from framework.errors import UserError
from framework.planning.plan import plan
from framework.runner import coordinator
from framework.runner.engine.cluster import joining
from framework.runner.events import Ended
from framework.tracking.store import Store

ROOT = Path(__file__).parents[1]
STUDY = "lenet_300_100_prune"
SETTINGS = ["trials=8", "sampler=random", "train.epochs=3", "train.warmup_epochs=0"]
KILLED_AFTER = 3  # trials
TABLES = ("pareto.csv", "pareto.md", "pareto.tex", "trials.csv")
OBJECT_STORE_BYTES = 2**28


class Watching(Progress):
    """The progress of a study.

    Args:
        at_trial: called at the end of each trial.
    """

    def __init__(self, root: Path, at_trial: Callable[[], None]) -> None:
        super().__init__(screen(), root=root)
        self._at_trial = at_trial

    def ended(self, event: Ended) -> None:
        """As `Progress`."""
        super().ended(event)
        if event.of:
            self._at_trial()


class Machines:
    """A cluster of which one node is killed while it works."""

    def __init__(self) -> None:
        joining.library()
        import ray.cluster_utils

        # a class without types
        make: Any = ray.cluster_utils.Cluster
        self._trials = 0
        head = {"num_cpus": 1, "include_dashboard": False}
        memory = {"object_store_memory": OBJECT_STORE_BYTES}
        tell("Starting two nodes of one CPU.")
        self.cluster = make(initialize_head=True, connect=False, head_node_args=head | memory)
        self._options = {"num_cpus": 1, **memory}
        self._second = self.cluster.add_node(**self._options)

    def after_trial(self) -> None:
        """Kill the second node after some trials, and start a third."""
        self._trials += 1
        if self._trials == KILLED_AFTER:
            tell("Killing the second node with all of its processes, and starting a third.")
            self.cluster.remove_node(self._second, allow_graceful=False)
            self.cluster.add_node(**self._options)


def tell(text: str) -> None:
    """One line of what is done."""
    print(f"-- {text}", file=sys.stderr, flush=True)


def run(
    root: Path, *, cluster: str = "", at_trial: Callable[[], None] = lambda: None
) -> dict[str, bytes]:
    """Run the study in a project; the tables that its specs decide.

    Args:
        cluster: as of `coordinator.run`.
        at_trial: called at the end of each trial.
    """
    (root / "studies").mkdir(parents=True)
    shutil.copy(ROOT / "studies" / f"{STUDY}.py", root / "studies")
    ignored = shutil.ignore_patterns("out", "__pycache__")
    shutil.copytree(ROOT / "reports", root / "reports", ignore=ignored)
    catalog = Catalog()
    planned = plan(root, STUDY, settings=SETTINGS, catalog=catalog)
    with Watching(root, at_trial) as observer:
        options: dict[str, Any] = {"catalog": catalog, "observer": observer}
        outcome = coordinator.run(planned, root, cluster=cluster, **options)
    out = root / "reports" / "out" / "demo"
    conclude(Store.open(root), outcome, root=root, out=out)
    # below its last head the page says where and when
    return {name: (out / name).read_bytes().split(WHERE)[0] for name in TABLES}


def main() -> int:
    """0 if nothing was lost, doubled or changed."""
    with tempfile.TemporaryDirectory() as name, joining.environment(secrets.token_hex(32)):
        alone, together = Path(name, "alone"), Path(name, "together")
        tell("The study in one process, to compare with.")
        expected = run(alone)
        try:
            machines = Machines()
        except UserError as error:
            print(error, file=sys.stderr)
            return error.exit_code
        try:
            tables = run(together, cluster=machines.cluster.address, at_trial=machines.after_trial)
        finally:
            machines.cluster.shutdown()
        runs = Store.open(together).runs(STUDY, role="trial")
        nodes = Counter(run.tags["node"] for run in runs if run.status == "FINISHED")
        statuses = Counter(run.status for run in runs)
    tell("Trials by node: " + ", ".join(f"{node} {nodes[node]}" for node in sorted(nodes)))
    tell("Runs by status: " + ", ".join(f"{status} {statuses[status]}" for status in statuses))
    differing = [name for name in TABLES if tables[name] != expected[name]]
    tell(f"Tables that differ from those of one process: {', '.join(differing) or 'none'}.")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
