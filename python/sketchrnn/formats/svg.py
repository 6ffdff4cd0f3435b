"""SVG out: clean, small, no dependency; still or drawing itself. SVG in: through svgpathtools."""

from __future__ import annotations

import colorsys
import io
import math
from collections.abc import Iterator, Sequence
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from ..sketch import Sketch, Sketches
from ..strokes import lines_to_stroke5
from . import FormatError, need, write_text
from .page import check_captions, in_a_row, lay_out, pixels_across

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
    stroke_width: float = 2.0,
    margin: float = 0.05,
    columns: int | None = None,
    captions: Sequence[str] | None = None,
    color: str = "#000",
    background: str | None = "#fff",
    by_order: bool = False,
    per_stroke: bool = False,
    animate: bool = False,
    points_per_second: float = 40.0,
) -> None:
    """Write an SVG document of one drawing, or of several in a grid.

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
    """
    for name, value in (("stroke_width", stroke_width), ("points_per_second", points_per_second)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a positive number, found {value}")
    check_captions(drawing, captions)
    across = in_a_row(drawing, columns)
    width = pixels_across(size, across)
    line_height = 0.0 if captions is None else min(0.1 * width / across, 20.0)
    page = lay_out(drawing, width=width, columns=columns, margin=margin, caption=line_height)
    body: list[str] = []
    for lines in page.drawings:
        if animate or by_order or per_stroke:
            body.extend(_strokes(lines, by_order, points_per_second if animate else None))
        elif lines:
            body.append(f'<path d="{path_data(lines)}"/>')
    texts = []
    for i, caption in enumerate(captions or ()):
        x, y = page.below(i, 0.3 * line_height)
        texts.append(f'<text x="{_short(x)}" y="{_short(y)}">{escape(caption)}</text>')
    title = escape(drawing.name or ("sketch" if isinstance(drawing, Sketch) else "sketches"))
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
        + (f'<rect width="100%" height="100%" fill={quoteattr(background)}/>' if background else "")
        + f'<g fill="none" stroke={quoteattr(color)} stroke-width="{_short(stroke_width)}" '
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
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


_TOLERANCE = 0.1
"""Pixels by which the polyline of a curve may leave it when an SVG is read."""

_MOST_PIECES = 10_000
"""Pieces of one curve at most, however large its numbers."""

_MOST_POINTS = 1_000_000
"""Points of a drawing at most: a file of a few kilobytes could ask for any number."""


def read(path: str) -> Iterator[Sketch]:
    """Yield the one drawing that the paths and shapes of an SVG make, in its user units.

    In the order of the document. Transforms are applied, curves flattened to within a tenth of a
    unit; colours, fills and texts are ignored. Needs svgpathtools.
    """
    svgpathtools = need("svgpathtools", "svg")
    try:
        document = svgpathtools.Document(path)
        order = {element: i for i, element in enumerate(document.root.iter())}
        # A shape sized in percent of the page is its background.
        paths = document.paths(
            path_filter=lambda element: not any(v.endswith("%") for v in element.attrib.values())
        )
        lines: list[NDArray[np.float64]] = []
        left = _MOST_POINTS
        for whole in sorted(paths, key=lambda whole: order[whole.element]):
            for piece in whole.continuous_subpaths():
                line = _flatten(piece, left)
                left -= len(line)
                if len(line):
                    lines.append(line)
    # The parser raises nearly anything on bytes that are no SVG.
    except Exception as error:
        raise FormatError(f"{path}: not an SVG that can be read: {error!r}") from None
    try:
        yield Sketch._from_core(lines_to_stroke5(lines), None)
    except ValueError as error:
        raise FormatError(f"{path}: {error}") from None


def lines_of_path(data: str) -> list[NDArray[np.float64]]:
    """Return the polylines of a path's data; ValueError for what is none."""
    svgpathtools = need("svgpathtools", "svg")
    try:
        lines: list[NDArray[np.float64]] = []
        for piece in svgpathtools.parse_path(data).continuous_subpaths():
            lines.append(_flatten(piece, _MOST_POINTS - sum(map(len, lines))))
    # The parser raises nearly anything on text that is no path.
    except Exception as error:
        raise ValueError(f"path data: expected an SVG path: {error!r:.200}") from None
    return [line for line in lines if len(line)]


def _flatten(path: Any, most: int) -> NDArray[np.float64]:
    points: list[complex] = []
    for segment in path:
        pieces = 1
        if type(segment).__name__ != "Line":
            # A polyline of n equal parameter steps stays within |second derivative| / 8n² of the
            # curve; its largest value is estimated from a few places, with half as much again.
            bend = max(abs(segment.derivative(t, 2)) for t in (0.0, 0.25, 0.5, 0.75, 1.0))
            pieces = math.ceil(math.sqrt(1.5 * bend / (8 * _TOLERANCE)))
            pieces = max(1, min(pieces, _MOST_PIECES))
        if len(points) + pieces >= most:
            raise ValueError(f"more than {_MOST_POINTS} points")
        if not points:
            points.append(segment.start)
        points.extend(segment.point((i + 1) / pieces) for i in range(pieces))
    return np.array([[p.real, p.imag] for p in points]).reshape(-1, 2)
