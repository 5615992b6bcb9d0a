"""A registry holds the plug-ins of one kind: one file of a package folder, one name."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from operator import attrgetter
from pathlib import Path
from types import FunctionType
from typing import Any, Generic, TypeVar

from framework.errors import DuplicateName, InvalidValue, UnknownName

METHODS = (FunctionType, classmethod, staticmethod, property)
OWN = "plugins_"  # how modules of a project's own plug-ins begin
T = TypeVar("T")


class Registry(Generic[T]):
    """Plug-in classes of one kind, by name; the folder is read on first use.

    Args:
        kind: what it holds, in the singular, as "strategy".
        package: the package whose modules are the plug-ins, as "framework.strategies".
        group: entry-point group through which other distributions add theirs.
    """

    def __init__(self, kind: str, *, package: str, group: str) -> None:
        self.kind, self.package, self.group = kind, package, group
        self._classes: dict[str, type[T]] = {}
        self._discovered = False

    def register(self, name: str, *, version: int) -> Callable[[type[T]], type[T]]:
        """Class decorator that files a plug-in under `name`.

        Args:
            name: must be the name of the file when the file lies in `package`, or in `plugins/` of
                a project.
            version: at least 1; goes up when the plug-in's numbers change.

        Raises:
            InvalidValue: the name is not the file's, or the version is below 1.
            DuplicateName: another file has registered the name.
        """

        def decorate(cls: type[T]) -> type[T]:
            self._check_file_name(name, cls.__module__)
            _check_knob_names(self.kind, name, cls)
            if version < 1:
                raise InvalidValue(
                    f"The version of {self.kind} {name!r} is {version}; it starts at 1."
                )
            self._check_not_taken(name, cls)
            cls.name, cls.plugin_version = name, version  # type: ignore[attr-defined]
            self._classes[name] = cls
            return cls

        return decorate

    def _check_file_name(self, name: str, module: str) -> None:
        # plug-ins of other distributions may lie in files of any name
        if not module.startswith((f"{self.package}.", OWN)):
            return
        file_name = module.rsplit(".", 1)[1]
        if file_name != name:
            raise InvalidValue(
                f"A {self.kind} is registered under the name of its file.",
                given=f"{module} registers {name!r}.",
                todo=f"Rename the file to {name}.py, or register {file_name!r}.",
            )

    def _check_not_taken(self, name: str, cls: type[T]) -> None:
        other = self._classes.get(name)
        # the same class comes twice where its module is loaded anew
        if other is None or _origin(other) == _origin(cls):
            return
        raise DuplicateName(
            f"Two files register the {self.kind} {name!r}.",
            given=f"{other.__module__} and {cls.__module__}.",
            todo="Give one of them another name.",
        )

    def get(self, name: str) -> type[T]:
        """The plug-in called `name`.

        Raises:
            UnknownName: there is none; the message says what exists and what was probably meant.
        """
        self.discover()
        if name not in self._classes:
            raise UnknownName(self.kind, name, self._classes)
        return self._classes[name]

    def extended(self) -> Registry[T]:
        """A copy for more plug-ins; this one stays as it is."""
        self.discover()
        copy: Registry[T] = Registry(self.kind, package=self.package, group=self.group)
        copy._classes, copy._discovered = dict(self._classes), True
        return copy

    def files(self) -> dict[str, Path]:
        """Name -> the file that its class is written in."""
        self.discover()
        files = {}
        for name, cls in self._classes.items():
            file = sys.modules[cls.__module__].__file__
            # a module that was made without a file has none
            if file:
                files[name] = Path(file).resolve()
        return files

    def names(self) -> list[str]:
        """All names, sorted."""
        self.discover()
        return sorted(self._classes)

    def build(self, name: str, knobs: dict[str, Any]) -> T:
        """A plug-in with these knobs; what is not given takes its default."""
        cls = self.get(name)
        declared: dict[str, Any] = getattr(cls, "knobs", dict)()
        for knob in knobs:
            if knob not in declared:
                raise UnknownName(f"knob of {name}", knob, declared)
        return cls(**knobs)

    def discover(self) -> None:
        """Import every plug-in module of the package and of the entry points, once.

        An import error is not swallowed: a plug-in that does not load is a mistake to be seen.
        """
        if self._discovered:
            return
        package = importlib.import_module(self.package)
        for module in sorted(pkgutil.iter_modules(package.__path__), key=attrgetter("name")):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self.package}.{module.name}")
        for entry in entry_points(group=self.group):
            entry.load()
        self._discovered = True


def _origin(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


def _check_knob_names(kind: str, name: str, cls: type) -> None:
    """Refuse a knob that could not be given, or that hides what every plug-in has.

    Raises:
        InvalidValue: it is called `label`, which `use(...)` takes for itself, or like a method of
            the contract.
    """
    knobs = set(getattr(cls, "knobs", dict)())
    wrong = sorted(knobs & {"label", *_inherited_methods(cls)})
    if not wrong:
        return
    reason = f"Every {kind} has a method of that name."
    if wrong[0] == "label":
        reason = "use(...) takes label= for itself."
    raise InvalidValue(
        f"A knob of the {kind} {name!r} cannot be called {wrong[0]!r}.",
        given=reason,
        todo="Give the knob another name.",
    )


def _inherited_methods(cls: type) -> Iterator[str]:
    for base in cls.__mro__[1:]:
        for name, value in vars(base).items():
            if isinstance(value, METHODS):
                yield name
