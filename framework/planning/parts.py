"""The plug-ins that the parts of a study or spec name, with their knobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.study.space import Choice, Float, Int

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from framework.contracts import Catalog, Dataset, Strategy
    from framework.study.spec import Spec, Use
    from framework.study.study import Study


def dataset_of(part: Study | Spec, catalog: Catalog, root: Path) -> Dataset:
    """The data set of a study or spec, with the files it names found from the project's folder."""
    return catalog.datasets.build(part.dataset.name, dict(part.dataset.knobs)).located(root)


def remarks_of(study: Study, catalog: Catalog, root: Path) -> dict[str, Sequence[str]]:
    """What people should know of the nets of a study: path in the study -> sentences, if any.

    Loads no TensorFlow.
    """
    remarks: dict[str, Sequence[str]] = {}
    for kind, path, part in study.parts():
        if kind == "architecture":
            fixed = {
                name: value
                for name, value in part.knobs.items()
                if not isinstance(value, (Choice, Float, Int))
            }
            remarks[path] = catalog.architectures.build(part.name, fixed).located(root).remarks()
    return remarks


def strategy_of(step: Use, catalog: Catalog) -> Strategy:
    """The strategy of one step of a fixed chain."""
    return catalog.strategies.build(step.name, dict(step.knobs))
