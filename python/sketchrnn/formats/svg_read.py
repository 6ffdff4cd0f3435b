"""SVG in: what a picture shows as one drawing, and the picture kept beside it. Through
svgpathtools, which parses paths; svg_tree.py bounds the file, svg_shapes.py says what is shown."""

from __future__ import annotations

import math
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from .._extras import need
from ..errors import PictureWarning
from ..original import Original
from ..sketch import Sketch
from ..strokes import FARTHEST, lines_to_stroke5
from ..untrusted import beyond, most, read_limited
from . import FormatError
from .svg_shapes import SMALLEST, alignment, local, number, shapes, view_box
from .svg_tree import parse

Box = tuple[float, float, float, float]

_TOLERANCE = 0.1
"""Pixels by which the polyline of a curve may leave it when an SVG is read."""

_MOST_PIECES = 10_000
"""Pieces of one curve at most, however large its numbers."""

_PX = {"px": 1.0, "": 1.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0, "pt": 96 / 72, "pc": 16.0}
"""CSS pixels of a unit (CSS Values 3, section 6.2)."""


def read(path: str) -> Iterator[Sketch]:
    """Yield the one drawing that the paths and shapes of an SVG make, in its user units.

    In the order of the document; what is hidden is left out and ``<use>`` followed. Transforms are
    applied, curves flattened to within a tenth of a unit; colours and fills are ignored. The
    drawing's ``original`` says where it stood, in which layers, and what was left out, of which a
    warning speaks too. Needs svgpathtools.
    """
    svgpathtools = need("svgpathtools", "svg")
    left_out: Counter[str] = Counter()
    try:
        data = read_limited(path, "document")
        root = parse(data)
        lines, layers = _drawn(root, svgpathtools, left_out)
        rows = lines_to_stroke5(lines)
        said = tuple(f"{count} {what}{'s' * (count > 1)}" for what, count in left_out.items())
        original = _original(root, lines, layers, said, data)
    except (FileNotFoundError, PermissionError):
        raise
    # The parser raises nearly anything on bytes that are no SVG.
    except Exception as error:
        raise FormatError(f"{path}: not an SVG that can be read: {error!r:.200}") from None
    if said:
        message = f"{path}: left out: {', '.join(said)}"
        warnings.warn(message, PictureWarning, stacklevel=_callers_level())
    yield Sketch._from_core(rows, None, original)


def _callers_level() -> int:
    """The stack level, for who calls this, of the first frame outside of the package: the line that
    reads the picture, however many generators of ours lie between."""
    package = __name__.partition(".")[0]
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].partition(".")[0] == package:
        level, frame = level + 1, frame.f_back
    return level


def _drawn(
    root: Element, svgpathtools: Any, left_out: Counter[str]
) -> tuple[list[NDArray[np.float64]], list[str | None]]:
    """The polylines of a document in its user units, and the layer of each."""
    conversions = svgpathtools.document.CONVERSIONS
    parsed: dict[int, list[Any]] = {}
    lines: list[NDArray[np.float64]] = []
    layers: list[str | None] = []
    left = most("points")
    for shape in shapes(root, svgpathtools.parser.parse_transform, left_out):
        pieces = parsed.get(id(shape.element))
        if pieces is None:
            whole = svgpathtools.parse_path(conversions[local(shape.element)](shape.element))
            pieces = parsed[id(shape.element)] = whole.continuous_subpaths()
        turn, shift = shape.matrix[:2, :2], shape.matrix[:2, 2]
        stretch = float(np.linalg.norm(turn)) if np.isfinite(turn).all() else math.inf
        for piece in pieces:
            line = _flatten(piece, left, stretch)
            left -= len(line)
            if len(line):
                lines.append(line @ turn.T + shift)
                layers.append(shape.layer)
    return lines, layers


