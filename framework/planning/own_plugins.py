"""Plug-ins of a project: one file each in its folder `plugins/`, filed beside those of the package.

Their code is not under the package's version control, so every run carries the sha256 of the files
it used.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path

from framework.contracts import Catalog
from framework.errors import InvalidValue, SqueezelabError
from framework.results.record import Run
from framework.study import Study
from framework.system import paths

TAG = "plugin_files"
DIGITS = 16  # of a file's sha256


def catalog_of(root: Path) -> Catalog:
    """The plug-ins of the package, of installed distributions and of `root/plugins`.

    Raises:
        InvalidValue: a file does not load, or files no plug-in under its own name.
        DuplicateName: the name is taken.
    """
    files = sorted(paths.plugins(root).glob("[!_]*.py"))
    if not files:
        return Catalog()
    catalog = Catalog().extended()
    with catalog.filing():
        for file in files:
            _load(file, _module_name(root, file))
    for file in files:
        if file.stem not in _own_names(catalog, root):
            raise InvalidValue(
                f"plugins/{file.name} files no plug-in.",
                todo=f'Decorate its class: @strategy("{file.stem}", version=1), or @architecture, '
                f"@dataset, @metric.",
            )
    return catalog


def plugin_files(study: Study, catalog: Catalog, root: Path) -> dict[str, str]:
    """The tag that a run of the study carries: name=sha256 of every own plug-in it uses.

    None without one.
    """
    own = _own_names(catalog, root)
    used = {part.name for _, _, part in study.parts()} | set(catalog.metrics.names())
    digests = {
        name: hashlib.sha256(own[name].read_bytes()).hexdigest()[:DIGITS]
        for name in sorted(used & set(own))
    }
    return (
        {TAG: " ".join(f"{name}={digest}" for name, digest in digests.items())} if digests else {}
    )


def changed_code(runs: Iterable[Run], tags: Mapping[str, str]) -> list[str]:
    """A sentence for each own plug-in whose file is another than the one that earlier runs used.

    Args:
        runs: of the same study digest, so of the same versions.
        tags: of the runs to come.
    """
    now, lines = _read(tags.get(TAG, "")), []
    before = [_read(run.tags.get(TAG, "")) for run in runs]
    for name, digest in now.items():
        others = sum(name in files and files[name] != digest for files in before)
        if others:
            lines.append(
                f"WARNING: plugins/{name}.py has changed since {others} of these runs, under the "
                f"same version: "
                "if its numbers change, raise its version; these runs are then a study of their "
                "own."
            )
    return lines


def _read(tag: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in tag.split() if "=" in pair)


def _module_name(root: Path, file: Path) -> str:
    """Two projects may have files of one name in one process."""
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]
    return f"plugins_{place}.{file.stem}"


def _own_names(catalog: Catalog, root: Path) -> dict[str, Path]:
    """Name of each plug-in that lies in the project -> its file."""
    folder = paths.plugins(root).resolve()
    files = {
        name: path for registry in catalog.registries() for name, path in registry.files().items()
    }
    return {name: path for name, path in files.items() if path.parent == folder}


def _load(file: Path, name: str) -> None:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InvalidValue("This plug-in does not load.", given=f"Given: {file}.")
    # dataclasses look their module up there
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SqueezelabError as error:
        error.add_note(f"In plugins/{file.name}.")
        raise
    except Exception as error:
        raise InvalidValue(
            f"plugins/{file.name} does not load.",
            given=f"{type(error).__name__}: {error}{_line(error, file)}",
        ) from error


def _line(error: Exception, file: Path) -> str:
    """Where in the file, as ` (line 3)`."""
    if isinstance(error, SyntaxError):
        return ""  # its own text has the line
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(file)
    ]
    return f" (line {lines[-1]})" if lines else ""
