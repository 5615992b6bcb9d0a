"""A saved net as a keras model of the lab.

Fed by a data set's inputs, ending in the head that its task asks for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt, prod
from operator import attrgetter
from typing import Any

from framework.contracts.net import WeightKey
from framework.errors import InvalidStudy, SqueezelabError
from framework.nn.allowed import check_graph
from framework.nn.layers import LAYERS
from framework.nn.saved.file import SAVE_AGAIN, Unusable, reading
from framework.nn.saved.parts import Layer, SavedNet

HEAD, BACK, ROW = "head_activation", "output_scaled", "output_in_a_row"
MOST_NUMBERS = 2**24  # that one layer may pass on, for one sample
MOST_STEPS = 1024  # of a recurrent layer that is exported step by step
ATTENTION = frozenset({"AdditiveAttention", "Attention", "Dot", "MultiHeadAttention"})
# of attention: keras takes them from its inputs
BUILT_BY_CALL = dict.fromkeys(("query_shape", "key_shape", "value_shape"))


@dataclass(frozen=True)
class Feed:
    """How one input of a saved net is fed.

    Args:
        name: the data set's input.
        shape: as the data set is asked for it.
        net_shape: as the net reads it: another arrangement of the same numbers.
        factor: by which the data set's numbers are multiplied first; 255 gives pixels the range of
            bytes.
        offset: is added then; factor 2 and offset -1 give pixels the range of -1 to 1.
        dtype: of what the data set gives.
    """

    name: str
    shape: tuple[int, ...]
    net_shape: tuple[int, ...]
    factor: float = 1.0
    offset: float = 0.0
    dtype: str = "float32"


@dataclass(frozen=True)
class Ending:
    """What is put behind a saved net, so that it answers what a task asks.

    Args:
        activation: of a head; none if empty.
        factor: by which the outputs are multiplied.
        offset: is added then.
        in_a_row: whether the outputs, of whatever shape, become one row of numbers.
    """

    activation: str = ""
    factor: float = 1.0
    offset: float = 0.0
    in_a_row: bool = False


PLAIN = Ending()


def check(net: SavedNet, feeds: Sequence[Feed]) -> None:
    """Refuse a net that would not survive compression and export, as `nn.allowed` knows them.

    Loads no TensorFlow.

    Raises:
        InvalidStudy: it would not.
    """
    try:
        check_graph(_config(net, feeds, _names(net, feeds), PLAIN))
    except SqueezelabError as error:
        why = f"{error.what} {error.given}"
        raise InvalidStudy(
            f"The net in {net.file} cannot be used.", given=why, todo=error.todo
        ) from error


def model(net: SavedNet, feeds: Sequence[Feed], ending: Ending = PLAIN) -> Any:
    """A functional keras model with the saved net's weights.

    Args:
        feeds: one for each input of the net, in its order.
        ending: what is added after the net; nothing by default.

    Raises:
        InvalidStudy: its layers and arrays do not belong together.
    """
    from framework.nn import graph

    renamed = _names(net, feeds)
    config = json.dumps(_config(net, feeds, renamed, ending))
    weights, shapes = {}, {}
    for (layer, position), values in net.weights.items():
        key = WeightKey(renamed[layer], position)
        weights[key], shapes[key] = values, values.shape
    with reading(net.file):
        # first: a net takes as much memory as its configuration asks for when it is built
        _check_shapes(config, shapes)
        built = graph.build(config)
    graph.write_weights(built, weights)
    return built


def _names(net: SavedNet, feeds: Sequence[Feed]) -> dict[str, str]:
    """Layer -> its name in the model.

    Inputs are called as the data set calls them, and nothing else is.
    """
    renamed = dict(zip(net.inputs, map(attrgetter("name"), feeds), strict=True))
    taken = {HEAD, BACK, ROW}
    for feed in feeds:
        taken |= {feed.name, f"{feed.name}_scaled", f"{feed.name}_arranged"}
    for layer in net.layers:
        name = layer.name
        # two layers of one name would be one to keras
        while layer.name not in renamed and name in taken:
            name += "_layer"
        renamed.setdefault(layer.name, name)
        taken.add(name)
    return renamed


def _config(
    net: SavedNet, feeds: Sequence[Feed], renamed: Mapping[str, str], ending: Ending
) -> dict[str, Any]:
    """The functional configuration of keras."""
    # layer of the saved net -> the layer here whose output is its output
    layers, ends = [], dict(renamed)
    for title, feed in zip(net.inputs, feeds, strict=True):
        feeding = _fed(feed)
        layers += feeding
        ends[title] = feeding[-1]["name"]
    for layer in net.layers:
        if layer.kind != "InputLayer":
            sources = list(map(ends.__getitem__, layer.sources))
            layers.append(_layer(renamed[layer.name], layer, sources))
    layers += _ended(ending, ends[net.output])
    output = layers[-1]["name"] if ending != PLAIN else ends[net.output]
    return {
        "name": "net",
        "layers": layers,
        "input_layers": [[feed.name, 0, 0] for feed in feeds],
        "output_layers": [[output, 0, 0]],
    }


def _fed(feed: Feed) -> list[dict[str, Any]]:
    """The input, and what brings it into the form that the net reads."""
    shape = {"batch_input_shape": [None, *feed.shape], "dtype": feed.dtype, "name": feed.name}
    layers: list[dict[str, Any]] = [
        {"name": feed.name, "class_name": "InputLayer", "config": shape, "inbound_nodes": []}
    ]
    if (feed.factor, feed.offset) != (1.0, 0.0):
        moved = {"scale": feed.factor}
        if feed.offset:
            moved["offset"] = feed.offset
        layers.append(_plain(f"{feed.name}_scaled", "Rescaling", moved, layers[-1]["name"]))
    if feed.net_shape != feed.shape:
        arranged = {"target_shape": list(feed.net_shape)}
        layers.append(_plain(f"{feed.name}_arranged", "Reshape", arranged, layers[-1]["name"]))
    return layers


def _ended(ending: Ending, output: str) -> list[dict[str, Any]]:
    """What makes of the net's output the answer."""
    layers: list[dict[str, Any]] = []
    added: list[tuple[str, str, Mapping[str, Any]]] = []
    if ending.activation:
        added.append((HEAD, "Activation", {"activation": ending.activation}))
    if (ending.factor, ending.offset) != (1.0, 0.0):
        added.append((BACK, "Rescaling", {"scale": ending.factor, "offset": ending.offset}))
    if ending.in_a_row:
        added.append((ROW, "Flatten", {}))
    for name, kind, options in added:
        layers.append(_plain(name, kind, options, output))
        output = name
    return layers


