"""The command that starts the MLflow UI."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from framework.errors import UserError
from framework.system import paths
from framework.tracking.address import REMOTE, address, hide_password, sqlite_file
from framework.tracking.database import require

# Without the work at start and end, which is for sandboxes that this UI has none of, and whose end
# by Ctrl-C is told with a traceback; without a line for each picture that a browser asks for.
QUIET = "--lifespan off --no-access-log"
# of MLflow's own parts, about which nobody who looks at runs can do anything
NO_WARNING = "ignore:starlette.middleware.wsgi is deprecated"


def ui_command(root: Path, *, port: int) -> list[str]:
    """The command that starts the MLflow UI on this store, for this machine only, host checks on.

    Args:
        root: the folder that holds `mlflow.db`.
        port: 1 to 65535.

    Raises:
        UserError: there is no store yet, a server shows its own, or the port is in use.
    """
    root = root.resolve()
    uri = address(root)
    file = sqlite_file(uri)
    if file is not None:
        require(file)
    if uri.startswith(REMOTE):
        raise UserError(
            "The runs are on a server, which shows them itself.", todo=f"Open {hide_password(uri)}."
        )
    _require_free(port)
    # Through the environment: the arguments of a process, a password among them, are open to
    # everyone on the machine.
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri
    # seven processes more, for language models
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    os.environ["PYTHONWARNINGS"] = ",".join(
        filter(None, [os.environ.get("PYTHONWARNINGS"), NO_WARNING])
    )
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--uvicorn-opts", QUIET]
    artifacts = ["--default-artifact-root", paths.artifacts(root).as_uri(), "--no-serve-artifacts"]
    return [sys.executable, "-m", "mlflow", "server", *where, *artifacts]


def _require_free(port: int) -> None:
    """Before MLflow is loaded, which takes seconds and then ends with a log."""
    if refusal := _refusal(port):
        # the first that would do: the next one may be in use as well
        free = next(other for other in range(5000, 65536) if _refusal(other) is None)
        raise UserError(
            f"The UI cannot listen on port {port} of this machine.",
            given=f"{refusal}.",
            todo=f"Stop what listens there, or take another port: make ui PORT={free}",
        )


def _refusal(port: int) -> str | None:
    """Why nothing can listen on a port of 127.0.0.1; None where it can."""
    with socket.socket() as listener:
        # as the server does: a port that was closed a moment ago is free
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror or str(error)
    return None
