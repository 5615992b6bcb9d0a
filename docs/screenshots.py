"""Pictures of a study in the MLflow UI, for README and docs.

    make screenshots NAME=squeezenet_prune

Starts the UI on a free port and a headless Chromium or Chrome with a fresh profile, steers it over
its debugging pipe, waits until each page is drawn, and writes docs/images/ui_*.png. Nothing is
closed, hidden or pressed: this is what a person sees who opens it for the first time.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from docs.pictures.browser import SECONDS, Browser, browser_program, headless
from framework.cli.base import say, text_of
from framework.errors import SqueezelabError, UserError
from framework.system.paths import find_root
from framework.tracking.store import Store
from framework.tracking.ui.pages import EXPERIMENTS, addresses, front, run_page

SHARPNESS = 1.25
SETTLED_SECONDS = 1.5  # after a page is ready: its charts still move


@dataclass(frozen=True)
class Picture:
    """One page to be shown, as it is for somebody who opens it for the first time.

    Args:
        page: key of `_pages`.
        ready: JavaScript that is true once the page is drawn.
    """

    page: str
    ready: str
    height: int = 1000


ROWS = "document.querySelectorAll('[role=row]').length > 1"
RUNS = "document.querySelectorAll('.ag-center-cols-container [role=row]').length > 1"
POINTS = "document.querySelectorAll('.scatterlayer path.point').length > 1"
LINES = "document.querySelectorAll('.parcoords .axis-title').length > 0"
METRICS = "document.body.innerText.includes('size_tflite_bytes')"
PICTURES = {
    "ui_experiments.png": Picture("experiments", ROWS, height=700),
    "ui_experiment.png": Picture("runs", RUNS, height=1100),
    "ui_chart.png": Picture("chart", f"{RUNS} && {POINTS}", height=1300),
    "ui_compare.png": Picture("compare", LINES, height=1300),
    "ui_run.png": Picture("run", METRICS, height=1300),
    "ui_models.png": Picture("models", RUNS, height=900),
}


def main() -> None:
    """Make the pictures of the study named on the command line."""
    name = sys.argv[1] if len(sys.argv) > 1 else "squeezenet_prune"
    root = find_root(Path.cwd())
    pages = _pages(root, name)
    program = browser_program()
    images = root / "docs" / "images"
    with _server(root) as address, headless(program) as browser:
        for file, picture in PICTURES.items():
            (images / file).write_bytes(take(browser, f"{address}/{pages[picture.page]}", picture))
            say(f"Written: docs/images/{file}")


def take(browser: Browser, url: str, picture: Picture) -> bytes:
    """One page as PNG, once it is drawn."""
    session = browser.page(url, height=picture.height, sharpness=SHARPNESS)
    browser.wait(session, picture.ready)
    time.sleep(SETTLED_SECONDS)
    return browser.picture(session)


def _pages(root: Path, name: str) -> dict[str, str]:
    store = Store.open(root, create=False)
    if name not in store.studies():
        raise UserError(
            f"The store holds no study {name!r}.", todo=f"Run it first: make study NAME={name}"
        )
    pages = {"experiments": EXPERIMENTS, **addresses(store, name)}
    if best := front(store, name):
        pages["run"] = run_page(store, best[0])
    missing = sorted(set(map(attrgetter("page"), PICTURES.values())) - set(pages))
    if missing:
        raise UserError(
            f"The study {name} has nothing to show under: {', '.join(missing)}.",
            todo=f"Run it: make study NAME={name}",
        )
    return pages


@contextmanager
def _server(root: Path) -> Iterator[str]:
    """The MLflow UI on a free port, as `make ui` starts it; its address.

    It is stopped afterwards, with its workers.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]  # the system's choice; free again once the socket is closed
    command = [sys.executable, "-m", "framework", "ui", "--port", str(port)]
    process = subprocess.Popen(
        command,
        cwd=root,
        start_new_session=True,  # a group of its own: the signal below reaches its workers too
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  (our own server)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    raise SqueezelabError("The MLflow UI does not start.", todo="Try it by hand: make ui")


if __name__ == "__main__":
    try:
        main()
    except SqueezelabError as mistake:
        say(text_of(mistake))
        sys.exit(mistake.exit_code)