def _plain(name: str, kind: str, options: Mapping[str, Any], source: str) -> dict[str, Any]:
    return _layer(name, Layer(name, kind, options), [source])


def _layer(name: str, layer: Layer, sources: Sequence[str]) -> dict[str, Any]:
    options = {**layer.options, "name": name}
    called: dict[str, Any] = {"use_causal_mask": True} if layer.causal else {}
    if layer.kind == "MultiHeadAttention":  # takes its inputs by name, all others as a list
        options |= BUILT_BY_CALL
        # not strict: an attention without a key takes the value for it
        for key, source in zip(("value", "key"), sources[1:], strict=False):
            called[key] = [source, 0, 0]
        sources = sources[:1]
    nodes = [[source, 0, 0, called] for source in sources]
    return {"name": name, "class_name": layer.kind, "config": options, "inbound_nodes": [nodes]}


def _check_shapes(config: str, stored: Mapping[WeightKey, tuple[int, ...]]) -> None:
    """Refuse a net whose weights are not those of the file, or whose layers pass on too much.

    In a graph of TensorFlow variables have shapes but take no memory, however large a file says
    they are.
    """
    from framework.nn import graph
    from framework.nn.backend import tf

    with tf.Graph().as_default():
        built = graph.build(config)
    needed = {key: tuple(weight.shape) for key, weight in graph.variables(built).items()}
    _check_stored(needed, stored)
    for layer in built.layers:
        _check_output(layer)


def _check_stored(
    needed: Mapping[WeightKey, tuple[int, ...]], stored: Mapping[WeightKey, tuple[int, ...]]
) -> None:
    for key in sorted(set(needed) | set(stored)):
        # one that is missing on either side has no shape there
        (layer, position), wanted, present = key, needed.get(key), stored.get(key)
        if wanted != present:
            raise Unusable(
                f"Weight {position} of layer {layer!r} is {present} in the file, {wanted} in the "
                "net.",
                SAVE_AGAIN,
            )


def _check_output(layer: Any) -> None:
    """Refuse a layer that makes more numbers, or more steps, than a small machine holds."""
    shape = [side for side in layer.output.shape[1:] if side is not None]
    if prod(shape) > MOST_NUMBERS:
        raise Unusable(
            f"Layer {layer.name!r} passes on {shape} numbers, {prod(shape):,} for one sample.",
            f"At most {MOST_NUMBERS:,}: train a net on smaller inputs, or with fewer of them.",
        )
    kind = type(layer).__name__
    first = layer.input if not isinstance(layer.input, list) else layer.input[0]
    steps = first.shape[1] if len(first.shape) > 2 else None
    if LAYERS[kind].unrolled and (steps or 0) > MOST_STEPS:
        raise Unusable(
            f"Layer {layer.name!r} ({kind}) is given {steps:,} steps, which are exported one by "
            "one.",
            f"At most {MOST_STEPS:,}: train the net on shorter sequences, or with an LSTM, whose "
            "steps are one operation.",
        )
    if kind in ATTENTION and (steps or 0) ** 2 > MOST_NUMBERS:
        raise Unusable(
            f"Layer {layer.name!r} ({kind}) holds {steps:,} steps against one another.",
            f"At most {isqrt(MOST_NUMBERS):,}: train the net on shorter sequences.",
        )
