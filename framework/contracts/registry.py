"""A registry holds the plug-ins of one kind: one file of a package folder, one name."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
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
            module = cls.__module__
            if module.startswith((f"{self.package}.", OWN)) and module.rsplit(".", 1)[1] != name:
                raise InvalidValue(
                    f"A {self.kind} is registered under the name of its file.",
                    given=f"{module} registers {name!r}.",
                    todo=f"Rename the file to {name}.py, or register {module.rsplit('.', 1)[1]!r}.",
                )
            _check_knob_names(self.kind, name, cls)
            if version < 1:
                raise InvalidValue(
                    f"The version of {self.kind} {name!r} is {version}; it starts at 1."
                )
            other = self._classes.get(name)
            if other is not None and (other.__module__, other.__qualname__) != (
                module,
                cls.__qualname__,
            ):
                raise DuplicateName(
                    f"Two files register the {self.kind} {name!r}.",
                    given=f"{other.__module__} and {module}.",
                    todo="Give one of them another name.",
                )
            cls.name, cls.plugin_version = name, version  # type: ignore[attr-defined]
            self._classes[name] = cls
            return cls

        return decorate

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
        modules = {name: sys.modules[cls.__module__] for name, cls in self._classes.items()}
        return {
            name: Path(module.__file__).resolve()
            for name, module in modules.items()
            if module.__file__
        }

    def names(self) -> list[str]:
        """All names, sorted."""
        self.discover()
        return sorted(self._classes)

    def build(self, name: str, knobs: dict[str, Any]) -> T:
        """A plug-in with these knobs; what is not given takes its default."""
        cls = self.get(name)
        known: dict[str, Any] = getattr(cls, "knobs", dict)()
        for knob in knobs:
            if knob not in known:
                raise UnknownName(f"knob of {name}", knob, known)
        return cls(**knobs)

    def discover(self) -> None:
        """Import every plug-in module of the package and of the entry points, once.

        An import error is not swallowed: a plug-in that does not load is a mistake to be seen.
        """
        if self._discovered:
            return
        package = importlib.import_module(self.package)
        for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self.package}.{module.name}")
        for entry in entry_points(group=self.group):
            entry.load()
        self._discovered = True


def _check_knob_names(kind: str, name: str, cls: type) -> None:
    """Refuse a knob that could not be given, or that hides what every plug-in has.

    Raises:
        InvalidValue: it is called `label`, which `use(...)` takes for itself, or like a method of
            the contract.
    """
    knobs = set(getattr(cls, "knobs", dict)())
    methods = {
        member
        for base in cls.__mro__[1:]
        for member, value in vars(base).items()
        if isinstance(value, METHODS)
    }
    wrong = sorted(knobs & (methods | {"label"}))
    if wrong:
        raise InvalidValue(
            f"A knob of the {kind} {name!r} cannot be called {wrong[0]!r}.",
            given="use(...) takes label= for itself."
            if wrong[0] == "label"
            else f"Every {kind} has a method of that name.",
            todo="Give the knob another name.",
        )
