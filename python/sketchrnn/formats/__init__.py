"""File formats of drawings, by suffix: one module each, imported when it is used.

A module has, as the table says, ``read(path) -> Iterator[Sketch]``, lazily, with errors that name
the file and the place in it, or ``batches(path) -> Iterator[Sketches]`` where many are read at a
time; and ``write(drawing, file, **options)`` for a Sketch or Sketches into
a file that is open for binary writing.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import islice
from os import PathLike
from types import MappingProxyType
from typing import IO, Any, NamedTuple

import numpy as np

from ..sketch import Sketch, Sketches, joined
from ..strokes import FARTHEST, check_positions
from ..untrusted import beyond, most
from ..writing import open_for_writing


class Format(NamedTuple):
    """What a suffix stands for."""

    module: str
    reads: bool
    writes: bool
    what: str
    fixed: Mapping[str, Any] = MappingProxyType({})
    """Options of ``write`` that the suffix settles."""


FORMATS = {
    ".svg": Format("svg", True, True, "vector picture; animate=True plays in a browser"),
    ".png": Format("png", False, True, "picture (needs Pillow)"),
    ".gif": Format("animation", False, True, "animation (needs Pillow)"),
    ".apng": Format("animation", False, True, "animation (needs Pillow)", {"kind": "PNG"}),
    ".mp4": Format("mp4", False, True, "video (needs Pillow and PyAV)"),
    ".pdf": Format("pdf", False, True, "page (needs fpdf2)"),
    ".ndjson": Format("ndjson", True, True, "QuickDraw, simplified or raw"),
    ".ndjson.gz": Format("ndjson", True, True, "the same, compressed", {"compressed": True}),
    ".bin": Format("quickdraw_bin", True, True, "QuickDraw, binary"),
    ".npz": Format("npz", True, True, "sketch-rnn's data sets"),
    ".parquet": Format("parquet", True, True, "table of drawings (needs pyarrow)"),
    ".json": Format("strokes_json", True, True, "stroke-5 rows, exactly"),
    ".hpgl": Format("hpgl", False, True, "pen plotters, HP-GL"),
    ".plt": Format("hpgl", False, True, "pen plotters, HP-GL"),
    ".gcode": Format("gcode", False, True, "machines with a pen, G-code"),
    ".nc": Format("gcode", False, True, "machines with a pen, G-code"),
}


_FIXED = {option for entry in FORMATS.values() for option in entry.fixed}


class FormatError(ValueError):
    """A file of drawings that cannot be read; the message names the file and the place."""


def scan(path: str | PathLike[str], *, format: str | None = None) -> Iterator[Sketch]:
    """Read drawings one by one, holding only the present one in memory where the format allows.

    `format` is a suffix such as ".ndjson" where the file's name does not say. Each Sketch carries
    its name where the file gives one. Raises FormatError (a ValueError) naming file and place.
    """
    return (sketch for some in batches(path, format=format) for sketch in some)


def batches(
    path: str | PathLike[str], *, format: str | None = None, size: int = 1
) -> Iterator[Sketches]:
    """Read drawings some at a time: as many as the format gives at once, or `size` of a format that
    gives single ones. Else as :func:`scan`."""
    target = os.fspath(path)
    entry = _entry(format or target, reading=True)
    if not os.path.exists(target):
        raise FileNotFoundError(f"no such file: {target}")
    module = _module(entry)
    if hasattr(module, "batches"):
        return _checked(target, module.batches(target))
    return _checked(target, _gathered(module.read(target), size))


def _gathered(drawings: Iterator[Sketch], size: int) -> Iterator[Sketches]:
    while True:
        some: list[Sketch] = []
        try:
            some.extend(islice(drawings, size))
        except (FormatError, OSError, ImportError, MemoryError):
            raise
        except Exception as error:
            raise _Misplaced(len(some), error) from error
        if not some:
            return
        yield Sketches.of(some)


def _checked(path: str, parts: Iterator[Sketches]) -> Iterator[Sketches]:
    """The drawings of a file, each within the limits that hold for all formats; whatever a file
    makes a reader raise is a FormatError."""
    number = 0
    while True:
        try:
            part = next(parts, None)
            if part is None:
                return
            _check_all(part, most("points"))
        except FormatError:
            raise
        except _Misplaced as error:
            raise FormatError(f"{path}: drawing {number + error.number}: {error}") from error
        except (OSError, ImportError, MemoryError):
            raise  # the disk's, or a missing library: not the file's
        except Exception as error:
            raise FormatError(f"{path}: drawing {number}: {error}") from error
        yield part
        number += len(part)


class _Misplaced(ValueError):
    """What is wrong with one drawing among several."""

    def __init__(self, number: int, message: object) -> None:
        super().__init__(message)
        self.number = number


def _check_all(drawings: Sketches, longest: int | None = None) -> None:
    """Raise _Misplaced for a drawing of more than `longest` points, or with numbers that no file
    shall hold."""
    lengths = drawings.lengths
    if longest is not None and lengths.max(initial=0) > longest + 1:  # an end row is none
        raise _Misplaced(int(lengths.argmax()), beyond("points", "points"))
    # By all rows: of drawings whose offsets are wrong the lengths are too.
    furthest = float(np.abs(drawings.strokes).max(initial=0.0)) * len(drawings.strokes)
    if furthest < FARTHEST:
        return  # wherever the offsets lead; the usual case, in one pass
    for number, sketch in enumerate(drawings):
        try:
            check_positions(sketch.strokes)
        except ValueError as error:
            raise _Misplaced(number, error) from None


def reads(name: str) -> bool:
    """Whether drawings are read from files of such a name."""
    return any(name.lower().endswith(suffix) for suffix, entry in FORMATS.items() if entry.reads)


def read(
    path: str | PathLike[str], *, format: str | None = None, limit: int | None = None
) -> Sketches:
    """Read all drawings of a file, or its first `limit`, as one batch. Else as :func:`scan`."""
    if limit is not None and limit < 0:
        raise ValueError(f"limit: expected a number of at least 0, found {limit}")
    parts: list[Sketches] = []
    left, rows_left = limit, most("rows")
    # In pieces, since a drawing on its own takes ten times the memory of a short one's rows.
    several = 4096 if limit is None else max(1, min(limit, 4096))
    for part in batches(path, format=format, size=several) if limit != 0 else ():
        parts.append(part[:left])
        rows_left -= len(parts[-1].strokes)
        if rows_left < 0:
            raise FormatError(f"{os.fspath(path)}: {beyond('rows', 'rows')}; scan() has no limit")
        if left is not None:
            left -= len(parts[-1])
            if left <= 0:
                break
    return joined(parts)


def save(
    path: str | PathLike[str],
    drawing: Sketch | Sketches,
    *,
    format: str | None = None,
    **options: Any,
) -> None:
    """Write one drawing or several; the format follows from the suffix, "-" is standard output.

    Options are those of the format's ``write``. A file that could not be written whole is not left
    behind, and one that was there stays; see writing.py. Raises ValueError for an unknown suffix or
    option, and for numbers that no file shall hold: see :data:`sketchrnn.strokes.FARTHEST`.
    """
    target = os.fspath(path)
    if target == "-" and format is None:
        format = ".svg"
    entry = _entry(format or target, reading=False)
    module = _module(entry)
    known = [p for p in list(inspect.signature(module.write).parameters)[2:] if p not in _FIXED]
    for option in options:
        if option not in known:
            allowed = ", ".join(known) or "none"
            raise ValueError(f"{option}: {entry.module} has the options {allowed}")
    options.update(entry.fixed)
    check(drawing)
    if target == "-":
        module.write(drawing, sys.stdout.buffer, **options)
        sys.stdout.buffer.flush()
        return
    with open_for_writing(target) as file:
        module.write(drawing, file, **options)


def check(drawing: Sketch | Sketches) -> None:
    """Raise ValueError naming the drawing and the row that has numbers which no file shall hold."""
    try:
        _check_all(batch(drawing))
    except _Misplaced as error:
        raise ValueError(f"drawing {error.number}: {error}") from None


def batch(drawing: Sketch | Sketches) -> Sketches:
    """Return a lone Sketch as a batch of one."""
    if isinstance(drawing, Sketches):
        return drawing
    return Sketches.of([drawing], drawing.name)


def write_text(file: IO[bytes], text: str) -> None:
    """Write UTF-8."""
    file.write(text.encode())


def _entry(name: str, *, reading: bool) -> Format:
    lower = name.lower()
    for suffix in sorted(FORMATS, key=len, reverse=True):
        entry = FORMATS[suffix]
        if lower.endswith(suffix) and (entry.reads if reading else entry.writes):
            return entry
    suffixes = [s for s, entry in FORMATS.items() if (entry.reads if reading else entry.writes)]
    what = "reads" if reading else "writes"
    raise ValueError(
        f"path: expected a name ending in one of {', '.join(suffixes)} (what sketchrnn {what}), "
        f"found {name!r}"
    )


def _module(entry: Format) -> Any:
    return import_module(f".{entry.module}", __name__)
