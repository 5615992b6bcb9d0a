"""What nets for pictures share: the side they ask for, and whether it is large enough."""

from __future__ import annotations

from framework.contracts import DataInfo
from framework.errors import InvalidStudy

LEAST_SIDE = 28  # pixels: smaller pictures, as the 8x8 digits, would be gone after a few poolings


def picture_shape(
    info: DataInfo, *, side: int = 0, least: int = LEAST_SIDE
) -> tuple[int, int, int]:
    """The shape that a net asks of the input `image`, with the data set's own channels.

    Args:
        side: in pixels; 0 for the data set's own sides, enlarged to `least` where they are smaller.
        least: in pixels.

    Returns:
        (height, width, channels).

    Raises:
        InvalidStudy: the data set has no pictures.
    """
    height, width, channels = info.shape("image")
    if side:
        return side, side, channels
    return max(height, least), max(width, least), channels


def check_halvings(shape: tuple[int, int, int], *, blocks: int, lost: int) -> None:
    """Refuse a net whose poolings would leave nothing of the picture.

    Args:
        shape: (height, width, channels) of the picture.
        blocks: each of them a convolution and a pooling that halves the sides, rounding down.
        lost: pixels of each side that a convolution takes away, 0 if it pads.

    Raises:
        InvalidStudy: a side is used up before the last block.
    """
    side = min(shape[:2])
    for _ in range(blocks):
        side = (side - lost) // 2
    if side < 1:
        raise InvalidStudy(
            "The picture is too small for so many blocks: each of them halves its sides.",
            given=f"{blocks} blocks on {shape[0]}x{shape[1]} pixels; each convolution takes {lost} "
            f"off a side.",
            todo='Lower `blocks`, raise `side`, or set padding="same".',
        )
