"""SVG out: clean, small, no dependency; still, drawing itself, or over the picture it began as."""

from __future__ import annotations

import colorsys
import io
import math
from collections.abc import Iterator, Sequence
from typing import IO, Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from ..sketch import Sketch, Sketches
from ..untrusted import printable, xml_text
from . import batch, write_text
from .page import check_captions, in_a_row, lay_out, pixels_across
from .svg_over import RED, write_over
from .svg_read import lines_of_path, read

__all__ = ["lines_of_path", "path_data", "read", "to_svg", "write"]

_HOLD = 0.3
"""Seconds of stillness that an animated picture begins with."""


def to_svg(drawing: Sketch | Sketches, **options: Any) -> str:
    """Return what :func:`write` writes."""
    file = io.BytesIO()
    write(drawing, file, **options)
    return file.getvalue().decode()


def write(
    drawing: Sketch | Sketches,
    file: IO[bytes],
    *,
    size: float | None = None,
    stroke_width: float | None = None,
    margin: float = 0.05,
    columns: int | None = None,
    captions: Sequence[str] | None = None,
    color: str = "#000",
    background: str | None = "#fff",
    by_order: bool = False,
    per_stroke: bool = False,
    animate: bool = False,
    points_per_second: float = 40.0,
    over: bool | None = None,
    new_color: str | None = None,
    new_only: bool = False,
) -> None:
    """Write an SVG document of one drawing, or of several in a grid.

    A lone completed drawing whose start was read from an SVG is written over that: the document
    stays as it was, and what was added is in a layer of its own.

    Parameters
    ----------
    size
        Width of the picture in pixels; height follows. None: 256 per drawing in a row, at most
        1024.
    stroke_width
        Width of the pen in pixels (None: 2); over a picture in its units (None: a 200th of its
        page's larger side).
    margin
        Empty border of each cell, as a part of its side, from 0 up to 0.5.
    columns
        Drawings in a row; None makes the grid square.
    captions
        A text under each drawing.
    color, background
        Any SVG colour; background None for a transparent one.
    by_order
        Colours strokes from blue (first) to red (last).
    per_stroke
        One path for each stroke, else one for each drawing (which is smaller).
    animate
        The strokes draw themselves one after another, once, at `points_per_second`.
    over
        Several ways to complete a picture over it, a layer for each, the first shown; False writes
        a lone one on a page of its own.
    new_color
        Colour of what a completion added (None: as the rest; over a picture red).
    new_only
        Leaves out what a completion was given.
    """
    for name, value in (("stroke_width", stroke_width), ("points_per_second", points_per_second)):
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a positive number, found {value}")
    check_captions(drawing, captions)
    shown = batch(drawing)
    if over is None:
        plain = not (animate or by_order or captions or size or columns)
        over = len(shown) == 1 and shown.given > 0 and shown.original is not None and plain
    if over:
        write_over(shown, file, color=new_color or RED, width=stroke_width, alone=new_only)
        return
    if stroke_width is None:
        stroke_width = 2.0
    across = in_a_row(drawing, columns)
    width = pixels_across(size, across)
    line_height = 0.0 if captions is None else min(0.1 * width / across, 20.0)
    apart = new_only or new_color is not None
    page = lay_out(
        drawing, width=width, columns=columns, margin=margin, caption=line_height, split=apart
    )
    body: list[str] = []
    for whole, given in zip(page.drawings, page.given, strict=True):
        lines = whole[given:] if new_only else whole
        if animate or by_order or per_stroke:
            body.extend(_strokes(lines, by_order, points_per_second if animate else None))
        elif new_color is not None and not new_only:
            tint = quoteattr(printable(new_color))
            for part, attribute in ((whole[:given], ""), (whole[given:], f" stroke={tint}")):
                body.extend([f'<path d="{path_data(part)}"{attribute}/>'] if part else ())
        elif lines:
            body.append(f'<path d="{path_data(lines)}"/>')
    texts = []
    for i, caption in enumerate(captions or ()):
        x, y = page.below(i, 0.3 * line_height)
        texts.append(f'<text x="{_short(x)}" y="{_short(y)}">{xml_text(caption)}</text>')
    ink = quoteattr(printable(color))
    paper = quoteattr(printable(background)) if background else None
    name = drawing.name or ("sketch" if isinstance(drawing, Sketch) else "sketches")
    title = xml_text(name)
    box = f"{_short(page.width)} {_short(page.height)}"
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_short(page.width)}" '
        f'height="{_short(page.height)}" viewBox="0 0 {box}"><title>{title}</title>'
        + (
            "<style>@keyframes d{from{stroke-dashoffset:1.01}to{stroke-dashoffset:0}}"
            "path{stroke-dasharray:1 1.02;animation:d linear both}</style>"
            if animate
            else ""
        )
        + (f'<rect width="100%" height="100%" fill={paper}/>' if paper else "")
        + f'<g fill="none" stroke={ink} stroke-width="{_short(stroke_width)}" '
        f'stroke-linecap="round" stroke-linejoin="round">'
        + "".join(body)
        + "</g>"
        + (
            f'<g font-family="sans-serif" font-size="{_short(0.7 * line_height)}" '
            f'text-anchor="middle">{"".join(texts)}</g>'
            if texts
            else ""
        )
        + "</svg>\n"
    )
    write_text(file, text)


def _strokes(
    lines: list[NDArray[np.float64]], by_order: bool, points_per_second: float | None
) -> Iterator[str]:
    """One path for each stroke, coloured or timed."""
    at = _HOLD
    for i, line in enumerate(lines):
        attributes = ""
        if by_order:
            # Hue from blue, 2/3, down to red, 0.
            hue = 2 / 3 * (1 - i / max(1, len(lines) - 1))
            rgb = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.9, 0.8))
            attributes += ' stroke="#{:02x}{:02x}{:02x}"'.format(*rgb)
        if points_per_second is not None:
            seconds = len(line) / points_per_second
            # pathLength makes the dash of every stroke 1 long.
            attributes += (
                f' pathLength="1" style="animation-duration:{_short(seconds)}s;'
                f'animation-delay:{_short(at)}s"'
            )
            at += seconds
        yield f'<path d="{_path(line)}"{attributes}/>'


def path_data(lines: Sequence[NDArray[Any]]) -> str:
    """Return polylines as the data of one path, to a hundredth of a unit."""
    return "".join(map(_path, lines))


def _path(line: NDArray[Any]) -> str:
    points = [f"{_short(x)} {_short(y)}" for x, y in line]
    if len(points) == 1:  # a dot: a line of no length shows as one, its ends being round
        points *= 2
    return "M" + "L".join(points)


def _short(x: float) -> str:
    """A hundredth of a pixel is finer than any screen shows."""
    if not math.isfinite(x):
        raise ValueError("a position or a size in the picture is not finite")
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
