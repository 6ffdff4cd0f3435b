"""A drawing as text: each braille character is 2 × 4 dots."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .formats.page import first_points, lay_out
from .sketch import Sketch, Sketches

# Bit of the dot in column x, row y (Unicode 15, "Braille Patterns").
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)


_DENSITY = " ..::++##"
"""A character for each count of dots from 0 to 8."""


def braille(
    drawing: Sketch | Sketches,
    columns: int = 40,
    rows: int = 20,
    points: int | None = None,
    *,
    ascii: bool = False,
) -> str:
    """Return a picture of `rows` lines of `columns` characters; several drawings in a grid.

    `points` shows only so many points of each drawing, where they will be in the whole. `ascii` is
    for terminals without braille: a character is the denser the more dots it would have.
    """
    if columns < 1 or rows < 1:
        raise ValueError(f"expected at least one character, found {columns} × {rows}")
    width, height = 2 * columns, 4 * rows
    page = lay_out(drawing, width=width - 1, height=height - 1, margin=0.02)
    dots = np.zeros((height, width), bool)
    for lines in page.drawings:
        for line in lines if points is None else first_points(lines, points):
            for (x0, y0), (x1, y1) in pairwise(line):
                # Two places a dot, so that no dot on the way is stepped over.
                n = int(2 * max(abs(x1 - x0), abs(y1 - y0))) + 2
                x = np.rint(np.linspace(x0, x1, n)).astype(int).clip(0, width - 1)
                y = np.rint(np.linspace(y0, y1, n)).astype(int).clip(0, height - 1)
                dots[y, x] = True
    if ascii:
        counts = dots.reshape(rows, 4, columns, 2).sum(axis=(1, 3))
        return "\n".join("".join(_DENSITY[int(c)] for c in row).rstrip() for row in counts)
    cells = (dots.reshape(rows, 4, columns, 2) * _BITS[:, None, :]).sum(axis=(1, 3))
    return "\n".join("".join(chr(0x2800 + int(c)) for c in row).rstrip("\u2800") for row in cells)
