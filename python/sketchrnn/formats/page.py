"""Where drawings lie on a picture or page: each fitted and centred in its cell of a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..sketch import Sketch, Sketches
from ..strokes import split_lines
from . import batch, check

PAPERS = {
    "A3": (297.0, 420.0),
    "A4": (210.0, 297.0),
    "A5": (148.0, 210.0),
    "A6": (105.0, 148.0),
    "LETTER": (215.9, 279.4),
    "LEGAL": (215.9, 355.6),
}
"""Millimetres, upright (ISO 216, ANSI Y14.1)."""


def paper(text: str) -> tuple[float, float]:
    """Return the millimetres of a page: its name or WxH, in any case."""
    named = text.upper().removesuffix("-LANDSCAPE")
    if named in PAPERS:
        width, height = PAPERS[named]
        return (width, height) if named == text.upper() else (height, width)
    try:
        width, height = map(float, text.lower().replace("×", "x").split("x"))
    except ValueError:
        raise ValueError(
            f"expected WxH in mm or one of {', '.join(PAPERS)}, found {text!r}"
        ) from None
    return width, height


class Page(NamedTuple):
    """Drawings as polylines in the units of the page."""

    width: float
    height: float
    cell: tuple[float, float]
    columns: int
    drawings: list[list[NDArray[np.float64]]]
    """Per drawing its polylines, (k, 2)."""
    given: list[int]
    """Per drawing how many of them a completion was given; 0 unless they were split."""

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
    split: bool = False,
) -> Page:
    """Fit drawings into the cells of a grid, proportions kept.

    `height` None makes the cells square, `caption` higher for a line of text below. `margin` is the
    empty border of each cell as a part of its shorter side, from 0 up to 0.5. `columns` None makes
    the grid about square. A lone drawing that was read from a picture lies as it does there: its
    page is fitted, without a border. `split` keeps the given part and what was added apart.
    """
    if not 0 <= margin < 0.5:
        raise ValueError(f"margin: expected a number from 0 up to 0.5, found {margin}")
    for name, value in (("size", width), ("height", height)):
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a positive number, found {value}")
    check(drawing)
    drawings = list(batch(drawing))
    count = max(1, len(drawings))
    original = batch(drawing).original if count == 1 else None
    if original is not None:
        margin = 0.0
        if height is None:
            height = width * original.view_box[3] / original.view_box[2] + caption
    across = math.ceil(math.sqrt(count)) if columns is None else columns
    if across < 1:
        raise ValueError(f"columns: expected at least 1, found {columns}")
    down = math.ceil(count / across)
    cell_width = width / across
    cell_height = cell_width + caption if height is None else height / down
    room = np.array([cell_width, cell_height - caption])
    inner = room - 2 * margin * room.min()
    fitted, given = [], []
    for i, sketch in enumerate(drawings):
        if original is None:
            left, top, right, bottom = sketch.bounds
        else:  # its page, seen from the drawing's first point
            left, top = np.subtract(original.view_box[:2], original.start)
            right, bottom = left + original.view_box[2], top + original.view_box[3]
        extent = np.array([right - left, bottom - top])
        # A dot or nothing has no extent: it stands in the middle as it is.
        scale = min((inner[d] / extent[d] for d in (0, 1) if extent[d] > 0), default=1.0)
        corner = np.array([cell_width * (i % across), cell_height * (i // across)])
        offset = corner + (room - scale * extent) / 2 - scale * np.array([left, top])
        parts = split_lines(sketch.strokes, sketch.given) if split else ([], sketch.lines())
        lines = parts[0] + parts[1]
        fitted.append([line.astype(float) * scale + offset for line in lines])
        given.append(len(parts[0]))
    return Page(width, cell_height * down, (cell_width, cell_height), across, fitted, given)


def on_paper(
    drawing: Sketch | Sketches,
    page: tuple[float, float] | str | None,
    margin: float,
    columns: int | None,
    new_only: bool,
) -> tuple[float, list[list[NDArray[np.float64]]]]:
    """Return the height of a plotter's page and each drawing's polylines on it, in millimetres.

    `page` None is that of the picture which the drawing was read from, else A4; a text is what
    :func:`paper` takes. `new_only` leaves out what a completion was given, which is on the paper
    already.
    """
    original = batch(drawing).original
    if page is None:
        page = original.size_mm if original is not None else (210.0, 297.0)
    try:
        width, height = paper(page) if isinstance(page, str) else page
    except (TypeError, ValueError) as error:
        raise ValueError(f"page: {error}") from None
    sheet = lay_out(
        drawing, width=width, height=height, columns=columns, margin=margin, split=new_only
    )
    return height, [lines[given:] for lines, given in zip(sheet.drawings, sheet.given, strict=True)]


def first_points(lines: Sequence[NDArray[np.float64]], count: int) -> list[NDArray[np.float64]]:
    """Return what of the polylines is drawn after `count` points."""
    shown = []
    for line in lines:
        if count <= 0:
            break
        shown.append(line[:count])
        count -= len(line)
    return shown
