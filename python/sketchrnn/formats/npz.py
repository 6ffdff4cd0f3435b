"""sketch-rnn's data sets: .npz with object arrays train, valid and test of stroke-3 drawings.

Format: https://github.com/magenta/magenta/tree/main/magenta/models/sketch_rnn, "Creating Your Own
Dataset". The arrays are pickled; they are read by a reader that can build arrays of numbers and
nothing else, so that a file from a stranger cannot run code.
"""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..sketch import Sketch, Sketches
from ..strokes import stroke3_to_stroke5
from . import FormatError, batch

SPLITS = ("train", "valid", "test")

_LARGEST = 1 << 30
"""Bytes of one array at most: the largest published set has 70,000 drawings in some 10 MB."""


class _ArraysOnly(pickle.Unpickler):
    """Unpickles object arrays of numbers and nothing else."""

    ALLOWED: ClassVar = {
        (module, name)
        for module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy")
        for name in ("_reconstruct", "scalar", "ndarray", "dtype")
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in self.ALLOWED:
            return super().find_class(module, name)
        raise FormatError(f"refused to load {module}.{name} from a file of drawings")


def read_splits(path: str) -> Iterator[tuple[str, int, NDArray[Any]]]:
    """Yield (split, number in it, stroke-3 rows (n, 3))."""
    try:
        with zipfile.ZipFile(path) as bundle:
            names = set(bundle.namelist())
            if not names & {f"{split}.npy" for split in SPLITS}:
                raise FormatError("no array 'train', 'valid' or 'test'")
            for split in SPLITS:
                if f"{split}.npy" in names:
                    yield from _read_split(bundle, split)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError) as error:
        raise FormatError(f"{path}: not a whole .npz file: {error}") from None


def _read_split(bundle: zipfile.ZipFile, split: str) -> Iterator[tuple[str, int, NDArray[Any]]]:
    size = bundle.getinfo(f"{split}.npy").file_size
    if size > _LARGEST:
        raise FormatError(f"{split}: {size} bytes, more than the {_LARGEST} that are read")
    file = io.BytesIO(bundle.read(f"{split}.npy"))
    try:
        version = np.lib.format.read_magic(file)
        header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        dtype = header(file)[2]
        if not dtype.hasobject:
            raise FormatError("expected an object array of drawings")
        drawings = _ArraysOnly(file, encoding="latin1").load()
        count = len(drawings)
    except FormatError as error:
        raise FormatError(f"{split}: {error}") from None
    # Whatever bytes a stranger puts there: unpickling can raise nearly anything.
    except Exception as error:
        raise FormatError(f"{split}: not an array of drawings: {error!r}") from None
    for i in range(count):
        rows = np.asarray(drawings[i])
        if rows.ndim != 2 or rows.shape[1] != 3 or rows.dtype.kind not in "fiu":
            raise FormatError(
                f"{split}[{i}]: expected numbers of shape (n, 3), found {rows.dtype} {rows.shape}"
            )
        yield split, i, rows


def read(path: str) -> Iterator[Sketch]:
    """Yield the drawings of train, valid and test in this order; the format has no names."""
    for split, i, rows in read_splits(path):
        try:
            yield Sketch(stroke3_to_stroke5(rows))
        except ValueError as error:
            raise FormatError(f"{path}: {split}[{i}]: {error}") from None


def write(drawing: Sketch | Sketches, file: IO[bytes]) -> None:
    """Write all drawings as ``train``, with empty ``valid`` and ``test``.

    int16 where all offsets are whole numbers that fit, as in the published sets, else float32.
    End rows and names are not kept.
    """
    rows = [sketch.stroke3 for sketch in batch(drawing)]
    whole = all((r == np.rint(r)).all() and (np.abs(r) < 2**15).all() for r in rows)
    train = np.empty(len(rows), object)
    train[:] = [r.astype(np.int16) if whole else r for r in rows]
    empty = np.empty(0, object)
    np.savez_compressed(file, train=train, valid=empty, test=empty)
