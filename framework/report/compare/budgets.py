"""What each configuration spent: epochs by step, seconds, and where these differ by too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean, median
from typing import TYPE_CHECKING

from framework.errors import SqueezelabError
from framework.planning.resolve import budget
from framework.report.compare.methods import setting_text
from framework.report.frame import object_frame

if TYPE_CHECKING:
    import pandas as pd

    from framework.contracts import Catalog
    from framework.report.compare.configurations import Configuration, Net
    from framework.report.compare.tables import Side

UNEQUAL = 0.10  # of the median over the net's methods
MARK = "other budget"


def epochs_of(one: Configuration, catalog: Catalog) -> list[int] | None:
    """Epochs of the dense net and of each step; None where a strategy is not known here."""
    epochs = [one.spec.train.epochs]
    try:
        for step in one.spec.compress:
            epochs.append(budget(replace(one.spec, compress=(step,)), catalog))  # noqa: PERF401
    # the store may be of a project whose plug-ins are elsewhere
    except SqueezelabError:
        return None
    return epochs


def epochs_text(epochs: Sequence[int] | None) -> str:
    """`30 + 4`, the dense net's first."""
    return "" if epochs is None else " + ".join(map(str, epochs))


def fit_seconds(one: Configuration) -> float | None:
    """Seconds in training, mean over the seeds; of a compressed net without its dense one."""
    seconds = list(one.values("fit_seconds").values())
    return mean(seconds) if seconds else None


def unequal(spent: Mapping[str, float]) -> set[str]:
    """Those that spent more than 10 % more or less than the median of all.

    Args:
        spent: digest of a configuration -> epochs or seconds beyond the dense net.
    """
    if not spent:
        return set()
    usual = median(spent.values())
    return {name for name, value in spent.items() if abs(value - usual) > UNEQUAL * usual}


def other_epochs(net: Net, catalog: Catalog) -> set[str]:
    """The digests of configurations whose steps were given other epochs than most."""
    spent = {}
    for one in net.compressed:
        epochs = epochs_of(one, catalog)
        if epochs is not None:
            spent[one.digest] = float(sum(epochs[1:]))
    return unequal(spent)


def other_seconds(net: Net) -> set[str]:
    """The digests of configurations whose steps took other seconds than most."""
    spent = {}
    for one in net.compressed:
        seconds = fit_seconds(one)
        if seconds is not None:
            spent[one.digest] = seconds
    return unequal(spent)


def budgets_frame(sides: Sequence[Side]) -> pd.DataFrame:
    """Epochs and seconds of each configuration; seconds depend on the machine.

    Returns:
        (configurations, columns), dtype object; gaps are None.
    """
    columns = ["net", "method", "setting", "epochs_spent", "dense_fit_seconds", "fit_seconds"]
    columns += ["other_seconds"]
    rows = []
    for side in sides:
        marked = other_seconds(side.net)
        dense = fit_seconds(side.net.dense)
        for row in side.rows:
            cells = [side.net.name, row.method, setting_text(row.setting), row.epochs, dense]
            # what the steps took, which the dense net has none of
            cells.append(fit_seconds(row.one) if row.kind != "dense" else None)
            rows.append(dict(zip(columns, [*cells, row.one.digest in marked], strict=True)))
    return object_frame(rows, columns)
