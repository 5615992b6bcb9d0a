"""Pictures of any size as pictures of one size."""

from __future__ import annotations

import numpy as np

from framework.contracts import Array
from framework.nn.images import prepare_images


def read_picture(content: bytes, *, side: int, channels: int) -> Array:
    """The middle square of a PNG, JPEG, BMP or GIF file, resized: (side, side, channels) uint8.

    Raises:
        ValueError: it is none of these.
    """
    from framework.nn.backend import tf

    try:
        image = tf.io.decode_image(content, channels=3, expand_animations=False).numpy()
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(str(error.message)) from error
    return squared(image, side=side, channels=channels)


def squared(image: Array, *, side: int, channels: int) -> Array:
    """The middle square of a picture, resized bilinearly with antialiasing.

    Args:
        image: (height, width, 1 or 3) uint8.

    Returns:
        (side, side, channels) uint8.
    """
    edge = min(image.shape[:2])
    top, left = (image.shape[0] - edge) // 2, (image.shape[1] - edge) // 2
    square = image[np.newaxis, top : top + edge, left : left + edge]
    return np.rint(prepare_images(square, (side, side, channels))[0] * 255).astype(np.uint8)
