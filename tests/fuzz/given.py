"""A fuzzer's bytes as what a target asks for: numbers, texts, drawings, nets, files. The same bytes
give the same things with and without atheris, so that what was found replays anywhere."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np

NAMES = (
    "cat",
    "",
    "ice cream",
    "<&\"'>",
    "a\x00b",
    "\x1b[31m",
    "\ud800",
    "😀 ü",
    "a\nb\r\t",
    "]]>",
    "\ufffe\x7f\x85",
    "*/ ??/ %s {0}",
    "../x",
    "n" * 300,
)


class Input:
    """Takes from the front; zeros when the bytes end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken.ljust(count, b"\0")

    def byte(self) -> int:
        at = self.at
        self.at += 1
        return self.data[at] if at < len(self.data) else 0

    def below(self, count: int) -> int:
        return self.byte() % count

    def integer(self) -> int:
        return int(struct.unpack("<q", self.take(8))[0])

    def double(self) -> float:
        return float(struct.unpack("<d", self.take(8))[0])

    def float32(self) -> float:
        return float(struct.unpack("<f", self.take(4))[0])

    def pick(self, choices):
        return choices[self.below(len(choices))]

    def rest(self) -> bytes:
        taken = self.data[self.at :]
        self.at = len(self.data)
        return taken

    def text(self) -> str:
        """One of the odd names, or any characters."""
        how = self.byte()
        if how < 200:
            return NAMES[how % len(NAMES)]
        raw = self.take(self.below(12))
        return (
            raw.decode("utf-16-le", "surrogatepass")
            if how % 2 and len(raw) % 2 == 0
            else (raw.decode("latin-1"))
        )


def names(error: Exception, path: str) -> None:
    assert path in str(error), f"a message names its file: {error}"


class Scratch:
    """A folder in memory where there is one, and a file in it that is rewritten again and again."""

    def __init__(self) -> None:
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self._keep = tempfile.TemporaryDirectory(prefix="sketchrnn-fuzz-", dir=memory)
        self.folder = Path(self._keep.name)

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def write(self, name: str, data: bytes) -> str:
        path = self.path(name)
        with open(path, "wb", buffering=0) as file:
            file.write(data)
        return path


def rows(given: Input, most: int = 8, *, broken: bool = False):
    """Stroke-5 rows (n, 5); not always of sizes that make sense, and broken ones if asked for."""
    count = given.below(most + 1)
    out = np.zeros((count, 5), np.float32)
    how = given.byte()
    for row in out:
        if how < 160:  # bytes
            row[:2] = [given.byte() - 128, given.byte() - 128]
        elif how < 200:
            row[:2] = [given.float32(), given.float32()]
        else:
            scale = (1e30, 3e38, 1e-40, 1e9)[how % 4]
            row[:2] = [(given.byte() - 128) / 128 * scale, (given.byte() - 128) / 128 * scale]
        row[2 + given.below(16) % 2] = 1
    if not broken:
        out[:, :2][~np.isfinite(out[:, :2])] = 0
    if count and how % 3 == 0:
        out[-1] = (0, 0, 0, 0, 1)
    if count and broken:
        out[given.below(count), given.below(5)] = given.float32()
    return out


def zip_of(members: list[tuple[bytes, bytes]]) -> bytes:
    """A stored zip archive, checksums right. By hand: zipfile takes ten times as long."""
    body, central = b"", b""
    for name, data in members:
        crc = zlib.crc32(data)
        fields = struct.pack(
            "<HHHHHIIIHH", 20, 0, 0, 0, 33, crc, len(data), len(data), len(name), 0
        )
        central += b"PK\x01\x02" + struct.pack("<H", 20) + fields
        central += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        body += b"PK\x03\x04" + fields + name + data
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(central), len(body), 0)
    return body + central + b"PK\x05\x06" + end


def npy(payload: bytes, shape: str = "(1,)", descr: str = "|O") -> bytes:
    """An array file of version 1.0 with any payload."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + payload


_GLOBALS = (
    "numpy.core.multiarray _reconstruct",
    "numpy._core.multiarray _reconstruct",
    "numpy ndarray",
    "numpy dtype",
    "numpy.core.multiarray scalar",
    "_codecs encode",
    "builtins getattr",
    "builtins bytearray",
    "copyreg _reconstructor",
    "numpy.core.numeric _frombuffer",
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch FloatStorage",
    "numpy memmap",
)
_TEXTS = (
    "O",
    "O8",
    "f4",
    "<f4",
    "i2",
    "V8",
    "b",
    "|",
    "<",
    "names",
    "latin1",
    "",
    "storage",
    "cpu",
    "0",
)


def pickle_of(given: Input) -> bytes:
    """A pickle of operations in any order, whose arguments are those that arrays have."""
    out = bytearray(b"\x80\x02")
    while given.at < len(given.data) and len(out) < 4096:
        op = given.byte() % 36
        if op < 4:
            module, name = _GLOBALS[given.below(len(_GLOBALS))].split()
            out += b"c" + module.encode() + b"\n" + name.encode() + b"\n"
        elif op < 8:
            out += b"K" + bytes([given.below(12)])
        elif op == 8:
            out += b"J" + given.take(4)
        elif op < 12:
            text = given.pick(_TEXTS).encode()
            out += b"X" + struct.pack("<I", len(text)) + text
        elif op < 14:
            raw = given.take(given.below(40))
            out += b"U" + bytes([len(raw)]) + raw
        elif op == 14:
            raw = given.take(given.below(40))
            out += b"C" + bytes([len(raw)]) + raw
        elif op < 18:
            out += b"q" + bytes([given.below(6)])
        elif op < 22:
            out += b"h" + bytes([given.below(6)])
        else:
            # NEWOBJ, NEWOBJ_EX, STACK_GLOBAL, MEMOIZE, READONLY_BUFFER … among what is usual.
            out += (
                b"(", b"t", b"\x85", b"\x86", b"\x87", b"R", b"R", b"b", b"b", b"N", b")", b"]",
                b"}", b"s", b"u", b"a", b"e", b"\x81", b"0", b"2", b"\x88", b"G" + given.take(8),
                b"\x93", b"\x92", b"Q", b"P0\n", b"\x94", b"\x97", b"\x98", b"\x8f", b"\x90",
            )[given.below(31)]  # fmt: skip
    return bytes(out + b".")


def value(given: Input, depth: int = 0):
    """A JSON value, of what files of drawings have more than of others."""
    how = given.byte() % 24
    if how < 8 and depth < 5:
        return [value(given, depth + 1) for _ in range(given.below(5))]
    if how < 11 and depth < 4:
        keys = ("drawing", "word", "key_id", "drawings", "name", "x")
        return {given.pick(keys): value(given, depth + 1) for _ in range(given.below(4))}
    if how < 16:
        return given.byte() - 128
    choices = (
        None,
        True,
        False,
        1e308,
        float("nan"),
        float("inf"),
        10**400,
        2**63,
        "a",
        given.text(),
    )
    return given.pick(choices) if how < 22 else given.double()
