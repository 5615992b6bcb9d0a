"""Where the report of the package was, for reports of a project's own that import it from here."""

from __future__ import annotations

from pathlib import Path

from framework.report.frame import StudyRuns


def build(runs: StudyRuns, out: Path) -> list[Path]:
    """As `framework.report.kinds.pareto.build`."""
    # the module loads all that a report needs
    from framework.report.kinds import pareto

    return pareto.build(runs, out)
