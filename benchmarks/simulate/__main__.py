"""Simulates trainings and holds intervals and verdicts to what they say, in about a minute.

    .venv/bin/python -m benchmarks.simulate          # make simulate

Writes docs/statistics.md. Ends with 1 where a figure is outside of what it is held to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.shared import parser_of
from benchmarks.simulate import coverage, decisions, membership, page
from benchmarks.simulate.outcomes import SIMULATIONS, Outcome, Size
from framework.system.paths import find_root


def main() -> None:
    """Simulate, print, write the page."""
    parser = parser_of(__doc__)
    parser.add_argument("--simulations", type=int, default=SIMULATIONS, help="of each case")
    size = Size(simulations=parser.parse_args().simulations)
    outcomes = list(simulated(size))
    print("\n\n".join(page.tables(outcomes)))
    (find_root(Path.cwd()) / page.PAGE).write_text(page.text(outcomes), "utf-8")
    broken = [one for one in outcomes if one.broken]
    held = sum(one.limits is not None for one in outcomes)
    print(f"\n{held - len(broken)} of {held} figures are within their limits; see {page.PAGE}.")
    sys.exit(1 if broken else 0)


def simulated(size: Size) -> Iterator[Outcome]:
    """All outcomes; the same for the same size."""
    for part in (coverage, decisions, membership):
        yield from part.outcomes(size)


if __name__ == "__main__":
    main()
