"""The registries of the four kinds of plug-ins, and the catalog that holds them by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from framework.contracts.registry import Registry

if TYPE_CHECKING:
    from framework.contracts.plugins import Architecture, Dataset, Metric, Strategy

T = TypeVar("T")

datasets: Registry[Dataset] = Registry(
    "data set", package="framework.datasets", group="squeezelab.datasets"
)
architectures: Registry[Architecture] = Registry(
    "architecture", package="framework.architectures", group="squeezelab.architectures"
)
strategies: Registry[Strategy] = Registry(
    "strategy", package="framework.strategies", group="squeezelab.strategies"
)
metrics: Registry[Metric] = Registry(
    "metric", package="framework.metrics", group="squeezelab.metrics"
)


@dataclass(frozen=True)
class Catalog:
    """The four registries: by default those of the package and of installed distributions."""

    datasets: Registry[Dataset] = datasets
    architectures: Registry[Architecture] = architectures
    strategies: Registry[Strategy] = strategies
    metrics: Registry[Metric] = metrics

    def of(self, kind: str) -> Registry[Any]:
        """The registry of `dataset`, `architecture`, `strategy` or `metric`."""
        plural: dict[str, Registry[Any]] = {
            "dataset": self.datasets,
            "architecture": self.architectures,
            "strategy": self.strategies,
            "metric": self.metrics,
        }
        return plural[kind]

    def registries(self) -> tuple[Registry[Any], ...]:
        """All four."""
        return self.datasets, self.architectures, self.strategies, self.metrics

    def extended(self) -> Catalog:
        """A copy for more plug-ins; this one stays as it is."""
        return Catalog(*(registry.extended() for registry in self.registries()))

    @contextmanager
    def filing(self) -> Iterator[None]:
        """What the decorators are given meanwhile is filed here."""
        token = _filing.set(self)
        try:
            yield
        finally:
            _filing.reset(token)


_filing: ContextVar[Catalog] = ContextVar("catalog", default=Catalog())  # noqa: B039 - a frozen value


def dataset(name: str, *, version: int) -> Callable[[type[T]], type[T]]:
    """Class decorator: file this class as a data set."""
    return _filing.get().datasets.register(name, version=version)  # type: ignore[return-value]


def architecture(name: str, *, version: int) -> Callable[[type[T]], type[T]]:
    """Class decorator: file this class as an architecture."""
    return _filing.get().architectures.register(name, version=version)  # type: ignore[return-value]


def strategy(name: str, *, version: int) -> Callable[[type[T]], type[T]]:
    """Class decorator: file this class as a strategy."""
    return _filing.get().strategies.register(name, version=version)  # type: ignore[return-value]


def metric(name: str, *, version: int) -> Callable[[type[T]], type[T]]:
    """Class decorator: file this class as a metric."""
    return _filing.get().metrics.register(name, version=version)  # type: ignore[return-value]
