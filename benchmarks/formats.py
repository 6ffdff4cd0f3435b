"""Seconds for drawings in and out of files and between forms.

python benchmarks/formats.py [drawings]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sketchrnn


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Do it, say how long it took, return what it returned."""
    start = time.perf_counter()
    result = work()
    print(f"| {what} | {time.perf_counter() - start:.1f} |")
    return result


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    net = sketchrnn.load("butterfly", precision="i8")
    print(f"| {count:,} drawings | s |\n|---|---|")
    drawn = timed("drawn (i8)", lambda: net.draw(count, seed=1))
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".npz", ".bin", ".ndjson", ".json"):
            path = Path(folder) / f"drawings{suffix}"
            timed(f"written to {suffix}", lambda path=path: drawn.save(path))
            timed(f"read from {suffix}", lambda path=path: sketchrnn.read(path))
    timed("simplified", lambda: drawn.simplify(2.0))
    timed("to stroke-3", lambda: [sketch.stroke3 for sketch in drawn])
    timed("to polylines", lambda: [sketch.lines() for sketch in drawn])


if __name__ == "__main__":
    main()
