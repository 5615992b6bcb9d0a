"""Commands as processes of their own, forked from one that has loaded the command line already.

    Commands(environment).run(["list"], folder, environment, stdout=path, stderr=path)

A command of a fresh interpreter takes a second or two to import what all of them import. One that
is forked begins where those imports end: in its own folder, with its own environment and files, and
alone. TensorFlow is not among the imports, so a command that trains loads it as any other does.

As a program this module is the process that forks: a request a line, an exit code a line.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

# what the commands load, but for TensorFlow and what keeps its files in the home folder
LOADED = (
    "framework.cli", "framework.planning.plan", "framework.tracking.store",
    "mlflow.tracking.client", "mlflow.store.tracking.sqlalchemy_store", "pandas",
)  # fmt: skip


class Commands:
    """The process that forks.

    Args:
        environment: what it starts with; each command has one of its own.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.close)

    def close(self) -> None:
        """End the process, which has no command left to fork for."""
        self._process.communicate()

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        stdout: Path,
        stderr: Path,
    ) -> int:
        """The exit code of one command; below 0 it is the signal that ended it."""
        request = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "streams": [os.devnull, str(stdout), str(stderr)],
        }
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        print(json.dumps(request), file=requests, flush=True)
        return int(answers.readline())


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Fork for each request; return in a process that is to run one, or exit after the last."""
    before = dict(os.environ)
    for name in LOADED:
        importlib.import_module(name)
    # the packages name settings of their own when they are imported
    made = {name: value for name, value in os.environ.items() if name not in before}
    gc.freeze()  # a collection would write to every page, and so copy it
    for line in requests:
        with warnings.catch_warnings():
            # later versions of Python warn of any thread; the one here is jemalloc's, of pyarrow,
            # which is made anew in what is forked
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            become(json.loads(line), made)
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)
    sys.exit(0)


def become(request: Mapping[str, Any], made: Mapping[str, str]) -> None:
    """What `python -m framework` would have: folder, environment, streams, arguments and path."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update({**made, **request["environment"]})
    for number, path in enumerate(request["streams"]):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8")  # noqa: PTH123, SIM115 - for the process's life
        for number, mode in enumerate("rww")
    )
    sys.argv = ["squeezelab", *request["arguments"]]
    sys.path[0] = request["folder"]


def main() -> NoReturn:
    """As the process that forks, and then as the command."""
    sys.path.insert(1, str(Path(__file__).parents[1]))
    serve(sys.stdin, sys.stdout)
    from framework.__main__ import main as command

    command()


if __name__ == "__main__":
    main()
