"""QuickDraw's binary files: simplified drawings with positions in bytes, one after another.

Format: https://github.com/googlecreativelab/quickdraw-dataset, "Simplified drawings (.bin)":
little-endian key_id u64, country 2 bytes, recognized u8, time u32, strokes u16; for each stroke
points u16, then as many x and as many y, u8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

import numpy as np

from ..sketch import Sketch, Sketches
from ..strokes import Floats, lines_to_stroke5
from ..untrusted import beyond, most, open_untrusted
from . import FormatError, batch

_HEAD = struct.Struct("<Q2sBIH")
_COUNT = struct.Struct("<H")
_SIDE = 255.0


def read(path: str) -> Iterator[Sketch]:
    """Yield the drawings of a file; the format has no names."""
    with open_untrusted(path) as file:
        number = 0

        def take(count: int) -> bytes:
            data = file.read(count)
            if len(data) != count:
                raise FormatError(
                    f"{path}: drawing {number}: the file ends {count - len(data)} bytes early"
                )
            return data

        while first := file.read(1):
            *_, strokes = _HEAD.unpack(first + take(_HEAD.size - 1))
            lines: list[Floats] = []
            left = most("points")
            for i in range(strokes):
                (points,) = _COUNT.unpack(take(_COUNT.size))
                if points == 0:
                    raise FormatError(f"{path}: drawing {number}: stroke {i} has no points")
                left -= points
                if left < 0:
                    raise FormatError(f"{path}: drawing {number}: {beyond('points', 'points')}")
                columns = np.frombuffer(take(2 * points), np.uint8).reshape(2, points)
                lines.append(columns.T.astype(np.float32))
            yield Sketch._from_core(lines_to_stroke5(lines), None)
            number += 1


def write(drawing: Sketch | Sketches, file: IO[bytes]) -> None:
    """Write drawings; each is moved to 0 and, where it is larger than 255, scaled down to that.

    Positions are rounded to whole numbers, names are not kept: the format has no room for them.
    """
    for number, sketch in enumerate(batch(drawing)):
        left, top, right, bottom = sketch.bounds
        extent = max(right - left, bottom - top)
        scale = _SIDE / extent if extent > _SIDE else 1.0
        lines = [
            np.rint((line.astype(float) - (left, top)) * scale).astype(np.uint8)
            for line in sketch.lines()
        ]
        if len(lines) > 0xFFFF or any(len(line) > 0xFFFF for line in lines):
            raise ValueError(f"drawing {number}: .bin holds 65535 strokes and points at most")
        file.write(_HEAD.pack(number, b"ZZ", 1, 0, len(lines)))
        for line in lines:
            file.write(_COUNT.pack(len(line)) + line.T.tobytes())
