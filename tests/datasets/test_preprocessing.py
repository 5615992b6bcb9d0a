"""Pictures on their way to a net: known answers for scaling, colour and size."""

import numpy as np
import pytest

from framework.errors import InvalidStudy
from framework.nn import images
from framework.nn.images import prepare_images


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def test_bytes_become_shares_of_one():
    raw = np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1)
    prepared = prepare_images(raw, (1, 1, 1))
    assert (prepared.dtype, prepared.shape, prepared.flags.c_contiguous) == (
        np.float32,
        (3, 1, 1, 1),
        True,
    )
    assert prepared.ravel().tolist() == [0.0, np.float32(0.2), 1.0]


def test_colour_from_grey_is_the_same_value_three_times():
    raw = noise(5, 4, 4, 1)
    colour = prepare_images(raw, (4, 4, 3))
    for channel in range(3):
        assert np.array_equal(colour[..., channel], prepare_images(raw, (4, 4, 1))[..., 0])


def test_grey_from_colour_is_the_luma():
    raw = np.eye(3, dtype=np.uint8).reshape(3, 1, 1, 3) * 255
    assert prepare_images(raw, (1, 1, 1)).ravel() == pytest.approx([0.299, 0.587, 0.114])
    white = np.full((1, 2, 2, 3), 255, np.uint8)
    assert prepare_images(white, (2, 2, 1)) == pytest.approx(1.0)


def test_enlarging_is_bilinear_between_the_centres_of_pixels():
    raw = np.array([[0, 255]], np.uint8).reshape(1, 1, 2, 1)
    assert prepare_images(raw, (1, 4, 1)).ravel() == pytest.approx([0.0, 0.25, 0.75, 1.0])


def test_shrinking_looks_at_every_pixel():
    raw = np.array([0, 0, 255, 255], np.uint8).reshape(1, 1, 4, 1)
    # A triangle two pixels wide on each side: weights 0.75, 0.75, 0.25, 0 around the first centre,
    # over their sum.
    assert prepare_images(raw, (1, 2, 1)).ravel() == pytest.approx(
        [0.25 / 1.75, 1.5 / 1.75], abs=1e-6
    )


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28, 3), (5, 7, 1), (3, 20, 3), (8, 8, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_stays_between_0_and_1(shape, channels):
    raw = noise(6, 8, 8, channels)
    raw[0], raw[1] = 0, 255
    prepared = prepare_images(raw, shape)
    assert (prepared.shape, prepared.dtype, prepared.flags.c_contiguous) == (
        (6, *shape),
        np.float32,
        True,
    )
    assert (prepared.min(), prepared.max()) == (0.0, pytest.approx(1.0))
    assert prepared.max() <= 1
    assert prepared[1] == pytest.approx(1.0)


def test_the_size_of_a_chunk_does_not_matter(monkeypatch):
    raw = noise(7, 8, 8, 3)
    whole = prepare_images(raw, (5, 5, 1))
    monkeypatch.setattr(images, "CHUNK_IMAGES", 3)
    assert prepare_images(raw, (5, 5, 1)).tobytes() == whole.tobytes()


def test_no_picture_is_no_trouble():
    assert prepare_images(noise(0, 8, 8, 1), (28, 28, 3)).shape == (0, 28, 28, 3)


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 2), (0, 28, 1), (1, 28, 28, 1)])
def test_a_shape_that_is_no_picture_is_refused(shape):
    with pytest.raises(InvalidStudy, match="height x width"):
        prepare_images(noise(1, 8, 8, 1), shape)
