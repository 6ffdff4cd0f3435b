"""Parquet: a table of drawings, as :meth:`Sketches.__arrow_c_array__` has its columns. By pyarrow.

The compact kind has int16 for dx and dy: differences of positions rounded to whole data units, so
that no point is more than half a unit from where it was. Row groups are written one by one, and
read a part at a time: memory does not grow with the number of drawings.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from .. import _core
from .._extras import need
from ..arrow import Compact
from ..sketch import Sketch, Sketches
from ..untrusted import beyond, most, open_untrusted
from . import FormatError, batch, parquet_pages

ROW_GROUP = 1 << 15
"""Drawings of a row group: some 15 MB, which compress well and are soon drawn."""

_PORTION = 1 << 12
"""Drawings that are read at a time."""

_THRIFT = 64 << 20
"""Bytes of a footer's texts and lists at most: a footer of a million row groups has fewer."""


class Writer:
    """A file that is written row group by row group, within a ``with``. `extra` are columns of
    numbers that each batch has beside the drawings; :attr:`facts` come into the footer as JSON,
    under the key "sketchrnn"."""

    facts: Mapping[str, Any]

    def __init__(
        self, file: IO[bytes], *, compact: bool = False, extra: Mapping[str, Any] | None = None
    ) -> None:
        self._pa = need("pyarrow", "arrow")
        self._compact = compact
        self._extra = dict(extra or {})
        columns = [f"strokes.list.element.{name}" for name in ("dx", "dy", "pen")]
        self._writer = need("pyarrow.parquet", "arrow").ParquetWriter(
            file,
            self._table(Sketches.of([]), {name: [] for name in self._extra}).schema,
            compression="zstd",
            compression_level=1,
            # Measured on drawings of ours: whole offsets take few values, by dictionary a file is
            # smaller by a fifth; of float32 the bytes of one rank are alike, smaller by a sixth.
            use_dictionary=["object", *self._extra, *(columns if compact else ())],
            column_encoding=None if compact else dict.fromkeys(columns[:2], "BYTE_STREAM_SPLIT"),
            write_statistics=["index"],
            store_schema=True,
        )

    def _table(self, sketches: Sketches, extra: Mapping[str, Any]) -> Any:
        table = self._pa.table(
            self._pa.record_batch(Compact(sketches) if self._compact else sketches)
        )
        for name, values in extra.items():
            table = table.append_column(name, self._pa.array(values, self._extra[name]))
        return table

    def write(self, sketches: Sketches, **extra: Any) -> Sketches:
        """Write a row group; returns the drawings as they are read from it."""
        table = self._table(sketches, extra)
        self._writer.write_table(table, row_group_size=ROW_GROUP)
        return Sketches.from_arrow(table) if self._compact else sketches

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            text = json.dumps(self.facts, sort_keys=True)
            self._writer.add_key_value_metadata({"sketchrnn": text})
            self._writer.close()
            return
        with contextlib.suppress(Exception):  # now, while the file is open; the disk may be full
            self._writer.close()


def write(drawing: Sketch | Sketches, file: IO[bytes], *, compact: bool = False) -> None:
    """Write drawings; `compact` rounds to whole data units, in a third of the bytes or fewer.

    Raises ValueError naming the row where `compact` has no room for an offset (±32767).
    """
    sketches = batch(drawing)
    with Writer(file, compact=compact) as writer:
        writer.facts = {"version": _core.version()}
        for first in range(0, len(sketches), ROW_GROUP):
            writer.write(sketches[first : first + ROW_GROUP])


def facts(path: str) -> dict[str, Any] | None:
    """Return what the footer says under the key "sketchrnn", None where there is no such text."""
    with open_untrusted(path) as source:
        text = (_opened(path, source).metadata.metadata or {}).get(b"sketchrnn")
        try:
            found = None if text is None else json.loads(text)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


def batches(path: str) -> Iterator[Sketches]:
    """Yield the drawings of a file, some thousands at a time."""
    for table in tables(path, "strokes", "index", "object"):
        yield Sketches.from_arrow(table)


def tables(path: str, wanted: str, *more: str) -> Iterator[Any]:
    """Yield record batches of a column, which must be there, and of those of `more` that are."""
    pa = need("pyarrow", "arrow")
    with open_untrusted(path) as source:
        file = _opened(path, source)
        known = file.schema_arrow.names
        if wanted not in known:
            raise FormatError(
                f"{path}: column '{wanted}': there is none, only {', '.join(known) or 'no columns'}"
            )
        # Not by column: what pyarrow 26 meets wrong in a column's metadata ends the process, a C++
        # exception that nothing on its way to Python catches.
        for group in range(file.metadata.num_row_groups):
            if file.metadata.row_group(group).total_byte_size > 20 * most("rows"):  # as stroke-5
                raise FormatError(f"{path}: row group {group}: {beyond('rows', 'rows')}")
        columns = [name for name in (wanted, *more) if name in known]
        try:
            dictionaries = parquet_pages.look_through(source, columns)
        except ValueError as error:
            raise FormatError(f"{path}: {error}") from None
        # Not a text for each row: a long one in the dictionary can be that of them all.
        file = _opened(path, source, [name for name in ("object",) if name in dictionaries])
        try:
            yield from file.iter_batches(_PORTION, columns=columns, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise FormatError(f"{path}: {error}") from None


def _opened(path: str, source: Any, dictionaries: Sequence[str] = ()) -> Any:
    """Return an open file's ParquetFile, in which the columns `dictionaries` stay such."""
    pa, parquet = need("pyarrow", "arrow"), need("pyarrow.parquet", "arrow")
    try:
        return parquet.ParquetFile(
            source,
            read_dictionary=list(dictionaries),
            thrift_string_size_limit=_THRIFT,
            thrift_container_size_limit=_THRIFT,
        )
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"{path}: not a Parquet file: {error}") from None


def is_parquet(path: str) -> bool:
    """Whether a file's name, or a suffix alone, says that it is one."""
    return path.lower().endswith(".parquet")
