"""What passes from the file to the net: layers as the file has them, plain ones, and the net."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from framework.contracts.net import Array, WeightKey


@dataclass(frozen=True)
class Tensor:
    """The output number `output` of the use number `use` of a layer, as the file counts uses."""

    layer: str
    use: int = 0
    output: int = 0


@dataclass(frozen=True)
class Call:
    """What a layer is called with: constants, tensors, and lists of them."""

    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Member:
    """A layer of a model.

    Args:
        path: the names of the models that it is in, from the outermost, and its own.
        described: as the file has it.
        group: what `.keras` files call these, counted by class.
        calls: one for each use.
        first_use: the number of the first of them in the file.
        model: if it is a model itself.
    """

    path: tuple[str, ...]
    described: Mapping[str, Any]
    group: tuple[str, ...]
    calls: tuple[Call, ...]
    first_use: int = 0
    model: Model | None = None

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path[-1]

    @property
    def kind(self) -> str:
        """Its class."""
        return str(self.described["class_name"])

    @property
    def config(self) -> Any:
        """What keras would build it from."""
        return self.described["config"]

    def inner(self) -> Model:
        """The model that it is.

        Raises:
            TypeError: it is a plain layer.
        """
        if self.model is None:
            raise TypeError(f"{self.name!r} is no model")
        return self.model


@dataclass(frozen=True)
class Model:
    """A model: its layers by name, the names of its inputs, and its outputs by name."""

    members: Mapping[str, Member]
    inputs: tuple[str, ...]
    outputs: Mapping[str, Tensor]

    def leaves(self) -> Iterator[Member]:
        """Its layers and those of the models in it, in the file's order."""
        for member in self.members.values():
            if member.model:
                yield from member.model.leaves()
            else:
                yield member


@dataclass(frozen=True)
class Source:
    """The output of a layer, by its title."""

    title: str


@dataclass(frozen=True)
class Use:
    """One use of a layer.

    Args:
        title: unique in the net.
        member: the layer; several uses may be of one.
        arguments: constants, sources, and lists of them, as it is called.
        keywords: those that it is called with by name.
    """

    title: str
    member: Member
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Its class."""
        return self.member.kind


@dataclass(frozen=True)
class Plain:
    """One layer with what feeds it.

    Args:
        title: unique in the net.
        kind: its class; on the list of plain layers once it is written anew.
        config: as a file of keras has it.
        sources: titles of the layers that it is given, in the order in which it takes them.
        arrays: its weights in their order, float32.
        causal: of attention: no step looks ahead.
    """

    title: str
    kind: str
    config: Mapping[str, Any]
    sources: tuple[str, ...]
    arrays: tuple[Array, ...] = ()
    causal: bool = False

    def changed(self, **config: Any) -> Self:
        """The same with other options."""
        return replace(self, config={**self.config, **config})

    def then(self, suffix: str, kind: str, **config: Any) -> Plain:
        """A layer without weights behind this one."""
        return Plain(f"{self.title}/{suffix}", kind, config, (self.title,))


@dataclass(frozen=True)
class Layer:
    """One layer of a net.

    Args:
        name: unique, and safe in the names of tensors.
        kind: its class, on the allow-list.
        options: what keras builds it with.
        sources: the layers whose outputs it is given, in the order in which it takes them.
        causal: of attention: no step looks ahead.
        shape: of an InputLayer, without the samples; None where any length will do.
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    sources: tuple[str, ...] = ()
    causal: bool = False
    shape: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class SavedNet:
    """A saved net, translated and checked.

    Args:
        file: the file's name.
        sha256: of the file.
        layers: each after those that it reads.
        inputs: names of its InputLayers, in the model's order.
        titles: what these are called in the file.
        output: the layer whose output is the net's.
        weights: (layer, position) -> float32 array.
        notes: what is not as in the file, in words for people.
    """

    file: str
    sha256: str
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    titles: tuple[str, ...]
    output: str
    weights: Mapping[WeightKey, Array]
    notes: tuple[str, ...] = ()

    def layer(self, name: str) -> Layer:
        """The layer of that name."""
        return next(layer for layer in self.layers if layer.name == name)

    def readers(self, name: str) -> list[Layer]:
        """The layers that are given its output."""
        return [layer for layer in self.layers if name in layer.sources]


def snake_case(kind: str) -> str:
    """The name of a class as keras has it in names: `Conv2D` is `conv2d`."""
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W", "", kind))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()


def tensors(value: Any) -> list[Tensor]:
    """The tensors in what a layer is called with, in their order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Call):
        return tensors(value.arguments) + tensors(value.keywords)
    parts = value.values() if isinstance(value, Mapping) else value
    found: list[Tensor] = []
    if isinstance(value, (Mapping, list, tuple)):
        for part in parts:
            found += tensors(part)
    return found
