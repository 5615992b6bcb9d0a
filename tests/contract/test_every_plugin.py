"""What every plug-in of every kind promises of its own description."""

import re

import pytest
from nets_support import CATALOG

KINDS = ("dataset", "architecture", "strategy", "metric")
PLUGINS = [(kind, name) for kind in KINDS for name in CATALOG.of(kind).names()]


@pytest.fixture(params=PLUGINS, ids=lambda pair: f"{pair[0]} {pair[1]}")
def plugin(request):
    kind, name = request.param
    return CATALOG.of(kind).get(name)


def test_its_docstring_says_what_it_does_and_where_it_comes_from(plugin):
    assert 15 <= len(plugin.summary()) <= 150
    assert len(plugin.source()) >= 10


def test_each_knob_says_what_it_is_and_how_far_it_goes(plugin):
    for name, item in plugin.knobs().items():
        assert re.fullmatch("[a-z][a-z0-9_]*", name)
        assert len(item.doc) >= 8, name
        if item.type in (int, float):
            assert item.low is not None, name
            assert item.high is not None, name
        if item.type is str:  # what a file or an input is called cannot be listed
            assert item.choices or item.unit in ("path", "name"), name


def test_its_defaults_are_within_their_ranges(plugin):
    values = plugin().values()
    assert plugin(**values).values() == values
    assert values == {name: item.default for name, item in plugin.knobs().items()}


def test_it_is_frozen(plugin):
    with pytest.raises(AttributeError):
        plugin().name_of_something_new = 1
