"""Where drawings lie on a picture or page: each fitted and centred in its cell of a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..sketch import Sketch, Sketches
from . import batch


class Page(NamedTuple):
    """Drawings as polylines in the units of the page."""

    width: float
    height: float
    cell: tuple[float, float]
    columns: int
    drawings: list[list[NDArray[np.float64]]]
    """Per drawing its polylines, (k, 2)."""

    def below(self, i: int, up: float) -> tuple[float, float]:
        """Where the middle of drawing i's caption stands, `up` from the lower edge of its cell."""
        return (
            self.cell[0] * (i % self.columns + 0.5),
            self.cell[1] * (i // self.columns + 1) - up,
        )


def check_captions(drawing: Sketch | Sketches, captions: Sequence[str] | None) -> None:
    """Raise ValueError unless there is a caption for each drawing, or none at all."""
    count = len(batch(drawing))
    if captions is not None and len(captions) != count:
        raise ValueError(f"captions: expected {count}, found {len(captions)}")


def in_a_row(drawing: Sketch | Sketches, columns: int | None) -> int:
    """Return the drawings in a row; `columns` None makes the grid about square."""
    return columns or math.ceil(math.sqrt(max(1, len(batch(drawing)))))


def pixels_across(size: float | None, across: int) -> float:
    """Return a picture's width: `size`, or 256 for each drawing in a row, at most 1024."""
    return size if size is not None else min(256.0 * across, 1024.0)


def lay_out(
    drawing: Sketch | Sketches,
    *,
    width: float,
    height: float | None = None,
    columns: int | None = None,
    margin: float = 0.05,
    caption: float = 0.0,
) -> Page:
    """Fit drawings into the cells of a grid, proportions kept.

    `height` None makes the cells square, `caption` higher for a line of text below. `margin` is the
    empty border of each cell as a part of its shorter side, from 0 up to 0.5. `columns` None makes
    the grid about square.
    """
    if not 0 <= margin < 0.5:
        raise ValueError(f"margin: expected a number from 0 up to 0.5, found {margin}")
    for name, value in (("size", width), ("height", height)):
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a positive number, found {value}")
    drawings = list(batch(drawing))
    count = max(1, len(drawings))
    across = math.ceil(math.sqrt(count)) if columns is None else columns
    if across < 1:
        raise ValueError(f"columns: expected at least 1, found {columns}")
    down = math.ceil(count / across)
    cell_width = width / across
    cell_height = cell_width + caption if height is None else height / down
    room = np.array([cell_width, cell_height - caption])
    inner = room - 2 * margin * room.min()
    fitted = []
    for i, sketch in enumerate(drawings):
        left, top, right, bottom = sketch.bounds
        extent = np.array([right - left, bottom - top])
        # A dot or nothing has no extent: it stands in the middle as it is.
        scale = min((inner[d] / extent[d] for d in (0, 1) if extent[d] > 0), default=1.0)
        corner = np.array([cell_width * (i % across), cell_height * (i // across)])
        offset = corner + (room - scale * extent) / 2 - scale * np.array([left, top])
        fitted.append([line.astype(float) * scale + offset for line in sketch.lines()])
    return Page(width, cell_height * down, (cell_width, cell_height), across, fitted)


def first_points(lines: Sequence[NDArray[np.float64]], count: int) -> list[NDArray[np.float64]]:
    """Return what of the polylines is drawn after `count` points."""
    shown = []
    for line in lines:
        if count <= 0:
            break
        shown.append(line[:count])
        count -= len(line)
    return shown
