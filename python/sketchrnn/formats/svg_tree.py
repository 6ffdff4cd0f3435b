"""An SVG file's elements, parsed within bounds.

Expat bounds what entities can do to it, not what their text then costs those who read it; an
attribute with a default can cost as much. So elements are taken as they come, and a file whose
text becomes longer than it is, is refused.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

_FREE = 64 << 10
"""Characters that entities and defaults may add: names of namespaces, as Illustrator has them."""

_USUAL = 64
"""Characters of a namespace's address, which come with each name in it and cost nothing: the
longest of drawing programs have some 50."""

_DEEPEST = 1000
"""Elements within elements."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class _Bounded(ElementTree.TreeBuilder):
    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size + _FREE
        self._depth = 0
        self._styled = 0

    def _count(self, length: int) -> None:
        self._left -= length
        if self._left < 0:
            raise ValueError("its entities make more text than the file has")

    def start(self, tag: str, attrs: dict[Any, Any], /) -> ElementTree.Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} elements in each other")
        self._count(_own(tag) + sum(_own(key) + len(value) for key, value in attrs.items()))
        space, brace, name = tag.rpartition("}")
        self._styled += name == "style"
        if name in ("polyline", "polygon") and "points" in attrs:
            data = _path_of(attrs["points"], name == "polygon")
            rest = {key: value for key, value in attrs.items() if key != "points"}
            return super().start(f"{space}{brace}path", {**rest, "d": data})
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ElementTree.Element:
        self._depth -= 1
        self._styled -= tag.rpartition("}")[2] == "style"
        return super().end(tag)

    def data(self, text: str, /) -> None:
        self._count(len(text))
        if self._styled:  # no other text says anything of lines
            super().data(text)


def _own(name: str) -> int:
    """The length of a name, without the usual of its namespace, which the file says once."""
    space, _, rest = name.rpartition("}")
    return len(rest) + max(0, len(space) - _USUAL)


def parse(data: bytes) -> ElementTree.Element:
    """Return the root; polylines and polygons as paths. Raises ValueError, or ParseError, which is
    a SyntaxError."""
    parser = ElementTree.XMLParser(target=_Bounded(len(data)))
    parser.feed(data)
    root: ElementTree.Element = parser.close()
    return root


def _path_of(points: str, closed: bool) -> str:
    """A path's data; svgpathtools takes time that grows with the third power of a number's digits
    when it reads these."""
    numbers = _NUMBER.findall(points)
    pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
    if not pairs:
        return ""
    back = tuple(map(float, pairs[0])) == tuple(map(float, pairs[-1]))
    if closed and back:
        pairs.append(pairs[0])
    data = "M" + "L".join(f"{x} {y}" for x, y in pairs)
    return data + "z" if closed or back else data
