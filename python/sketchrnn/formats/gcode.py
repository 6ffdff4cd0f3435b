"""G-code for machines with a pen: absolute millimetres, y upwards, a line a movement.

Codes: RS274/NGC (NIST IR 6556), section 3.5: G21 millimetres, G90 absolute, G94 feed in units a
minute, G0 travel, G1 draw, M2 end.
"""

from __future__ import annotations

import math
from typing import IO

from ..sketch import Sketch, Sketches
from . import write_text
from .page import on_paper


def write(
    drawing: Sketch | Sketches,
    file: IO[bytes],
    *,
    page: tuple[float, float] | str | None = None,
    margin: float = 0.1,
    columns: int | None = None,
    new_only: bool = False,
    feed: float = 1500.0,
    pen_up: str = "G0 Z5",
    pen_down: str = "G1 Z0 F500",
) -> None:
    """Write drawings fitted to a page of (width, height) millimetres, in a grid if several.

    `page` None is A4; for a drawing that was read from an SVG it is that picture's page, and the
    drawing lies where it does there. `new_only` leaves out what a completion was given.

    `feed` in mm a minute; `pen_up` and `pen_down` are the machine's own commands (a servo's are
    often "M3 S0" and "M3 S90"). Positions to a thousandth of a millimetre.
    """
    if not 0 < feed < math.inf:
        raise ValueError(f"feed: expected a positive number, found {feed}")
    height, drawings = on_paper(drawing, page, margin, columns, new_only)
    parts = ["G21", "G90", "G94", pen_up]
    for lines in drawings:
        for line in lines:
            (x, y), *rest = [(round(x, 3), round(height - y, 3)) for x, y in line]
            parts += [f"G0 X{x:.3f} Y{y:.3f}", pen_down]
            parts += [f"G1 X{x:.3f} Y{y:.3f} F{feed:g}" for x, y in rest]
            parts.append(pen_up)
    parts += ["G0 X0 Y0", "M2", ""]
    write_text(file, "\n".join(parts))
