"""sketch-rnn's data sets: .npz with object arrays train, valid and test of stroke-3 drawings.

Format: https://github.com/magenta/magenta/tree/main/magenta/models/sketch_rnn, "Creating Your Own
Dataset". The arrays are pickled, but never unpickled here: see pickled.py.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..sketch import Sketch, Sketches
from ..strokes import stroke3_to_stroke5
from ..untrusted import beyond, expanded, most, open_untrusted, read_all
from . import FormatError, batch
from .pickled import load

SPLITS = ("train", "valid", "test")

_PORTION = 1 << 12
_ROWS = 1 << 18
"""Drawings and rows that are looked at together: of short drawings each alone takes ten times as
long, and a file can have millions of them in a few bytes."""

_Part = tuple[str, int, NDArray[Any]]

_HEADER = re.compile(
    rb"\{'descr': '\|O', 'fortran_order': (?:False|True), 'shape': \(\d{1,12}L?,\), \} *\n"
)
"""What numpy.lib.format writes for a one-dimensional array of objects; nothing of it is needed."""


def read_splits(path: str) -> Iterator[_Part]:
    """Yield (split, number in it, stroke-3 rows (n, 3))."""
    with open_untrusted(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            bundle = zipfile.ZipFile(file)
            names = set(bundle.namelist())
        # The archive's own lists are a stranger's too: the module raises nearly anything on them.
        except Exception as error:
            raise FormatError(f"{path}: not a whole .npz file: {error}") from None
        with bundle:
            if not names & {f"{split}.npy" for split in SPLITS}:
                raise FormatError(f"{path}: no array 'train', 'valid' or 'test'")
            for split in SPLITS:
                if f"{split}.npy" in names:
                    try:
                        yield from _read_split(bundle, split, size)
                    except FormatError as error:
                        raise FormatError(f"{path}: {split}{error}") from None


def _read_split(bundle: zipfile.ZipFile, split: str, size: int) -> Iterator[_Part]:
    try:
        drawings = load(_pickle(_member(bundle, f"{split}.npy", size)))
    except ValueError as error:
        raise FormatError(f": not an array of drawings: {error}") from None
    left = most("member")
    for i, drawing in enumerate(drawings):
        try:
            rows = drawing.numbers()
            if rows.ndim != 2 or rows.shape[1] != 3:
                raise ValueError(f"expected numbers of shape (n, 3), found {rows.shape}")
            left -= rows.nbytes  # a file can name one array many times
            if left < 0:
                raise ValueError(beyond("member", "bytes in all arrays"))
        except ValueError as error:
            raise FormatError(f"[{i}]: {error}") from None
        yield split, i, rows


def _member(bundle: zipfile.ZipFile, name: str, size: int) -> bytes:
    """Return a member of an archive of `size` bytes; ValueError for one that is too large, locked
    or damaged."""
    facts = bundle.getinfo(name)
    if facts.flag_bits & 1:
        raise ValueError("encrypted")
    if facts.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # NumPy writes no other; of these, Python unpacks others without any bound.
        raise ValueError(f"compressed by method {facts.compress_type}; expected 0 or 8")
    limit, bound = "member", most("member")
    unpacked = expanded(min(facts.compress_size, size))
    if facts.compress_type == zipfile.ZIP_DEFLATED and unpacked < bound:
        limit, bound = "expansion", unpacked
    unit = "bytes" if limit == "member" else "times its compressed size"
    try:
        # What the archive says of sizes need not be so: bytes are counted as they come.
        with bundle.open(facts) as file:
            return read_all(file, bound, lambda: _TooLarge(beyond(limit, unit)))
    except _TooLarge as error:
        raise ValueError(str(error)) from None
    # Damaged data and headers that do not agree.
    except Exception as error:
        raise ValueError(f"not whole: {error}") from None


class _TooLarge(ValueError):
    """A limit is exceeded."""


def _pickle(data: bytes) -> bytes:
    """Return what follows the header of a .npy file with an array of objects."""
    sizes = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4, b"\x93NUMPY\x03\x00": 4}
    size = sizes.get(data[:8])
    if size is None:
        raise ValueError("not a .npy file")
    start = 8 + size
    end = start + int.from_bytes(data[8:start], "little")
    if end > len(data) or end > 10_000:  # NumPy's own limit for headers
        raise ValueError("the header ends early")
    if not _HEADER.fullmatch(data[start:end]):
        raise ValueError("expected a one-dimensional array of objects")
    return data[end:]


def batches(path: str) -> Iterator[Sketches]:
    """Yield the drawings of train, valid and test in this order, some thousands at a time; the
    format has no names."""
    parts: list[_Part] = []
    rows = 0
    try:
        for part in read_splits(path):
            parts.append(part)
            rows += len(part[2])
            if len(parts) == _PORTION or rows >= _ROWS:
                portion, parts, rows = parts, [], 0
                yield from _portion(path, portion)
    finally:
        if parts:  # whatever is wrong behind them
            yield from _portion(path, parts)


def _portion(path: str, parts: Sequence[_Part]) -> Iterator[Sketches]:
    every = np.concatenate([np.asarray(rows, np.float32) for _, _, rows in parts])
    lift = every[:, 2]
    if np.isfinite(every).all() and ((lift == 0) | (lift == 1)).all():
        lengths = [len(rows) for _, _, rows in parts]
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum(np.add(lengths, 1), out=offsets[1:])
        strokes = np.zeros((offsets[-1], 5), np.float32)
        strokes[offsets[1:] - 1, 4] = 1
        at = np.flatnonzero(strokes[:, 4] == 0)
        strokes[at, :2] = every[:, :2]
        strokes[at, 2] = 1 - lift
        strokes[at, 3] = lift
        yield Sketches(strokes, offsets, None)
        return
    for split, i, rows in parts:  # one of which is not as it should be
        try:
            yield Sketches.of([Sketch(stroke3_to_stroke5(rows))])
        except ValueError as error:
            raise FormatError(f"{path}: {split}[{i}]: {error}") from None


def write(drawing: Sketch | Sketches, file: IO[bytes]) -> None:
    """Write all drawings as ``train``, with empty ``valid`` and ``test``.

    int16 where all offsets are whole numbers that fit, as in the published sets, else float32.
    End rows and names are not kept.
    """
    write_splits(file, {"train": [sketch.stroke3 for sketch in batch(drawing)]})


def write_splits(file: IO[bytes], parts: Mapping[str, Sequence[NDArray[Any]]]) -> None:
    """Write the stroke-3 rows of each split; those not named are empty."""
    every = [r for rows in parts.values() for r in rows]
    whole = all((r == np.rint(r)).all() and (np.abs(r) < 2**15).all() for r in every)
    arrays = {split: np.empty(len(parts.get(split, ())), object) for split in SPLITS}
    for split, rows in parts.items():
        arrays[split][:] = [r.astype(np.int16 if whole else np.float32) for r in rows]
    # A file name would be taken for "file": the arrays' own names are the splits.
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
