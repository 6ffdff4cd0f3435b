"""PNG pictures, anti-aliased, through Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import IO

from ..sketch import Sketch, Sketches
from .page import lay_out
from .raster import Canvas


def write(
    drawing: Sketch | Sketches,
    file: IO[bytes],
    *,
    size: float | None = None,
    stroke_width: float | None = None,
    margin: float = 0.05,
    columns: int | None = None,
    captions: Sequence[str] | None = None,
) -> None:
    """Write a picture `size` pixels wide (None: 256 per drawing in a row, at most 1024).

    `stroke_width` in pixels; None for a hundredth of a drawing's side, at least 1. The rest as in
    :func:`sketchrnn.formats.svg.to_svg`.
    """
    count = 1 if isinstance(drawing, Sketch) else len(drawing)
    if captions is not None and len(captions) != count:
        raise ValueError(f"captions: expected {count}, found {len(captions)}")
    across = columns or math.ceil(math.sqrt(max(1, count)))
    width = size if size is not None else min(256.0 * across, 1024.0)
    line_height = 0.0 if captions is None else max(10.0, 0.08 * width / across)
    page = lay_out(drawing, width=width, columns=columns, margin=margin, caption=line_height)
    pen = stroke_width if stroke_width is not None else max(1.0, page.cell[0] / 100)
    canvas = Canvas(page.width, page.height, pen)
    for lines in page.drawings:
        for line in lines:
            canvas.line(line)
    for i, caption in enumerate(captions or ()):
        x = page.cell[0] * (i % page.columns + 0.5)
        y = page.cell[1] * (i // page.columns + 1) - 0.5 * line_height
        canvas.text(x, y, caption, 0.7 * line_height)
    canvas.image().save(file, "PNG", optimize=True)
