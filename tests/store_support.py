"""Stores as they are on a server."""

from __future__ import annotations

from framework.tracking.store import KEY_TAG, Store
from framework.tracking.writing import Calls


def by_calls(store: Store) -> Store:
    """The store, written by the calls of MLflow's client."""
    store._writer = Calls(store._client, store._models, key=KEY_TAG)
    return store
