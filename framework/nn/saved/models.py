"""The models in a saved file, as Keras 2 or Keras 3 describe them: layers, and what calls what.

A model may have other models among its layers. Nothing is written out here, see `flat`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from framework.nn.saved.file import SAVE_AGAIN, Unusable
from framework.nn.saved.options import check_model
from framework.nn.saved.parts import Call, Member, Model, Tensor, snake_case, tensors

MODELS = frozenset({"Functional", "Model", "Sequential"})
MOST_LAYERS, MOST_DEPTH = 2000, 32
CONSTANT = "_CONSTANT_VALUE"  # in place of a layer's name, where Keras 2 has a number
INPUT = "input"  # of a sequence that does not begin with one


def parsed(
    described: Mapping[str, Any], path: tuple[str, ...] = (), group: tuple[str, ...] = ()
) -> Model:
    """The model of a description.

    Raises:
        Unusable: it is no sequential or functional one, or too large.
    """
    kind = described.get("class_name")
    if kind not in MODELS:
        todo = (
            "Build it as keras.Sequential or with the functional interface, set its weights, and "
            "save that."
        )
        raise Unusable(f"The model is a {kind}, a class of its own.", todo)
    if len(path) > MOST_DEPTH:
        raise Unusable(f"It has models in models, more than {MOST_DEPTH} deep.", SAVE_AGAIN)
    named = _named(described["config"])
    if kind == "Sequential":
        return _sequence(named, described, path, group)
    return _functional(named, described["config"], path, group)


def _named(config: Any) -> dict[str, Any]:
    """Name -> description in the file, of each layer."""
    # the first versions had nothing but the list
    described = config if isinstance(config, list) else config["layers"]
    if len(described) > MOST_LAYERS:
        raise Unusable(f"It has {len(described):,} layers; at most {MOST_LAYERS:,} are read.")
    named = dict(zip(map(_title, described), described, strict=True))
    if len(named) != len(described):
        raise Unusable("Two of its layers have one name.", SAVE_AGAIN)
    return named


def _title(described: Mapping[str, Any]) -> str:
    """What a layer is called in the file."""
    config = described["config"]
    return str(described.get("name") or (config.get("name") if isinstance(config, dict) else ""))


def _members(
    named: Mapping[str, Any],
    calls: Mapping[str, tuple[Call, ...]],
    outputs: Iterable[Tensor],
    path: tuple[str, ...],
    group: tuple[str, ...],
) -> dict[str, Member]:
    """The layers of one model; `.keras` has their arrays under names counted by class."""
    counts, members = Counter[str](), {}
    first = _first_uses(calls, outputs)
    for name, described in named.items():
        kind, inner = described["class_name"], None
        # counted also where nothing is read of it: the numbers of those behind depend on it
        own_path, own_group = (*path, name), (*group, _numbered(str(kind), counts))
        if kind in MODELS:
            check_model(described, name)
            inner = parsed(described, own_path, own_group)
        members[name] = Member(
            own_path, described, own_group, calls.get(name, ()), first.get(name, 0), inner
        )
    return members


def _numbered(kind: str, counts: Counter[str]) -> str:
    snake = snake_case(kind)
    # keras gives the first of a class no number
    name = f"{snake}_{counts[snake]}" if counts[snake] else snake
    counts[snake] += 1
    return name


def _first_uses(calls: Mapping[str, Iterable[Call]], outputs: Iterable[Tensor]) -> dict[str, int]:
    """Layer -> the least number under which a use of it is read.

    Every use in a file is read by something. A model counts its own inputs as a first use, in some
    versions of keras and not in others.
    """
    first: dict[str, int] = {}
    read = list(outputs)
    for of_layer in calls.values():
        for call in of_layer:
            read += tensors(call)
    for tensor in read:
        first[tensor.layer] = min(tensor.use, first.get(tensor.layer, tensor.use))
    return first


# --- functional -----------------------------------------------------------------------------------


def _functional(
    named: Mapping[str, Any], config: Any, path: tuple[str, ...], group: tuple[str, ...]
) -> Model:
    calls: dict[str, tuple[Call, ...]] = {}
    for name, described in named.items():
        calls[name] = tuple(_call(node, named) for node in described["inbound_nodes"])
    inputs = _ends(config["input_layers"])
    outputs = _ends(config["output_layers"])
    members = _members(named, calls, outputs.values(), path, group)
    return Model(members, tuple(tensor.layer for tensor in inputs.values()), outputs)


def _ends(described: Any) -> dict[str, Tensor]:
    """The inputs or outputs of a model by name: one alone, a list, or named already."""
    if isinstance(described, dict):
        return {str(name): _history(history) for name, history in described.items()}
    if described and isinstance(described[0], str):
        described = [described]
    ends: dict[str, Tensor] = {}
    for history in described:
        tensor = _history(history)
        # two uses of a layer may both be outputs
        name, number = tensor.layer, 2
        while name in ends:
            name, number = f"{tensor.layer}_{number}", number + 1
        ends[name] = tensor
    return ends


def _history(history: Any) -> Tensor:
    name, use, output = history[:3]
    if not (isinstance(name, str) and isinstance(use, int) and isinstance(output, int)):
        raise TypeError("a layer's output is not named as keras does")
    return Tensor(name, use, output)


def _call(node: Any, named: Mapping[str, Any]) -> Call:
    """One use of a layer."""
    if isinstance(node, dict):  # Keras 3
        return Call(
            tuple(map(_value, node["args"])), {k: _value(v) for k, v in node["kwargs"].items()}
        )
    # Keras 2: [name, use, output, keywords] of each input
    alone = not isinstance(node[0], list)
    keywords: dict[str, Any] = {}
    arguments = []
    for entry in [node] if alone else node:
        arguments.append(entry[2] if entry[0] == CONSTANT else _history(entry))
        for key, value in (entry[3] if len(entry) > 3 else {}).items():
            keywords[key] = _keyword(value, named)
    return Call((arguments[0] if len(arguments) == 1 else arguments,), keywords)


def _value(value: Any) -> Any:
    """What Keras 3 writes of an argument: tensors and arrays are told by a class."""
    if isinstance(value, list):
        return [_value(part) for part in value]
    if not isinstance(value, dict):
        return value
    match value.get("class_name"):
        case "__keras_tensor__":
            return _history(value["config"]["keras_history"])
        case "__numpy__":
            return value["config"]["value"]
        case "__tuple__":
            return [_value(part) for part in value["items"]]
    return {key: _value(part) for key, part in value.items()}


def _keyword(value: Any, named: Mapping[str, Any]) -> Any:
    """What Keras 2 writes of a keyword: a tensor is a list that begins with a layer's name."""
    if not isinstance(value, list) or not value:
        return value
    if isinstance(value[0], str) and value[0] in named and len(value) in (3, 4):
        return _history(value)
    return [_keyword(part, named) for part in value]


