"""QuickDraw's ndjson: a drawing a line, strokes ``[[x…], [y…]]``, raw ones with ``[t…]`` behind.

Format: https://github.com/googlecreativelab/quickdraw-dataset, "The raw moderated dataset". Read
as it stands: positions become offsets, nothing is scaled or simplified; times are left out.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from ..sketch import Sketch, Sketches
from ..strokes import Floats, lines_to_stroke5
from . import FormatError, batch


def read(path: str) -> Iterator[Sketch]:
    """Yield the drawings of a file, compressed or not."""
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    number = 1
    with gzip.open(path) if compressed else open(path, "rb") as lines:
        try:
            for line in lines:
                if line.strip():
                    yield _drawing(line)
                number += 1
        except (ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
            raise FormatError(f"{path}: line {number}: {error}") from None


def _drawing(line: bytes) -> Sketch:
    record = json.loads(line)
    if not isinstance(record, dict) or "drawing" not in record:
        raise ValueError("expected an object with the field 'drawing'")
    strokes, word = record["drawing"], record.get("word")
    if not isinstance(strokes, list):
        raise ValueError(f"drawing: expected a list of strokes, found {type(strokes).__name__}")
    if word is not None and not isinstance(word, str):
        raise ValueError(f"word: expected text, found {word!r:.40}")
    lines = [_line(i, stroke) for i, stroke in enumerate(strokes)]
    return Sketch._from_core(lines_to_stroke5(lines), word)


def _line(i: int, stroke: Any) -> Floats:
    if not isinstance(stroke, list) or len(stroke) not in (2, 3):
        raise ValueError(f"drawing: stroke {i}: expected [[x…], [y…]] or [[x…], [y…], [t…]]")
    try:
        line = np.array(stroke[:2], np.float64).T
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"drawing: stroke {i}: expected two lists of numbers") from None
    if line.ndim != 2 or len(line) == 0:
        raise ValueError(f"drawing: stroke {i}: expected two lists of as many numbers, at least 1")
    # Beyond this float32 offsets would overflow.
    if not (np.abs(line) < 1e18).all():
        raise ValueError(f"drawing: stroke {i}: positions must be finite and below 1e18")
    return line  # type: ignore[return-value]


def write(drawing: Sketch | Sketches, file: IO[bytes], *, compressed: bool = False) -> None:
    """Write a line for each drawing: word, key_id (its number) and positions from (0, 0).

    Positions are written to a thousandth of a data unit; whether the net ended the drawing is not
    kept.
    """
    target: Any = gzip.GzipFile(fileobj=file, mode="wb", mtime=0) if compressed else file
    for number, sketch in enumerate(batch(drawing)):
        strokes = [_numbers(line) for line in sketch.lines()]
        record = {"word": sketch.name, "key_id": str(number), "drawing": strokes}
        target.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
    if compressed:
        target.close()


def _numbers(line: Floats) -> list[list[float | int]]:
    columns = line.T.astype(np.float64).round(3)
    # Whole numbers without their ".0", as QuickDraw has them; beyond 2**53 int64 may overflow.
    whole = (columns % 1 == 0).all() and (np.abs(columns) < 2**53).all()
    numbers: list[list[float | int]] = (columns.astype(np.int64) if whole else columns).tolist()
    return numbers
