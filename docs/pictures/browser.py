"""A headless Chromium or Chrome, steered over its debugging pipe: for pictures and for tests."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from framework.errors import SqueezelabError, UserError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-pipe",
)  # fmt: skip
WIDTH_PIXELS = 1440
# what a page complains of
COMPLAINTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
SECONDS = 120.0  # until we give up waiting for a page


class Browser:
    """A headless browser, spoken to over the pipe that `--remote-debugging-pipe` opens.

    Attributes:
        events: what it told of its pages, as it came.
    """

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
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def page(
        self,
        url: str,
        *,
        height: int,
        width: int = WIDTH_PIXELS,
        sharpness: float = 1.0,
        dark: bool = False,
    ) -> str:
        """Open a page; the id of its session.

        Args:
            width, height: of the window, in pixels of CSS.
            sharpness: pixels of a picture for each of these.
            dark: what the page is told that its reader prefers.
        """
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        # flat: what is said to the page goes through the same pipe, with the session's id
        session = str(
            self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        )
        self.resize(session, width=width, height=height, sharpness=sharpness)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", session, features=[scheme])
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable", session)
        self.call("Page.navigate", session, url=url)
        return session

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """Errors, warnings and words on the console of its pages."""
        return [event for event in self.events if event.get("method") in COMPLAINTS]

    def resize(self, session: str, *, width: int, height: int, sharpness: float = 1.0) -> None:
        """Give a page another window; arguments as of `page`."""
        size = {"width": width, "height": height, "deviceScaleFactor": sharpness, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", session, **size)

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
            self.events.append(answer)
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


def browser_program() -> str:
    """The path of an installed one.

    Raises:
        UserError: there is none.
    """
    for name in BROWSERS:
        if program := shutil.which(name):
            return program
    raise UserError(
        "There is no Chromium or Chrome to take pictures with.",
        given=f"Looked for: {', '.join(BROWSERS)}.",
        todo="Debian, Ubuntu: apt install chromium    macOS: brew install chromium",
    )


@contextmanager
def headless(program: str) -> Iterator[Browser]:
    """A browser with a fresh profile, ended afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            yield browser
        finally:
            browser.close()
