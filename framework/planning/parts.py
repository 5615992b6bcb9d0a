"""The plug-ins that the parts of a study or spec name, with their knobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from framework.contracts import Catalog, Dataset, Strategy
    from framework.study.spec import Spec, Use
    from framework.study.study import Study


def dataset_of(part: Study | Spec, catalog: Catalog, root: Path) -> Dataset:
    """The data set of a study or spec, with the files it names found from the project's folder."""
    return catalog.datasets.build(part.dataset.name, dict(part.dataset.knobs)).located(root)


def strategy_of(step: Use, catalog: Catalog) -> Strategy:
    """The strategy of one step of a fixed chain."""
    return catalog.strategies.build(step.name, dict(step.knobs))
