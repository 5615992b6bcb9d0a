"""Is all well here? One finding per check; nothing is changed, and TensorFlow is not loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from framework.contracts import Catalog
from framework.maintenance.doctor import data, machine, store
from framework.maintenance.doctor.finding import Finding, guarded

__all__ = ["Finding", "examine"]


def examine(root: Path, catalog: Catalog, *, deep: bool = False) -> Iterator[Finding]:
    """All checks, in order.

    Args:
        root: the project's folder.
        deep: compare every file of every run with its sha256, however many there are.
    """
    root = root.resolve()
    yield machine.python()
    yield from guarded("libraries", lambda: [machine.libraries(root)])
    yield from guarded("cores", lambda: [machine.cores(root)])
    yield machine.memory()
    yield machine.free_disk(root)
    yield data.tfds_folder()
    yield from data.data_sets(root, catalog)
    yield from guarded("cache", lambda: data.cache(root))
    yield from guarded("store", lambda: store.examine_store(root, deep=deep))
    yield from guarded("sizes", lambda: data.sizes(root))
