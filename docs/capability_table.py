"""The table of what runs where, as docs/capabilities.py has written it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from docs.recipe_list import RESULTS
from framework.contracts import Catalog

FILE = RESULTS / "strategies" / "capabilities.json"
Format = Literal["float32", "float16", "dynamic", "int8"]
FORMATS: Mapping[Format, str] = {"float32": "f", "float16": "h", "dynamic": "d", "int8": "i"}


def versions(net: str, catalog: Catalog) -> dict[str, list[int]]:
    """Strategy -> the versions of net and strategy that its cell is about."""
    of_net = catalog.architectures.get(net).plugin_version
    pairs = {}
    for name in catalog.strategies.names():
        pairs[name] = [of_net, catalog.strategies.get(name).plugin_version]
    return pairs


def outdated(written: Mapping[str, Any], net: str, catalog: Catalog) -> list[str]:
    """The strategies whose cell of this net was not made with plug-ins as they are now."""
    made_by = written.get("versions", {}).get(net, {})
    return [name for name, pair in versions(net, catalog).items() if made_by.get(name) != pair]


def read(root: Path) -> dict[str, Any]:
    """The table as it was written; empty if there is none."""
    file = root / FILE
    return json.loads(file.read_text("utf-8")) if file.exists() else {}
