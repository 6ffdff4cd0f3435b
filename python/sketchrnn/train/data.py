"""Drawings for training: read what QuickDraw publishes, bring it to one form, split by key.

QuickDraw publishes the same drawings raw (pixels of the drawer's screen, with times), dense
(a 256-pixel box, not simplified) and simplified. All go through one recipe, QuickDraw's own
(https://github.com/googlecreativelab/quickdraw-dataset#preprocessed-dataset): move the top left
corner to 0, scale the larger side to 255, resample each stroke at one pixel, simplify it with
Ramer-Douglas-Peucker at 2 pixels. The result is stroke-3: rows of (dx, dy, pen lifted after
this point), the drawing's first point being the origin.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..formats import FormatError, ndjson
from ..formats.npz import read_splits
from ..strokes import simplify
from ..untrusted import beyond, most, open_untrusted
from ..writing import open_for_writing

BOX = 255.0
EPSILON = 2.0

Stroke = NDArray[np.float64]
Rows = NDArray[np.int16]


@dataclass(frozen=True)
class Drawing:
    """One drawing: its object, its key, stroke-3 rows (n, 3), the split it belongs to, and what
    else its source says of it (`recognized`, `src`, `bin`, …)."""

    word: str
    key: str
    rows: Rows
    split: str
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)


def _bytes(text: str) -> bytes:
    """UTF-8, also of what Python makes of a file's name that is none: half characters."""
    return text.encode("utf-8", "surrogatepass")


def split_of(key: str, valid: float = 0.075, test: float = 0.075) -> str:
    """The split of a key, by its hash: the same drawing lands in the same one in every source."""
    u = int.from_bytes(hashlib.sha256(_bytes(key)).digest()[:8], "big") / 2.0**64
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


