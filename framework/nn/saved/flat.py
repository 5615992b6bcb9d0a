"""A saved model written out flat: models in models, and layers that are used more than once.

Each use of a layer becomes a layer of its own. It keeps its name where that is unique; if it is
not, the names of the models that it is in stand before it, and behind it the number of the use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from framework.nn.saved.file import SAVE_AGAIN, Unusable
from framework.nn.saved.models import MOST_LAYERS, input_shape, parsed
from framework.nn.saved.parts import Call, Member, Model, Source, Tensor, Use
from framework.nn.saved.parts import tensors as tensors_in

Key = tuple[tuple[str, int], ...]  # (name, use) of the models a layer is in, and its own


@dataclass(frozen=True)
class Flat:
    """A model without models in it, as far as one of its outputs depends on them.

    Args:
        uses: in the file's order.
        members: all layers of the file, also those that the output does not need.
        inputs: titles of its inputs in the model's order.
        output: title of the layer whose output is the model's.
        notes: what is no longer as in the file, for people.
    """

    uses: tuple[Use, ...]
    members: tuple[Member, ...]
    inputs: tuple[str, ...]
    output: str
    notes: tuple[str, ...]


@dataclass
class _Scope:
    """One use of a model: the model, and what it is called with in the one around it."""

    model: Model
    key: Key = ()
    outer: _Scope | None = None
    given: Sequence[Tensor] = ()
    inner: dict[tuple[str, int], _Scope] = field(default_factory=dict)
    everywhere: list[Key] = field(default_factory=list)  # uses of models, shared by all scopes

    def enter(self, name: str, use: int) -> _Scope:
        """The use of a model among its layers."""
        if (name, use) not in self.inner:
            member = self.model.members[name]
            model = member.inner()
            given = _given(member, model, member.calls[use])
            key = (*self.key, (name, use))
            # models without layers, each used twice in the next, would never be counted otherwise
            self.everywhere.append(key)
            _check_count(len(self.everywhere))
            scope = _Scope(model, key, self, given, everywhere=self.everywhere)
            self.inner[name, use] = scope
        return self.inner[name, use]

    def layers(self) -> Iterator[tuple[Key, Member, Call]]:
        """Every use of every layer in it, models written out, without inputs of inner ones."""
        for name, member in self.model.members.items():
            if member.kind == "InputLayer":
                if self.outer is None:
                    yield (*self.key, (name, 0)), member, Call()
                continue
            for use, call in enumerate(member.calls):
                if member.model:
                    yield from self.enter(name, use).layers()
                else:
                    yield (*self.key, (name, use)), member, call

    def scope_of(self, key: Key) -> _Scope:
        """The scope that a layer is in."""
        scope = self
        for name, use in key[:-1]:
            scope = scope.enter(name, use)
        return scope


def written_out(described: Mapping[str, Any], output: str = "") -> Flat:
    """The model of a file, flat.

    Args:
        output: which of its outputs is meant, by name; empty if it has one only.

    Raises:
        Unusable: it is no such model, has no such output, or is too large.
    """
    model = parsed(described)
    top, out = _Scope(model), _output(model, output)
    _check_inputs(model)
    end = _origin(top, out)
    needed = _needed(top, end)
    titles = _titles([key for key, _, _ in needed])
    uses = []
    # tensors are named within the model that a layer is in
    for key, member, call in needed:
        named = _Named(top.scope_of(key), titles)
        uses.append(
            Use(titles[key], member, named.value(call.arguments), named.value(call.keywords or {}))
        )
    inputs = [titles[key] for key in (((name, 0),) for name in model.inputs) if key in titles]
    return Flat(
        tuple(uses), tuple(model.leaves()), tuple(inputs), titles[end], tuple(_notes(model, needed))
    )


def _check_count(count: int) -> None:
    if count > MOST_LAYERS:
        raise Unusable(
            f"It has more than {MOST_LAYERS:,} layers when models in it are written out.",
            "Use each model once.",
        )


def _check_inputs(model: Model) -> None:
    for name in model.inputs:
        if input_shape(_member(model, name).described) is None:
            raise Unusable(
                f"It does not say which shape its input {name!r} has.",
                "Begin it with keras.Input(shape), and save it again.",
            )


def _output(model: Model, output: str) -> Tensor:
    """The output that is meant."""
    names = ", ".join(map(repr, model.outputs))
    if output and output not in model.outputs:
        raise Unusable(f"It has no output {output!r}.", f"Its outputs: {names}.")
    if not output and len(model.outputs) != 1:
        raise Unusable(
            f"It has {len(model.outputs)} outputs: {names}.",
            "Choose one, as architecture.output=" + next(iter(model.outputs), "NAME") + ".",
        )
    return model.outputs[output] if output else next(iter(model.outputs.values()))


def _given(member: Member, model: Model, call: Call) -> list[Tensor]:
    """What a model is called with, in the order of its inputs."""
    for key, value in call.keywords.items():
        if value not in (None, False):
            raise Unusable(
                f"The model {member.name!r} is called with {key}={str(value)[:60]}.",
                "Call it with its inputs only, and save the net again.",
            )
    first = call.arguments[0] if call.arguments else []
    if isinstance(first, Mapping):  # by name
        given = [tensor for name in model.inputs for tensor in tensors_in(first[name])]
    else:
        given = tensors_in(call.arguments)
    if len(given) != len(model.inputs):
        raise Unusable(
            f"The model {member.name!r} is given {len(given)} inputs of {len(model.inputs)}.",
            SAVE_AGAIN,
        )
    return given


def _member(model: Model, name: str) -> Member:
    if name not in model.members:
        raise Unusable(f"{name!r} is read, which is no layer of the model.", SAVE_AGAIN)
    return model.members[name]


def _origin(scope: _Scope, tensor: Tensor) -> Key:
    """The use of a layer that a tensor comes from, through models and their inputs."""
    for _ in range(MOST_LAYERS):
        member = _member(scope.model, tensor.layer)
        use = tensor.use - member.first_use
        if tensor.output and not member.model:
            raise Unusable(
                f"Output {tensor.output} of layer {member.name!r} is asked for.",
                "Save a net that reads the first output of each layer only.",
            )
        if member.kind == "InputLayer":
            if scope.outer is None:
                return ((member.name, 0),)
            # an input of a model among the layers is what the model is called with
            tensor = scope.given[scope.model.inputs.index(member.name)]
            scope = scope.outer
        elif use >= len(member.calls):
            raise Unusable(
                f"Layer {member.name!r} is read, but nowhere in the file given anything.",
                SAVE_AGAIN,
            )
        elif member.model:
            scope = scope.enter(member.name, use)
            tensor = list(scope.model.outputs.values())[tensor.output]
        else:
            return (*scope.key, (member.name, use))
    raise Unusable(f"Models read one another in a circle, as {tensor.layer!r}.", SAVE_AGAIN)


def _needed(top: _Scope, end: Key) -> list[tuple[Key, Member, Call]]:
    """The uses that an output depends on, in the file's order."""
    everything: dict[Key, tuple[Member, Call]] = {}
    for key, member, call in top.layers():
        everything[key] = member, call
        _check_count(len(everything))
    needed, waiting = {end}, [end]
    while waiting:
        key = waiting.pop()
        scope = top.scope_of(key)
        for tensor in tensors_in(everything[key][1]):
            origin = _origin(scope, tensor)
            if origin not in needed:
                needed.add(origin)
                waiting.append(origin)
    return [(key, member, call) for key, (member, call) in everything.items() if key in needed]


