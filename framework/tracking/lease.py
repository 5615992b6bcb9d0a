"""The sign of life of a session, which other hosts look at before they go on with its study."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from framework.errors import SqueezelabError
from framework.tracking.store import Store

if TYPE_CHECKING:
    from pathlib import Path

LEASE_SECONDS = 60.0  # between two signs


def sign(host: str) -> dict[str, str]:
    """Tags of the parent run that say who runs it, and that it does so now.

    Whoever looks on waits until `lease` changes: clocks of two hosts may differ.
    """
    return {"lease": f"{time.time():.0f}", "host": host}


class Lease:
    """Renews the sign in a thread of its own, however long a step of the session takes.

    With a store of its own, as one session's is not made for two threads. A store that does not
    answer is told by the session, not here.

    Args:
        root, uri: of the session's store.
        host: this machine's name.
        parent: the run id of the study's parent, empty until there is one.
    """

    def __init__(self, root: Path, uri: str, *, host: str, parent: Callable[[], str]) -> None:
        self._root, self._uri, self._host, self._parent = root, uri, host, parent
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        # a sign that waits for a locked store is not waited for: it says nothing wrong
        self._thread.join(timeout=1.0)

    def _renew(self) -> None:
        store: Store | None = None
        while not self._over.wait(LEASE_SECONDS):
            with suppress(SqueezelabError):
                store = store or Store(self._root, self._uri)
                if self._parent():
                    store.tag(self._parent(), **sign(self._host))
