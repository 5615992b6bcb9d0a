"""A net that the user has already: a keras model saved in a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isqrt, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from framework import nn
from framework.contracts import Architecture, DataInfo, Head, architecture, knob
from framework.contracts.project import Project
from framework.errors import InvalidStudy
from framework.nn.layers import LAYERS

if TYPE_CHECKING:
    from framework.nn.saved import Ending, Feed, SavedNet

Shape = tuple[int, ...]
# factor and offset of pixels in 0 to 1
PIXELS = {"unit": (1.0, 0.0), "bytes": (255.0, 0.0), "signed": (2.0, -1.0)}
# a net whose first layer multiplies pixels by less than this was trained on 0 to 255
BYTES_BEGIN = 0.02


@architecture("from_file", version=3)
@dataclass(frozen=True, kw_only=True)
class FromFile(Architecture):
    """A net of your own: a keras model of plain layers, saved as `.keras` or `.h5` by Keras 2 or 3.

    Its weights are the baseline, without training; studies prune, quantize and fine-tune it like
    any other. Of a `reconstruction` its output is the input again, in the same range, whatever its
    shape. The file is read as data: no code in it is run. Models in models, shared layers,
    operators and layers that some others can be written with are written out; what cannot be read
    exactly (Lambda, classes of your own) is refused. Pictures are resized to the size it was
    trained on. Optimizer, regularizers and frozen layers are not taken over.

    Source: the file named by `path`; formats as keras 2.15 to 3.15 writes them,
    https://keras.io/api/models/model_saving_apis/.
    """

    own = True
    trained = True

    path: str = knob("model.keras", unit="path", doc="the file, seen from the project's folder")
    sha256: str | None = knob(
        None,
        unit="name",
        optional=True,
        doc="of the file; filled in, so that a study belongs to its bytes",
    )
    inputs: str = knob(
        "",
        unit="name",
        doc="the data set's inputs in the order of the net's, as image,question; empty: as they "
        "fit",
    )
    output: str = knob(
        "",
        unit="name",
        doc="which of several outputs is the answer, by the name that the file gives it",
    )
    pixels: str = knob(
        "auto",
        choices=("auto", *PIXELS),
        doc="range of the pixels it was trained on: 0 to 1, 0 to 255, -1 to 1; auto: the one on "
        "which it does best",
    )

    def located(self, root: Path) -> Self:
        """The same, with the path seen from the project's folder."""
        return replace(self, path=str(root / self.path))

    def pinned(self, project: Project) -> Mapping[str, Any]:
        """The sha256 of the file.

        Raises:
            InvalidStudy: there is no such file, or it is not the one that the study names.
        """
        sha256 = nn.saved.digest(project.root / self.path)
        self._check_digest(sha256)
        return {"sha256": sha256}

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """The inputs of the net, by the data set's names; pictures in the size that the net reads.

        Raises:
            InvalidStudy: the file cannot be used, or its net fits neither the inputs nor the task
                of the data set.
        """
        net = self._net()
        feeds = self._feeds(net, info)
        shapes = {feed.name: feed.shape for feed in feeds}
        self._ending(net, feeds, replace(info, inputs=shapes))
        nn.saved.check(net, feeds)
        return shapes

    def remarks(self) -> Sequence[str]:
        """What is not as in the file: what was written out, written anew or left out."""
        return self._net().notes

    def left_open(self, info: DataInfo) -> Mapping[str, Sequence[str]]:
        """The range of the pixels, where it is `auto` and a picture is read.

        What the first layer tells comes first.
        """
        if self.pixels != "auto":
            return {}
        net = self._net()
        likely: set[str] = set()
        for feed, title in zip(self._feeds(net, info), net.inputs, strict=True):
            if _is_picture(feed.name, feed.shape):
                likely.add(self._range(net, title))
        # a stable sort: the others stay in the order of the table
        return {"pixels": sorted(PIXELS, key=lambda name: name not in likely)} if likely else {}

    def build(self, info: DataInfo) -> Any:
        """The net of the file with its weights, from the data set's inputs to its task's head."""
        net, head = self._net(), Head.of(info)
        feeds = self._feeds(net, info)
        built = nn.saved.model(net, feeds, self._ending(net, feeds, info))
        if built.output_shape != (None, head.units):
            raise _wrong_head(net, f"answers of the shape {built.output_shape[1:]}", info)
        return built

    def _ending(self, net: SavedNet, feeds: Sequence[Feed], info: DataInfo) -> Ending:
        """What is put behind the net, so that it ends as the task asks.

        Raises:
            InvalidStudy: it answers another question.
        """
        if info.task != "reconstruction":
            return nn.saved.Ending(_end(net, info))
        _ = info.target  # raises where there are several inputs
        if _last_activation(net) == "softmax":
            raise _wrong_head(net, "probabilities, softmax", info)
        (feed,), (title,) = feeds, net.inputs
        # what the net reads is factor * input + offset, and so is what it rebuilds
        factor, offset = feed.factor, feed.offset
        for layer in net.readers(title):
            # one that scales its input by itself is trained to rebuild what it has made of it
            if layer.kind == "Rescaling" and net.layer(net.output).kind != "Rescaling":
                scale, shift = layer.options.get("scale"), layer.options.get("offset", 0.0)
                if isinstance(scale, float) and isinstance(shift, (int, float)):
                    factor, offset = factor * scale, offset * scale + shift
        return nn.saved.Ending(factor=1 / factor, offset=-offset / factor, in_a_row=True)

    def _net(self) -> SavedNet:
        net = nn.saved.load(Path(self.path), self.output)
        self._check_digest(net.sha256)
        return net

    def _check_digest(self, sha256: str) -> None:
        if self.sha256 is not None and self.sha256 != sha256:
            raise InvalidStudy(
                f"The file {Path(self.path).name} is not the one that the study names.",
                given=f"sha256 of the file: {sha256}; in the study: {self.sha256}.",
                todo="Bring back that file, or leave sha256= out.",
            )

    def _feeds(self, net: SavedNet, info: DataInfo) -> list[Feed]:
        """How each input of the net is fed.

        Raises:
            InvalidStudy: the data set has nothing that fits.
        """
        names = self._matched(net, info)
        if len(names) != len(net.inputs) or len(set(names)) != len(names):
            raise _wrong_inputs(net, info)
        # that the inputs are not those of the net is said before what one of them lacks
        for title, name in zip(net.inputs, names, strict=True):
            _shapes_of(net, title, name, info)
        feed = partial(self._feed, net, info)
        return list(map(feed, net.inputs, names))

    def _feed(self, net: SavedNet, info: DataInfo, title: str, name: str) -> Feed:
        """How one input of the net, `title`, is fed with the data set's `name`."""
        shape, net_shape = _shapes_of(net, title, name, info)
        _check_tokens(net, title, name, info)
        factor, offset = 1.0, 0.0
        if _is_picture(name, shape):
            factor, offset = PIXELS[self._range(net, title)]
        kind = "int32" if name in info.tokens else "float32"
        return nn.saved.Feed(name, shape, net_shape, factor, offset, kind)

    def _matched(self, net: SavedNet, info: DataInfo) -> Sequence[str]:
        """The data set's input for each of the net's.

        As given by the knob, by their names, or the only one that fits.
        """
        if self.inputs:
            return list(map(str.strip, self.inputs.split(",")))
        if len(net.inputs) > 1:
            return net.titles
        asked = net.layer(net.inputs[0]).shape
        fitting = [name for name in info.inputs if _fit(name, asked, info)]
        # one that is read as it is goes before one that would be arranged anew
        alike = [name for name in fitting if len(info.inputs[name]) == len(asked)]
        return alike or fitting

    def _range(self, net: SavedNet, title: str) -> str:
        """The range of pixels that an input is given.

        As given by the knob, or as its first layer lets expect.
        """
        if self.pixels != "auto":
            return self.pixels
        for layer in net.readers(title):
            scale = layer.options.get("scale") if layer.kind == "Rescaling" else None
            if isinstance(scale, float) and abs(scale) < BYTES_BEGIN:
                return "bytes"
        return "unit"


