"""Squeezelab: a research lab for compressing TensorFlow networks.

This page is all that a study file needs, and, for scripts and notebooks, `run` and `load`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from framework.study import AtLeast, AtMost, Choice, Float, Int, Study, Train, Use, use

if TYPE_CHECKING:
    from framework.notebook import Result

__all__ = [
    "AtLeast",
    "AtMost",
    "Choice",
    "Float",
    "Int",
    "Study",
    "Train",
    "Use",
    "load",
    "run",
    "use",
]
__version__ = version("squeezelab")


def run(
    study: Study | str,
    *,
    name: str = "",
    trials: int | None = None,
    fresh: bool = False,
    settings: Sequence[str] = (),
) -> Result:
    """Run a study from a script or a notebook, or resume it, as `make study` does.

    Args:
        study: a value, or the name of a file of `studies/`.
        name: of the experiment for a value, "notebook" by default; its runs are found again by name
            and digest.
        trials: how many in all, at least 1; as the study says by default.
        fresh: begin anew; the earlier trials stay in the store.
        settings: overrides, as `["dataset=mnist", "train.epochs=10"]`.

    Returns:
        The study with its front, table and figure.

    Raises:
        SqueezelabError: as `make study`; `framework.errors` has the tree.
    """
    from framework import notebook

    return notebook.run(study, name=name, trials=trials, fresh=fresh, settings=settings)


def load(name: str, *, settings: Sequence[str] = (), digest: str | None = None) -> Result:
    """A study from the store; nothing is run.

    Args:
        name: a file of `studies/`, or the name that `run` was given for a value.
        settings: the overrides that the file was run with.
        digest: of the study, or how it begins. By default that of the file as it is now; without a
            file, of the study that was run last under this name.

    Raises:
        UserError: the store holds no such study.
    """
    from framework import notebook

    return notebook.load(name, settings=settings, digest=digest)