def length(line: Stroke) -> float:
    """How much ink a stroke is."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def to_rows(
    strokes: Sequence[Stroke], *, resampled: bool, epsilon: float = EPSILON, boxed: bool = True
) -> Rows:
    """Stroke-3 rows (n, 3) of a drawing given as polylines in any unit.

    `resampled`: put points one pixel apart, then simplify (dense and raw sources; of 500 raw
    drawings 89% come out bit for bit as QuickDraw's own simplified form). What QuickDraw
    simplified stays as it is: its points are rounded, a second pass would drop some of them.
    `boxed` False leaves the size as it is.
    """
    done = []
    inside = to_box(strokes) if boxed else strokes
    if resampled and sum(map(length, inside)) > most("points"):
        raise ValueError(beyond("points", "points, one pixel apart"))
    for s in inside:
        line = simplify(s, epsilon, "quickdraw") if resampled else s
        done.append(np.rint(line))
    points = np.concatenate(done)
    # Before they are integers: what does not fit becomes any.
    offsets = np.diff(points, axis=0)
    if not (np.abs(offsets) < 2**15).all():
        raise ValueError("expected offsets that fit into 16 bits")
    lifted = np.zeros(len(points), np.int32)
    lifted[np.cumsum([len(s) for s in done]) - 1] = 1
    return np.column_stack([offsets, lifted[1:]]).astype(np.int16)


def content_key(word: str, rows: Rows) -> str:
    """A key for a drawing that comes without one, from what it shows."""
    return f"sha256:{hashlib.sha256(_bytes(word) + rows.tobytes()).hexdigest()[:16]}"


def read_ndjson(path: Path) -> Iterator[Drawing]:
    """Drawings of a QuickDraw ndjson file (.gz or not): raw, dense or simplified.

    A line may say which by its `form`, "simplified" or something else; if not, it is told from the
    drawings of the file. Without a `key_id` a drawing's key is its content.
    """
    parsed: list[ndjson.Record] = []
    for record in ndjson.records(str(path)):
        _check_fields(path, record)
        if record.lines:
            parsed.append(record)
    undeclared = [record.lines for record in parsed if "form" not in record.facts]
    some = [stroke for strokes in undeclared[:200] for stroke in strokes]
    dense = any(record.timed for record in parsed) or not is_simplified(some)
    for record in parsed:
        form = record.facts.get("form")
        try:
            rows = to_rows(record.lines, resampled=dense if form is None else form != "simplified")
            word = str(record.word).replace("_", " ")
            key = record.key or content_key(word, rows)
            _check_text(word, key)
            drawing = Drawing(word, key, rows, split_of(key), record.facts)
        except ValueError as error:
            raise FormatError(f"{path}: line {record.number}: {error}") from None
        if len(rows):
            yield drawing


def _check_text(*texts: str) -> None:
    """ValueError for half a character, which JSON can spell and no file can hold."""
    for text in texts:
        text.encode()


def _check_fields(path: Path, record: ndjson.Record) -> None:
    where = f"{path}: line {record.number}"
    if record.word is None:
        raise FormatError(f"{where}: expected the field word")
    if "key_id" in record.facts:
        found = type(record.facts["key_id"]).__name__
        raise FormatError(f"{where}: key_id: expected text or a whole number, found {found}")
    if not isinstance(record.facts.get("form", ""), str):
        found = type(record.facts["form"]).__name__
        raise FormatError(f"{where}: form: expected text, found {found}")


def is_simplified(strokes: Sequence[Stroke]) -> bool:
    """True if simplification drops few of the strokes' points: they went through it."""
    return sum(len(simplify(s, EPSILON)) for s in strokes) >= 0.7 * sum(map(len, strokes))


def read_npz(path: Path) -> Iterator[Drawing]:
    """Drawings of sketch-rnn's .npz form: object arrays train, valid and test of stroke-3."""
    for split, i, rows in read_splits(str(path)):
        # No drawing in a box of 255 pixels comes near, and NaN is no number at all.
        if not (np.abs(rows) < 2**15).all():
            raise FormatError(f"{path}: {split}[{i}]: expected numbers that fit into 16 bits")
        yield Drawing(path.stem, f"{path.name}:{split}:{i}", rows.astype(np.int16), split)


def read(paths: Iterable[Path | str], said: Counter[str] | None = None) -> list[Drawing]:
    """Drawings of several files: QuickDraw's, sketch-rnn's, or what `save_cache` wrote.

    A key that comes again with another form of the same drawing is left out, and counted in `said`;
    where the drawing is another one (programs number theirs from 0), its content becomes its key.
    """
    seen: dict[str, Drawing] = {}
    drawings = []
    for path in map(Path, paths):
        if path.is_dir():
            raise ValueError(f"{path} is a folder: make a data set of it by sketchrnn dataset")
        for d in _reader(path)(path):
            if d.key in seen and not _alike(d, seen[d.key]):
                key = content_key(d.word, d.rows)
                d = Drawing(d.word, key, d.rows, split_of(key), d.facts)
            if d.key not in seen:
                seen[d.key] = d
                drawings.append(d)
            elif said is not None:
                said["the same as another"] += 1
    return drawings


def _alike(a: Drawing, b: Drawing) -> bool:
    """Whether two may be forms of one drawing: as many strokes, with ends as near to each other as
    rounding and simplification leave them (4 pixels; a stroke's ends are kept)."""
    ends = [_ends(one.rows) for one in (a, b)]
    if a.word != b.word or ends[0].shape != ends[1].shape:
        return False
    return bool((np.abs(ends[0] - ends[1]) <= 4).all())


def _ends(rows: Rows) -> NDArray[np.int64]:
    """Where each stroke ends, from the drawing's first point."""
    positions = np.cumsum(rows[:, :2], axis=0, dtype=np.int64)
    return positions[rows[:, 2] == 1]


def look_at_folder(output: Path | str) -> None:
    """Raise OSError where a file cannot be written: before hours are spent on what goes into it."""
    folder = os.path.dirname(os.fspath(output)) or "."
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{output}: there is no folder {folder}")
    if not os.access(folder, os.W_OK) or os.path.isdir(output):
        raise PermissionError(f"{output}: cannot be written")


def is_divided(path: Path) -> bool:
    """Whether a file itself says which of its drawings are to train on, as sketch-rnn's do."""
    return path.suffix == ".npz" and not is_cache(path)


def _reader(path: Path) -> Callable[[Path], Iterable[Drawing]]:
    if path.suffix.lower() in (".svg", ".bin", ".json"):
        raise ValueError(f"{path}: make a data set of it by sketchrnn dataset")
    if path.suffix != ".npz":
        return read_ndjson
    return load_cache if is_cache(path) else read_npz


_CACHED = {
    "rows": "<i2",
    "lengths": "<i8",
    "words": "<U",
    "keys": "<U",
    "splits": "<U",
    "facts": "<U",
}
"""The arrays of a cache and how their types begin."""


def is_cache(path: Path) -> bool:
    """Whether a .npz file is one that `save_cache` wrote, not one of sketch-rnn's."""
    with open_untrusted(path) as file:
        try:
            with zipfile.ZipFile(file) as bundle:
                return "keys.npy" in bundle.namelist()
        # The module raises nearly anything on bytes that are no archive; who reads it says so.
        except Exception:
            return False


def save_cache(path: Path, drawings: Sequence[Drawing]) -> None:
    """Keep prepared drawings as plain arrays (no pickles); the file appears whole or not at all."""
    with open_for_writing(path) as file:
        np.savez_compressed(
            file,
            rows=np.concatenate([d.rows for d in drawings]),
            lengths=np.array([len(d.rows) for d in drawings], np.int64),
            words=np.array([d.word for d in drawings]),
            keys=np.array([d.key for d in drawings]),
            splits=np.array([d.split for d in drawings]),
            facts=np.array([json.dumps(dict(d.facts)) for d in drawings]),
        )


def load_cache(path: Path) -> list[Drawing]:
    """What `save_cache` wrote; FormatError for anything else."""
    with open_untrusted(path) as file:
        try:
            rows, lengths, *texts = _arrays(file)
            if rows.ndim != 2 or rows.shape[1] != 3:
                raise ValueError(f"rows: expected shape (n, 3), found {rows.shape}")
            if any(array.shape != (lengths.size,) for array in (lengths, *texts)):
                raise ValueError("expected as many words, keys, splits and facts as lengths")
            # Each of them bounded too, or else the sum could overflow.
            if ((lengths < 1) | (lengths > len(rows))).any() or lengths.sum() != len(rows):
                raise ValueError(f"lengths: expected numbers above 0 whose sum is {len(rows)}")
            words, keys, splits, facts = (array.tolist() for array in texts)
            _check_text(*words, *keys)
            parts = np.split(rows, np.cumsum(lengths)[:-1])
            found = [json.loads(text) for text in facts]
            if not all(isinstance(entry, dict) for entry in found):
                raise ValueError("facts: expected JSON objects")
            return [Drawing(*c) for c in zip(words, keys, parts, splits, found, strict=True)]
        # NumPy and the modules below it raise nearly anything on a file that is damaged.
        except Exception as error:
            raise FormatError(f"{path}: not a cache of drawings: {error!r:.200}") from None


def _arrays(file: IO[bytes]) -> Iterator[NDArray[Any]]:
    """The arrays of a cache. Each says first how large it is, and so much memory it gets: looked
    at before. Words are padded and come again and again: what they unpack to says nothing."""
    with zipfile.ZipFile(file) as bundle:
        for name, kind in _CACHED.items():
            with bundle.open(f"{name}.npy") as member:
                np.lib.format.read_magic(member)  # as NumPy writes plain arrays, 1.0
                shape, _, dtype = np.lib.format.read_array_header_1_0(member)
            if not dtype.str.startswith(kind):
                raise ValueError(f"{name}: expected {kind}, found {dtype.str}")
            if math.prod(shape) * dtype.itemsize > most("member"):
                raise ValueError(f"{name}: {beyond('member', 'bytes')}")
            with bundle.open(f"{name}.npy") as member:
                yield np.lib.format.read_array(member, allow_pickle=False)


def scale_factor(drawings: Iterable[Drawing]) -> float:
    """Standard deviation of all offsets, dx and dy pooled: what Magenta divides by."""
    return float(np.concatenate([d.rows[:, :2].ravel() for d in drawings]).std())
