"""What whoever asks for a report may choose of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from framework.errors import InvalidValue
from framework.report.tables.fit import Layout, layout_of

BOTH = 2  # axes of a figure


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What is shown, and how wide.

    Args:
        layout: of the tables for a paper.
        axes: (horizontal, vertical), names of objectives or metrics; empty for the first two
            objectives of the study.
        over: the setting that a comparison has as columns, or that an ablation is of; empty for
            none, or for each that can be had.
        wide: figures are as wide as the page and not as a column of the text.
    """

    layout: Layout = field(default_factory=Layout)
    axes: Sequence[str] = ()
    over: str = ""
    wide: bool = False


def choices_of(*, columns: str = "", width: str = "", axes: str = "", over: str = "") -> Choices:
    """From words of the command line, separated by spaces or commas; empty for the defaults.

    Raises:
        InvalidValue: there is no such width, or not two axes.
    """
    names = axes.replace(",", " ").split()
    if names and len(names) != BOTH:
        raise InvalidValue(
            "A figure has two axes: what a net costs, and how good it is.",
            given=f"AXES={axes}.",
            todo='Give two names, as AXES="size_tflite_bytes val_accuracy".',
        )
    return Choices(layout=layout_of(columns, width), axes=names, over=over, wide=width == "page")
