"""The net and the drawings that all benchmarks use."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np

import sketchrnn


def net_path() -> str:
    """A public 512-unit net when SKETCHRNN_SHARED is set, else the default bundled one."""
    shared = os.environ.get("SKETCHRNN_SHARED")
    if shared:
        return str(Path(shared) / "official" / "dog.gen.json")
    return default()


def default() -> str:
    """The net that load() takes when nothing is named."""
    return sketchrnn.nets.load.DEFAULT


def drawings(net: sketchrnn.Net, count: int) -> list[np.ndarray]:
    """Real drawings for teacher forcing (raw QuickDraw, RDP ε = 2), or the net's own without data.

    Stroke-5 rows in data units, ending rows included, drawings longer than the net's N_max left
    out.
    """
    shared = os.environ.get("SKETCHRNN_SHARED")
    if not shared:
        return [sketch.strokes for sketch in net.draw(count, seed=0)]
    found = []
    with gzip.open(Path(shared) / "quickdraw" / "raw" / "all345.ndjson.gz", "rt") as file:
        for line in file:
            record = json.loads(line)
            if record["word"] != net.name:
                continue
            lines = [
                sketchrnn.simplify(np.array(stroke[:2], float).T, 2.0)
                for stroke in record["drawing"]
            ]
            rows = sketchrnn.lines_to_stroke5(lines)
            if len(rows) <= net.max_len:
                found.append(rows)
            if len(found) == count:
                break
    return found
