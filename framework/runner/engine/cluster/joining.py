"""Into a Ray cluster and out of it."""

from __future__ import annotations

import logging
import os
import secrets
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from framework.errors import MachineError, UserError
from framework.system import interrupt, paths

AUTO = "auto"
TOKEN_FILE = paths.at_home("~/.ray/auth_token")  # where Ray looks for it
ENVIRONMENT = {
    # whoever reaches an open port of a cluster runs code on it
    "RAY_AUTH_MODE": "token",
    # nothing is sent to Ray's makers
    "RAY_USAGE_STATS_ENABLED": "0",
    # it warns that it will leave CUDA_VISIBLE_DEVICES alone some day: no GPU is asked for
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@contextmanager
def environment(token: str) -> Iterator[None]:
    """A token of one's own for clusters that are started meanwhile, and for who joins them."""
    before = os.environ.get("RAY_AUTH_TOKEN")
    os.environ["RAY_AUTH_TOKEN"] = token
    try:
        yield
    finally:
        os.environ.pop("RAY_AUTH_TOKEN")
        if before is not None:
            os.environ["RAY_AUTH_TOKEN"] = before


def library() -> Any:
    """Ray, if it is installed.

    Raises:
        UserError: it is not.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)  # read when Ray is loaded
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "A cluster needs Ray, which is not installed.",
            given=f"Looked for: {error.name}.",
            todo="Install it: make setup EXTRAS=cluster.",
        ) from error
    return ray


def join(address: str, plugins: Path | None) -> Any:
    """Join a cluster, or start one on this machine if there is none to be joined; Ray's module.

    Args:
        address: `host:port` of its head, or `auto` for one that runs here or is named by
            RAY_ADDRESS, else one that is started now and ends with this process.
        plugins: a folder that every node gets.

    Raises:
        UserError: there is none at this address, or it does not let one in.
    """
    ray = library()
    options: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "runtime_env": {"py_modules": [str(plugins)]} if plugins else None,
    }
    with _signals_kept():
        try:
            _enter(ray, address, options)
        except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            raise _no_way_in(address, error) from error
    # what it says of processes that end goes to stdout, where our tables go
    ray._private.worker._worker_logs_enabled = False
    return ray


def leave(ray: Any) -> None:
    """End what was started here, and be a stranger to the cluster again."""
    with _signals_kept():
        ray.shutdown()


def nodes(ray: Any) -> list[Mapping[str, Any]]:
    """All nodes of the cluster, also those that are gone.

    Raises:
        MachineError: its head does not answer.
    """
    try:
        return list(ray.nodes())
    except (ray.exceptions.RayError, ConnectionError, RuntimeError) as error:
        raise MachineError(
            "The head of the Ray cluster does not answer.",
            given=_first_line(error),
            todo="Start it again; the same command goes on from here.",
        ) from error


def _no_way_in(address: str, error: BaseException) -> UserError:
    """Why there is no way into a cluster, and what to do."""
    if _is_of_token(error):
        return UserError(
            "The cluster asks for a token, and another than the one that is here.",
            given=f"Looked in RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH and {TOKEN_FILE}.",
            todo="Copy the head's to this machine: ray get-auth-token prints it there.",
        )
    return UserError(
        "There is no Ray cluster at this address.",
        given=f"CLUSTER={address}: {_first_line(error)}",
        todo="Look for it where its head runs: ray status. CLUSTER=auto starts one here.",
    )


def _is_of_token(error: BaseException) -> bool:
    # Ray tells it in the text of what caused its error
    return any("auth" in str(each).lower() for each in (error, error.__cause__))


def _enter(ray: Any, address: str, options: Mapping[str, Any]) -> None:
    if "://" in address:  # of Ray's client, behind which a driver knows less of its nodes
        raise ValueError("not host:port, as ray start prints it")
    if address != AUTO:
        ray.init(address, **options)
        return
    # without a token there is none to be joined, and one of our own needs no other than its own
    is_told = any(map(os.environ.get, ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")))
    if not is_told and not TOKEN_FILE.exists():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        # not "auto", which would join one that another study has started and will end
        ray.init(include_dashboard=False, **options)
    except ConnectionError as error:
        if "RAY_ADDRESS" in os.environ or _is_of_token(error):
            raise
        # the last one that was started here has crashed
        ray.init("local", include_dashboard=False, **options)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray puts handlers of its own in place: who interrupts a study is heard by ours."""
    before = {number: signal.getsignal(number) for number in interrupt.SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None is a handler that was not set from Python
            if handler is not None:
                signal.signal(number, handler)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
