"""Which nodes a cluster has, which of them may be used, and their slots."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.runner.engine.cluster import hand, joining
from framework.runner.engine.cluster.hand import Needs
from framework.runner.engine.cluster.slot import Slot

FOLLOW_SECONDS = 2.0  # between two looks at which nodes there are
CLEAN_SECONDS = 5.0  # that nodes have to remove what was handed to them
ID_DIGITS = 6  # of a node's id, beside the name of its host
MOST_FAILED_STARTS = 3  # of the slots of a node, until it is no longer used


@dataclass
class Node:
    """A node, and what is known of it.

    Args:
        identity: by which Ray knows it.
        name: by which people do.
        count: how many slots it has room for.
        question: its answer will be what decides the bits of its results.
    """

    identity: str
    name: str
    count: int
    question: Any
    is_used: bool = False
    failed_starts: int = 0
    slots: list[Slot] = field(default_factory=list)


class Nodes:
    """Follows the nodes of a cluster while a study runs.

    Args:
        ray: the library.
        root: the project.
        needs: of each slot.
        say: told who joins, who is gone, and who is not used, and why.
    """

    def __init__(self, ray: Any, root: Path, *, needs: Needs, say: Callable[[str], None]) -> None:
        self._ray, self._root, self._needs, self._say = ray, root, needs, say
        self._here = hand.environment()
        self._nodes: dict[str, Node] = {}
        self._followed = -FOLLOW_SECONDS

    @property
    def slots(self) -> Iterator[Slot]:
        """Those of all nodes that are used, ready or not."""
        for node in self._nodes.values():
            yield from node.slots

    def look(self) -> None:
        """Take in what slots have sent, and from time to time which nodes there are."""
        for node in self._nodes.values():
            for slot in node.slots:
                slot.look()
            self._sort_out(node)
        if time.monotonic() - self._followed > FOLLOW_SECONDS:
            self._followed = time.monotonic()
            self._follow()

    def close(self) -> None:
        """End all actors, and remove what they have written."""
        answers = []
        for slot in self.slots:
            slot.stop()
        for node in self._nodes.values():
            if node.is_used:
                answers.append(self._ask(node.identity, hand.clean))
            node.slots.clear()
        # of a node that is gone, or too busy to answer, it stays until Ray's own files go
        if answers:
            self._ray.wait(answers, num_returns=len(answers), timeout=CLEAN_SECONDS)

    def _follow(self) -> None:
        alive = set()
        for described in joining.nodes(self._ray):
            identity, is_alive = described["NodeID"], described["Alive"]
            count = int(described["Resources"].get("CPU", 0) // self._needs.cpus)
            if is_alive and count:
                alive.add(identity)
                if identity not in self._nodes:
                    name = f"{described['NodeManagerHostname']}/{identity[:ID_DIGITS]}"
                    question = self._ask(identity, hand.environment)
                    self._nodes[identity] = Node(identity, name, count, question)
        # Ray notices a dead node after some seconds, its own slots notice most of them before
        for identity in self._nodes.keys() - alive:
            node = self._nodes.pop(identity)
            if node.is_used:
                self._say(f"Node {node.name} is gone. What it ran is begun again elsewhere.")
            for slot in node.slots:
                slot.lose()
        for node in self._nodes.values():
            if node.question is not None and self._ray.wait([node.question], timeout=0)[0]:
                self._judge(node)

    def _ask(self, identity: str, function: Callable[[], Any]) -> Any:
        """What a function gives on a node, in time; it waits for no CPU to be free."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        place = NodeAffinitySchedulingStrategy(identity, soft=False)
        options = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": place}
        return self._ray.remote(function).options(**options).remote()

    def _judge(self, node: Node) -> None:
        """Use a node whose results have our bits; name any other."""
        try:
            there = self._ray.get(node.question)
        except self._ray.exceptions.RayTaskError as error:
            node.question = None
            self._refuse(node, f"it cannot load squeezelab ({_last_line(error)})")
            return
        except self._ray.exceptions.RayError:
            # it is going, or was too busy to answer
            node.question = self._ask(node.identity, hand.environment)
            return
        node.question = None
        names = sorted(self._here.keys() | there.keys())
        others = [name for name in names if self._here.get(name) != there.get(name)]
        if others:
            texts = [f"{name} {there.get(name)}, here {self._here.get(name)}" for name in others]
            self._refuse(node, f"its results would have other bits ({'; '.join(texts)})")
            return
        if not node.is_used:
            node.is_used = True
            self._say(f"Node {node.name} joins with {node.count} at a time.")
        self._fill(node)

    def _refuse(self, node: Node, why: str) -> None:
        node.is_used = False
        self._say(f"Node {node.name} is not used: {why}.")

    def _fill(self, node: Node) -> None:
        """Start a slot for each place that has none."""
        for number in sorted(set(range(node.count)) - {slot.number for slot in node.slots}):
            place = (node.identity, node.name)
            of = {"number": number, "of": node.count}
            node.slots.append(Slot(self._ray, self._root, place, **of, needs=self._needs))

    def _sort_out(self, node: Node) -> None:
        """Take away slots that have ended; others take their place once the node has answered."""
        ended = [slot for slot in node.slots if slot.end]
        node.slots = [slot for slot in node.slots if not slot.end]
        if not ended or not node.is_used:
            return
        # the node may be gone before Ray says so: runs that are begun again are not to die there
        for slot in node.slots:
            if not slot.is_busy:
                slot.greet()
        failed = [slot for slot in ended if not slot.has_started]
        node.failed_starts += len(failed)
        if failed and node.failed_starts >= MOST_FAILED_STARTS:
            self._refuse(node, f"its workers do not start ({failed[-1].end})")
        else:
            node.question = self._ask(node.identity, hand.environment)


def _last_line(error: BaseException) -> str:
    return str(error).strip().rpartition("\n")[2]