def _original(
    root: Element,
    lines: list[NDArray[np.float64]],
    layers: list[str | None],
    left_out: tuple[str, ...],
    document: bytes,
) -> Original:
    """The page of a document: what of its viewBox's plane is shown, else its size, else what is
    drawn."""
    box = view_box(root)
    sizes = [root.get("width"), root.get("height")]
    px = [_pixels(size) for size in sizes]
    known = all(size is None or SMALLEST < size < FARTHEST for size in px)
    if box is None and px[0] and px[1] and known:
        box = (0.0, 0.0, px[0], px[1])
    if box is None:
        every = np.concatenate(lines) if lines else np.zeros((1, 2))
        (x, y), (right, bottom) = every.min(axis=0), every.max(axis=0)
        wide, high = float(right - x), float(bottom - y)
        box = (float(x), float(y), max(wide, high / 1000) or 1.0, max(high, wide / 1000) or 1.0)
    width, height = px
    width = width or (height * box[2] / box[3] if height else box[2])
    height = height or width * box[3] / box[2]
    if not all(SMALLEST < size < FARTHEST for size in (width, height)):
        width, height = box[2:]
    box = _shown(box, (width, height), root)
    start = (float(lines[0][0, 0]), float(lines[0][0, 1])) if lines else (box[0], box[1])
    millimetres = (width * 25.4 / 96, height * 25.4 / 96)
    return Original(start, box, millimetres, tuple(layers), left_out, document)


def _shown(box: Box, size: tuple[float, float], root: Element) -> Box:
    """What a page shows, in its viewBox's units. Where their proportions differ that is more to one
    side of it or to both, or a part of it, as preserveAspectRatio says; the viewBox itself where it
    is stretched."""
    left, top, wide, high = box
    across, down = size[0] / wide, size[1] / high
    placed = alignment(root)
    if placed is None or math.isclose(across, down, rel_tol=1e-6):
        return box
    scale = (max if placed.filling else min)(across, down)
    width, height = size[0] / scale, size[1] / scale
    return (left + (wide - width) * placed.x, top + (high - height) * placed.y, width, height)


def _pixels(length: str | None) -> float | None:
    """A length in CSS pixels; None for none, a percentage, or another unit."""
    value = number(length, 0.0)
    unit = (length or "").strip().lstrip("+-.0123456789").strip().lower()
    return value * _PX[unit] if value > 0 and unit in _PX else None


def lines_of_path(data: str) -> list[NDArray[np.float64]]:
    """Return the polylines of a path's data; ValueError for what is none."""
    svgpathtools = need("svgpathtools", "svg")
    try:
        lines: list[NDArray[np.float64]] = []
        left = most("points")
        for piece in svgpathtools.parse_path(data).continuous_subpaths():
            lines.append(_flatten(piece, left))
            left -= len(lines[-1])
    # The parser raises nearly anything on text that is no path.
    except Exception as error:
        raise ValueError(f"path data: expected an SVG path: {error!r:.200}") from None
    return [line for line in lines if len(line)]


def _flatten(path: Any, left: int, stretch: float = 1.0) -> NDArray[np.float64]:
    """A path's polyline, near enough to be `stretch` times as large; `left` points at most."""
    points: list[complex] = []
    for segment in path:
        pieces = 1
        if type(segment).__name__ != "Line":
            # A polyline of n equal parameter steps stays within |second derivative| / 8n² of the
            # curve; its largest value is estimated from a few places, with half as much again.
            bend = max(abs(segment.derivative(t, 2)) for t in (0.0, 0.25, 0.5, 0.75, 1.0))
            pieces = math.ceil(math.sqrt(1.5 * bend * stretch / (8 * _TOLERANCE)))
            pieces = max(1, min(pieces, _MOST_PIECES))
        if len(points) + pieces >= left:
            raise ValueError(beyond("points", "points"))
        if not points:
            points.append(segment.start)
        points.extend(segment.point((i + 1) / pieces) for i in range(pieces))
    return np.array([[p.real, p.imag] for p in points]).reshape(-1, 2)
