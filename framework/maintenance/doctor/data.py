"""Data sets and what is cached."""

from __future__ import annotations

import os
from collections.abc import Iterator
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


def tfds_folder() -> Finding:
    """The folder of prepared data sets that the user names, which is only read."""
    given = os.environ.get("TFDS_DATA_DIR", "")
    if not given:
        return Finding("ok", "TFDS_DATA_DIR", "not set")
    if Path(given).expanduser().is_dir():
        return Finding("ok", "TFDS_DATA_DIR", given)
    return Finding(
        "WRONG",
        "TFDS_DATA_DIR",
        f"{given} is no folder; name one with prepared data sets, or unset it",
    )


def data_sets(root: Path, catalog: Catalog) -> Iterator[Finding]:
    """Where each one is; all at once, because some ask the network."""
    names = catalog.datasets.names()
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        yield from pool.map(lambda name: _data_set(root, name, catalog), names)


def cache(root: Path) -> Iterator[Finding]:
    """Verified as those who read it do."""
    for what, damaged in (
        ("cached data", damaged_entries(root)),
        ("cached baselines", damaged_baselines(root)),
    ):
        if damaged:
            text = (
                f"damaged: {', '.join(damaged)}; put aside and made again at the next use, or "
                f"delete it now"
            )
            yield Finding("WRONG", what, text)
        else:
            yield Finding("ok", what, "every entry has its sha256")
    left = leftovers(root)
    if left:
        size = size_text(sum(map(size_bytes, left)))
        named = ", ".join(str(path.relative_to(root)) for path in left)
        text = (
            f"{size} that nobody reads, of killed processes or put aside as damaged: {named}. "
            f"May be deleted"
        )
        yield Finding("hint", "left over", text)
    else:
        yield Finding("ok", "left over", "nothing")


def sizes(root: Path) -> Iterator[Finding]:
    """What the project takes on disk."""
    cache, artifacts = (
        size_text(size_bytes(folder)) for folder in (paths.cache(root), paths.artifacts(root))
    )
    yield Finding("ok", paths.CACHE, f"{cache}; to see or delete it: make clean-cache")
    yield Finding("ok", paths.ARTIFACTS, f"{artifacts}; of one study: make forget NAME=...")


def _data_set(root: Path, name: str, catalog: Catalog) -> Finding:
    plugin = catalog.datasets.build(name, {})
    try:
        plugin.check_available(root)
        return Finding("ok", f"data set {name}", plugin.state(root))
    except UserError as error:
        return Finding("hint", f"data set {name}", f"not here. {error.todo or error.what}")
