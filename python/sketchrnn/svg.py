"""Drawings as SVG: clean, small, no dependency."""

from __future__ import annotations

import math
import os
from os import PathLike
from xml.sax.saxutils import escape

import numpy as np

from .sketch import Sketch, Sketches


def to_svg(
    drawing: Sketch | Sketches,
    *,
    size: float | None = None,
    stroke_width: float = 2.0,
    margin: float = 0.05,
    columns: int | None = None,
) -> str:
    """Return an SVG document of one drawing, or of several in a grid.

    Parameters
    ----------
    size
        Width of the picture in pixels; height follows. None: 256 per drawing in a row, at most
        1024.
    stroke_width
        Width of the pen in pixels.
    margin
        Empty border of each cell, as a part of its side, from 0 up to 0.5.
    columns
        Drawings in a row; None makes the grid square.
    """
    if not 0 <= margin < 0.5:
        raise ValueError(f"margin: expected a number from 0 up to 0.5, found {margin}")
    if not 0 < stroke_width < math.inf:
        raise ValueError(f"stroke_width: expected a positive number, found {stroke_width}")
    single = isinstance(drawing, Sketch)
    drawings = [drawing] if isinstance(drawing, Sketch) else list(drawing)
    count = max(1, len(drawings))
    across = columns or math.ceil(math.sqrt(count))
    if across < 1:
        raise ValueError(f"columns: expected at least 1, found {columns}")
    down = math.ceil(count / across)
    width = size if size is not None else min(256.0 * across, 1024.0)
    if not 0 < width < math.inf:
        raise ValueError(f"size: expected a positive number, found {size}")
    side = width / across
    height = side * down
    paths = []
    for i, sketch in enumerate(drawings):
        left, top = side * (i % across), side * (i // across)
        paths.append(_path(sketch, left, top, side, margin))
    title = escape(drawing.name or ("sketch" if single else "sketches"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_short(width)}" '
        f'height="{_short(height)}" viewBox="0 0 {_short(width)} {_short(height)}">'
        f"<title>{title}</title>"
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<g fill="none" stroke="#000" stroke-width="{_short(stroke_width)}" '
        f'stroke-linecap="round" stroke-linejoin="round">' + "".join(paths) + "</g></svg>\n"
    )


def save(path: str | PathLike[str], drawing: Sketch | Sketches, **options: float | int) -> None:
    """Write `drawing` to `path`; the suffix must be .svg. Options are those of to_svg."""
    target = os.fspath(path)
    if not target.lower().endswith(".svg"):
        raise ValueError(f"path: expected a name ending in .svg, found {target!r}")
    text = to_svg(drawing, **options)  # type: ignore[arg-type]
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


def _path(sketch: Sketch, left: float, top: float, side: float, margin: float) -> str:
    """One path element for a drawing, fitted into a square cell with its proportions kept."""
    lines = sketch.lines()
    if not lines:
        return ""
    x0, y0, x1, y1 = sketch.bounds
    inner = side * (1 - 2 * margin)
    extent = max(x1 - x0, y1 - y0)
    scale = inner / extent if extent > 0 else 1.0
    offset = np.array(
        [left + (side - scale * (x1 - x0)) / 2, top + (side - scale * (y1 - y0)) / 2]
    ) - scale * np.array([x0, y0])
    parts = []
    for line in lines:
        points = [f"{_short(x)} {_short(y)}" for x, y in line.astype(float) * scale + offset]
        if len(points) == 1:  # a dot: a line of no length shows as one, its ends being round
            points *= 2
        parts.append("M" + "L".join(points))
    return f'<path d="{"".join(parts)}"/>'


def _short(x: float) -> str:
    """A hundredth of a pixel is finer than any screen shows."""
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
