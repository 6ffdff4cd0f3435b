"""Files of drawings from strangers: each reader either yields drawings that are whole and finite,
or raises FormatError that names the file."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import types
import warnings
import zlib
from itertools import islice
from pathlib import Path

import numpy as np
from given import Input, Scratch, names, npy, pickle_of, value, zip_of

import sketchrnn
from sketchrnn import FormatError
from sketchrnn.formats import ndjson as ndjson_format
from sketchrnn.formats import parquet as parquet_format
from sketchrnn.train import data as train_data

scratch = Scratch()

_MOST = 200
"""Drawings that are looked at: a file of many empty ones would only take time."""


def whole(sketch: sketchrnn.Sketch) -> None:
    strokes = sketch.strokes
    assert strokes.dtype == np.float32
    assert strokes.ndim == 2
    assert strokes.shape[1] == 5
    assert np.isfinite(strokes).all(), "a drawing is finite"
    pens = strokes[:, 2:]
    assert ((pens == 0) | (pens == 1)).all()
    assert (pens.sum(axis=1) == 1).all(), "one pen state"
    assert not pens[:-1, 2].any(), "the end is the last row"
    assert sketch.name is None or isinstance(sketch.name, str)
    for line in sketch.lines():
        assert np.isfinite(line).all(), "positions are finite"


def _read(path: str, suffix: str) -> None:
    try:
        for sketch in islice(sketchrnn.scan(path, format=suffix), _MOST):
            whole(sketch)
    except FormatError as error:
        names(error, path)


def _gzipped(data: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def _lines(given: Input) -> bytes:
    documents = [value(given) for _ in range(1 + given.below(3))]
    return "\n".join(json.dumps(document) for document in documents).encode()


def ndjson(data: bytes) -> None:
    how, data = data[:1], data[1:]
    mode = how[0] % 4 if how else 0
    if mode == 1:
        data = _gzipped(data)
    elif mode == 2:
        data = _lines(Input(data))
    elif mode == 3:
        given = Input(data)
        at, change = given.byte(), given.byte()
        packed = bytearray(_gzipped(given.rest()))
        packed[at % len(packed)] ^= change
        data = bytes(packed)
    path = scratch.write("d.ndjson", data)
    _read(path, ".ndjson")
    # The fast reader and that of all JSON: the same drawings, up to what neither takes.
    assert _drawings(path) == _drawings(path, fast=False)


def _drawings(path: str, fast: bool = True) -> list[tuple[str | None, bytes]]:
    found = []
    core = ndjson_format._core
    try:
        if not fast:
            ndjson_format._core = types.SimpleNamespace(ndjson=lambda block: None)
        for sketch in islice(sketchrnn.scan(path, format=".ndjson"), _MOST):
            found.append((sketch.name, sketch.strokes.tobytes()))
    except FormatError:
        found.append((None, b""))
    finally:
        ndjson_format._core = core
    return found


def parquet(data: bytes) -> None:
    _read(scratch.write("d.parquet", data), ".parquet")


def _parquet(**options: bool) -> bytes:
    out = io.BytesIO()
    drawings = [sketchrnn.Sketch([[1, 2, 0], [3, 4, 1]], "cat"), sketchrnn.Sketch([[5, 6, 1]])]
    parquet_format.write(sketchrnn.Sketches.of(drawings), out, **options)
    return out.getvalue()


def npz(data: bytes) -> None:
    how, data = data[:1], data[1:]
    mode = how[0] % 4 if how else 0
    if mode == 1:
        data = zip_of([(b"train.npy", npy(data))])
    elif mode == 2:
        given = Input(data)
        shape = given.pick(("(1,)", "(2,)", "()", "(0,)", "(2, 3)", "(99999999999,)"))
        data = zip_of([(b"train.npy", npy(pickle_of(given), shape))])
    elif mode == 3:
        data = zip_of([(b"train.npy", data)])
    _read(scratch.write("d.npz", data), ".npz")


def quickdraw_bin(data: bytes) -> None:
    _read(scratch.write("d.bin", data), ".bin")


def strokes_json(data: bytes) -> None:
    if data[:1] == b"\xff":
        data = json.dumps(value(Input(data[1:]))).encode()
    _read(scratch.write("d.json", data), ".json")


def svg(data: bytes) -> None:
    path = scratch.write("d.svg", data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sketchrnn.PictureWarning)
        _read(path, ".svg")
        # What a page says of itself must serve to lay something over it.
        with contextlib.suppress(FormatError, IndexError):
            page = sketchrnn.read(path)[0].original
            assert page is not None
            assert np.isfinite([*page.view_box, *page.size_mm, *page.start]).all()
            assert min(*page.view_box[2:], *page.size_mm) > 0


def svg_path(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        whole(sketchrnn.Sketch.from_svg_path(data.decode("latin-1")))


def training_drawings(data: bytes) -> None:
    how, data = data[:1], data[1:]
    if how and how[0] % 2:
        data = _lines(Input(data))
    path = scratch.write("t.ndjson", data)
    try:
        for drawing in train_data.read([path]):
            assert drawing.rows.dtype == np.int16
            assert drawing.rows.shape[1] == 3
    except ValueError as error:
        names(error, path)


def training_cache(data: bytes) -> None:
    """What `sketchrnn.train` keeps of drawings that it has read: six arrays, each of any type,
    shape and bytes."""
    given = Input(data)
    members = []
    for name, descr in (("rows", "<i2"), ("lengths", "<i8"), ("words", "<U3"), ("keys", "<U2"),
                        ("splits", "<U5"), ("facts", "<U9")):  # fmt: skip
        how = given.byte()
        if how == 255:
            continue
        if how >= 240:
            descr = given.pick(("|O", "<i8", "<f8", "<U0", "<U99999999", "|V8", ">i2", "<i2,"))
        shape = given.pick(("(1,)", "(2,)", "(0,)", "()", "(1, 3)", "(2, 3)", "(9999999999999,)"))
        if name == "rows" and how < 200:
            shape = given.pick(("(2, 3)", "(1, 3)", "(3, 3)"))
        if name == "facts" and how < 128:
            payload = (
                given.pick(("{}", '{"a":1}', "[]", "{", "")).encode("utf-32-le").ljust(72, b"\0")
            )
        elif name == "lengths" and how < 128:
            payload = b"".join(int(given.byte() % 4).to_bytes(8, "little") for _ in range(2))
        else:
            payload = given.take(given.below(80))
        members.append((f"{name}.npy".encode(), npy(payload, shape, descr)))
    path = scratch.write("c.npz", zip_of(members))
    try:
        for drawing in train_data.load_cache(Path(path)):
            assert drawing.rows.dtype == np.int16
            assert drawing.rows.shape[1] == 3
            assert len(drawing.rows) > 0
            assert isinstance(drawing.word, str)
            assert isinstance(dict(drawing.facts), dict)
    except FormatError as error:
        names(error, path)


def _npz_of(drawings: list) -> bytes:
    out = io.BytesIO()
    array = np.empty(len(drawings), object)
    array[:] = drawings
    np.savez(out, train=array)
    return out.getvalue()


def _pickles() -> list[bytes]:
    import pickle

    drawings = np.empty(2, object)
    drawings[:] = [np.array([[1, 2, 0], [3, 4, 1]], np.int16), np.array([[1, 0, 1]], np.float32)]
    lists = [[[1, 2, 1]], [[3.5, 4, 0]]]
    return [pickle.dumps(x, protocol) for x in (drawings, lists) for protocol in (0, 2, 3, 4, 5)]


_LINE = b'{"word":"cat","key_id":"5","drawing":[[[0,1,2],[3,4,5]],[[9],[9.5]]]}\n'
_RAW = b'{"word":"ice cream","key_id":"6","drawing":[[[0,100],[3,4],[0,7]]]}\n'
_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="100%" height="100%"/>'
    b'<g transform="translate(1 2) scale(3)">'
    b'<path d="M0 0L1 1C2 2 3 3 4 4Q1 2 3 4A1 2 3 0 1 5 6Z"/><circle cx="1" cy="2" r="3"/>'
    b'<polyline points="0,0 1,1 2,0"/><line x1="0" y1="1" x2="3" y2="4"/>'
    b"</g></svg>"
)
_USED = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="9mm" viewBox="0 0 90 90"><style>.a,#c{'
    b'display:none}</style><defs><g id="e"><circle r="4"/><use href="#f"/></g></defs>'
    b'<symbol id="f" viewBox="0 0 9 9"><path d="M0 0L9 9"/></symbol>'
    b'<use href="#e" x="5" transform="rotate(9)"/>'
    b'<g class="a"><path d="M1 1L2 2"/></g><text id="c">x</text></svg>'
)
_ENTITIES = b'<!DOCTYPE s [<!ENTITY a "M0 0L1 1"><!ENTITY b "&a;&a;">]><svg><path d="&b;"/></svg>'
_ROWS = b'{"name":"cat","drawings":[[[1,2,1,0,0],[3,4.5,0,1,0],[0,0,0,0,1]],[[1,2,0]]]}'


def _bin() -> bytes:
    return bytes(8) + b"ZZ\1" + bytes(4) + b"\2\0" + b"\2\0\0\1\2\3" + b"\1\0\7\7"


TARGETS = {
    "ndjson": (ndjson, lambda: [b"\0" + _LINE + _RAW, b"\1" + _LINE, b"\2" + bytes(range(40)),
                                b"\3\x05\1" + _LINE, b"\0" + gzip.compress(_RAW)]),
    "npz": (npz, lambda: [*(b"\1" + p for p in _pickles()), b"\2" + bytes(range(60)),
                          b"\0" + _npz_of([np.ones((2, 3), np.int16)]),
                          *(b"\3" + npy(p, "(2,)") for p in _pickles()[:2])]),
    "parquet": (parquet, lambda: [_parquet(), _parquet(compact=True)]),
    "quickdraw_bin": (quickdraw_bin, lambda: [_bin(), _bin() * 2]),
    "strokes_json": (strokes_json, lambda: [
        _ROWS, b"[[1,2,0],[3,4,1]]", b"\xff" + bytes(range(30))]),
    "svg": (svg, lambda: [_SVG, _ENTITIES, _USED]),
    "svg_path": (svg_path, lambda: [
        b"M0 0L10 5C1 2 3 4 5 6ZM3 4l1 1h5v-2s1 2 3 4q1 2 3 4t5 6a1 2 3 0 1 5 6"]),
    "training_drawings": (training_drawings, lambda: [
        b"\0" + _LINE + _RAW, b"\1" + bytes(range(50))]),
    "training_cache": (training_cache, lambda: [
        bytes(60), bytes([0, 0, *range(12), 0, 0, 1, 1] + [0, 0, 0] * 20), b"\xff" * 40]),
}  # fmt: skip
