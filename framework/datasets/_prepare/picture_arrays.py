"""Arrays of pictures as numpy users have them, brought to one shape and one range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from framework.contracts import Array

CHANNELS = (1, 3)
BYTE, WORD = 255, 65_535  # largest values of pictures in whole numbers
NEAR = 1e-3  # by which rounding may leave an interval


class NoPictures(ValueError):
    """What the array is not, and the code that mends it."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.todo = todo


def shape_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Height, width, channels of one picture in an array of this shape.

    Args:
        shape: (n, height, width), (n, height, width, 1 or 3), or with the channels in front.

    Raises:
        NoPictures: it is none of these.
    """
    if len(shape) == 3:
        return (*shape[1:], 1)
    if len(shape) == 4 and shape[3] in CHANNELS:
        return shape[1:]
    if len(shape) == 4 and shape[1] in CHANNELS:
        return (*shape[2:], shape[1])
    ways_out = "Write (n, height, width, 1 or 3)."
    if len(shape) == 4 and shape[3] == 4:
        ways_out = "Leave out the fourth: image=image[..., :3]."
    elif len(shape) == 4 and shape[3] == 2:
        ways_out = "Leave out the second: image=image[..., :1]."
    elif len(shape) == 2:
        ways_out = "Write pictures (image=image.reshape(n, height, width, channels)), or rows of "
        ways_out += "numbers (sequence=image)."
    raise NoPictures(f"pictures have 1 or 3 channels; the array has shape {shape}.", ways_out)


def pictures(array: Array, *, scaled: bool) -> Array:
    """(n, height, width, 1 or 3): uint8, or float32 in 0 to 1.

    Bytes, and whole numbers of any type from 0 to 255 that go above 1, are bytes; fractions in 0 to
    255, numbers in -1 to 1 and uint16 are brought to 0 to 1; what is in 0 to 1 stays.

    Args:
        scaled: else all but bytes stay as they are.

    Raises:
        NoPictures: the shape or the range is another.
    """
    shape_of(array.shape)  # for what it refuses
    if array.ndim == 3:
        array = array[..., np.newaxis]
    elif array.shape[3] not in CHANNELS:
        array = np.moveaxis(array, 1, 3)
    if array.dtype == np.uint8:
        return array
    low, high = float(array.min(initial=0)), float(array.max(initial=0))
    if low >= 0 and 1 < high <= BYTE and is_whole(array):
        return array.astype(np.uint8)
    numbers = array.astype(np.float32)
    return _unit(numbers, array.dtype, low, high) if scaled else numbers


def is_whole(array: Array) -> bool:
    """Whether there are no fractions."""
    return array.dtype.kind in "biu" or bool((array == np.rint(array)).all())


def _unit(numbers: Array, kind: np.dtype, low: float, high: float) -> Array:
    """Numbers of a known range in 0 to 1."""
    if low >= 0 and high <= 1 + NEAR:
        return np.minimum(numbers, 1)
    if kind == np.uint16:
        return numbers / np.float32(WORD)
    # up to 2 it may be another range than that of bytes
    if low >= 0 and 2 < high <= BYTE:
        return numbers / np.float32(BYTE)
    if low >= -1 - NEAR and high <= 1 + NEAR:
        return np.clip((numbers + 1) / 2, 0, 1)
    raise NoPictures(
        f"pictures are in 0 to 1, 0 to 255 or -1 to 1; the array has {low:g} to {high:g}.",
        "Write image=(image - image.min()) / (image.max() - image.min()), or take them as they "
        'are: scale="none".',
    )
