"""What every plug-in of every kind promises of its own description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from framework.testing.cases import Case, Names, cases, pytest_generate_tests

if TYPE_CHECKING:
    from framework.contracts import Catalog, Plugin

__all__ = ["TestDescription", "pytest_generate_tests"]


@cases("plugin")
def plugins(catalog: Catalog, names: Names) -> Iterator[Case]:
    """All of all kinds."""
    for kind, names_of_kind in names.items():
        for name in names_of_kind:
            yield f"{kind} {name}", catalog.of(kind).get(name)


class TestDescription:
    """What every plug-in of every kind promises of its own description."""

    def test_its_docstring_says_what_it_does_and_where_it_comes_from(
        self, plugin: type[Plugin]
    ) -> None:
        assert 15 <= len(plugin.summary()) <= 150
        assert len(plugin.source()) >= 10

    def test_each_knob_says_what_it_is_and_how_far_it_goes(self, plugin: type[Plugin]) -> None:
        for name, item in plugin.knobs().items():
            assert re.fullmatch("[a-z][a-z0-9_]*", name)
            assert len(item.doc) >= 8, name
            if item.type in (int, float):
                assert item.low is not None, name
                assert item.high is not None, name
            if item.type is str:  # what a file or an input is called cannot be listed
                assert item.choices or item.unit in ("path", "name"), name

    def test_its_defaults_are_within_their_ranges(self, plugin: type[Plugin]) -> None:
        values = plugin().values()
        assert plugin(**values).values() == values
        assert values == {name: item.default for name, item in plugin.knobs().items()}

    def test_it_is_frozen(self, plugin: type[Plugin]) -> None:
        with pytest.raises(AttributeError):
            plugin().name_of_something_new = 1  # type: ignore[attr-defined]
