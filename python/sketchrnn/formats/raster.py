"""Pixels: polylines drawn with round pens, four times too large in each direction, then averaged.

Pillow has no anti-aliased lines with round ends; averaging 4 × 4 pixels gives 17 levels, exact
areas of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._extras import need

_OVER = 4

_MOST_PIXELS = 1 << 26
"""Pixels of a picture at most: 8192 × 8192."""


class Canvas:
    """A white grey-scale picture that lines are added to."""

    def __init__(self, width: float, height: float, stroke_width: float) -> None:
        self._image = need("PIL.Image", "pictures")
        draw = need("PIL.ImageDraw", "pictures")
        self._size = (max(1, round(width)), max(1, round(height)))
        if self._size[0] * self._size[1] > _MOST_PIXELS:
            raise ValueError(
                f"size: expected at most {_MOST_PIXELS} pixels, found "
                f"{self._size[0]} × {self._size[1]}"
            )
        if not 0 < stroke_width < max(self._size):
            raise ValueError(f"stroke_width: expected less than the picture, found {stroke_width}")
        self._large = self._image.new("L", (self._size[0] * _OVER, self._size[1] * _OVER), 255)
        self._draw = draw.Draw(self._large)
        self._pen = max(1, round(stroke_width * _OVER))

    def line(self, points: NDArray[np.float64]) -> None:
        """Add a polyline (k, 2) in pixels, with round joins and ends; one point is a dot."""
        large = [(float(x) * _OVER, float(y) * _OVER) for x, y in points]
        if len(large) > 1:
            self._draw.line(large, fill=0, width=self._pen)
        radius = self._pen / 2
        for x, y in large:
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)

    def text(self, x: float, y: float, text: str, height: float) -> None:
        """Add a text, centred at x, its middle at y."""
        font = need("PIL.ImageFont", "pictures").load_default(height * _OVER)
        self._draw.text((x * _OVER, y * _OVER), text, fill=0, font=font, anchor="mm")

    def image(self) -> Any:
        """Return the picture as a Pillow image, mode L."""
        return self._large.reduce(_OVER)
