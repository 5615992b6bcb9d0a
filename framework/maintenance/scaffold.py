"""New files for a user to edit, made from templates that are working files themselves."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from framework.contracts import Catalog
from framework.errors import DuplicateName, InvalidValue, UnknownName
from framework.planning.project import study_names
from framework.system import paths
from framework.system.commands import as_typed

TEMPLATES = Path(__file__).parent / "templates"
PLUGINS = ("dataset", "architecture", "strategy", "metric")
KINDS = ("study", "strategy", "architecture", "dataset", "metric", "report")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Made:
    """A file that was written.

    Args:
        tries: commands that try it, in order.
    """

    path: Path
    tries: tuple[str, ...]


def make(root: Path, kind: str, name: str, *, catalog: Catalog) -> Made:
    """Write a commented file that works as it stands.

    Args:
        kind: one of `KINDS`.
        name: lower-case letters, digits and underscores, at most 40; not taken by anything that is
            called by name.

    Raises:
        UnknownName: there is no such kind.
        InvalidValue: the name cannot be one.
        DuplicateName: something is called so already.
    """
    if kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    _check_name(name)
    path = _folder(root, kind) / f"{name}.py"
    taken = _taken(root, kind, catalog)
    if path.exists() or name in taken:
        raise DuplicateName(
            f"The name {name!r} is taken.",
            given=f"By: {taken.get(name, path)}.",
            todo="Choose another one: commands and studies find things by their name alone.",
        )
    # templates are working files themselves, so their placeholders are names that Python accepts
    template = (TEMPLATES / f"{kind}.py").read_text("utf-8")
    text = template.replace("new_name", name).replace("NewName", _class_name(name))
    text = as_typed(text, root)
    path.parent.mkdir(parents=True, exist_ok=True)
    # "x" refuses to write over a file that somebody has made since the check above
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            path.unlink()  # half a file would be a broken plug-in
            raise
    return Made(path, _tries(kind, name))


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise InvalidValue(
            "This cannot be a name.",
            given=f"Given: {name!r}{', a word of Python' if keyword.iskeyword(name) else ''}.",
            todo="It begins with a lower-case letter and has letters, digits and underscores, at "
            "most 40: my_net_2.",
        )


def _folder(root: Path, kind: str) -> Path:
    places = {"study": paths.studies, "report": paths.reports}
    return places.get(kind, paths.plugins)(root)


def _taken(root: Path, kind: str, catalog: Catalog) -> Mapping[str, str]:
    """Names and what has them.

    Reports are asked for among reports; all else is asked for by its name alone.
    """
    if kind == "report":
        return {}
    taken = {name: f"studies/{name}.py" for name in study_names(root)}
    for plugin_kind in PLUGINS:
        for name in catalog.of(plugin_kind).names():
            taken[name] = f"the {plugin_kind} {name}"
    return taken


def _class_name(name: str) -> str:
    return "".join(map(str.capitalize, name.split("_")))


def _tries(kind: str, name: str) -> tuple[str, ...]:
    if kind == "study":
        return (f"make check NAME={name}", f"make study NAME={name}")
    if kind == "report":
        return (f"make report NAME=squeezenet_prune KIND={name}",)
    # what puts the plug-in into a shipped study; a metric is in every one by itself
    override = {
        "strategy": f' SET="compress={name} compress.0.sparsity=Float(0.5,0.95)"',
        "architecture": f' SET="architecture={name}"',
        "dataset": f' SET="dataset={name}"',
    }.get(kind, "")
    return (
        f"make {'data' if kind == 'dataset' else 'show'} NAME={name}",
        f".venv/bin/python -m pytest --pyargs framework.testing.test_plugins -k {name}",
        f"make study NAME=lenet5_prune{override}",
    )
