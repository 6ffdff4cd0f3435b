"""Drawings by people, in the form the public nets were trained on, where they are at hand."""

import gzip
import json
import os
from pathlib import Path

import numpy as np

import sketchrnn

SHARED = Path(os.environ["SKETCHRNN_SHARED"]) if os.environ.get("SKETCHRNN_SHARED") else None
NO_SHARED = "SKETCHRNN_SHARED is not set: no public nets, no drawings"


def real_drawings(word, count):
    """The first `count` raw QuickDraw drawings of `word` as finished stroke-5 arrays: raw pixels
    after Ramer-Douglas-Peucker with epsilon 2."""
    drawings = []
    with gzip.open(SHARED / "quickdraw/raw/all345.ndjson.gz", "rt") as file:
        for line in file:
            if len(drawings) == count:
                break
            entry = json.loads(line)
            if entry["word"] == word:
                lines = [np.array(stroke[:2], float).T for stroke in entry["drawing"]]
                lines = [sketchrnn.simplify(line, 2.0) for line in lines]
                drawings.append(sketchrnn.lines_to_stroke5(lines))
    assert drawings, word
    return drawings
