"""What was added to a picture, over that picture: its document byte for byte, and before its end a
layer, as Inkscape has them, for each way that it was completed."""

from __future__ import annotations

import math
import re
from typing import IO
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from ..original import Original
from ..sketch import Sketches
from ..untrusted import printable

RED = "#d22"

_END = re.compile(r"</\s*(?:[A-Za-z_][\w.-]*:)?svg\s*>")


def write_over(
    sketches: Sketches, file: IO[bytes], *, color: str, width: float | None, alone: bool
) -> None:
    """Write completions of one picture over it; `alone` leaves the picture out.

    `width` of the pen in the picture's units, None for a 200th of the page's larger side. Raises
    ValueError for drawings that no picture is known for.
    """
    original = sketches.original
    if original is None:
        raise ValueError("over: the drawing was not read from an SVG, or its size was changed")
    pen = max(original.view_box[2:]) / 200 if width is None else width
    # A hundred thousandth of the page is finer than any plotter.
    digits = max(0, 5 - math.floor(math.log10(max(original.view_box[2:]))))
    layers = []
    for i, sketch in enumerate(sketches):
        added = sketch.lines_in_original()[1]
        label = "sketchrnn" if len(sketches) == 1 else f"sketchrnn {i + 1}"
        paths = "".join(f'<path d="{_path(line, digits)}"/>' for line in added)
        hidden = ' style="display:none"' if i else ""
        layers.append(
            '<g xmlns="http://www.w3.org/2000/svg" '
            'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" '
            f'inkscape:groupmode="layer" inkscape:label="{label}"{hidden} fill="none" '
            f'stroke={quoteattr(printable(color))} stroke-width="{pen:.{digits}f}" '
            f'stroke-linecap="round" stroke-linejoin="round">{paths}</g>\n'
        )
    file.write(_joined(original, "".join(layers), alone))


def _path(line: NDArray[np.float32], digits: int) -> str:
    points = [f"{x:.{digits}f} {y:.{digits}f}" for x, y in line]
    return "M" + "L".join(points if len(points) > 1 else points * 2)


def _joined(original: Original, layers: str, alone: bool) -> bytes:
    document = original.document
    if not alone:
        # Of every encoding that XML has by default, this keeps the bytes as they are.
        wide = document[:2] in (b"\xff\xfe", b"\xfe\xff")
        encoding = "utf-16" if wide else "latin-1"
        text = document.decode(encoding)
        ends = list(_END.finditer(text))
        if ends:
            at = ends[-1].start()
            return (text[:at] + layers + text[at:]).encode(encoding)
        if document:
            raise ValueError("over: the picture's document has no end where a layer could stand")
    box = " ".join(f"{value:g}" for value in original.view_box)
    width, height = original.size_mm
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="{box}">\n{layers}</svg>\n'
    ).encode()
