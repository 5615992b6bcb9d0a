"""Trials in this process, one after another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class InProcess(Executor):
    """Runs each call at once, in this process, so that traced nets are reused between trials."""

    slots = 1  # calls that may be at work at a time

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """A future that is done. An interrupt is not caught: it belongs to the coordinator."""
        future: Future[R] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  (a future carries any error)
            future.set_exception(error)
        return future
