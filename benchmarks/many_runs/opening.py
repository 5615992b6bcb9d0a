"""How long a page takes to open from disk, in a headless Chromium with nothing cached.

    python -m benchmarks.many_runs.opening [--runs 1000]

Prints the size of the page, and of five openings the milliseconds from the start of the navigation
until all is drawn: median and largest.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.many_runs.make import NAME, make
from benchmarks.shared import parser_of
from docs.pictures.browser import browser_program, headless
from framework.report import run_report
from framework.tracking.store import Store

TIMES = 5
# the page marks the moment after its first frame with all that the scripts made
MARK = "performance.getEntriesByName('drawn')[0]?.startTime"


def main() -> None:
    """Make a study, write its page, open it."""
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, count)
        run_report(Store.open(root, create=False), NAME, root=root, out=root / "out")
        page = root / "out" / "report.html"
        took = [_opened(page) for _ in range(TIMES)]
        kilobytes = page.stat().st_size / 1000
    print(f"{count} trials, {kilobytes:.0f} kB, {TIMES} openings:", end=" ")
    print(f"median {median(took):.0f} ms, largest {max(took):.0f} ms")


def _opened(page: Path) -> float:
    """Milliseconds until the page is drawn, in a browser that was just started."""
    with headless(browser_program()) as browser:
        session = browser.page(page.as_uri(), height=900)
        browser.wait(session, MARK)
        return float(browser.evaluate(session, MARK))


if __name__ == "__main__":
    main()
