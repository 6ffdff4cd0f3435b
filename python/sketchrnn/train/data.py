"""Drawings for training: read what QuickDraw publishes, bring it to one form, split by key.

QuickDraw publishes the same drawings raw (pixels of the drawer's screen, with times), dense
(a 256-pixel box, not simplified) and simplified. All go through one recipe, QuickDraw's own
(https://github.com/googlecreativelab/quickdraw-dataset#preprocessed-dataset): move the top left
corner to 0, scale the larger side to 255, resample each stroke at one pixel, simplify it with
Ramer-Douglas-Peucker at 2 pixels. The result is stroke-3: rows of (dx, dy, pen lifted after
this point), the drawing's first point being the origin.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ..formats import FormatError
from ..formats.npz import read_splits
from ..strokes import simplify

BOX = 255.0
EPSILON = 2.0

Stroke = NDArray[np.float64]
Rows = NDArray[np.int16]


@dataclass(frozen=True)
class Drawing:
    """One drawing: its object, its key, stroke-3 rows (n, 3), and the split it belongs to."""

    word: str
    key: str
    rows: Rows
    split: str


def split_of(key: str, valid: float = 0.075, test: float = 0.075) -> str:
    """The split of a key, by its hash: the same drawing lands in the same one in every source."""
    u = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2.0**64
    if u < test:
        return "test"
    return "valid" if u < test + valid else "train"


def to_box(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Moved to the top left corner and scaled to 255 pixels, the aspect kept."""
    every = np.concatenate(strokes)
    low = every.min(axis=0)
    size = float((every.max(axis=0) - low).max())
    if abs(size - BOX) <= 1.0:  # in the box already, up to rounding
        return [s - low for s in strokes]
    return [(s - low) * (BOX / size if size > 0.0 else 1.0) for s in strokes]


def to_rows(strokes: Sequence[Stroke], *, resampled: bool) -> Rows:
    """Stroke-3 rows (n, 3) of a drawing given as polylines in any unit.

    `resampled`: put points one pixel apart, then simplify (dense and raw sources; of 500 raw
    drawings 89% come out bit for bit as QuickDraw's own simplified form). What QuickDraw
    simplified stays as it is: its points are rounded, a second pass would drop some of them.
    """
    done = []
    for s in to_box(strokes):
        line = simplify(s, EPSILON, "quickdraw") if resampled else s
        done.append(np.rint(line).astype(np.int32))
    points = np.concatenate(done)
    lifted = np.zeros(len(points), np.int32)
    lifted[np.cumsum([len(s) for s in done]) - 1] = 1
    return np.column_stack([np.diff(points, axis=0), lifted[1:]]).astype(np.int16)


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def read_ndjson(path: Path) -> Iterator[Drawing]:
    """Drawings of a QuickDraw ndjson file (.gz or not): raw, dense or simplified."""
    parsed: list[tuple[str, str, list[Stroke]]] = []
    timed = False
    with _open(path) as f:
        for number, line in enumerate(f, 1):
            try:
                entry = json.loads(line)
                parts = entry["drawing"]
                strokes = [np.array(p[:2], np.float64).T for p in parts]
                word, key = str(entry["word"]).replace("_", " "), str(entry["key_id"])
                if not all(s.ndim == 2 and len(s) for s in strokes):
                    raise ValueError("a stroke without points")
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise FormatError(f"{path}, line {number}: {error!r}") from None
            if strokes:
                timed = timed or any(len(p) > 2 for p in parts)
                parsed.append((word, key, strokes))
    resampled = timed or not _is_simplified([strokes for _, _, strokes in parsed])
    for word, key, strokes in parsed:
        rows = to_rows(strokes, resampled=resampled)
        if len(rows):
            yield Drawing(word, key, rows, split_of(key))


def _is_simplified(drawings: Sequence[Sequence[Stroke]]) -> bool:
    """True if simplification drops few points of a file's drawings: they went through it."""
    some = [s for strokes in drawings[:200] for s in strokes]
    return sum(len(simplify(s, EPSILON)) for s in some) >= 0.7 * sum(map(len, some))


def read_npz(path: Path) -> Iterator[Drawing]:
    """Drawings of sketch-rnn's .npz form: object arrays train, valid and test of stroke-3."""
    for split, i, rows in read_splits(str(path)):
        yield Drawing(path.stem, f"{path.name}:{split}:{i}", rows.astype(np.int16), split)


def read(paths: Iterable[Path | str]) -> list[Drawing]:
    """Drawings of several files. A key that comes again (another form of it) is left out."""
    seen: set[str] = set()
    drawings = []
    for path in map(Path, paths):
        for d in (read_npz if path.suffix == ".npz" else read_ndjson)(path):
            if d.key not in seen:
                seen.add(d.key)
                drawings.append(d)
    return drawings


def save_cache(path: Path, drawings: Sequence[Drawing]) -> None:
    """Keep prepared drawings as plain arrays (no pickles)."""
    np.savez_compressed(
        path,
        rows=np.concatenate([d.rows for d in drawings]),
        lengths=np.array([len(d.rows) for d in drawings]),
        words=np.array([d.word for d in drawings]),
        keys=np.array([d.key for d in drawings]),
        splits=np.array([d.split for d in drawings]),
    )


def load_cache(path: Path) -> list[Drawing]:
    """What `save_cache` wrote."""
    with np.load(path, allow_pickle=False) as f:
        ends = np.cumsum(f["lengths"])[:-1]
        columns = (f["words"].tolist(), f["keys"].tolist(), np.split(f["rows"], ends))
        return [Drawing(*c) for c in zip(*columns, f["splits"].tolist(), strict=True)]


def scale_factor(drawings: Iterable[Drawing]) -> float:
    """Standard deviation of all offsets, dx and dy pooled: what Magenta divides by."""
    return float(np.concatenate([d.rows[:, :2].ravel() for d in drawings]).std())
