"""Numbers as a paper shows them."""

from __future__ import annotations


def percent(value: float) -> str:
    """A share as percent: 0.984 is `98.40`."""
    # what rounds to zero has no sign
    return f"{100 * value:.2f}".replace("-0.00", "0.00")


def four_digits(value: float) -> str:
    """A number of about 1: 0.98404 is `0.9840`."""
    return f"{value:.4f}".replace("-0.0000", "0.0000")


def grouped(value: float) -> str:
    """A count with its thousands apart: `190,734`."""
    return f"{value:,.0f}"


def ratio(value: float) -> str:
    """A ratio: `0.98x`, `5.2x`, `48.1x`, `124x`."""
    digits = 2 if value < 2 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}x"
