"""The drawings that the nets learn from: which files, what is left out and why, told as counts.

    python tools/nets/corpus.py ../shared -o corpus.npz

Old sources come first and keep their split (a hash of `key_id`), so that nets trained on fewer
drawings can be compared on the same held-out ones. A drawing without a key has its content for
one. What a rule finds is left out of every new source, held-out drawings included; of the old
ones' validation and test splits nothing is left out.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sketchrnn import writing
from sketchrnn.train import data
from sketchrnn.train.data import Drawing

LONGEST = 200
"""Drawings of so many rows and more are left out (0.1%), as `sketchrnn train` does."""

UNFINISHED = 0.4
"""Fewer rows than this part of the object's median: a line or a circle, and time was up. Looked at
for cat, dog, owl and horse: below it are scraps, above it whole animals in few lines."""

SAME = 5.0
"""Pixels by which the marks of one drawing in two forms may differ: RDP at ε = 2 pixels of a screen
of some 350, scaled to 255, moves the box by 1.5, and so each mark twice."""

Counts = dict[str, dict[str, int]]
"""Of each object the drawings "read", and those that each rule has left out."""


def sources(shared: Path) -> list[Path]:
    """All files, old ones first: of a drawing that several have, the first is kept."""
    quickdraw = shared / "quickdraw"
    return [
        quickdraw / "simplified/all345.ndjson.gz",
        quickdraw / "simplified/monkey.ndjson.gz",
        quickdraw / "raw/all345.ndjson.gz",
        *sorted((quickdraw / "dense20").glob("*.ndjson.gz")),
        *sorted((quickdraw / "more").glob("*.ndjson.gz")),
        # Of the game's drawings the chairs alone: QuickDraw has thousands of birds, cars and dogs,
        # drawn in another manner.
        shared / "sketchpad/chair.ndjson.gz",
    ]


def is_new(drawing: Drawing) -> bool:
    """Whether it comes from a source that states itself; those of the first nets do not."""
    return "src" in drawing.facts


def marks(rows: NDArray[np.int16]) -> NDArray[np.float32]:
    """What simplification keeps of a drawing, up to a few pixels: of each stroke the first and last
    point and the centre of its ink, from the top left corner; (strokes * 6,)."""
    points = np.concatenate([np.zeros((1, 2)), np.cumsum(rows[:, :2].astype(np.float64), axis=0)])
    points -= points.min(axis=0)
    # A stroke's first point is where the pen came down; the drawing's first is the origin.
    ends = np.flatnonzero(rows[:, 2]) + 1
    starts = np.concatenate([[0], ends[:-1]])
    found = []
    for i, (a, b) in enumerate(zip(starts, ends, strict=True)):
        line = points[a : b + 1] if i == 0 else points[a + 1 : b + 1]
        ink = np.hypot(*np.diff(line, axis=0).T)
        centres = (line[1:] + line[:-1]) / 2.0
        centre = ink @ centres / ink.sum() if ink.sum() > 0.0 else line[0]
        found.append([*line[0], *centre, *line[-1]])
    return np.array(found, np.float32).ravel()


def too_long(drawings: Sequence[Drawing]) -> set[int]:
    """Indices of drawings of LONGEST rows and more, of whatever source."""
    return {i for i, d in enumerate(drawings) if len(d.rows) >= LONGEST}


def copies(drawings: Sequence[Drawing]) -> set[int]:
    """Indices of new drawings that an earlier one of the same object is, in whatever form."""
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    features = [marks(d.rows) for d in drawings]
    for i, d in enumerate(drawings):
        groups[d.word, len(features[i])].append(i)
    found: set[int] = set()
    for (_, size), members in groups.items():
        # Of few strokes many are alike by chance (lines, circles): those must agree to a pixel.
        near = SAME if size >= 18 else 1.0
        tree = cKDTree(np.stack([features[i] for i in members]))
        found |= {members[max(pair)] for pair in tree.query_pairs(near, p=np.inf)}
    return {i for i in found if is_new(drawings[i])}


def unfinished(drawings: Sequence[Drawing]) -> set[int]:
    """Indices of scraps among drawings of the source that took as many of each duration."""
    lengths: dict[str, list[int]] = defaultdict(list)
    for d in drawings:
        lengths[d.word].append(len(d.rows))
    least = {word: UNFINISHED * float(np.median(n)) for word, n in lengths.items()}
    return {
        i
        for i, d in enumerate(drawings)
        if d.facts.get("src") == "vlandham" and len(d.rows) < least[d.word]
    }


RULES = {"too long": too_long, "copy": copies, "unfinished": unfinished}
"""What they find is left out, of what is left by those before."""


def cleaned(drawings: Sequence[Drawing]) -> tuple[list[Drawing], dict[str, Counter[str]]]:
    """What the nets learn from, and of each object how many were read and each rule left out."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for d in drawings:
        counts[d.word]["read"] += 1
    kept = list(drawings)
    for rule, finder in RULES.items():
        out = finder(kept)
        for i in out:
            counts[kept[i].word][rule] += 1
        kept = [d for i, d in enumerate(kept) if i not in out]
    return kept, counts


def counted(cache: Path) -> Counts:
    """What `prepare` has counted."""
    found: Counts = json.loads(cache.with_suffix(".json").read_text())
    return found


def prepare(shared: Path, output: Path) -> dict[str, int]:
    """Read all, clean it, keep it, and beside it the counts of each object; their sums."""
    kept, counts = cleaned(data.read(sources(shared)))
    writing.write(output.with_suffix(".json"), json.dumps(counts, indent=1) + "\n")
    data.save_cache(output, kept)
    return {**sum(counts.values(), Counter()), "kept": len(kept), **Counter(d.split for d in kept)}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("shared", type=Path, help="folder with quickdraw/ and sketchpad/")
    p.add_argument("-o", "--output", type=Path, required=True)
    args = p.parse_args()
    print(json.dumps(prepare(args.shared, args.output)))


if __name__ == "__main__":
    main()
