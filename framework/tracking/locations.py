"""Where the artifacts of runs lie, also after the project's folder was moved.

MLflow writes absolute artifact paths into the SQLite file. They follow a moved folder by one rule,
`place`: what is stored as `<old root>/.artifacts/<study>/<run>/...` lies in
`<root>/.artifacts/<study>/<run>/...`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from framework.system import paths


def place(location: str | None, root: Path) -> Path | None:
    """The folder of a run's artifacts on this machine, wherever the project has been moved to.

    Args:
        location: as MLflow stored it, a path or an address.
        root: the present root, absolute.

    Returns:
        None if the artifacts lie with a server.
    """
    # of many runs nearly all lie here, and to take an address apart takes its time
    here = _address(root)
    if location and location.startswith(here) and "%" not in location.removeprefix(here):
        return paths.artifacts(root) / location.removeprefix(here)
    stored, home = local(location), home_of(location, root)
    if stored is None or home is None:
        return stored
    old_artifacts = _artifacts_folder(stored)
    left_behind = old_artifacts is not None and old_artifacts.is_dir() and not home.exists()
    return stored if left_behind else home


def earlier_root(location: str | None, root: Path) -> Path | None:
    """The project's folder under which MLflow stored this location, if it is not `root`."""
    stored = local(location)
    artifacts = None if stored is None else _artifacts_folder(stored)
    return None if artifacts is None or artifacts.parent == root else artifacts.parent


def home_of(location: str | None, root: Path) -> Path | None:
    """The same location under the present root; None for what was never under a root.

    Args:
        location: as MLflow stored it.
        root: the present root, absolute.
    """
    stored = local(location)
    artifacts = None if stored is None else _artifacts_folder(stored)
    if stored is None or artifacts is None:
        return None
    return paths.artifacts(root) / stored.relative_to(artifacts)


def follows(stored: Path | None, home: Path) -> bool:
    """Whether a run's files came along.

    Those left behind where only the SQLite file was copied are read there.
    """
    return stored is not None and stored != home and (home.exists() or not stored.exists())


def local(location: str | None) -> Path | None:
    """The path that a location is, or that its `file:` address means; None for a server's."""
    parts = urlsplit(location or "")
    if parts.scheme == "file" and not parts.netloc:
        return Path(unquote(parts.path))
    return Path(location) if location and not parts.scheme else None


@lru_cache(maxsize=16)
def _address(root: Path) -> str:
    return f"{paths.artifacts(root).as_uri()}/"


def _artifacts_folder(stored: Path) -> Path | None:
    for folder in stored.parents:
        if folder.name == paths.ARTIFACTS:
            return folder
    return None
