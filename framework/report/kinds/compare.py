"""Methods side by side: all configurations of any number of studies, over their seeds.

`compare.md`, `.csv`, `.tex` and `.html` hold only what the specs determine. What depends on the
machine is in `compare_budgets.csv` and `compare_provenance.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from framework.contracts import Catalog
from framework.errors import UserError
from framework.report.figures import save
from framework.report.frame import StudyRuns, object_frame
from framework.report.grid import grid_html, grid_latex, grid_markdown
from framework.report.kinds.budgets import budgets_frame
from framework.report.kinds.compare_figure import figure_of
from framework.report.kinds.compare_fronts import attainment_frame, fronts_of
from framework.report.kinds.compare_page import caption, page, sentences
from framework.report.kinds.compare_tables import Side, exact_frame, net_grid
from framework.report.kinds.configurations import ComparedStore, Remembering, nets_of, studies_of
from framework.report.kinds.methods import named
from framework.report.kinds.pairs import pairs_of
from framework.report.kinds.rows import rows_of
from framework.report.pareto import axes_of
from framework.report.tables import csv
from framework.results.record import MACHINE

DEFAULT_SIZE = "params_nonzero"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared.

    Args:
        studies: every generation of every digest of them.
        sides: a net each.
        over: the setting whose values are columns; empty for none.
    """

    studies: Sequence[StudyRuns]
    sides: Sequence[Side]
    catalog: Catalog
    over: str = ""

    @property
    def names(self) -> list[str]:
        """Of the studies, each once."""
        return list(dict.fromkeys(study.name for study in self.studies))

    def table(self) -> str:
        """For a terminal: each net with its configurations and the verdicts."""
        blocks = []
        for side in self.sides:
            grid = net_grid(side, self.catalog, brief=True)
            blocks.append("\n\n".join([side.net.name, grid_markdown(grid), *sentences(side)]))
        return "\n\n".join(blocks)

    def front(self) -> pd.DataFrame:
        """The rows that are on the front of their net, exact values."""
        frame = exact_frame(self.sides)
        return frame[frame["front"] == True].reset_index(drop=True)  # noqa: E712  (dtype object)


def compare(
    store: ComparedStore,
    names: Sequence[str],
    *,
    catalog: Catalog,
    digest: str | None = None,
    over: str = "",
) -> Comparison:
    """The studies of these names, from the store alone.

    Args:
        digest: of one study, where others of the same name are not meant.
        over: the setting whose values are columns, as `compress.0.sparsity`.

    Raises:
        UserError: the store holds no such study, or no run of them has ended.
    """
    store = Remembering(store)
    studies = studies_of(store, names, digest=digest, catalog=catalog)
    size = _size_of(studies)
    sides = []
    for net in nets_of(store, studies):
        # by what differs within this net: elsewhere the same knob may tell nothing
        names_of_net = named(net.compressed)
        sides.append(
            Side(
                net=net,
                names=names_of_net,
                rows=rows_of(net, names_of_net, size, catalog),
                pairs=pairs_of(net, names_of_net),
                size=size,
            )
        )
    if not sides:
        raise UserError(
            "There is nothing to compare: no run has ended.",
            given=f"Studies: {', '.join(names)}.",
            todo=f"Run one of them: make study NAME={names[0]}",
        )
    return Comparison(studies=studies, sides=sides, catalog=catalog, over=over)


def _size_of(studies: Sequence[StudyRuns]) -> str:
    """One for all of them, so that nets and methods have the same axis."""
    size = axes_of(studies[0]).size
    # a latency is of one machine, and its front would be other bytes on the next
    return DEFAULT_SIZE if size in MACHINE else size


def build(comparison: Comparison, out: Path) -> list[Path]:
    """Write the files into an existing folder.

    Returns:
        The paths written: tables, figure, data, provenance.
    """
    sides, catalog = comparison.sides, comparison.catalog
    fronts = {side.net.name: fronts_of(side) for side in sides}
    latex, html = [], []
    for number, side in enumerate(sides):
        grid = net_grid(side, catalog)
        label = "-".join([*comparison.names, str(number)])
        latex.append(grid_latex(grid, caption=caption(side), label=label))
        html.append(grid_html(grid, caption=caption(side)))
    texts = {
        "compare.md": page(comparison.studies, sides, fronts, catalog, comparison.over),
        "compare.csv": csv(exact_frame(sides)),
        "compare.tex": "\n".join(latex),
        "compare.html": "\n".join(html),
        "compare_verdicts.csv": csv(verdicts_frame(sides)),
        "compare_attained.csv": csv(attainment_frame(fronts)),
        "compare_budgets.csv": csv(budgets_frame(sides)),
        "compare_provenance.json": json.dumps(origins(sides), indent=2, sort_keys=True) + "\n",
    }
    for name, text in texts.items():
        # the same bytes on every system, where Windows would write CR and LF
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    return [*map(out.joinpath, texts), *save(figure_of(sides, catalog), out, "compare")]


def verdicts_frame(sides: Sequence[Side]) -> pd.DataFrame:
    """A row for each pair of methods, exact.

    Returns:
        (pairs, columns), dtype object; gaps are None.
    """
    columns = ["net", "first", "second", "verdict", "why", "difference", "low", "high"]
    columns += ["confidence", "settings", "seeds", "left_out", "pooled"]
    rows: list[Mapping[str, Any]] = []
    for side in sides:
        for pair in side.pairs:
            verdict = vars(pair.verdict) | {"verdict": pair.verdict.word}
            pooled = pair.difference.pooled if pair.difference is not None else None
            more = {"net": side.net.name, "difference": pair.mean, "pooled": pooled}
            rows.append(vars(pair) | verdict | more)
    return object_frame(rows, columns)


def origins(sides: Sequence[Side]) -> dict[str, Any]:
    """From each configuration to its runs: digest -> seed -> id, host, code revision."""
    answers: dict[str, Any] = {}
    for side in sides:
        for one in side.net.configurations:
            runs = {}
            for seed, run in one.runs.items():
                tags = {key: run.tags[key] for key in ("study", "host", "git") if key in run.tags}
                runs[str(seed)] = {"run_id": run.run_id} | tags
            answers[one.digest] = runs
    return answers
