"""The one place through which files of strangers are opened for reading, and how much is read.

Only regular files are opened: a pipe could wait and a device go on for ever. The exception is what
the caller has opened already (``/dev/stdin``, a shell's ``<(…)``). SECURITY.md says which files are
trusted, docs/formats.md states the limits; the environment variable ``SKETCHRNN_LIMITS`` multiplies
them all.
"""

from __future__ import annotations

import gzip
import html
import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from io import BufferedReader
from os import PathLike
from typing import IO, Any

from .writing import resolved

LIMITS = {
    "document": 256 << 20,  # bytes of a file that must be held whole: .json, .svg, .gen.json
    "weights": 1 << 30,  # bytes of a .safetensors that Python reads, 250 million float32
    "line": 8 << 20,  # bytes of one line of .ndjson; QuickDraw's longest have some 100 KB
    "member": 256 << 20,  # bytes of one array of .npz; the largest published has some 20 MB
    "expansion": 30,  # times a compressed file's size, beyond the first 8 MiB; ours have 3 to 8
    "points": 1_000_000,  # of one drawing
    "repeats": 50_000,  # elements of an SVG that its <use> shows again
    "rows": 100_000_000,  # of all drawings that one read() returns, 2 GB; scan() has no such limit
    "download": 64 << 20,  # bytes of a public net; the largest has some 12 MB
}
"""What is read at most, by name: far more than any drawing or net of the field has, and as much as
a machine can bear."""

_FREE = 8 << 20
"""Bytes to which any compressed file may unpack: a small one of a few repeated lines is no bomb."""

_CHUNK = 1 << 20


def most(name: str) -> int:
    """Return a limit, multiplied as the environment asks."""
    text = os.environ.get("SKETCHRNN_LIMITS") or "1"
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 < factor <= 1e6:
        raise ValueError(
            f"SKETCHRNN_LIMITS: expected a number above 0, at most 1e6, found {text!r}"
        )
    return int(LIMITS[name] * factor)


def xml_text(text: object) -> str:
    """Return :func:`printable` text as the content of an XML element."""
    return html.escape(printable(text), quote=False)


def beyond(name: str, unit: str) -> str:
    """Return the words for something that is more than a limit."""
    return (
        f"more than {most(name)} {unit} (the limit {name!r}; SKETCHRNN_LIMITS=10 makes it tenfold)"
    )


def open_untrusted(path: str | PathLike[str]) -> BufferedReader:
    """Open a regular file, or what the caller has open already, for reading bytes.

    Raises OSError where there is none, ValueError for anything else.
    """
    own, target = resolved(os.fspath(path))
    if own is not None:
        return os.fdopen(os.dup(own), "rb")
    if stat.S_ISREG(os.stat(target).st_mode):  # opening a device can already do something
        # Without waiting, should a pipe stand there by now.
        file = os.fdopen(os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb")
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        file.close()
    raise ValueError("not a regular file")


def read_limited(path: str | PathLike[str], limit: str) -> bytes:
    """Return the whole of a file; `limit` is a name of LIMITS. ValueError for a larger one."""
    with open_untrusted(path) as file:
        return read_all(file, most(limit), lambda: ValueError(beyond(limit, "bytes")))


def read_all(file: IO[bytes], count: int, error: Callable[[], Exception]) -> bytes:
    """Return what is left of an open file; raises error() if that is more than `count` bytes."""
    chunks = []
    while chunk := file.read(min(_CHUNK, count + 1)):
        count -= len(chunk)
        if count < 0:
            raise error()
        chunks.append(chunk)
    return b"".join(chunks)


def expanded(packed: int) -> int:
    """Return the bytes to which a compressed file of `packed` bytes may unpack."""
    return _FREE + most("expansion") * packed


def blocks(path: str | PathLike[str]) -> Iterator[bytes]:
    """Yield whole lines of a file, compressed by gzip or not, about a MiB of them at a time, each
    line within the limit "line"."""
    with open_untrusted(path) as file:
        longest, left = most("line"), math.inf
        source: Any = file
        if file.peek(2)[:2] == b"\x1f\x8b":
            source = gzip.GzipFile(fileobj=file)
            facts = os.fstat(file.fileno())
            if stat.S_ISREG(facts.st_mode):
                left = expanded(facts.st_size)
        begun: list[bytes] = []  # of a line that has not ended
        size = 0
        while chunk := source.read(min(_CHUNK, longest)):
            left -= len(chunk)
            if left < 0:
                raise ValueError(beyond("expansion", "times its compressed size"))
            end = chunk.rfind(b"\n") + 1
            first = chunk.find(b"\n") + 1 or len(chunk)
            if size + first > longest:
                raise ValueError(beyond("line", "bytes in a line"))
            if end:
                yield b"".join([*begun, chunk[:end]])
                begun, size = [], 0
            begun.append(chunk[end:])
            size += len(chunk) - end
        if size:
            yield b"".join(begun)


_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""What commands a terminal, turns the direction of writing, or has no place in XML 1.0 (section
2.2) and UTF-8."""


def printable(text: object) -> str:
    """Return a text that is safe to show and to put into XML (where it must still be escaped):
    line breaks and tabs become spaces, other control characters U+FFFD."""
    return _CONTROL.sub(lambda m: " " if m[0] in "\t\n\r" else "\ufffd", str(text))
