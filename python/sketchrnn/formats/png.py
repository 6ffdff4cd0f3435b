"""PNG pictures, anti-aliased, through Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from ..sketch import Sketch, Sketches
from ..untrusted import printable
from .page import check_captions, in_a_row, lay_out, pixels_across
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
    check_captions(drawing, captions)
    across = in_a_row(drawing, columns)
    width = pixels_across(size, across)
    line_height = 0.0 if captions is None else max(10.0, 0.08 * width / across)
    page = lay_out(drawing, width=width, columns=columns, margin=margin, caption=line_height)
    pen = stroke_width if stroke_width is not None else max(1.0, page.cell[0] / 100)
    canvas = Canvas(page.width, page.height, pen)
    for lines in page.drawings:
        for line in lines:
            canvas.line(line)
    for i, caption in enumerate(captions or ()):
        x, y = page.below(i, 0.5 * line_height)
        canvas.text(x, y, printable(caption), 0.7 * line_height)
    canvas.image().save(file, "PNG", optimize=True)
