"""The command that starts the MLflow UI."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from framework.errors import UserError
from framework.system import paths
from framework.tracking.address import REMOTE, address, hide_password, sqlite_file
from framework.tracking.database import require


def ui_command(root: Path, *, port: int) -> list[str]:
    """The command that starts the MLflow UI on this store, for this machine only, host checks on.

    Args:
        root: the folder that holds `mlflow.db`.
        port: 1 to 65535.

    Raises:
        UserError: there is no store yet, or a server shows its own.
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
    # Through the environment: the arguments of a process, a password among them, are open to
    # everyone on the machine.
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri
    # seven processes more, for language models
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    artifacts = ["--default-artifact-root", paths.artifacts(root).as_uri(), "--no-serve-artifacts"]
    return [sys.executable, "-m", "mlflow", "server", *where, *artifacts]