# --- sequences ------------------------------------------------------------------------------------


def _sequence(
    named: dict[str, Any],
    described: Mapping[str, Any],
    path: tuple[str, ...],
    group: tuple[str, ...],
) -> Model:
    """The layers of a sequence, each fed by the one before it."""
    if not named:
        raise Unusable("It has a sequence without layers.", SAVE_AGAIN)
    # one that is built when it is first called has no input of its own
    if next(iter(named.values()))["class_name"] != "InputLayer":
        name = INPUT
        while name in named:
            name += "_"
        first = {"class_name": "InputLayer", "config": {"batch_shape": input_shape(described)}}
        named = {name: first, **named}
    names = list(named)
    calls: dict[str, tuple[Call, ...]] = {names[0]: ()}
    for name, before in zip(names[1:], names, strict=False):
        calls[name] = (Call((Tensor(before),)),)
    last = Tensor(names[-1])
    members = _members(named, calls, [last], path, group)
    return Model(members, (names[0],), {last.layer: last})


def input_shape(described: Mapping[str, Any]) -> Any:
    """The shape of a model's first input with the samples, which versions of keras write elsewhere.

    None if the file does not say it.
    """
    config = described["config"]
    if described.get("class_name") not in MODELS:
        return config.get("batch_input_shape") or config.get("batch_shape")
    layers = config if isinstance(config, list) else config["layers"]
    built = None if isinstance(config, list) else config.get("build_input_shape")
    build_config = described.get("build_config") or {}
    first = input_shape(layers[0]) if layers else None
    return first or built or build_config.get("input_shape")
