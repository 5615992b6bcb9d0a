"""A cache of traced nets, used by one trial after another.

Building, wrapping, tracing and compiling is paid once per structure.

A net that was built afresh for every trial would cost seconds and leave about 55 MiB behind each
time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

N = TypeVar("N")

STRUCTURES = 4  # whose nets a process keeps: those of the runs that it has done last


class Kept(Generic[N]):
    """At most `limit` nets by key; the one not used for longest is dropped first.

    Args:
        limit: number of nets.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.built = 0
        """How many nets were ever built; tests count on it."""
        self._nets: OrderedDict[str, N] = OrderedDict()

    @contextmanager
    def use(self, key: str, build: Callable[[], N]) -> Iterator[N]:
        """The net under `key`, built if it is not there; dropped if an exception passes through."""
        # taken out while it is used: an exception leaves a net in no state that could be trusted
        net = self._nets.pop(key, None)
        if net is None:
            net = build()
            self.built += 1
        yield net
        self._nets[key] = net
        while len(self._nets) > self.limit:
            self._nets.popitem(last=False)

    def clear(self) -> None:
        """Forget all nets."""
        self._nets.clear()
