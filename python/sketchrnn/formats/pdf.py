"""PDF: the drawing, or a grid of them, as lines on a page that just holds it. Through fpdf2."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import IO

from .._extras import need
from ..sketch import Sketch, Sketches
from ..untrusted import printable
from .page import check_captions, in_a_row, lay_out


def write(
    drawing: Sketch | Sketches,
    file: IO[bytes],
    *,
    size: float = 100.0,
    stroke_width: float = 0.5,
    margin: float = 0.05,
    columns: int | None = None,
    captions: Sequence[str] | None = None,
) -> None:
    """Write one page, `size` millimetres wide; `stroke_width` in millimetres.

    The rest as in :func:`sketchrnn.formats.svg.write`; captions in the letters of Latin-1, which
    every reader has a font for.
    """
    if not 0 < stroke_width < math.inf:
        raise ValueError(f"stroke_width: expected a positive number, found {stroke_width}")
    check_captions(drawing, captions)
    line_height = 0.0 if captions is None else 0.1 * size / in_a_row(drawing, columns)
    page = lay_out(drawing, width=size, columns=columns, margin=margin, caption=line_height)
    fpdf = need("fpdf", "pdf")
    pdf = fpdf.FPDF(unit="mm", format=(page.width, page.height))
    pdf.set_auto_page_break(False)
    pdf.add_page()
    pdf.set_title(printable(drawing.name or "sketch"))
    pdf.set_line_width(stroke_width)
    # FPDF writes square ends; these PDF operators are round caps and joins (ISO 32000-1, 8.4.3).
    pdf._out("1 J 1 j")
    for lines in page.drawings:
        for line in lines:
            points = line if len(line) > 1 else line.repeat(2, axis=0)
            pdf.polyline([(float(x), float(y)) for x, y in points])
    if captions is not None:
        pdf.set_font("helvetica", size=line_height * 0.7 / 25.4 * 72)
        for i, caption in enumerate(captions):
            text = printable(caption).encode("latin-1", "replace").decode("latin-1")
            x, y = page.below(i, 0.3 * line_height)
            pdf.text(x - pdf.get_string_width(text) / 2, y, text)
    buffer = io.BytesIO()
    pdf.output(buffer)
    file.write(buffer.getvalue())
