"""Arrays of numbers out of a pickle that is not unpickled.

A pickle is a program, and NumPy's own parts are enough to write anything anywhere with it
(``ndarray(shape, "O", buffer)`` makes objects of the file's bytes). So nothing of Python's or
NumPy's runs here: the few operations that a pickled array of arrays has are followed by hand, on
plain tuples, lists and numbers and on stand-ins that hold what a file says of a dtype or an array.
Only when all of it was checked does an array come to be, from its shape, one of the dtypes in
:data:`NUMBERS`, and its bytes.

Operations: CPython's Lib/pickletools.py. What NumPy writes: ``array_reduce`` and
``arraydescr_reduce`` in its multiarray sources, by protocols 2 (Python 2) to 4.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUMBERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
"""Kinds and bytes of the numbers that an array may hold."""

_OBJECTS = ("O", "O4", "O8")
_DEEPEST = 10_000
"""Values that wait at a time: ours and Python 2's pickler write a list in pieces of 1,000."""
_LONGEST = 9
"""Values in a tuple: the state of a dtype has the most."""
_LISTS = 1
"""Only the array of drawings is a list."""
_TEXT = 256
"""Bytes of a text: names of modules, kinds of numbers, orders of bytes."""


class _Name:
    """What a pickle may name; it can be compared, and nothing else."""

    def __init__(self, text: str) -> None:
        self.text = text


_RECONSTRUCT, _NDARRAY, _DTYPE = _Name("_reconstruct"), _Name("ndarray"), _Name("dtype")
_KNOWN = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _DTYPE,
}


class _Dtype:
    """A dtype's kind as the file has it, "O" for objects, and the order of its bytes."""

    __slots__ = ("kind", "order")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.order = ""


class Array:
    """What a file says of an array."""

    __slots__ = ("data", "dtype", "fortran", "made", "shape")

    def __init__(self) -> None:
        self.dtype: _Dtype | None = None
        self.shape: tuple[int, ...] = ()
        self.fortran = False
        self.data: Any = None
        self.made: NDArray[Any] | None = None  # one that is named again is made once

    def numbers(self) -> NDArray[Any]:
        """Return the array, of numbers, over the file's bytes. Raises ValueError if it is none."""
        if self.made is None:
            self.made = self._numbers()
        return self.made

    def _numbers(self) -> NDArray[Any]:
        dtype = self.dtype
        if dtype is None or dtype.kind not in NUMBERS or not dtype.order:
            kind = "nothing" if dtype is None else dtype.kind
            raise ValueError(f"expected an array of numbers, found one of {kind}")
        made = np.dtype(dtype.order + dtype.kind)
        if type(self.data) is not bytes:
            raise ValueError("expected an array of numbers, found a list")
        size = made.itemsize * math.prod(self.shape)
        if size != len(self.data):
            raise ValueError(f"{len(self.data)} bytes do not make the shape {self.shape}")
        order = "F" if self.fortran else "C"
        return np.frombuffer(self.data, made).reshape(self.shape, order=order)  # type: ignore[call-overload,no-any-return]


def load(data: bytes) -> list[Array]:
    """Return the arrays that a pickled one-dimensional array of objects holds.

    Raises ValueError for anything else.
    """
    machine = _Machine(data)
    operations = _Machine.operations
    try:
        while (code := machine.byte()) != _STOP:
            operation = operations.get(code)
            if operation is None:
                raise ValueError(f"refused the operation {bytes((code,))!r} of a pickle")
            operation(machine)
            if len(machine.stack) > _DEEPEST:
                raise ValueError("too many values at a time")
        array = machine.stack.pop()
    except IndexError:
        raise ValueError("the pickle takes what is not there") from None
    if machine.stack or type(array) is not Array or array.dtype is None or array.dtype.kind != "O":
        raise ValueError("expected an array of drawings")
    drawings = array.data
    if type(drawings) is not list or array.shape != (len(drawings),):
        raise ValueError("expected a one-dimensional array of drawings")
    return drawings


