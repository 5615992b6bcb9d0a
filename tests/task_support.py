"""Two small made-up data sets for the tasks that are not classification.

In the registry for one test only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framework import contracts
from framework.contracts import DataInfo
from framework.datasets._sources.cached import CachedDataset

COUNTS = {"train": 500, "test": 90}
RIGHT = 5  # the token that makes a text one of class 1


class Made(CachedDataset):
    """Made by rule, the same each time."""

    calibration_size = 30
    validation_size = 70

    def rule(self) -> list[object]:
        return [self.name]

    def check_source(self, root: Path) -> None:
        pass

    def source_state(self, root: Path) -> str:
        return "made by rule"


@dataclass(frozen=True, kw_only=True)
class Brightness(Made):
    """How bright is the upper half of a picture, in thousands? A regression.

    Source: made by rule, for tests.
    """

    info = DataInfo(task="regression", classes=0, inputs={"image": (8, 8, 1)}, toy=True)

    def read_split(self, root: Path, split: str) -> Mapping[str, Any]:
        random = np.random.RandomState(len(split))
        levels = random.randint(20, 236, COUNTS[split])
        noise = random.randint(-20, 20, (COUNTS[split], 8, 8, 1))
        image = (levels[:, None, None, None] + noise).astype(np.uint8)
        return {
            "image": image,
            "labels": (image[:, :4].mean(axis=(1, 2, 3)) / 255).astype(np.float32),
        }


@dataclass(frozen=True, kw_only=True)
class OneWord(Made):
    """Does one word occur in a text of eight? A decision between two classes.

    Source: made by rule, for tests.
    """

    info = DataInfo(task="binary", classes=2, inputs={"text": (8,)}, tokens={"text": 12}, toy=True)

    def read_split(self, root: Path, split: str) -> Mapping[str, Any]:
        random = np.random.RandomState(len(split))
        count = COUNTS[split]
        text = random.randint(RIGHT + 1, 12, (count, 8)).astype(np.int32)
        labels = np.arange(count) % 2
        text[np.arange(count), random.randint(0, 8, count)] = np.where(labels, RIGHT, RIGHT + 1)
        return {"text": text, "labels": labels.astype(np.int64)}


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data sets `brightness` (regression) and `one_word` (binary)."""
    for name, kind in {"brightness": Brightness, "one_word": OneWord}.items():
        contracts.datasets.names()  # every other one is known by now
        monkeypatch.setattr(kind, "name", name)
        monkeypatch.setattr(kind, "plugin_version", 1)
        monkeypatch.setitem(contracts.datasets._classes, name, kind)
