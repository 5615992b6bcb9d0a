"""Sounds as nets read them: log-mel spectrograms.

Source: Davis & Mermelstein 1980, IEEE TASSP 28(4) (triangular filters on the mel scale, in the form
of the HTK Book).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from framework.errors import InvalidValue

if TYPE_CHECKING:
    from framework.contracts import Array

FLOOR = 1e-6  # power below which all is silence; a sine of full scale has power 1
STEP = 256  # values are whole multiples of 1/256, so that all machines agree to the bit
CHUNK = 256  # sounds at a time, to bound the memory


def log_mel(
    waves: Array, *, rate: int, frame: int, hop: int, bins: int, low_hz: float, high_hz: float
) -> Array:
    """Log-mel spectrograms of sounds of one length.

    The rule is fixed, so nothing is learnt from data: Hann window, power spectrum in which a sine
    of full scale peaks at 1, `bins` triangular filters of height 1 at equal distances in mel, then
    `(log10(power + 1e-6) + 3) / 3`: silence is -1, a tone of full scale about 1.

    Args:
        waves: (n, samples), -1 to 1, at least one frame long.
        rate: samples a second.
        frame: length of the window, in samples.
        hop: from one window to the next, in samples.
        bins: number of filters.
        low_hz, high_hz: lower edge of the first filter and upper edge of the last, at most half the
            rate.

    Returns:
        (n, frames, bins, 1) float32, with 1 + (samples - frame) // hop frames.

    Raises:
        InvalidValue: the sounds are shorter than one frame, or a filter lies between two lines of
            the spectrum.
    """
    # of a shorter sound not even one frame is whole
    if waves.ndim != 2 or waves.shape[1] < frame:
        raise InvalidValue(
            "Sounds are (n, samples) and at least one frame long.",
            given=f"Given: {waves.shape}, frames of {frame}.",
            todo="Fill them up with zeros, or take shorter frames.",
        )
    filters = mel_filters(rate=rate, frame=frame, bins=bins, low_hz=low_hz, high_hz=high_hz)
    frames = 1 + (waves.shape[1] - frame) // hop
    spectrograms = np.empty((len(waves), frames, bins, 1), np.float32)
    for first in range(0, len(waves), CHUNK):
        chunk = slice(first, first + CHUNK)
        spectrograms[chunk] = _log_mel(waves[chunk], filters, frame, hop)
    return spectrograms


def fixed_length(waves: list[Array], samples: int) -> Array:
    """Sounds of different lengths as one array.

    The first `samples` of each, zeros behind the short ones.

    Args:
        waves: each (any,).
        samples: length of all.

    Returns:
        (n, samples) float32.
    """
    filled = np.zeros((len(waves), samples), np.float32)
    for row, wave in zip(filled, waves, strict=True):
        row[: len(wave)] = wave[:samples]
    return filled


@cache
def mel_filters(*, rate: int, frame: int, bins: int, low_hz: float, high_hz: float) -> Array:
    """Weight of each line of the spectrum in each filter: (lines, bins) float64, read-only."""
    centres = np.arange(_lines(frame)) * rate / _fft_length(frame)
    edges = _hz(np.linspace(_mel(low_hz), _mel(high_hz), bins + 2))
    rising = (centres[:, np.newaxis] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - centres[:, np.newaxis]) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0.0, np.minimum(rising, falling))
    if not filters.any(axis=0).all() or high_hz > rate / 2:
        raise InvalidValue(
            "Each mel filter covers at least one line of the spectrum, below half the rate.",
            given=f"Given: {bins} filters from {low_hz:g} to {high_hz:g} Hz, frames of {frame} at "
            f"{rate} Hz.",
            todo="Take fewer filters, longer frames, or other edges.",
        )
    filters.setflags(write=False)
    return filters


def _log_mel(waves: Array, filters: Array, frame: int, hop: int) -> Array:
    window = np.hanning(frame + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(waves.astype(np.float64), frame, axis=1)[
        :, ::hop
    ]
    spectrum = np.fft.rfft(frames * window, _fft_length(frame), axis=-1)
    power = np.square(np.abs(spectrum) * (2 / window.sum())) @ filters
    scaled = (np.log10(power + FLOOR) + 3) / 3
    return (np.rint(scaled * STEP) / STEP)[..., np.newaxis].astype(np.float32)


def _fft_length(frame: int) -> int:
    """At least twice the frame, so that low filters find lines; a power of two."""
    return 1 << (2 * frame - 1).bit_length()


def _lines(frame: int) -> int:
    return _fft_length(frame) // 2 + 1


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mel: Array) -> Array:
    return np.asarray(700 * (10 ** (mel / 2595) - 1))
