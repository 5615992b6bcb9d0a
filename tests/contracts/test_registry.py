"""Registry: one file, one name; discovery; what is said when a name is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from framework.contracts.registry import Registry
from framework.errors import DuplicateName, InvalidValue, UnknownName
from framework.study.space import Knobbed, knob

PLUGIN = """
from dataclasses import dataclass
from rooms import registry
from framework.study.space import Knobbed, knob

@registry.register({name!r}, version={version})
@dataclass(frozen=True, kw_only=True)
class Plugin(Knobbed):
    width: float = knob(1.0, low=0.1, high=4.0)
"""


@pytest.fixture
def rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `rooms` with a registry over its own folder."""
    folder = tmp_path / "rooms"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from framework.contracts.registry import Registry\n"
        "registry = Registry('room', package='rooms', group='squeezelab.no_such_group')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "rooms"]:
        del sys.modules[name]


def add(rooms: Path, file: str, *, name: str = "", version: int = 1) -> None:
    (rooms / f"{file}.py").write_text(dedent(PLUGIN.format(name=name or file, version=version)))


def registry_of(rooms: Path) -> Registry[Knobbed]:
    import rooms as package  # type: ignore[import-not-found]

    found: Registry[Knobbed] = package.registry
    return found


def test_a_dropped_in_file_is_found_with_its_name_and_version(rooms: Path) -> None:
    add(rooms, "kitchen", version=3)
    add(rooms, "attic")
    registry = registry_of(rooms)
    assert registry.names() == ["attic", "kitchen"]
    assert (registry.get("kitchen").name, registry.get("kitchen").plugin_version) == ("kitchen", 3)  # type: ignore[attr-defined]


def test_private_files_are_no_plugins(rooms: Path) -> None:
    (rooms / "_helpers.py").write_text("raise RuntimeError('imported')\n")
    add(rooms, "attic")
    assert registry_of(rooms).names() == ["attic"]


def test_an_import_error_is_not_swallowed(rooms: Path) -> None:
    (rooms / "broken.py").write_text("import no_such_library\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        registry_of(rooms).names()


def test_a_name_that_is_not_the_files_is_refused(rooms: Path) -> None:
    add(rooms, "kitchen", name="cellar")
    with pytest.raises(InvalidValue, match="kitchen registers 'cellar'"):
        registry_of(rooms).names()


def test_a_version_below_one_is_refused(rooms: Path) -> None:
    add(rooms, "kitchen", version=0)
    with pytest.raises(InvalidValue, match="starts at 1"):
        registry_of(rooms).names()


def test_a_duplicate_names_both_files(rooms: Path) -> None:
    add(rooms, "kitchen")
    registry = registry_of(rooms)
    registry.discover()

    with pytest.raises(DuplicateName, match="'kitchen'") as caught:

        @registry.register("kitchen", version=1)
        class Kitchen(Knobbed):
            pass

    assert caught.value.given == f"rooms.kitchen and {__name__}."


def test_an_unknown_name_says_what_exists(rooms: Path) -> None:
    add(rooms, "kitchen")
    with pytest.raises(UnknownName, match="no room called 'kitchn'") as caught:
        registry_of(rooms).get("kitchn")
    assert "Did you mean 'kitchen'?" in str(caught.value)


def test_build_checks_and_normalises_knobs(rooms: Path) -> None:
    add(rooms, "kitchen")
    registry = registry_of(rooms)
    assert registry.build("kitchen", {"width": 2}).values() == {"width": 2.0}
    assert registry.build("kitchen", {}).values() == {"width": 1.0}
    with pytest.raises(InvalidValue, match="out of its range"):
        registry.build("kitchen", {"width": 9.0})


def test_build_refuses_an_unknown_knob(rooms: Path) -> None:
    add(rooms, "kitchen")
    with pytest.raises(UnknownName, match="no knob of kitchen called 'widht'") as caught:
        registry_of(rooms).build("kitchen", {"widht": 1.0})
    assert "Did you mean 'width'?" in str(caught.value)


def test_plugins_from_outside_the_package_choose_their_name() -> None:
    registry: Registry[Knobbed] = Registry(
        "room", package="framework.no_such", group="squeezelab.no_such_group"
    )

    @registry.register("anything", version=2)
    @dataclass(frozen=True, kw_only=True)
    class Plugin(Knobbed):
        depth: int = knob(1, low=1)

    assert (Plugin.name, Plugin.plugin_version) == ("anything", 2)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["label", "values", "summary"])
def test_a_knob_that_hides_what_all_plugins_have_is_refused(name: str) -> None:
    from framework.contracts import Metric, knob

    def measure(self: object, exported: object) -> float:
        return 0.0

    space = {
        "__annotations__": {name: int},
        name: knob(1, low=1, high=2),
        "measure": measure,
        "__module__": __name__,
    }
    made = dataclass(frozen=True, kw_only=True)(type("Made", (Metric,), space))
    with pytest.raises(InvalidValue, match=f"cannot be called '{name}'"):
        Registry("metric", package="framework.metrics", group="none").register("made", version=1)(
            made
        )
