"""How much a Parquet file unpacks to, from its footer and the headers of its pages.

A page can say that one number comes a thousand million times, in ten bytes; Arrow makes room for
all of them before anybody sees one. So the pages are counted first. Their headers and the footer
are Thrift structs in its compact protocol:
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md,
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import IO, Any, NamedTuple

from ..untrusted import beyond, expanded

_MAGIC = b"PAR1"
_HEADER = 1 << 10
"""Bytes in which most pages' headers lie."""
_LONGEST_HEADER = 16 << 20
"""Arrow's own limit."""
_DEEPEST = 20
"""Structs in each other: the format has some eight."""

_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_PLAIN, _PLAIN_DICTIONARY, _DELTA_BYTE_ARRAY, _RLE_DICTIONARY = 0, 2, 7, 8
_WIDE = (2, 5)
"""Physical types of 8 bytes a number; others have 4 at most, texts of a dictionary as many."""


class _Column(NamedTuple):
    """What is needed of a ColumnMetaData."""

    name: str
    width: int
    first: int
    last: int
    values: int


class _Page(NamedTuple):
    """What is needed of a PageHeader, and the bytes that it has."""

    kind: int
    unpacked: int
    packed: int
    values: int
    encoding: int
    header: int


def look_through(file: IO[bytes], columns: Collection[str]) -> Collection[str]:
    """Return those of the columns whose texts all stand in dictionaries or as they are.

    Raises ValueError where the columns' pages unpack to more than the limit "expansion", or cannot
    be followed. The file is left at its beginning.
    """
    size = file.seek(0, os.SEEK_END)
    left = expanded(size)
    known = set(columns)
    for column in _columns(_footer(file, size)):
        if column.name not in columns or column.values == 0:  # then Arrow reads no page
            continue
        values = 0
        for page in _pages(file, column, size):
            # Columns may share their pages, which are gone through for each.
            left -= max(page.values * column.width, page.unpacked, page.header + page.packed)
            if page.kind in (_DATA, _DATA_V2):
                values += page.values
                if page.encoding not in (_PLAIN, _PLAIN_DICTIONARY, _RLE_DICTIONARY):
                    known.discard(column.name)
                if page.encoding == _DELTA_BYTE_ARRAY:
                    # Each may begin with the whole of the text before it.
                    left -= page.values * page.unpacked
            if left < 0:
                raise ValueError(beyond("expansion", "times its size"))
        if values < column.values:
            raise _damaged("pages are missing")  # Arrow goes on until it has as many
    file.seek(0)
    return known


def _damaged(what: str) -> ValueError:
    return ValueError(f"not a whole Parquet file: {what}")


def _footer(file: IO[bytes], size: int) -> bytes:
    file.seek(max(0, size - 8))
    end = file.read(8)
    length = int.from_bytes(end[:4], "little")
    if len(end) < 8 or end[4:] != _MAGIC or length > size - 8:
        raise _damaged("no footer")
    file.seek(size - 8 - length)
    return file.read(length)


def _columns(footer: bytes) -> Iterator[_Column]:
    # FileMetaData.row_groups, RowGroup.columns, ColumnChunk.meta_data
    try:
        groups = _list(_Reader(footer).struct(_DEEPEST).get(4))
    except IndexError:
        raise _damaged("the footer ends early") from None
    for group in groups:
        for chunk in _list(_fields(group).get(1)):
            facts = _fields(_fields(chunk).get(3))
            path = _list(facts.get(3))
            kind, values, size, data = (_whole(facts.get(k)) for k in (1, 5, 7, 9))
            if not path or not isinstance(path[0], bytes):
                raise _damaged("a column without a name")
            dictionary = _whole(facts.get(11, 0))
            first = dictionary if 0 < dictionary < data else data
            name = path[0].decode("utf-8", "replace")
            yield _Column(name, 8 if kind in _WIDE else 4, first, first + size, values)


def _pages(file: IO[bytes], column: _Column, size: int) -> Iterator[_Page]:
    at = column.first
    while at < min(column.last, size):
        page = _page(file, at)
        yield page
        at += page.header + page.packed


def _page(file: IO[bytes], at: int) -> _Page:
    taken = _HEADER
    while True:
        file.seek(at)
        data = file.read(taken)
        reader = _Reader(data)
        try:
            facts = reader.struct(_DEEPEST)
            break
        except IndexError:
            if len(data) < taken or taken >= _LONGEST_HEADER:
                raise _damaged("a page's header ends early") from None
            taken *= 16
    kind, unpacked, packed = (_whole(facts.get(k)) for k in (1, 2, 3))
    # DataPageHeader has the encoding behind num_values, DataPageHeaderV2 behind two more counts.
    inner, encoding = {_DATA: (5, 2), _DICTIONARY: (7, 2), _DATA_V2: (8, 4)}.get(kind, (0, 0))
    said = _fields(facts.get(inner)) if inner else {1: 0, 0: 0}
    values, how = _whole(said.get(1)), _whole(said.get(encoding))
    return _Page(kind, unpacked, packed, values, how, reader.at)


def _fields(value: Any) -> dict[int, Any]:
    if not isinstance(value, dict):
        raise _damaged("a struct is missing")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _damaged("a list is missing")
    return value


def _whole(value: Any) -> int:
    """Return a number that is not negative."""
    if type(value) is not int or value < 0:
        raise _damaged("a number is missing or negative")
    return value


class _Reader:
    """Values of Thrift's compact protocol. Raises IndexError where the bytes end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def byte(self) -> int:
        value = self.data[self.at]
        self.at += 1
        return value

    def bytes(self, count: int) -> bytes:
        at, self.at = self.at, self.at + count
        if self.at > len(self.data):
            raise IndexError
        return self.data[at : self.at]

    def unsigned(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise _damaged("a number of more than 64 bits")

    def signed(self) -> int:
        value = self.unsigned()
        return (value >> 1) ^ -(value & 1)

    def struct(self, deepest: int) -> dict[int, Any]:
        """Return a struct's fields by their numbers."""
        if deepest == 0:
            raise _damaged("too many structs in each other")
        fields: dict[int, Any] = {}
        number = 0
        while (head := self.byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self.signed()
            kind = head & 15
            # A field that is true or false is so by its kind.
            fields[number] = kind == 1 if kind in (1, 2) else self.value(kind, deepest - 1)
        return fields

    def value(self, kind: int, deepest: int) -> Any:
        if kind in (1, 2, 3):
            return self.byte()
        if kind in (4, 5, 6):
            return self.signed()
        if kind == 7:
            return self.bytes(8)
        if kind == 8:
            return self.bytes(self.unsigned())
        if kind in (9, 10):
            head = self.byte()
            count = self.unsigned() if head >> 4 == 15 else head >> 4
            self._room(count, deepest)
            return [self.value(head & 15, deepest - 1) for _ in range(count)]
        if kind == 11:
            count = self.unsigned()
            self._room(count, deepest)
            kinds = self.byte() if count else 0
            for _ in range(2 * count):
                self.value(kinds >> 4, deepest - 1)
                kinds = (kinds << 4 | kinds >> 4) & 255
            return None
        if kind == 12:
            return self.struct(deepest)
        raise _damaged(f"a value of kind {kind}")

    def _room(self, count: int, deepest: int) -> None:
        """Each of a list has one byte at the least."""
        if count > len(self.data) - self.at:
            raise IndexError
        if deepest == 0:
            raise _damaged("too many lists in each other")
