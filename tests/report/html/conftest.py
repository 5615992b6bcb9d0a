"""Pages of three kinds, and a browser for them where one is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "kinds"))

from compared_runs import OVER, Written, compared, seeds, study_of
from many_trials import many_trials
from page_support import HOSTILE, written
from synthetic_runs import parent, study_of_thirty, trial

from docs.pictures.browser import Browser, browser_program, headless
from framework.errors import UserError


@pytest.fixture(scope="session")
def thirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of thirty trials: trial 7 failed, trial 29 breaks a constraint."""
    return written(study_of_thirty(), tmp_path_factory.mktemp("thirty"))


@pytest.fixture(scope="session")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(many_trials(1000), tmp_path_factory.mktemp("thousand"))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every text that comes from outside is one that would do harm."""
    runs = study_of_thirty()
    for at, text in enumerate(HOSTILE):
        run = runs[5 + at]
        tags = {**run.tags, "strategy": text, "architecture": text, "host": text, "git": text}
        params = {**run.params, f"compress.0.{text}": text, "compress.0": text}
        runs[5 + at] = replace(run, tags=tags, params=params)
        runs.append(trial(50 + at, status="FAILED", reason=text, strategy=text))
    head = {"question": " ".join(HOSTILE), "overrides": list(HOSTILE)}
    return written(runs, tmp_path_factory.mktemp("hostile"), **head)


@pytest.fixture(scope="session")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a study of which nothing has finished."""
    runs = [parent(), trial(0, status="FAILED", reason="diverged")]
    return written(runs, tmp_path_factory.mktemp("nothing"))


@pytest.fixture(scope="session")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two nets: two methods under three seeds, and one method under one."""
    root = tmp_path_factory.mktemp("comparison")
    seeds(Written(root), "prune", study_of(), 3)
    Written(root).study("other", study_of("lenet_300_100", methods=["magnitude_prune"]))
    compared(root, root / "out", "prune other", over=OVER)
    return root / "out" / "compare_report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        program = browser_program()
    except UserError as missing:
        pytest.skip(missing.what)
    with headless(program) as opened:
        yield opened


class Reader:
    """A page in the browser, without a network.

    Args:
        session: of the page.
    """

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser, self.session = browser, session

    def ask(self, script: str) -> object:
        """The value of a JavaScript expression."""
        return self.browser.evaluate(self.session, script)

    def all(self, selector: str, of: str = "textContent") -> list:
        """Of each element."""
        return self.ask(f"[...document.querySelectorAll({selector!r})].map((one) => one.{of})")

    def press(self, selector: str) -> None:
        self.ask(f"document.querySelector({selector!r}).click()")

    def key(self, name: str) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self._send("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def type(self, selector: str, text: str) -> None:
        """Into a field, as a person does."""
        self.ask(f"document.querySelector({selector!r}).value = ''")
        self.ask(f"document.querySelector({selector!r}).focus()")
        self._send("Input.insertText", text=text)

    def place(self, script: str) -> tuple[float, float]:
        """The middle of an element, scrolled into sight."""
        self.ask(f"({script}).scrollIntoView({{ block: 'center' }})")
        box = f"(({script}).getBoundingClientRect())"
        return self.ask(f"[{box}.x + {box}.width / 2, {box}.y + {box}.height / 2]")

    def mouse(self, kind: str, x: float, y: float) -> None:
        """`Moved`, `Pressed` or `Released`."""
        held = {"button": "left", "buttons": 1, "clickCount": 1} if kind != "Moved" else {}
        self._send("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **held)

    def click(self, x: float, y: float) -> None:
        for kind in ("Moved", "Pressed", "Released"):
            self.mouse(kind, x, y)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.mouse("Moved", *start)
        self.mouse("Pressed", *start)
        for share in (0.3, 0.6, 1.0):
            x, y = (a + share * (b - a) for a, b in zip(start, end, strict=True))
            held = {"button": "left", "buttons": 1}
            self._send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, **held)
        self.mouse("Released", *end)

    def _send(self, method: str, **params: object) -> None:
        self.browser.call(method, self.session, **params)


@pytest.fixture
def read(browser: Browser) -> Iterator[Callable[..., Reader]]:
    """Opens a page; at the end it must not have complained, nor asked for anything."""
    browser.events.clear()
    sessions = []

    def opened(path: Path, *, width: int = 1440, dark: bool = False) -> Reader:
        session = browser.page("about:blank", width=width, height=900, dark=dark)
        browser.call("Network.enable", session)
        off = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        browser.call("Network.emulateNetworkConditions", session, **off)
        browser.call("Page.navigate", session, url=path.as_uri())
        browser.wait(session, "document.documentElement.classList.contains('drawn')")
        sessions.append(session)
        return Reader(browser, session)

    yield opened
    for session in sessions:
        # what is still on its way comes before this answer
        browser.evaluate(session, "window.hit ?? 0")
    assert browser.complaints == []
    requests = [event for event in browser.events if event["method"] == "Network.requestWillBeSent"]
    assert {event["params"]["request"]["url"].partition(":")[0] for event in requests} <= {
        "file",
        "data",
        "about",
    }
