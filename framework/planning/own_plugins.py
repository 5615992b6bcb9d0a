"""Plug-ins of a project: one file each in its folder `plugins/`, next to those of the package.

Their code is not under the package's version control, so every run carries the sha256 of the files
it used.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from framework.contracts.catalog import Catalog
from framework.errors import InvalidValue
from framework.system import paths
from framework.system.modules import module_at

if TYPE_CHECKING:
    from framework.results.record import Run
    from framework.study.study import Study

TAG = "plugin_files"
DIGITS = 16  # of a file's sha256


def catalog_of(root: Path, *, folder: Path | None = None) -> Catalog:
    """The plug-ins of the package, of installed distributions and of `root/plugins`.

    Args:
        folder: a snapshot of that folder, to be loaded in its place.

    Raises:
        InvalidValue: a file does not load, or files no plug-in under its own name.
        DuplicateName: the name is taken.
    """
    folder = folder or paths.plugins(root)
    files = paths.python_files(folder)
    if not files:
        return Catalog()
    # a copy of the registries: projects of one process do not see each other's plug-ins
    catalog = Catalog().extended()
    with catalog.filing():
        for file in files:
            module_at(file, _module_name(root, file), f"plugins/{file.name}")
    for file in files:
        if file.stem not in _files_in(folder, catalog):
            raise InvalidValue(
                f"plugins/{file.name} files no plug-in.",
                todo=f'Decorate its class: @strategy("{file.stem}", version=1), or @architecture, '
                f"@dataset, @metric.",
            )
    return catalog


def snapshot(root: Path) -> Path | None:
    """A copy of the project's plug-ins as they are now, in a folder named by its sha256.

    A process that is started later in a study loads it, whatever has been edited since; None where
    there are no plug-ins.
    """
    files = paths.python_files(paths.plugins(root))
    if not files:
        return None
    contents = {file.name: file.read_bytes() for file in files}
    listed = [(name, hashlib.sha256(content).hexdigest()) for name, content in contents.items()]
    copy = paths.plugin_snapshots(root) / hashlib.sha256(repr(sorted(listed)).encode()).hexdigest()
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        # under another name first: half a copy would be taken for a whole one
        aside = Path(tempfile.mkdtemp(dir=copy.parent))
        for name, content in contents.items():
            (aside / name).write_bytes(content)
        with suppress(OSError):  # another study has made the same
            aside.rename(copy)
    return copy


def plugin_files(study: Study, catalog: Catalog, root: Path) -> dict[str, str]:
    """The tag that a run of the study carries: name=sha256 of every own plug-in it uses.

    None without one.
    """
    files = _own_files(catalog, root)
    used = set(catalog.metrics.names())
    for _, _, part in study.parts():
        used.add(part.name)
    digests = []
    for name in sorted(used & set(files)):
        digest = hashlib.sha256(files[name].read_bytes()).hexdigest()[:DIGITS]
        digests.append(f"{name}={digest}")
    return {TAG: " ".join(digests)} if digests else {}


def uses_own(study: Study, catalog: Catalog, root: Path) -> bool:
    """Whether data, a net or a strategy of the study lies in the project.

    Metrics do not count: every study measures all of them.
    """
    folder = paths.plugins(root).resolve()
    for kind, _, part in study.parts():
        # by kind: a plug-in of the package, of another kind, may have the same name
        file = catalog.of(kind).files().get(part.name)
        if file is not None and file.parent == folder:
            return True
    return False


def changed_code(runs: Iterable[Run], tags: Mapping[str, str]) -> list[str]:
    """A sentence for each own plug-in whose file is another than the one that earlier runs used.

    Args:
        runs: of the same study digest, so of the same versions.
        tags: of the runs to come.
    """
    before = [_digests(run.tags) for run in runs]
    warnings = []
    for name, digest in _digests(tags).items():
        # a run that did not use the plug-in tells nothing of its file
        others = sum(files.get(name, digest) != digest for files in before)
        if others:
            text = (
                f"WARNING: plugins/{name}.py has changed since {others} of these runs, under the "
                f"same version: "
                "if its numbers change, raise its version; these runs are then a study of their "
                "own."
            )
            warnings.append(text)
    return warnings


def _digests(tags: Mapping[str, str]) -> dict[str, str]:
    """Name of each own plug-in that a run used -> sha256 of its file, its first digits."""
    pairs = tags.get(TAG, "").split()
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _module_name(root: Path, file: Path) -> str:
    """Two projects may have files of one name in one process."""
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]
    return f"plugins_{place}.{file.stem}"


def _own_files(catalog: Catalog, root: Path) -> dict[str, Path]:
    """Name of each plug-in that lies in the project -> its file."""
    return _files_in(paths.plugins(root), catalog)


def _files_in(folder: Path, catalog: Catalog) -> dict[str, Path]:
    folder = folder.resolve()
    files: dict[str, Path] = {}
    for registry in catalog.registries():
        # only then together: a plug-in of the package, of another kind, may have the same name
        files |= {name: path for name, path in registry.files().items() if path.parent == folder}
    return files
