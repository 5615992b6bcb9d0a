"""The report that the package brings.

Quality against size, the Pareto front beside its baseline and control.

This file only chooses. One of your own has a function `build(runs, out)` (`make new KIND=report
NAME=...`), and may call what `framework.report` has: its tables, figures and pages.
"""

from framework.report.kinds.pareto import build

__all__ = ["build"]
