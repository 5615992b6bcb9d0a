"""What all tests share."""

from __future__ import annotations

import gc
import os

from hypothesis import settings

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before TensorFlow is imported by anything
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# The machine may be busy, so no example has a deadline; CI tries the same examples every time.
settings.register_profile("squeezelab", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("squeezelab")

pytest_plugins = ["nets_support", "variants", "longest_first", "messages_support"]


def pytest_collection_finish() -> None:
    """What was collected lives until the end: no collection of garbage need walk through it."""
    gc.collect()
    gc.freeze()
    # a traced net is tens of thousands of objects, which stay: ten times fewer looks for garbage
    gc.set_threshold(7_000)
