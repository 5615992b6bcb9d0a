"""Squeezelab: a research lab for compressing TensorFlow networks.

This page is all that a study file needs, and, for scripts and notebooks, `run`, `load` and `data`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as that of `typing`, which takes longer to load than all of this file
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal

    from framework.notebook import OpenData, Result
    from framework.study import AtLeast, AtMost, Choice, Float, Int, Study, Train, Use, use

    __version__: str

__all__ = [
    "AtLeast",
    "AtMost",
    "Choice",
    "Float",
    "Int",
    "Study",
    "Train",
    "Use",
    "data",
    "load",
    "run",
    "use",
]


def __getattr__(name: str) -> Any:
    """The parts of a study, loaded when the first of them is asked for.

    The command line is a module of this package, so that all that is loaded here is loaded before
    the command's first line, which is to take an interrupt.
    """
    if name == "__version__":
        from importlib.metadata import version

        return version("squeezelab")
    if name in __all__:
        from framework import study

        return getattr(study, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What there is, whether it is loaded or not: for completion in notebooks."""
    return sorted([*globals(), *__all__, "__version__"])


def run(
    study: Study | str,
    *,
    name: str = "",
    trials: int | None = None,
    fresh: bool = False,
    settings: Sequence[str] = (),
    workers: int | Literal["auto"] = "auto",
) -> Result:
    """Run a study from a script or a notebook, or resume it, as `make study` does.

    Args:
        study: a value, or the name of a file of `studies/`.
        name: of the experiment for a value, "notebook" by default; its runs are found again by name
            and digest.
        trials: how many in all, at least 1; as the study says by default.
        fresh: begin anew; the earlier trials stay in the store.
        settings: overrides, as `["dataset=mnist", "train.epochs=10"]`.
        workers: how many processes run the trials side by side, with the same results; 0 for this
            one, "auto" for what is worth starting. A script needs no guard around this call.

    Returns:
        The study with its front, table and figure.

    Raises:
        SqueezelabError: as `make study`; `framework.errors` has the tree.
    """
    from framework import notebook

    options: dict[str, Any] = {"fresh": fresh, "settings": settings, "workers": workers}
    return notebook.run(study, name=name, trials=trials, **options)


def load(*names: str, settings: Sequence[str] = (), digest: str | None = None) -> Result:
    """Studies from the store; nothing is run.

    Args:
        names: a file of `studies/`, or the name that `run` was given for a value; of several the
            answer is a table, a front and a figure of all.
        settings: the overrides that the file was run with; of one study.
        digest: of the study, or how it begins; of one study. By default that of the file as it is
            now; without a file, of the study that was run last under this name.

    Raises:
        UserError: the store holds no such study.
    """
    from framework import notebook

    return notebook.load(*names, settings=settings, digest=digest)


def data(
    name: str, *, shapes: Mapping[str, tuple[int, ...]] | None = None, **knobs: Any
) -> OpenData:
    """The training, calibration and validation splits of a data set.

    Its test split is not among them: `make confirm` alone opens it.

    Args:
        name: as `make list` has it.
        shapes: input name -> shape of one sample, as a net asks for it: a picture is resized. As
            the data set has them by default.
        knobs: of the data set, as `column="price"` of a table.

    Raises:
        UserError: there is no such data set, its files are not there, or no such shape can be had.
    """
    from framework import notebook

    return notebook.data(name, shapes=shapes, **knobs)
