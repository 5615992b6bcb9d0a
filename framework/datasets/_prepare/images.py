"""Pictures of any size as pictures of one size."""

from __future__ import annotations

import io
import struct
import warnings
from typing import TYPE_CHECKING

import numpy as np

from framework.nn.images import prepare_images
from framework.system.git_lfs import is_pointer

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from framework.contracts import Array

MOST_PIXELS = 64_000_000  # of one picture; decoded they take 192 MB
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")


def read_picture(content: bytes, *, side: int, channels: int) -> Array:
    """The middle square of a picture file, turned as its EXIF data says and resized.

    (side, side, channels) uint8.

    Raises:
        ValueError: it is none of `FORMATS`, is cut off, is larger than `MOST_PIXELS`, or has more
            than 16 bits for each channel.
    """
    from PIL import Image, UnidentifiedImageError

    if is_pointer(content):
        raise ValueError("it is a pointer of Git LFS, whose content git lfs pull fetches")
    try:
        image = _decoded(content)
    except UnidentifiedImageError as error:  # its own text names a place in memory
        raise ValueError(f"its content is none of {', '.join(FORMATS)}") from error
    except (OSError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error
    return squared(image, side=side, channels=channels)


def _decoded(content: bytes) -> Array:
    """The first frame of a file as (height, width, 3) uint8.

    Of 16 bits the upper eight, transparency is left out.
    """
    from PIL import Image, ImageOps

    with _opened(content) as file:
        if file.width * file.height > MOST_PIXELS:
            raise ValueError(
                f"it has {file.width} x {file.height} pixels, more than {MOST_PIXELS:,}. Save it "
                "smaller"
            )
        image = ImageOps.exif_transpose(file)
        if image.mode in ("F", "I"):
            raise ValueError("it has more than 16 bits for each channel. Save it with 8")
        if image.mode.startswith("I;16"):  # Pillow's own conversion would cut all above 255 off
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        return np.asarray(image.convert("RGB"))


def told(content: bytes) -> str:
    """Size and format of a picture file, without decoding it; or why it cannot be read."""
    try:
        with _opened(content) as file:
            return f"{file.width} x {file.height} {file.format} ({file.mode})"
    except Exception as error:  # noqa: BLE001  (of any damaged file; told, not raised)
        return f"cannot be read: {type(error).__name__}"


def _opened(content: bytes) -> ImageFile:
    from PIL import Image

    with warnings.catch_warnings():
        # of a picture that is large only; ours is the limit that counts
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(content), formats=FORMATS)


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
