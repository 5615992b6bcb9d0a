"""Figures inside the page: a PNG of few colours, at twice the pixels that a column has."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

WIDTH_PIXELS = 624  # a column of 3.25 inches is 312 pixels wide
COLOURS = 48  # of lines, markers and the steps between them and the paper


def data_address(path: Path) -> str:
    """A PNG file as an address that holds its content."""
    with Image.open(path) as figure:
        plain = figure.convert("RGB")
    if plain.width > WIDTH_PIXELS:
        height = round(plain.height * WIDTH_PIXELS / plain.width)
        plain = plain.resize((WIDTH_PIXELS, height), Image.Resampling.LANCZOS)
    few = plain.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    content = io.BytesIO()
    few.save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