_STOP = ord(".")


class _Machine:
    """Follows a pickle's operations."""

    operations: dict[int, Any]

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: list[Any] = []
        self.lists = 0

    def byte(self) -> int:
        at = self.at
        if at >= len(self.data):
            raise ValueError("the pickle ends early")
        self.at = at + 1
        return self.data[at]

    def take(self, count: int) -> bytes:
        at, end = self.at, self.at + count
        if end > len(self.data):
            raise ValueError("the pickle ends early")
        self.at = end
        return self.data[at:end]

    def number(self, size: int, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def line(self) -> str:
        text = self.data[self.at : self.at + _TEXT]
        end = text.index(b"\n")  # ValueError where there is none
        self.at += end + 1
        return text[:end].decode("ascii")

    def text(self, size: int) -> str:
        if size > _TEXT:
            raise ValueError("refused a text where numbers are expected")
        return self.take(size).decode("ascii")

    def pop(self) -> Any:
        if self.marks and self.marks[-1] == len(self.stack):
            raise ValueError("the pickle takes what is not there")
        return self.stack.pop()

    def marked(self) -> list[Any]:
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def mark(self) -> None:
        if len(self.marks) > _DEEPEST:
            raise ValueError("too many values at a time")
        self.marks.append(len(self.stack))

    def gather(self, items: list[Any]) -> None:
        # Without these bounds a byte could ask for fifty.
        if len(items) > _LONGEST or any(type(x) is tuple and not _is_sizes(x) for x in items):
            raise ValueError("refused a tuple")
        self.stack.append(tuple(items))

    def popped(self, count: int) -> list[Any]:
        return [self.pop() for _ in range(count)][::-1]

    def start_list(self) -> None:
        self.lists += 1
        if self.lists > _LISTS:
            raise ValueError("refused a list in a list")
        self.stack.append([])

    def append(self, items: list[Any]) -> None:
        target = self.pop()
        if type(target) is not list or not all(type(item) is Array for item in items):
            raise ValueError("expected a list of arrays")
        target.extend(items)
        self.stack.append(target)

    def put(self, number: int) -> None:
        # Picklers number one after the other, Python 2's from 1; any other number would be a way to
        # ask for memory.
        if not 0 <= number <= len(self.memo) + 1:
            raise ValueError(f"refused to remember a value as number {number}")
        while number >= len(self.memo):
            self.memo.append(None)
        value = self.stack[-1]
        # Tuples are numbered, but no pickler of an array comes back to one.
        self.memo[number] = None if type(value) is tuple else value

    def get(self, number: int) -> None:
        self.stack.append(self.memo[number])

    def name(self, module: Any, name: Any) -> None:
        known = _KNOWN.get((module, name)) if type(module) is type(name) is str else None
        if known is None:
            shown = f"{module}.{name}" if type(module) is type(name) is str else "that"
            raise ValueError(f"refused to load {shown} from a file of drawings")
        self.stack.append(known)

    def named(self) -> None:
        name = self.pop()
        self.name(self.pop(), name)

    def reduce(self) -> None:
        arguments = self.pop()
        made = self.pop()
        if type(arguments) is not tuple or len(arguments) != 3:
            raise ValueError("refused a call")
        first, second, third = arguments
        if made is _RECONSTRUCT and first is _NDARRAY and _is_sizes(second):
            self.stack.append(Array())
        elif made is _DTYPE and _plain(second) in (0, 1) and _plain(third) in (0, 1):
            kind = _string(first)
            if kind in _OBJECTS:
                kind = "O"
            elif kind not in NUMBERS:
                raise ValueError(f"refused the dtype {kind!r}: expected numbers")
            self.stack.append(_Dtype(kind))
        else:
            raise ValueError("refused a call")

    def build(self) -> None:
        state = self.pop()
        target = self.stack[-1]
        if type(state) is not tuple:
            raise ValueError("refused the state of an object")
        if type(target) is _Dtype:
            self._build_dtype(target, state)
        elif type(target) is Array:
            self._build_array(target, state)
        else:
            raise ValueError("refused the state of an object")

    def _build_dtype(self, dtype: _Dtype, state: tuple[Any, ...]) -> None:
        # (version, byte order, subarray, names, fields, size, alignment, flags)
        if dtype.order or len(state) != 8 or any(part is not None for part in state[2:5]):
            raise ValueError("refused the state of a dtype: expected plain numbers or objects")
        order = _string(state[1])
        if order not in ("<", ">", "=", "|"):
            raise ValueError(f"refused the byte order {order!r}")
        dtype.order = order

    def _build_array(self, array: Array, state: tuple[Any, ...]) -> None:
        if array.dtype is not None or len(state) != 5:
            raise ValueError("refused the state of an array")
        _, shape, dtype, fortran, data = state
        if not _is_sizes(shape) or type(dtype) is not _Dtype or _plain(fortran) not in (0, 1):
            raise ValueError("refused the state of an array")
        if type(data) is not (list if dtype.kind == "O" else bytes):
            raise ValueError("refused the data of an array")
        array.shape, array.dtype, array.fortran, array.data = shape, dtype, bool(fortran), data


def _is_sizes(value: Any) -> bool:
    """Whether a value is a tuple of a few sizes."""
    return (
        type(value) is tuple
        and len(value) <= 4
        and all(type(size) is int and 0 <= size < 2**40 for size in value)
    )


def _plain(value: Any) -> int | None:
    return int(value) if type(value) in (int, bool) else None


def _string(value: Any) -> str:
    """Return a short text, which Python 2 has as bytes."""
    if type(value) is bytes and len(value) <= 4:
        return value.decode("latin1")
    if type(value) is str and len(value) <= 4:
        return value
    raise ValueError("expected a short text")


def _push(value: Any) -> Any:
    return lambda machine: machine.stack.append(value)


def _data(size: int) -> Any:
    """Bytes behind their count, which has `size` bytes."""
    return lambda m: m.stack.append(m.take(m.number(size)))


def _long(machine: _Machine) -> None:
    size = machine.number(1)
    if size > 8:
        raise ValueError("refused an integer of more than 64 bits")
    machine.stack.append(machine.number(size, signed=True))


_Machine.operations = {
    ord(code): operation
    for code, operation in {
        "\x80": lambda m: m.take(1),  # PROTO
        "\x95": lambda m: m.take(8),  # FRAME
        "(": _Machine.mark,
        ")": _push(()),
        "t": lambda m: m.gather(m.marked()),
        "\x85": lambda m: m.gather(m.popped(1)),
        "\x86": lambda m: m.gather(m.popped(2)),
        "\x87": lambda m: m.gather(m.popped(3)),
        "]": _Machine.start_list,
        "a": lambda m: m.append([m.pop()]),
        "e": lambda m: m.append(m.marked()),
        "N": _push(None),
        "\x88": _push(True),
        "\x89": _push(False),
        "J": lambda m: m.stack.append(m.number(4, signed=True)),
        "K": lambda m: m.stack.append(m.number(1)),
        "M": lambda m: m.stack.append(m.number(2)),
        "\x8a": _long,
        "C": _data(1),
        "B": _data(4),
        "\x8e": _data(8),
        "U": _data(1),  # texts of Python 2, which are bytes
        "T": _data(4),
        "\x8c": lambda m: m.stack.append(m.text(m.number(1))),
        "X": lambda m: m.stack.append(m.text(m.number(4))),
        "c": lambda m: m.name(m.line(), m.line()),
        "\x93": _Machine.named,
        "R": _Machine.reduce,
        "b": _Machine.build,
        "q": lambda m: m.put(m.number(1)),
        "r": lambda m: m.put(m.number(4)),
        "\x94": lambda m: m.put(len(m.memo)),
        "h": lambda m: m.get(m.number(1)),
        "j": lambda m: m.get(m.number(4)),
    }.items()
}
