"""Which array is the label, which an input, which of a split: by names as numpy users give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from framework.datasets._sources.array_file import Head
from framework.datasets._sources.cache import TEST

LABEL_NAMES = ("labels", "label", "y", "target", "targets")
PICTURE_NAMES = ("image", "images", "img", "imgs", "picture", "pictures")
ANY_NAMES = ("x", "data", "features", "input", "inputs")  # the shape says what they are
TEXTS = ("question", "text", "tokens")
"""Inputs of these names hold tokens if their shape is (n, length), else numbers."""
KNOWN = ("image", "audio", "sequence", *TEXTS)
WHOLE = ""  # of arrays that are no split's
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": TEST,
    "testing": TEST,
}


@dataclass(frozen=True)
class Part:
    """The arrays of one split, or of all samples.

    Args:
        inputs: input name -> name in the file.
        label: name in the file; empty if there is none.
    """

    inputs: dict[str, str] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True)
class Parts:
    """What is what in a file.

    Args:
        parts: split, or `WHOLE` -> its arrays.
        left_out: names in the file that are neither labels nor an input.
        unclear: names in the file that may be two things.
    """

    parts: Mapping[str, Part]
    left_out: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


def sorted_out(heads: Mapping[str, Head]) -> Parts:
    """What each array of a file is, from names, shapes and types."""
    by_split: dict[str, dict[str, str]] = {}
    for name in heads:
        split, rest = split_of(name)
        by_split.setdefault(split, {})[rest] = name
    # with splits given, what belongs to none is no sample
    other = by_split.pop(WHOLE, {}) if len(by_split) > 1 and "train" in by_split else {}
    left_out, unclear = list(other.values()), []
    parts: dict[str, Part] = {}
    for split, names in by_split.items():
        # first the label: an input has as many samples
        parts[split] = part = Part(label=next((names[n] for n in _labels(names)), ""))
        # without labels, as of a reconstruction, the first array tells how many there are
        samples = heads[part.label or next(iter(names.values()))][0][:1]
        for name, in_file in names.items():
            role = _role(name, heads[in_file], samples)
            if in_file == part.label:
                continue
            if not role:
                left_out.append(in_file)
            # two of one role, as image and images, may be two things as well
            elif role == "?" or role in part.inputs:
                unclear.append(in_file)
            else:
                part.inputs[role] = in_file
    return Parts(parts, tuple(left_out), tuple(unclear))


def split_of(name: str) -> tuple[str, str]:
    """The split that `x_train` or `train_images` names, and the name without it."""
    words = name.split("_")
    for place in (0, -1):
        if len(words) > 1 and words[place].lower() in SPLITS:
            split = SPLITS[words.pop(place).lower()]
            return split, "_".join(words)
    return WHOLE, name


def _labels(names: Mapping[str, str]) -> list[str]:
    """Those that may be the label, likeliest first."""
    return [name for known in LABEL_NAMES for name in names if name.lower() == known]


def _role(name: str, head: Head, samples: tuple[int, ...]) -> str:
    """The input that an array is: empty for none, `?` for one that may be two things."""
    shape, kind = head
    lower = name.lower()
    if lower in PICTURE_NAMES:
        return "image"
    if lower in KNOWN:
        return lower
    fits = shape[:1] == samples and kind.kind in "biuf"
    if lower in ANY_NAMES:
        return _by_shape(head) if fits else name
    # a name that a net of the user's own may have; ids and names of classes are no input
    return name if fits and len(shape) > 1 else ""


def _by_shape(head: Head) -> str:
    """What an array called `x` is."""
    shape, kind = head
    if len(shape) == 4 or (len(shape) == 3 and kind == "uint8"):
        return "image"
    return "sequence" if len(shape) < 3 else "?"
