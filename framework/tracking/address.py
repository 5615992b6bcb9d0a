"""Where the runs are kept: the address of the store, and whether anything answers there."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from socket import create_connection
from urllib.parse import SplitResult, urlsplit

from framework.errors import SqueezelabError, UserError
from framework.system import interrupt, paths

REMOTE = ("http:", "https:")
PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}  # of databases that MLflow knows
# a module that a database needs -> the package that has it
PACKAGES = {
    "psycopg": "'psycopg[binary]'",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
}
FORMS = "http://..., https://..., postgresql://..., mysql+pymysql://... or sqlite:///..."
GATEWAY = (502, 503, 504)  # what a proxy says of a server that it cannot reach
ANSWER_SECONDS = 8.0
LOOK_SECONDS = 0.1  # between two looks whether an interrupt has come


def address(root: Path) -> str:
    """Where the runs of this project are kept.

    `MLFLOW_TRACKING_URI`, or the SQLite file under `root`.

    Raises:
        UserError: SQLite's address cannot hold the folder's name.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri and set("?%") & set(str(root)):
        raise UserError(
            "The address of the store cannot hold a '?' or '%'.",
            given=f"Folder: {root}.",
            todo="Rename the folder.",
        )
    return uri or sqlite_address(paths.store(root))


def sqlite_file(uri: str) -> Path | None:
    """The file behind the address, if it is a SQLite file."""
    path = uri.removeprefix("sqlite:///").partition("?")[0]
    # not `Path.resolve`, which raises for a link to itself
    return Path(os.path.realpath(path)) if uri.startswith("sqlite:///") and path else None


def hide_password(uri: str) -> str:
    """The same address, or text with one in it, with `***` for a password."""
    hidden = re.sub(r"(://[^:/?#\s]*):\S*@", r"\1:***@", uri)
    return re.sub(r"(?i)([?&](?:password|passwd|pwd|token)=)[^&#\s]*", r"\1***", hidden)


def sqlite_address(file: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{file}"


def where_to_look(root: Path) -> str:
    """How a person sees the runs: with `make ui`, or on the server that has them."""
    uri = address(root)
    return hide_password(uri) if uri.startswith(REMOTE) else "make ui"


def check_answers(uri: str) -> None:
    """Return if the store can be spoken to; within 8 s, where nobody answers.

    MLflow would try for minutes, without a word.

    Raises:
        UserError: nothing here speaks with such a database.
        SqueezelabError: nobody answers.
    """
    scheme = urlsplit(uri).scheme.partition("+")[0]
    if uri.startswith(REMOTE):
        _check(uri, lambda: _ask_server(uri))
    elif scheme in PORTS or scheme == "postgres":
        _check_driver(uri)
        parts = urlsplit(uri)
        _check(uri, lambda: _knock(parts, PORTS[scheme]))


def _check_driver(uri: str) -> None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    given = f"MLFLOW_TRACKING_URI: {hide_password(uri)}."
    try:
        make_url(uri).get_dialect().import_dbapi()
    except ModuleNotFoundError as error:
        package = PACKAGES.get(error.name or "", error.name)
        raise UserError(
            f"The store lies in a database that needs the package {package}, which is not "
            f"installed.",
            given=given,
            todo=f"Install it: {sys.executable} -m pip install {package}.",
        ) from error
    except (NoSuchModuleError, ArgumentError) as error:
        raise UserError(
            "The address of the store is none that is known.", given=given, todo=f"Write {FORMS}."
        ) from error


def _check(uri: str, ask: Callable[[], None]) -> None:
    """Ask in a thread of its own: a name that is looked up has no time limit."""
    outcome: list[str] = []
    asking = threading.Thread(target=lambda: outcome.append(_why_not(ask)), daemon=True)
    asking.start()
    ends = time.monotonic() + ANSWER_SECONDS
    while asking.is_alive() and time.monotonic() < ends:
        interrupt.check()
        asking.join(LOOK_SECONDS)
    why = outcome[0] if outcome else f"no answer within {ANSWER_SECONDS:g} s"
    if why:
        raise SqueezelabError(
            f"The store does not answer: {why}.",
            given=f"MLFLOW_TRACKING_URI: {hide_password(uri)}.",
            todo="Start it, or mend the address. For runs in this folder: unset "
            "MLFLOW_TRACKING_URI.",
        )


def _why_not(ask: Callable[[], None]) -> str:
    """Why nobody answers; empty if somebody does."""
    try:
        ask()
    except OSError as error:
        reason = getattr(error, "reason", error)  # of what urllib wraps
        return hide_password(str(reason)) or type(reason).__name__
    return ""


def _ask_server(uri: str) -> None:
    """Whatever a server says, it is there; a proxy may say that it is not."""
    parts = urlsplit(uri)
    # without the name and the password, which urllib takes for a part of the host
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}/health"
    try:
        # no other scheme comes here, and proxies are those of the environment
        with urllib.request.urlopen(bare, timeout=ANSWER_SECONDS):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        if error.code in GATEWAY:
            raise
    except urllib.error.URLError as error:
        # certificates are MLflow's matter, which has settings of its own for them
        if "certificate" not in str(error.reason).lower():
            raise


def _knock(parts: SplitResult, port: int) -> None:
    # without a host it is a socket in a folder, or what the driver's own settings say
    if parts.hostname:
        with create_connection((parts.hostname, parts.port or port), timeout=ANSWER_SECONDS):
            return