@dataclass(frozen=True)
class _Named:
    """Writes titles where tensors are."""

    scope: _Scope
    titles: Mapping[Key, str]

    def value(self, value: Any) -> Any:
        """The same with sources for tensors."""
        if isinstance(value, Tensor):
            return Source(self.titles[_origin(self.scope, value)])
        if isinstance(value, Mapping):
            return {key: self.value(part) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.value, value))
        return value


def _titles(keys: Sequence[Key]) -> dict[Key, str]:
    """A title for each use: the layer's name where it is the only one of that name."""
    paths = dict.fromkeys(tuple(name for name, _ in key) for key in keys)
    counts = Counter(path[-1] for path in paths)
    uses, titles = Counter[tuple[str, ...]](), {}
    for key in keys:
        path = tuple(name for name, _ in key)
        title = path[-1] if counts[path[-1]] == 1 else "/".join(path)
        uses[path] += 1
        titles[key] = title if uses[path] == 1 else f"{title}/{uses[path]}"
    if len(set(titles.values())) != len(titles):
        raise Unusable("Two of its layers have one name.", SAVE_AGAIN)
    return titles


def _notes(model: Model, needed: Sequence[tuple[Key, Member, Call]]) -> Iterator[str]:
    """What was written out."""
    inner = [name for name, member in model.members.items() if member.model]
    if inner:
        yield f"models in it are written out as plain layers: {', '.join(inner)}"
    counts = Counter(member.path for _, member, _ in needed)
    shared = ["/".join(path) for path, count in counts.items() if count > 1]
    if shared:
        yield (
            "layers used more than once are written out, each use with weights of its own: "
            f"{', '.join(shared)}"
        )
