"""Where a drawing that was read from a picture stood in it: what puts new strokes over the old."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Original:
    """The picture that a drawing was read from, in that picture's own units, y downwards.

    A completed drawing keeps it, so that what was added can be put over it.
    """

    start: tuple[float, float]
    """Where the drawing's first point lies in the picture."""
    view_box: tuple[float, float, float, float]
    """The page: left, top, width, height."""
    size_mm: tuple[float, float]
    """The page's width and height in millimetres; CSS pixels are 1/96 inch."""
    layers: tuple[str | None, ...] = ()
    """For each stroke the label or id of the innermost group that it is in, in order of drawing."""
    left_out: tuple[str, ...] = ()
    """What of the picture is not in the drawing, such as "2 texts"."""
    document: bytes = field(default=b"", repr=False)
    """The picture's file."""
