"""One preprocessing path for pictures.

Stored bytes become what a net reads, the same for every data set.
"""

from __future__ import annotations

import numpy as np

from framework.contracts.net import Array
from framework.errors import InvalidStudy

CHUNK_IMAGES = 2048  # bounds the memory needed next to the result
GREY_WEIGHTS = (0.299, 0.587, 0.114)  # luma of red, green and blue, ITU-R BT.601


def prepare_images(images: Array, shape: tuple[int, ...]) -> Array:
    """Pictures made grey or coloured and resized, as a net's input shape says; bytes in 0 to 1.

    Resizing is bilinear, with antialiasing where a side shrinks. Grey from colour is the luma;
    colour from grey is the same value three times.

    Args:
        images: (n, height, width, 1 or 3) uint8, or float32 that keeps its range.
        shape: (height, width, 1 or 3) of one prepared picture.

    Returns:
        (n, *shape) float32, C-contiguous.

    Raises:
        InvalidStudy: `shape` is not that of a picture.
    """
    height, width, channels = check_shape(shape)
    result = np.empty((len(images), height, width, channels), np.float32)
    ends = (0.0, 1.0) if images.dtype == np.uint8 else _ends(images)
    for start in range(0, len(images), CHUNK_IMAGES):
        stop = start + CHUNK_IMAGES
        scaled = images[start:stop].astype(np.float32)
        if images.dtype == np.uint8:
            scaled /= np.float32(255)
        # grey is broadcast to colour
        result[start:stop] = _resized(_narrowed(scaled, channels), (height, width), ends)
    return result


def check_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Height, width and channels of a picture.

    Raises:
        InvalidStudy: not three sizes of at least 1, or neither 1 nor 3 channels.
    """
    if len(shape) != 3 or min(shape) < 1 or shape[2] not in (1, 3):
        raise InvalidStudy(
            "A picture is height x width x 1 (grey) or 3 (colour).",
            given=f"The net asks for {tuple(shape)}.",
            todo="Choose an architecture for pictures.",
        )
    return shape[0], shape[1], shape[2]


def _narrowed(images: Array, channels: int) -> Array:
    if images.shape[-1] == channels or channels == 3:
        return images
    weighted = images * np.array(GREY_WEIGHTS, np.float32)
    red, green, blue = np.moveaxis(weighted, -1, 0)
    return (red + green + blue)[..., np.newaxis]


def _ends(images: Array) -> tuple[float, float]:
    """The smallest and the largest number."""
    return float(images.min(initial=0)), float(images.max(initial=0))


def _resized(images: Array, size: tuple[int, int], ends: tuple[float, float]) -> Array:
    if images.shape[1:3] == size:
        return images
    from framework.nn.backend import tf

    shrinks = size[0] < images.shape[1] or size[1] < images.shape[2]
    with tf.device("CPU:0"):  # the same numbers on a machine with a GPU
        resized = tf.image.resize(images, size, method="bilinear", antialias=shrinks).numpy()
    return np.clip(resized, *ends)  # rounding may leave the interval by one bit
