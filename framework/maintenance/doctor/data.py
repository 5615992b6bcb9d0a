"""Data sets and what is cached."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from framework.contracts import Catalog
from framework.datasets._sources.cache import damaged_entries
from framework.errors import UserError
from framework.maintenance.cache import leftovers
from framework.maintenance.doctor.finding import Finding
from framework.runner.baseline import damaged_baselines
from framework.system import paths
from framework.system.disk import size_bytes, size_text
from framework.system.refusal import explained


def tfds_folder() -> Finding:
    """The folder of prepared data sets that the user names, which is only read."""
    folder = os.environ.get("TFDS_DATA_DIR", "")
    if not folder:
        return Finding("ok", "TFDS_DATA_DIR", "not set")
    if paths.at_home(folder).is_dir():
        return Finding("ok", "TFDS_DATA_DIR", folder)
    return Finding(
        "WRONG",
        "TFDS_DATA_DIR",
        f"{folder} is no folder; name one with prepared data sets, or unset it",
    )


def data_sets(root: Path, catalog: Catalog) -> Iterator[Finding]:
    """Where each one is; all at once, because some ask the network."""
    names = catalog.datasets.names()
    # a pool without workers is refused
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        yield from pool.map(lambda name: _data_set(root, name, catalog), names)


def cache(root: Path) -> Iterator[Finding]:
    """Entries verified as those who read them do, and what nobody reads."""
    damaged_data, damaged_nets = damaged_entries(root), damaged_baselines(root)
    yield _entries("cached data", damaged_data)
    yield _entries("cached baselines", damaged_nets)
    yield _leftovers(root)


def _entries(what: str, damaged: Sequence[str]) -> Finding:
    if not damaged:
        return Finding("ok", what, "every entry has its sha256")
    return Finding(
        "WRONG",
        what,
        f"damaged: {', '.join(damaged)}; put aside and made again at the next use, or "
        f"delete it now",
    )


def _leftovers(root: Path) -> Finding:
    left = leftovers(root)
    if not left:
        return Finding("ok", "left over", "nothing")
    size = size_text(sum(map(size_bytes, left)))
    names = ", ".join(str(path.relative_to(root)) for path in left)
    return Finding(
        "hint",
        "left over",
        f"{size} that nobody reads, of killed processes or put aside as damaged: {names}. "
        f"May be deleted",
    )


def sizes(root: Path) -> Iterator[Finding]:
    """What the project takes on disk."""
    cache = size_text(size_bytes(paths.cache(root)))
    artifacts = size_text(size_bytes(paths.artifacts(root)))
    yield Finding("ok", paths.CACHE, f"{cache}; to see or delete it: make clean-cache")
    yield Finding("ok", paths.ARTIFACTS, f"{artifacts}; of one study: make forget NAME=...")


def _data_set(root: Path, name: str, catalog: Catalog) -> Finding:
    plugin = catalog.datasets.build(name, {})
    try:
        plugin.check_available(root)
        return Finding("ok", f"data set {name}", plugin.state(root))
    except OSError as error:
        refused = explained(error)
        text = " ".join([refused.what, refused.given, refused.todo])
        return Finding("WRONG", f"data set {name}", text)
    # no more than a hint: studies of other data sets run without it
    except UserError as error:
        return Finding("hint", f"data set {name}", f"not here. {error.todo or error.what}")
