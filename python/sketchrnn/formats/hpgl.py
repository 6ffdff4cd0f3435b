"""HP-GL for pen plotters: pen up and down movements in units of 1/40 mm, y upwards.

Format: HP-GL/2 and HP RTL Reference Guide; only IN, SP, PU, PD, which every plotter knows.
"""

from __future__ import annotations

from typing import IO

from ..sketch import Sketch, Sketches
from . import write_text
from .page import on_paper

_UNITS = 40


def write(
    drawing: Sketch | Sketches,
    file: IO[bytes],
    *,
    page: tuple[float, float] | str | None = None,
    margin: float = 0.1,
    columns: int | None = None,
    new_only: bool = False,
    pen: int = 1,
) -> None:
    """Write drawings fitted to a page of (width, height) millimetres, in a grid if several.

    `page` None is A4; for a drawing that was read from an SVG it is that picture's page, and the
    drawing lies where it does there. `new_only` leaves out what a completion was given.

    `margin` is the border of each cell as a part of its shorter side; `pen` the carousel's number.
    """
    if not 1 <= pen <= 256:
        raise ValueError(f"pen: expected a number from 1 to 256, found {pen}")
    height, drawings = on_paper(drawing, page, margin, columns, new_only)
    parts = [f"IN;SP{pen};"]
    for lines in drawings:
        for line in lines:
            xy = [(round(x * _UNITS), round((height - y) * _UNITS)) for x, y in line]
            points = ",".join(f"{x},{y}" for x, y in (xy[1:] or xy))
            parts.append(f"PU{xy[0][0]},{xy[0][1]};PD{points};")
    parts.append("PU;SP0;\n")
    write_text(file, "\n".join(parts))
