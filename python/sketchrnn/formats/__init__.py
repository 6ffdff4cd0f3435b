"""File formats of drawings, by suffix: one module each, imported when it is used.

A module has, as the table says, ``read(path) -> Iterator[Sketch]``, lazily, with errors that name
the file and the place in it; and ``write(drawing, file, **options)`` for a Sketch or Sketches into
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

from ..sketch import Sketch, Sketches


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
    target = os.fspath(path)
    entry = _entry(format or target, reading=True)
    if not os.path.exists(target):
        raise FileNotFoundError(f"no such file: {target}")
    drawings: Iterator[Sketch] = _module(entry).read(target)
    return drawings


def read(
    path: str | PathLike[str], *, format: str | None = None, limit: int | None = None
) -> Sketches:
    """Read all drawings of a file, or its first `limit`, as one batch. Else as :func:`scan`."""
    drawings = list(islice(scan(path, format=format), limit))
    names = {drawing.name for drawing in drawings}
    return Sketches.of(drawings, names.pop() if len(names) == 1 else None)


def save(
    path: str | PathLike[str],
    drawing: Sketch | Sketches,
    *,
    format: str | None = None,
    **options: Any,
) -> None:
    """Write one drawing or several; the format follows from the suffix, "-" is standard output.

    Options are those of the format's ``write``. A file that could not be written whole is not left
    behind. Raises ValueError for an unknown suffix or option.
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
    if target == "-":
        module.write(drawing, sys.stdout.buffer, **options)
        sys.stdout.buffer.flush()
        return
    partial = f"{target}.part"
    try:
        with open(partial, "wb") as file:
            module.write(drawing, file, **options)
        os.replace(partial, target)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def batch(drawing: Sketch | Sketches) -> Sketches:
    """Return a lone Sketch as a batch of one."""
    if isinstance(drawing, Sketches):
        return drawing
    return Sketches.of([drawing], drawing.name)


def need(module: str, extra: str) -> Any:
    """Import a library of an extra, or raise ImportError that says what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        name = {"PIL": "Pillow", "fpdf": "fpdf2", "av": "PyAV"}.get(package, package)
        raise ImportError(
            f"this needs {name}: pip install 'sketchrnn[{extra}]' ({error})"
        ) from None


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
