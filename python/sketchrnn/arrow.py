"""Drawings as Arrow data and back, by the PyCapsule interface
(https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core

if TYPE_CHECKING:
    from .sketch import Sketches
    from .strokes import Floats

_MOST_ROWS = 2**31 - 1
"""Of an array: a list's offsets have 32 bits."""


def schema(*, compact: bool = False) -> Any:
    """Return what an array of drawings is, as a PyCapsule "arrow_schema"."""
    return _core.arrow_schema(compact)


def exported(sketches: Sketches, *, compact: bool = False) -> tuple[Any, Any]:
    """Return drawings as PyCapsules "arrow_schema" and "arrow_array".

    `compact`: offsets as int16, the differences of positions rounded to whole data units. Raises
    ValueError naming the row whose offset is larger, and for more than 2³¹ − 1 rows.
    """
    names: Sequence[str | None] = sketches.names or [sketches.name]
    array = _core.to_arrow(
        np.ascontiguousarray(sketches.strokes, np.float32),
        np.ascontiguousarray(sketches.offsets, np.int64),
        np.ascontiguousarray(sketches.indices, np.uint64),
        names,
        compact,
    )
    return schema(compact=compact), array


def streamed(sketches: Sketches) -> Any:
    """Return drawings as a PyCapsule "arrow_array_stream"."""
    arrays = []
    first = 0
    while first < len(sketches):
        room = sketches.offsets[first] + _MOST_ROWS
        end = max(first + 1, int(np.searchsorted(sketches.offsets, room, "right")) - 1)
        arrays.append(exported(sketches[first:end])[1])
        first = end
    return _core.to_arrow_stream(arrays, False)


class Compact:
    """Drawings as Arrow data with int16 offsets."""

    def __init__(self, sketches: Sketches) -> None:
        self._sketches = sketches

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        return exported(self._sketches, compact=True)


def is_arrow(data: Any) -> bool:
    """Whether an object is Arrow data."""
    return hasattr(data, "__arrow_c_array__") or hasattr(data, "__arrow_c_stream__")


def drawings(data: Any) -> Sketches:
    """Return what :meth:`Sketches.from_arrow` documents."""
    from .sketch import Sketches, joined

    if isinstance(data, Sketches):
        return data
    if hasattr(data, "__arrow_c_array__"):
        parts = [_core.from_arrow(*data.__arrow_c_array__())]
    elif hasattr(data, "__arrow_c_stream__"):
        parts = _core.from_arrow_stream(data.__arrow_c_stream__())
    else:
        raise TypeError(
            "data: expected Arrow data (an object with __arrow_c_array__ or __arrow_c_stream__), "
            f"found {type(data).__name__}"
        )
    return joined([_batch(*part) for part in parts if len(part[1]) > 1 or len(parts) == 1])


def _batch(
    strokes: Floats,
    offsets: NDArray[np.int64],
    indices: NDArray[np.uint64] | None,
    names: list[str | None] | None,
) -> Sketches:
    from .sketch import Sketches

    if names is None or len(set(names)) <= 1:
        return Sketches(strokes, offsets, names[0] if names else None, indices=indices)
    return Sketches(strokes, offsets, None, names, indices=indices)
