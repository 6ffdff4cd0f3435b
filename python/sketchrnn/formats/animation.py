"""GIF and APNG: the drawing, or all of a grid at once, being drawn. Through Pillow."""

from __future__ import annotations

import math
from typing import IO, Any

from ..sketch import Sketch, Sketches
from . import batch
from .page import first_points, in_a_row, lay_out, pixels_across
from .raster import Canvas

_MOST_FRAMES = 1000


def frames(
    drawing: Sketch | Sketches,
    *,
    size: float | None,
    stroke_width: float | None,
    margin: float,
    columns: int | None,
    points_per_second: float,
    fps: float,
    hold: float,
    one_by_one: bool = False,
) -> list[Any]:
    """Return the frames as Pillow images, from an empty page to the finished drawings.

    `hold`, seconds that the last is to be shown for, is checked here and heeded by the caller: each
    file format has its own way to stand still.
    """
    if not 0 <= hold < 60:
        raise ValueError(f"hold: expected seconds from 0 up to 60, found {hold}")
    for name, value in (("points_per_second", points_per_second), ("fps", fps)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a positive number, found {value}")
    if one_by_one:
        return _one_by_one(drawing, pixels_across(size, 1), stroke_width, margin)
    width = pixels_across(size, in_a_row(drawing, columns))
    page = lay_out(drawing, width=width, columns=columns, margin=margin)
    pen = stroke_width if stroke_width is not None else max(1.0, page.cell[0] / 100)
    longest = max((sum(map(len, lines)) for lines in page.drawings), default=0)
    steps = math.ceil(longest / points_per_second * fps)
    if steps > _MOST_FRAMES:
        raise ValueError(
            f"points_per_second: {longest} points would take {steps} frames, at most {_MOST_FRAMES}"
        )
    canvas = Canvas(page.width, page.height, pen)
    images = [canvas.image()]
    shown = [0] * len(page.drawings)
    for step in range(1, steps + 1):
        target = math.ceil(longest * step / steps)
        for i, lines in enumerate(page.drawings):
            # From the last point drawn on, not all over again.
            skip = shown[i] - 1
            for line in first_points(lines, target):
                if len(line) > max(0, skip):
                    canvas.line(line[max(0, skip) :])
                skip -= len(line)
            shown[i] = target
        images.append(canvas.image())
    return images


def _one_by_one(
    drawing: Sketch | Sketches, width: float, stroke_width: float | None, margin: float
) -> list[Any]:
    """A frame for each drawing, whole."""
    images = []
    if not 0 < len(batch(drawing)) <= _MOST_FRAMES:
        raise ValueError(f"one_by_one: expected from 1 to {_MOST_FRAMES} drawings")
    for sketch in batch(drawing):
        page = lay_out(sketch, width=width, margin=margin)
        pen = stroke_width if stroke_width is not None else max(1.0, page.cell[0] / 100)
        canvas = Canvas(page.width, page.height, pen)
        for line in page.drawings[0]:
            canvas.line(line)
        images.append(canvas.image())
    return images


def write(
    drawing: Sketch | Sketches,
    file: IO[bytes],
    *,
    size: float | None = None,
    stroke_width: float | None = None,
    margin: float = 0.05,
    columns: int | None = None,
    points_per_second: float = 40.0,
    fps: float = 20.0,
    hold: float = 1.5,
    one_by_one: bool = False,
    loop: bool = True,
    kind: str = "GIF",
) -> None:
    """Write an animation at the pen's pace, the finished picture held for `hold` seconds.

    A grid's drawings are drawn at the same time; `one_by_one` shows each whole, one after another,
    `fps` of them a second. Sizes as in PNG pictures. `kind` is "GIF" or
    "PNG" (APNG).
    """
    images = frames(
        drawing,
        size=size,
        stroke_width=stroke_width,
        margin=margin,
        columns=columns,
        points_per_second=points_per_second,
        fps=fps,
        hold=hold,
        one_by_one=one_by_one,
    )
    durations = [round(1000 / fps)] * len(images)
    durations[-1] += round(1000 * hold)
    repeat = {"loop": 0} if loop else {} if kind == "GIF" else {"loop": 1}
    images[0].save(
        file, kind, save_all=True, append_images=images[1:], duration=durations, **repeat
    )
