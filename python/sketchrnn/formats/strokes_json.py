"""Our plain JSON: ``{"name": …, "drawings": [[[dx, dy, p1, p2, p3], …], …]}``, nothing lost.

Read as well: a list of drawings, or one drawing, of stroke-5 or stroke-3 rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from ..sketch import Sketch, Sketches
from ..untrusted import read_limited
from . import FormatError, batch, write_text


def read(path: str) -> Iterator[Sketch]:
    """Yield the drawings of a file."""
    try:
        data = json.loads(read_limited(path, "document").decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON: {error}") from None
    name = None
    if isinstance(data, dict):
        name = data.get("name")
        if name is not None and not isinstance(name, str):
            raise FormatError(f"{path}: name: expected text, found {type(name).__name__}")
        data = data.get("drawings")
    if not isinstance(data, list):
        raise FormatError(f"{path}: expected a list of drawings, or an object with 'drawings'")
    if _is_drawing(data):
        data = [data]
    for i, rows in enumerate(data):
        try:
            # As numbers from the start: of texts NumPy would make an array that is as wide as the
            # longest of them.
            yield Sketch(np.array(rows, np.float64), name)
        except (ValueError, TypeError, OverflowError) as error:
            raise FormatError(f"{path}: drawing {i}: {error}") from None


def _is_drawing(data: list[Any]) -> bool:
    """Whether a list is the rows of one drawing; several may begin with empty ones."""
    first = next((rows for rows in data if rows != []), None)
    return isinstance(first, list) and not isinstance(first[0], list)


def write(drawing: Sketch | Sketches, file: IO[bytes]) -> None:
    """Write all drawings; numbers in the fewest digits that give the same float32 again."""
    sketches = batch(drawing)
    lines = []
    for sketch in sketches:
        # Of pens too: a stranger's 0 may be -0.
        rows = (f"[{','.join(map(_shortest, row))}]" for row in sketch.strokes)
        lines.append(f"[{','.join(rows)}]")
    body = ",\n".join(lines)
    write_text(file, f'{{"name":{json.dumps(sketches.name)},"drawings":[\n{body}\n]}}\n')


def _shortest(value: Any) -> str:
    text = str(value)
    # JSON's -0 is a whole number, which has no sign.
    return text[:-2] if text.endswith(".0") and text != "-0.0" else text