def _shapes_of(net: SavedNet, title: str, name: str, info: DataInfo) -> tuple[Shape, Shape]:
    """As from `_fit`.

    Raises:
        InvalidStudy: the data set has no such input, or it does not fit.
    """
    shapes = _fit(name, net.layer(title).shape, info) if name in info.inputs else None
    if shapes is None:
        raise _wrong_inputs(net, info)
    return shapes


def _fit(name: str, asked: tuple[int | None, ...], info: DataInfo) -> tuple[Shape, Shape] | None:
    """The shape that the data set is asked for and its arrangement in the net.

    None if the input does not fit.
    """
    shape = info.inputs[name]
    if len(asked) == len(shape):
        # a side that the net leaves open, as fully convolutional ones do, is the data set's
        filled = tuple(side or data_side for side, data_side in zip(asked, shape, strict=True))
        fits = filled[2] in (1, 3) if _is_picture(name, shape) else filled == shape
        return (filled, filled) if fits else None
    if None in asked or name in info.tokens:
        return None
    arranged = tuple(side or 0 for side in asked)
    if prod(arranged) == prod(shape):  # the same numbers, as rows of a picture or in one line
        return shape, arranged
    return _resized(arranged) if _is_picture(name, shape) else None


def _resized(arranged: Shape) -> tuple[Shape, Shape] | None:
    """The size of a picture that a net reads as rows or in one line, if it can be told."""
    if len(arranged) > 2:
        return None
    if len(arranged) == 2:
        return (*arranged, 1), arranged
    # one line says how many numbers there are, and not how high it is: a square is the best guess
    for channels in (1, 3):
        side = isqrt(arranged[0] // channels)
        if side**2 * channels == arranged[0]:
            return (side, side, channels), arranged
    return None


def _is_picture(name: str, shape: Shape) -> bool:
    return len(shape) == 3 and shape[2] in (1, 3) and name != "audio"


def _wrong_inputs(net: SavedNet, info: DataInfo) -> InvalidStudy:
    shapes = [net.layer(name).shape for name in net.inputs]
    return InvalidStudy(
        f"The inputs of the net in {net.file} are not those of the data set.",
        given=f"The net reads {_listed(zip(net.titles, shapes, strict=True))}; the data set has "
        f"{_listed(info.inputs.items())}.",
        todo="Pictures are resized, with 1 or 3 channels; all else has to have its shape. Which "
        "input is which is told "
        'in the order of the net\'s: use("from_file", inputs="image,question").',
    )


def _listed(shapes: Iterable[tuple[str, Sequence[int | None]]]) -> str:
    return ", ".join(f"{name} ({'x'.join(map(_side, shape))})" for name, shape in shapes)


def _side(side: int | None) -> str:
    return "any" if side is None else str(side)


def _check_tokens(net: SavedNet, title: str, name: str, info: DataInfo) -> None:
    """Refuse an embedding that has no entry for some token of the data set."""
    for layer in net.readers(title):
        if layer.kind == "Embedding" and layer.options["input_dim"] < info.tokens.get(name, 0):
            raise InvalidStudy(
                f"The net in {net.file} knows fewer tokens than the data set has.",
                given=f"{layer.name!r} has {layer.options['input_dim']}, {name!r} has "
                f"{info.tokens[name]}.",
                todo="Train it on the data set's own token numbers.",
            )


def _end(net: SavedNet, info: DataInfo) -> str:
    """The activation to be put behind the net, so that it ends as the task asks.

    Empty if it does already.

    Raises:
        InvalidStudy: it answers another question.
    """
    head, activation, units = Head.of(info), _last_activation(net), _units(net)
    if units not in (None, head.units) or (
        activation in ("softmax", "sigmoid") and activation != head.activation
    ):
        raise _wrong_head(net, f"{units or 'unknown'} units, {activation}", info)
    # a net that ends in logits gets what makes probabilities of them
    return "" if activation == head.activation or head.activation == "linear" else head.activation


def _last_activation(net: SavedNet) -> str:
    last = net.layer(net.output)
    # keras writes a last activation as an option of a layer, or as a layer
    return "softmax" if last.kind == "Softmax" else last.options.get("activation", "linear")


def _units(net: SavedNet) -> int | None:
    """How many numbers the net answers with, if its last layers tell."""
    layer = net.layer(net.output)
    while LAYERS[layer.kind].keeps_units:
        layer = net.layer(layer.sources[0])
    return layer.options.get(LAYERS[layer.kind].units)


def _wrong_head(net: SavedNet, end: str, info: DataInfo) -> InvalidStudy:
    head, todo = Head.of(info), ""
    if _units(net) in [prod(shape) for shape in info.inputs.values()]:
        todo = 'If it rebuilds its input, set task="reconstruction" of your own data. Else choose'
    return InvalidStudy(
        f"The net in {net.file} does not answer the data set's question.",
        given=f"The net ends in {end}; the task {info.task!r} needs {head.units} units, "
        f"{head.activation}.",
        todo=f"{todo or 'Choose'} the data set that it was trained for, or train it with another "
        "last layer.",
    )
