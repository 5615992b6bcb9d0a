"""What is under test: the plug-ins of the project whose tests these are.

Every argument that a test of the suite is given has a maker of its values here: they are known
when pytest collects, from the project that it runs in, and not when the suite is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.contracts import Catalog
from framework.errors import UserError
from framework.planning.own_plugins import catalog_of
from framework.system.paths import find_root

PACKAGE = Path(__file__).parents[1]
KINDS = ("dataset", "architecture", "strategy", "metric")

Names = dict[str, list[str]]
"""Kind of plug-in -> names under test."""
Case = tuple[str, Any]
"""What a case is called, and its value."""
Maker = Callable[[Catalog, Names], Iterator[Case]]

MAKERS: dict[str, tuple[Maker, bool]] = {}
"""Argument -> what yields its values, and whether a fixture makes of each what a test is given."""


def cases(argument: str, *, fixture: bool = False) -> Callable[[Maker], Maker]:
    """Decorator: what it decorates yields the cases of this argument."""

    def file(maker: Maker) -> Maker:
        MAKERS[argument] = maker, fixture
        return maker

    return file


def under_test(catalog: Catalog, root: Path) -> Names:
    """Kind -> names, of plug-ins that do not come with the package; in its own tests, of all."""
    names: Names = {}
    for kind in KINDS:
        registry = catalog.of(kind)
        names[kind] = registry.names()
        if PACKAGE.parent != root:
            files = registry.files()
            names[kind] = [name for name in names[kind] if PACKAGE not in files[name].parents]
    return names


def root_of(config: pytest.Config) -> Path:
    """The project that pytest was started in, or that folder itself."""
    folder = config.invocation_params.dir
    try:
        return find_root(folder)
    except UserError:
        return folder


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of the suite for each of its cases."""
    root = root_of(metafunc.config)
    for argument in metafunc.fixturenames:
        if argument in MAKERS:
            catalog = catalog_of(root)
            maker, fixture = MAKERS[argument]
            values = [
                pytest.param(value, id=name)
                for name, value in maker(catalog, under_test(catalog, root))
            ]
            metafunc.parametrize(argument, values, indirect=fixture, scope="module")
