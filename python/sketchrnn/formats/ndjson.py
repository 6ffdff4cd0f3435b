"""QuickDraw's ndjson: a drawing a line, strokes ``[[x…], [y…]]``, raw ones with ``[t…]`` behind.

Format: https://github.com/googlecreativelab/quickdraw-dataset, "The raw moderated dataset". Read
as it stands: positions become offsets, nothing is scaled or simplified; times are left out.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..sketch import Sketch, Sketches
from ..strokes import FARTHEST, Floats, lines_to_stroke5
from ..untrusted import blocks
from . import FormatError, batch


def batches(path: str) -> Iterator[Sketches]:
    """Yield the drawings of a file, compressed or not, as many as lie in a MiB of it."""
    with _named(path) as at:
        for block in blocks(path):
            known = _core.ndjson(block)
            if known is not None:
                strokes, offsets, words = known
                several = len(set(words)) > 1
                name = None if several or not words else words[0]
                yield Sketches(strokes, offsets, name, words if several else None)
                at.line += block.count(b"\n")
            else:
                # Something that QuickDraw's own files do not have: this reader knows all of JSON.
                found: list[Sketch] = []
                try:
                    for record in _records(block, at):
                        rows = lines_to_stroke5(record.lines)
                        found.append(Sketch._from_core(rows, record.word))
                finally:
                    if found:  # whatever is wrong behind them
                        yield Sketches.of(found)


class Record(NamedTuple):
    """A line of a file."""

    number: int
    word: str | None
    key: str | None
    lines: list[NDArray[np.float64]]
    """Each stroke's positions, (k, 2)."""
    timed: bool
    """Whether a stroke has times too."""
    facts: dict[str, Any]
    """All other fields as they stand there, unchecked; key_id too where it is not a key."""


def records(path: str) -> Iterator[Record]:
    """Yield what the lines of a file hold, as they stand there."""
    with _named(path) as at:
        for block in blocks(path):
            yield from _records(block, at)


class _Place:
    """Where a reader is."""

    line = 0


@contextlib.contextmanager
def _named(path: str) -> Iterator[_Place]:
    """What goes wrong within names the file and the line."""
    at = _Place()
    try:
        yield at
    except FileNotFoundError:
        raise
    except (ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
        raise FormatError(f"{path}: line {max(1, at.line)}: {error}") from None


def _records(block: bytes, at: _Place) -> Iterator[Record]:
    """The records of whole lines."""
    for line in block.removesuffix(b"\n").split(b"\n"):
        at.line += 1
        if line.strip():
            yield _record(at.line, json.loads(line))


def _record(number: int, record: Any) -> Record:
    if not isinstance(record, dict) or "drawing" not in record:
        raise ValueError("expected an object with the field 'drawing'")
    strokes, word, key = record["drawing"], record.get("word"), record.get("key_id")
    if not isinstance(strokes, list):
        raise ValueError(f"drawing: expected a list of strokes, found {type(strokes).__name__}")
    if word is not None and not isinstance(word, str):
        raise ValueError(f"word: expected text, found {type(word).__name__}")
    key = str(key) if isinstance(key, (str, int)) else None
    taken = {"drawing", "word"} | ({"key_id"} if key is not None else set())
    return Record(
        number,
        word,
        key,
        [_line(i, stroke) for i, stroke in enumerate(strokes)],
        any(len(stroke) > 2 for stroke in strokes),
        {name: value for name, value in record.items() if name not in taken},
    )


def _line(i: int, stroke: Any) -> NDArray[np.float64]:
    if not isinstance(stroke, list) or len(stroke) not in (2, 3):
        raise ValueError(f"drawing: stroke {i}: expected [[x…], [y…]] or [[x…], [y…], [t…]]")
    try:
        line = np.array(stroke[:2], np.float64).T
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"drawing: stroke {i}: expected two lists of numbers") from None
    if line.ndim != 2 or len(line) == 0:
        raise ValueError(f"drawing: stroke {i}: expected two lists of as many numbers, at least 1")
    if not (np.abs(line) < FARTHEST).all():
        raise ValueError(f"drawing: stroke {i}: positions must be finite and below {FARTHEST:g}")
    return line


def write(drawing: Sketch | Sketches, file: IO[bytes], *, compressed: bool = False) -> None:
    """Write a line for each drawing: word, key_id (its number) and positions from (0, 0).

    Positions are written to a thousandth of a data unit; whether the net ended the drawing is not
    kept.
    """
    target: Any = gzip.GzipFile(fileobj=file, mode="wb", mtime=0) if compressed else file
    for number, sketch in enumerate(batch(drawing)):
        strokes = [_numbers(line) for line in sketch.lines()]
        record = {"word": sketch.name, "key_id": str(number), "drawing": strokes}
        target.write(json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n")
    if compressed:
        target.close()


def _numbers(line: Floats) -> list[list[float | int]]:
    columns = line.T.astype(np.float64).round(3)
    # Whole numbers without their ".0", as QuickDraw has them; beyond 2**53 int64 may overflow.
    whole = (columns % 1 == 0).all() and (np.abs(columns) < 2**53).all()
    numbers: list[list[float | int]] = (columns.astype(np.int64) if whole else columns).tolist()
    return numbers
