"""What each word and each column of a report means, on one page that all others lead to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from framework.contracts import Catalog
from framework.report.tables.text import markdown_text
from framework.results.quantities import quantities

ROWS = {
    "baseline": "the dense net, as it was trained before any compression",
    "control": "the identity strategy: the same fine-tuning without compression. What it loses or "
    "gains is the fine-tuning's",
    "trial": "one configuration; in the table of the front those that no other trial beats, of the "
    "finished ones that meet the constraints, largest first",
    "ruined": "on the front, but more than 10 points of accuracy (or 0.1 of R2, 10 points of the "
    "variance) below the control: counted in a line, and listed in pareto.csv alone",
    "dominated": "another trial is at least as good in every objective, and better in one",
    "setting": "the knobs that vary in the study, with the values of the row; all others stand in "
    "setup.md, which make report KIND=setup writes",
}
NUMBERS = {
    "n": "seeds under which a configuration was trained; of one there is no ±",
    "±": "the sample standard deviation over the seeds, of the exported file on the validation "
    "split; it is not over images, and no interval. Intervals are in compare.csv",
    "ratio": "baseline / row, each on the same line of the size ledger; above 1 is smaller than "
    "the baseline",
    "validation split": "what the search saw, so that its best numbers are optimistic: the "
    "headline of a paper is the test split, which make confirm looks at",
    "speed": "nothing in the tables of the front is a measured speed: that is in speed.md, apart, "
    "because it depends on the machine",
    "bold": "the best of a column; of a comparison the best of a setting, or of the net where "
    "methods share no setting",
}
COMPARED = {
    "≈": "equal to the bold one in practice, which describes one setting and is no verdict on the "
    "methods",
    "against control": "the control's quality minus the row's; below 0 is a gain",
    "front": "of the means; a configuration of which a seed failed is on none",
    "below resolution": "the standard deviation is below two samples of the split, so there is no "
    "interval and no verdict",
    "seeds disagree": "some have collapsed, so there is no interval and no verdict",
    "epochs spent": "those of the dense net and of each step",
    "other budget": "more than 10 % off the median of the net's methods; seconds are in "
    "compare_budgets.csv",
    "hypervolume": "what the front dominates, in octaves of the size below the dense net's times "
    "quality above chance; readings lie between two measured points, or are not reached; at least: "
    "all that was measured is better than asked",
    "test": "stands where make confirm has trained a configuration anew under seeds of its own; "
    "what it lost from validation is told by confirm.md, not by two columns of different seeds",
    "verdict": "on two methods, of all pairs on one net together (Holm), at a level that allows to "
    "add seeds and to ask again; docs/statistics.md says what each means and how often it is right",
}
FILES = {
    "pareto.csv, trials.csv": "the front, and every trial, with exact numbers; accuracies as "
    "shares of 1",
    "provenance.json": "the run behind each row",
    "timing.csv, speed.md": "what depends on the machine: seconds and latencies",
}


def glossary(catalog: Catalog) -> str:
    """The page, in Markdown; columns of metrics of the user's own are on it."""
    columns: dict[str, str] = {}
    for stated in quantities(catalog).values():
        if stated.doc:
            # the first of two that are called alike is the one that tables show
            columns.setdefault(stated.title, stated.doc)
    sections = {
        "Rows": ROWS,
        "Numbers": NUMBERS,
        "Columns": columns,
        "Methods side by side": COMPARED,
        "Files": FILES,
    }
    blocks = ["# What the words and columns of a report mean"]
    for title, meanings in sections.items():
        blocks += [f"## {title}", "\n".join(_lines(meanings))]
    return "\n\n".join(blocks) + "\n"


def _lines(meanings: Mapping[str, str]) -> Iterable[str]:
    for word, meaning in meanings.items():
        yield f"- **{markdown_text(word)}**: {markdown_text(meaning)}."
