"""The layers of a flat model as plain ones, each after those that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from framework.contracts.net import Array
from framework.nn.layers import LAYERS
from framework.nn.saved import activations, arrays, operators, rewritten
from framework.nn.saved.file import SAVE_AGAIN, SavedFile, Unusable
from framework.nn.saved.options import check_names, check_rest, unknown
from framework.nn.saved.parts import Plain, Source, Use

if TYPE_CHECKING:
    from framework.nn.saved.flat import Flat

# Keras 3 writes down how a layer's mask is made; Keras 2 makes it again by itself
MASK_OPERATORS = frozenset({"Any", "NotEqual"})
Mask = tuple[str, tuple[str, ...], Any]  # of each number or each step, of what, which is masked
FITTING = frozenset({"CenterCrop", "Resizing"})  # bring pictures to a size
# under which a layer may be given its inputs, in this order
KEYWORDS = ("inputs", "query", "value", "key")


@dataclass
class Written:
    """The plain layers so far.

    Args:
        layers: each after those that it reads.
        ends: layer of the file -> the plain layer whose output is its output.
        left_out: layers of the file that only training knows.
        anew: those that others stand for, with these.
        sized: those that bring pictures to a size that these have already.
    """

    layers: list[Plain] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    anew: list[str] = field(default_factory=list)
    sized: list[str] = field(default_factory=list)

    def add(self, use: Use, parts: Sequence[Plain]) -> None:
        """The next layer of the file, as plain ones; as none if it passes on what it is given."""
        for part in parts:
            sources = tuple(self.ends.get(name, name) for name in part.sources)
            self.layers.append(replace(part, sources=sources))
        # who reads the layer reads the last of its parts, or what it only passed on
        self.ends[use.title] = parts[-1].title if parts else self.source(use)
        kinds = [part.kind for part in parts]
        if not parts:
            self.left_out.append(use.title)
        elif kinds != [use.kind]:
            self.anew.append(f"{use.title} ({' + '.join(kinds)})")

    def fit(self, use: Use) -> None:
        """A layer that brings pictures to a size: left out where the input has that size."""
        source = self.source(use)
        titles = [layer.title for layer in self.layers]
        place = titles.index(source)
        cropped = _cropped(self.layers[place], use)
        if cropped:
            self.add(use, cropped)
            return
        self.layers[place] = _sized(self.layers[place], use)
        self.ends[use.title] = source
        self.sized.append(use.title)

    def source(self, use: Use) -> str:
        """The plain layer whose output a layer of the file is given first."""
        return self.ends[_sources(use.arguments)[0]]

    def notes(self) -> Iterator[str]:
        """What is not as in the file, for people."""
        for what, titles in (
            ("layers that only training knows are left out", self.left_out),
            ("written with other layers that answer the same", self.anew),
            ("pictures come in the size that these would bring them to", self.sized),
        ):
            if titles:
                yield f"{what}: {', '.join(titles)}"


def as_plain(file: SavedFile, flat: Flat) -> Written:
    """The layers of a file as plain ones.

    Raises:
        Unusable: a layer is not on the list and cannot be written with some that are.
    """
    keras_3 = file.keras.startswith("3")
    uses = _without_masks(flat.uses)
    # all of them before the first array is read
    for use in uses:
        if not operators.is_operator(use, keras_3=keras_3):
            check_names(use.member.described, use.title, rewritten.KNOWN | FITTING)
    read = arrays.of_members(file, flat.members, {use.member.path for use in uses})
    written = Written()
    for use in _in_order(uses):
        if use.kind in FITTING and use.kind not in LAYERS:
            written.fit(use)
        else:
            written.add(use, _parts(use, read[use.member.path], keras_3=keras_3))
    return written


def _parts(use: Use, of_layer: Sequence[Array], *, keras_3: bool) -> list[Plain]:
    """The plain layers that one use of a layer is; none if it passes on what it is given."""
    if operators.is_operator(use, keras_3=keras_3):
        return operators.as_layers(use)
    parts: list[Plain] = []
    for part in rewritten.rewritten(_called(use, of_layer, keras_3=keras_3)):
        if part.kind not in LAYERS:
            raise unknown(use.title, part.kind)
        parts += activations.split(part, keras_3=keras_3)
    return parts


def _called(use: Use, of_layer: Sequence[Array], *, keras_3: bool) -> Plain:
    """A layer with what it is called with."""
    keywords = dict(use.keywords)
    # Keras 3 writes down the default of layers that change pictures at random
    if keras_3 and use.kind in rewritten.RANDOM:
        keywords.pop("training", None)
    sources = _sources(use.arguments)
    for key in KEYWORDS:
        sources += _sources(keywords.pop(key, ()))
    causal = keywords.pop("use_causal_mask", False) is True
    # a keyword that is not known here may change the outputs, unless it is off
    for key, value in keywords.items():
        if value not in (None, False) and not key.endswith("mask"):
            raise Unusable(
                f"Layer {use.title!r} is called with {key}={str(value)[:60]}.",
                "Save the net without that.",
            )
    return Plain(use.title, use.kind, use.member.config, tuple(sources), tuple(of_layer), causal)


def _sources(value: Any) -> list[str]:
    """The titles of what a layer is called with, however nested."""
    if isinstance(value, Source):
        return [value.title]
    if value is None:
        return []
    if not isinstance(value, (list, tuple, Mapping)):
        raise Unusable(
            f"A layer is given the constant {str(value)[:60]}.",
            "Use layers.Rescaling, or prepare the data so.",
        )
    titles: list[str] = []
    for part in value.values() if isinstance(value, Mapping) else value:
        titles += _sources(part)
    return titles


def _cropped(layer: Plain, use: Use) -> list[Plain]:
    """The middle of an input that is larger than it; none if it is not, or of any size."""
    shape = _picture_shape(layer)
    if use.kind != "CenterCrop" or layer.kind != "InputLayer" or len(shape) != 4:
        return []
    check_rest(use.member.config, ["height", "width"], name=use.title)
    height, width = use.member.config["height"], use.member.config["width"]
    if None in shape[1:3] or [height, width] == list(shape[1:3]):
        return []
    over = [shape[1] - height, shape[2] - width]
    if min(over) < 0:  # keras enlarges the picture first
        return []
    cropping = [[side // 2, side - side // 2] for side in over]
    return [Plain(use.title, "Cropping2D", {"cropping": cropping}, (layer.title,))]


def _picture_shape(layer: Plain) -> Sequence[Any]:
    shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape") or ()
    return shape if isinstance(shape, list) else ()


def _sized(layer: Plain, use: Use) -> Plain:
    """An input in the size to which a layer brings its pictures: those pass it unchanged.

    Raises:
        Unusable: it is no input, or of another size.
    """
    size = [use.member.config["height"], use.member.config["width"]]
    shape = _picture_shape(layer)
    open_or_same = len(shape) == 4 and shape[1] in (None, size[0]) and shape[2] in (None, size[1])
    if layer.kind != "InputLayer" or not open_or_same:
        raise Unusable(
            f"Layer {use.title!r} ({use.kind}) changes the size of its pictures.",
            f"Build the net without it on keras.Input(({size[0]}, {size[1]}, channels)), set its "
            "weights with new.set_weights(old.get_weights()), and save that.",
        )
    # an input that leaves its sides open is given those that it would have behind the layer
    return layer.changed(batch_shape=[None, *size, shape[3]])


def _without_masks(uses: Sequence[Use]) -> list[Use]:
    """Without operators that make masks, if a layer of the file makes the same by itself."""
    made: dict[str, Mask] = {}
    of_layers: list[Mask] = []
    # Keras 3 writes an operator before what reads it
    for use in uses:
        if use.kind in MASK_OPERATORS:
            mask = _operators_mask(use, made)
            made |= {use.title: mask} if mask else {}
        else:
            of_layers += _layers_mask(use)
    for use in uses:
        masks = [value for key, value in use.keywords.items() if key.endswith("mask")]
        for value in masks if use.kind not in MASK_OPERATORS else []:
            # a mask that is made otherwise has no entry, and None is not among them
            for title in _sources(value) if not isinstance(value, bool) else []:
                if made.get(title) not in of_layers:
                    todo = "Masks come from Embedding(mask_zero=True) or Masking only."
                    raise Unusable(f"Layer {use.title!r} is called with a mask.", todo)
    return [use for use in uses if use.title not in made]


def _operators_mask(use: Use, made: Mapping[str, Mask]) -> Mask | None:
    """The mask that an operator makes; None if no layer makes such a one."""
    first, *others = use.arguments
    if use.kind == "NotEqual":
        return ("each", tuple(_sources(first)), others[0]) if len(others) == 1 else None
    # whether any number of a step is not the one that is masked
    inner = [made[title] for title in _sources(first) if title in made]
    is_last = use.member.config.get("axis") in (-1, [-1]) and not use.member.config.get("keepdims")
    return ("step", *inner[0][1:]) if len(inner) == 1 and is_last and not others else None


def _layers_mask(use: Use) -> list[Mask]:
    """The mask that a layer makes by itself, if any."""
    if use.kind == "Embedding" and use.member.config.get("mask_zero"):
        return [("each", tuple(_sources(use.arguments)), 0)]
    if use.kind == "Masking":
        masked = use.member.config.get("mask_value", 0.0)
        return [("step", tuple(_sources(use.arguments)), masked)]
    return []


def _in_order(uses: Sequence[Use]) -> Iterator[Use]:
    """Each use after those that it reads."""
    left, ready = list(uses), set[str]()
    reads = {use.title: _reads((use.arguments, use.keywords)) for use in uses}
    while left:
        now = [use for use in left if ready.issuperset(reads[use.title])]
        if not now:
            raise Unusable(
                f"Layers read one another in a circle, as {left[0].title!r}.", SAVE_AGAIN
            )
        yield from now
        ready.update(use.title for use in now)
        left = [use for use in left if use.title not in ready]


def _reads(value: Any) -> set[str]:
    """All layers that are read, masks left out: what makes them is no layer here."""
    if isinstance(value, Source):
        return {value.title}
    titles: set[str] = set()
    if isinstance(value, Mapping):
        value = [part for key, part in value.items() if not key.endswith("mask")]
    if isinstance(value, (list, tuple)):
        for part in value:
            titles |= _reads(part)
    return titles
