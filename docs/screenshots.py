"""Pictures of a study in the MLflow UI, for README and docs.

    make screenshots NAME=squeezenet_prune

Starts the UI on a free port and a headless Chromium or Chrome with a fresh profile, steers it over
its debugging pipe, waits until each page is drawn, and writes docs/images/ui_*.png. Nothing is
closed, hidden or pressed: this is what a person sees who opens it for the first time.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from framework.cli.base import say, text_of
from framework.errors import SqueezelabError, UserError
from framework.system.paths import find_root
from framework.tracking.store import Store
from framework.tracking.ui.pages import EXPERIMENTS, addresses, front, run_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-pipe",
)  # fmt: skip
WIDTH_PIXELS, SHARPNESS = 1440, 1.25
SECONDS = 120.0  # until we give up waiting for a page, or for the server
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


class Browser:
    """A headless browser, spoken to over the pipe that `--remote-debugging-pipe` opens."""

    def __init__(self, program: str, profile: str) -> None:
        read, self._to_browser = os.pipe()
        self._from_browser, write = os.pipe()
        # It reads its file descriptor 3 and writes its 4.
        pipes = f'exec "$@" 3</dev/fd/{read} 4>/dev/fd/{write}'
        command = [
            "sh",
            "-c",
            pipes,
            "sh",
            program,
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
        ]
        self._process = subprocess.Popen(command, pass_fds=(read, write), stderr=subprocess.DEVNULL)
        # these ends are the browser's now; while we held them too, its end would go unnoticed
        os.close(read)
        os.close(write)
        self._unread, self._count = b"", 0

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def page(self, url: str, *, height: int) -> str:
        """Open a page; the id of its session."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        # flat: what is said to the page goes through the same pipe, with the session's id
        session = str(
            self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        )
        size = {
            "width": WIDTH_PIXELS,
            "height": height,
            "deviceScaleFactor": SHARPNESS,
            "mobile": False,
        }
        self.call("Emulation.setDeviceMetricsOverride", session, **size)
        self.call("Page.enable", session)
        self.call("Page.navigate", session, url=url)
        return session

    def wait(self, session: str, condition: str) -> None:
        """Return once the JavaScript is true on the page."""
        deadline = time.monotonic() + SECONDS
        while not self.evaluate(session, condition):
            if time.monotonic() > deadline:
                raise SqueezelabError(
                    "The page was not ready in time.", given=f"Waited for: {condition}"
                )
            time.sleep(0.25)

    def evaluate(self, session: str, script: str) -> Any:
        """The value of a JavaScript expression on the page."""
        # by value: else the browser gives a handle to an object that stays in the page
        answer = self.call("Runtime.evaluate", session, expression=script, returnByValue=True)
        return answer["result"].get("value")

    def picture(self, session: str) -> bytes:
        """The page as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", session, format="png")["data"])

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Send one command and return its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params} | (
            {"sessionId": session} if session else {}
        )
        os.write(self._to_browser, json.dumps(message).encode() + b"\0")
        # events come in between, without an id
        while (answer := self._receive()).get("id") != self._count:
            pass
        if "error" in answer:
            raise SqueezelabError(
                "The browser refused a command.", given=f"{method}: {answer['error']}"
            )
        return dict(answer["result"])

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            if not select.select([self._from_browser], [], [], SECONDS)[0]:
                raise SqueezelabError("The browser does not answer.")
            piece = os.read(self._from_browser, 1 << 16)
            if not piece:  # the pipe is closed
                raise SqueezelabError("The browser ended by itself.")
            self._unread += piece
        # more than one message may have come
        text, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(text))


ROWS = "document.querySelectorAll('[role=row]').length > 1"
RUNS = "document.querySelectorAll('.ag-center-cols-container [role=row]').length > 1"
POINTS = "document.querySelectorAll('.scatterlayer path.point').length > 1"
LINES = "document.querySelectorAll('.parcoords .axis-title').length > 0"
METRICS = "document.body.innerText.includes('size_tflite_bytes')"
PICTURES = {
    "ui_experiments.png": Picture("experiments", ROWS, height=700),
    "ui_experiment.png": Picture("runs", RUNS, height=1100),
    "ui_chart.png": Picture("chart", f"{RUNS} && {POINTS}", height=900),
    "ui_compare.png": Picture("compare", LINES, height=1300),
    "ui_run.png": Picture("run", METRICS, height=1300),
    "ui_models.png": Picture("models", RUNS, height=900),
}


def main() -> None:
    """Make the pictures of the study named on the command line."""
    name = sys.argv[1] if len(sys.argv) > 1 else "squeezenet_prune"
    root = find_root(Path.cwd())
    pages = _pages(root, name)
    program = _browser()
    images = root / "docs" / "images"
    with _server(root) as address, _headless(program) as browser:
        for file, picture in PICTURES.items():
            (images / file).write_bytes(take(browser, f"{address}/{pages[picture.page]}", picture))
            say(f"Written: docs/images/{file}")


def take(browser: Browser, url: str, picture: Picture) -> bytes:
    """One page as PNG, once it is drawn."""
    session = browser.page(url, height=picture.height)
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


def _browser() -> str:
    for name in BROWSERS:
        if program := shutil.which(name):
            return program
    raise UserError(
        "There is no Chromium or Chrome to take pictures with.",
        given=f"Looked for: {', '.join(BROWSERS)}.",
        todo="Debian, Ubuntu: apt install chromium    macOS: brew install chromium",
    )


@contextmanager
def _headless(program: str) -> Iterator[Browser]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            yield browser
        finally:
            browser.close()


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
