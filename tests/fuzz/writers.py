"""Any drawing and any net into any file: what is written is whole by a reader that is not ours, or
there is one error and no file."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import struct
import xml.etree.ElementTree as tree
from pathlib import Path

import numpy as np
from given import Input, Scratch, rows

import sketchrnn
from sketchrnn import Sketch, Sketches

scratch = Scratch()


def _drawing(given: Input) -> Sketch | Sketches:
    """A drawing or several, as users make them, or as no constructor would let them pass."""
    broken = given.below(8) == 7
    name = given.text() if given.below(3) else None
    arrays = [rows(given, broken=broken) for _ in range(given.below(4))]
    if not broken:
        if len(arrays) == 1:
            return Sketch(arrays[0], name)
        return Sketches.of(arrays, name)
    if len(arrays) == 1:
        return Sketch._from_core(arrays[0], name)
    offsets = np.cumsum([0, *map(len, arrays)])
    if given.below(4) == 3:
        offsets[given.below(len(offsets))] = given.byte() - 8
    return Sketches(np.concatenate([np.zeros((0, 5), np.float32), *arrays]), offsets, name)


def _strict(text: str | bytes):
    """JSON without the NaN and Infinity that Python adds to it."""

    def refuse(word: str) -> None:
        raise AssertionError(f"not JSON: {word}")

    return json.loads(text, parse_constant=refuse)


_NUMBER = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?"
_PATH = re.compile(rf"(?:M{_NUMBER} {_NUMBER}(?:L{_NUMBER} {_NUMBER})*)*")


def _svg(data: bytes) -> None:
    for element in _finite(data).iter():
        if element.tag.endswith("}path"):
            assert _PATH.fullmatch(element.get("d", "")), element.get("d")


def _finite(data: bytes) -> tree.Element:
    """An SVG of ours, in which no number is one that SVG does not know."""
    root = tree.fromstring(data)
    for element in root.iter():
        for key in (
            "width",
            "height",
            "x",
            "y",
            "cx",
            "cy",
            "rx",
            "ry",
            "transform",
            "d",
            "viewBox",
        ):
            text = element.get(key, "0")
            assert "nan" not in text, (key, text)
            assert "inf" not in text, (key, text)
    return root


def _ndjson(data: bytes) -> None:
    for line in data.splitlines():
        record = _strict(line)
        for x, y in record["drawing"]:
            assert len(x) == len(y) >= 1
            assert all(abs(number) < 1e39 for number in x + y)


def _npz(data: bytes) -> None:
    with np.load(io.BytesIO(data), allow_pickle=True) as arrays:
        assert set(arrays) == {"train", "valid", "test"}
        for drawing in arrays["train"]:
            assert drawing.shape[1] == 3
            assert np.isfinite(drawing).all()


def _quickdraw_bin(data: bytes) -> None:
    at = 0
    while at < len(data):
        (strokes,) = struct.unpack_from("<H", data, at + 15)
        at += 17
        for _ in range(strokes):
            (points,) = struct.unpack_from("<H", data, at)
            assert points
            at += 2 + 2 * points
    assert at == len(data)


def _json(data: bytes) -> None:
    for drawing in _strict(data)["drawings"]:
        for row in drawing:
            assert len(row) == 5
            assert all(abs(number) < 4e38 for number in row)


_HPGL = re.compile(rb"IN;SP\d+;\n(?:PU(-?\d+),(-?\d+);PD-?\d+,-?\d+(?:,-?\d+,-?\d+)*;\n)*PU;SP0;\n")


def _hpgl(data: bytes) -> None:
    assert _HPGL.fullmatch(data), data[:200]
    for number in re.findall(rb"-?\d+", data.split(b";", 2)[2].replace(b"SP0", b"")):
        assert -1 <= int(number) <= 297 * 40 + 1, "on the page"


_GCODE = re.compile(
    r"G2[01]|G9[014]|M2|G0 Z5|G1 Z0 F500|G0 X0 Y0|"
    r"G[01] X(?P<x>-?\d+\.\d{3}) Y(?P<y>-?\d+\.\d{3})(?: F1500)?"
)


def _gcode(data: bytes) -> None:
    for line in data.decode("ascii").splitlines():
        found = _GCODE.fullmatch(line)
        assert found, line
        if found["x"]:
            assert -0.01 <= float(found["x"]) <= 210.01, line
            assert -0.01 <= float(found["y"]) <= 297.01, line


def _png(data: bytes) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        image.load()


def _pdf(data: bytes) -> None:
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    import pypdfium2

    with pypdfium2.PdfDocument(data) as document:
        assert len(document) == 1
        page = document[0]
        assert page.get_width() > 0
        page.close()


_SUFFIXES = {
    ".svg": _svg,
    ".ndjson": _ndjson,
    ".ndjson.gz": lambda data: _ndjson(gzip.decompress(data)),
    ".bin": _quickdraw_bin,
    ".npz": _npz,
    ".json": _json,
    ".hpgl": _hpgl,
    ".gcode": _gcode,
}
_PICTURES = {".png": _png, ".gif": _png, ".apng": _png, ".pdf": _pdf}


def _options(given: Input, suffix: str, count: int) -> dict:
    how = given.byte()
    if suffix == ".svg" and how < 128:
        return {
            "animate": bool(how & 1),
            "by_order": bool(how & 2),
            "per_stroke": bool(how & 4),
            "captions": [given.text() for _ in range(count)] if how & 8 else None,
            "columns": given.below(4) if how & 16 else None,
            "background": given.pick((None, "#fff", '"/><x', "none")),
        }
    if suffix in (".png", ".pdf") and how < 64:
        return {"captions": [given.text() for _ in range(count)], "size": 8 + given.below(64)}
    if suffix in _PICTURES:
        return {"size": 1 + given.below(40)}
    return {}


def _whole(drawing: Sketch | Sketches) -> bool:
    """Whether the constructor takes each drawing: one that was made around it need not be."""
    try:
        for sketch in drawing if isinstance(drawing, Sketches) else [drawing]:
            Sketch(sketch.strokes)
    except ValueError:
        return False
    return True


def _save(data: bytes, suffixes: dict) -> None:
    given = Input(data)
    suffix = given.pick(tuple(suffixes))
    try:
        drawing = _drawing(given)
    except ValueError:
        return
    count = len(drawing) if isinstance(drawing, Sketches) else 1
    path = Path(scratch.path(f"w{suffix}"))
    try:
        drawing.save(path, **_options(given, suffix, count))
    except (ValueError, TypeError):
        assert not path.exists(), "what could not be written is not there"
        return
    written = path.read_bytes()
    path.unlink()
    suffixes[suffix](written)
    left = list(scratch.folder.iterdir())
    assert not left, left
    if suffix == ".json" and _whole(drawing):
        again = sketchrnn.read(scratch.write("again.json", written))
        Path(scratch.path("again.json")).unlink()
        batch = drawing if isinstance(drawing, Sketches) else [drawing]
        assert [s.strokes.tobytes() for s in again] == [s.strokes.tobytes() for s in batch], "exact"


def drawings(data: bytes) -> None:
    _save(data, _SUFFIXES)


def pictures(data: bytes) -> None:
    _save(data, _PICTURES)


def strokes(data: bytes) -> None:
    """Forms of a drawing into each other, simplified and resampled."""
    given = Input(data)
    lines = []
    for _ in range(given.below(4)):
        how, count = given.byte(), given.below(9)
        numbers = [given.byte() - 128.0 if how < 200 else given.double() for _ in range(2 * count)]
        lines.append(np.array(numbers).reshape(-1, 2))
    try:
        rows = sketchrnn.lines_to_stroke5(lines, end=bool(given.below(2)))
    except ValueError:
        rows = np.zeros((0, 5), np.float32)
    assert np.isfinite(rows).all(), "rows are finite"
    sketch = Sketch(rows)
    # Whole numbers that float32 keeps, and their differences too.
    exact = all(((np.abs(line) < 2**20) & (line == np.rint(line))).all() for line in lines)
    if exact and rows.size:
        again = sketchrnn.lines_to_stroke5(sketch.lines(), end=sketch.finished)
        assert np.array_equal(rows, again), "there and back"
    epsilon = given.pick((0.0, 0.5, 2.0, 1e300, given.double()))
    method = given.pick(("rdp", "two-stage", "quickdraw"))
    for line in lines:
        try:
            simplified = sketchrnn.simplify(line, epsilon, method)
        except ValueError:
            continue
        assert len(simplified) <= max(len(line), 1) or method == "quickdraw"
        if len(line):
            assert np.array_equal(simplified[[0, -1]], line[[0, -1]]), "both ends stay"
    try:
        fitted = sketch.fitted(1 + given.byte())
        assert np.isfinite(fitted.strokes).all(), "fitted is finite"
    except ValueError:
        pass


def _numbers(given: Input, shape: tuple[int, ...]):
    how = given.byte()
    random = np.random.default_rng(given.byte())
    if how < 160:
        array = random.normal(0, (0.5, 2, 1e-3)[how % 3], shape)
    elif how < 250:
        array = random.normal(0, 10.0 ** ((how - 200) * 0.8), shape)
    else:
        array = np.full(shape, given.float32())
    array = array.astype(np.float16 if how % 5 == 0 else np.float32)
    for _ in range(given.below(4)):
        array.flat[struct.unpack("<H", given.take(2))[0] % array.size] = given.float32()
    return array


def _net(given: Input, mixtures: int) -> sketchrnn.Net:
    h = 1 + given.below(5)
    outputs = 3 + 6 * mixtures
    shapes = {
        "wx": (5, 4 * h),
        "wh": (h, 4 * h),
        "b": (4 * h,),
        "wo": (h, outputs),
        "bo": (outputs,),
    }
    with np.errstate(over="ignore"):
        arrays = {key: _numbers(given, shape) for key, shape in shapes.items()}
    return sketchrnn.from_arrays(
        arrays,
        scale_factor=given.pick((1.0, 45.5, 1e-6, 1e6, 0.1)),
        max_len=1 + given.byte(),
        start_token=given.pick(((0, 0, 0, 0, 0), (0, 0, 1, 0, 0), (1e6, -0.5, 1e-40, 0, 1))),
        name=given.text(),
        metadata={"licence": given.text(), "training": given.text()} if given.below(2) else None,
    )


def _same(net: sketchrnn.Net, again: sketchrnn.Net) -> None:
    assert (net.name, net.max_len, net.scale_factor) == (
        again.name,
        again.max_len,
        again.scale_factor,
    )
    for key, array in net.arrays().items():
        assert array.tobytes() == again.arrays()[key].tobytes(), key


def _export_onnx(net: sketchrnn.Net, given: Input) -> None:
    import onnx

    from sketchrnn.nets.graph_svg import graph_svg

    path = scratch.path("n.onnx")
    net.export(path, graph=given.pick(("step", "sequence", "sampler")))
    proto = onnx.load(path)
    onnx.checker.check_model(proto)
    tree.fromstring(graph_svg(path))


def _export_mxnet(net: sketchrnn.Net, given: Input) -> None:
    from sketchrnn.nets.graph_svg import graph_svg

    path = scratch.path("n.json")
    net.export(path, **({"length": 1 + given.byte()} if given.below(2) else {}))
    document = _strict(Path(path).read_bytes())
    parameters = Path(scratch.path("n.params")).read_bytes()
    magic, _, count = struct.unpack_from("<QQQ", parameters)
    at = 24
    for _ in range(count):
        _, _, ndim = struct.unpack_from("<Iii", parameters, at)
        shape = struct.unpack_from(f"<{ndim}q", parameters, at + 12)
        at += 12 + 8 * ndim + 12
        array = np.frombuffer(parameters, "<f4", int(np.prod(shape)), at)
        assert np.isfinite(array).all()
        at += array.nbytes
    names = struct.unpack_from("<Q", parameters, at)[0]
    assert (magic, names) == (0x112, count)
    assert len(document["node_row_ptr"]) == len(document["nodes"]) + 1
    tree.fromstring(graph_svg(path))


def _export_npz(net: sketchrnn.Net, given: Input) -> None:
    path = scratch.path("n.npz")
    net.export(path)
    with np.load(path) as arrays:
        facts = _strict(str(arrays["facts"]))
        again = sketchrnn.from_arrays({k: arrays[k] for k in arrays if k != "facts"}, **facts)
    _same(net, again)


def _export_gen_json(net: sketchrnn.Net, given: Input) -> None:
    path = scratch.path("n.gen.json")
    try:
        net.export(path)
    except ValueError:
        assert any((np.abs(array) > 9.999).any() for array in net.arrays().values()), "in range"
        assert not Path(path).exists(), "what could not be written is not there"
        return
    _strict(Path(path).read_bytes())
    again = sketchrnn.load(path)
    for key, array in net.arrays().items():
        assert np.abs(again.arrays()[key] - array).max() <= 5.001 / 32767, key


def _container(net: sketchrnn.Net, given: Input) -> None:
    path = scratch.path("n.safetensors")
    net.save(path)
    _same(net, sketchrnn.load(path))


def _embed(net: sketchrnn.Net, given: Input) -> None:
    from sketchrnn.nets.c import c_header

    text = c_header(net, "net")
    body = text[text.index("{") + 1 : text.rindex("}")]
    assert bytes(map(int, body.replace("\n", "").rstrip(",").split(","))) == net.container
    comment, _, rest = text.partition("*/")
    assert comment.count("/*") == 1
    assert rest.isascii()
    assert rest.startswith("\n#ifndef")


def _svgs(net: sketchrnn.Net, given: Input) -> None:
    net.info()
    repr(net)
    with contextlib.suppress(ValueError):
        _finite(net.export(format="diagram").encode())
    try:
        text = net.predict(rows(given, 3))._repr_svg_()
    except ValueError:
        return
    _finite(text.encode())


_EXPORTS = {
    "onnx": _export_onnx,
    "mxnet": _export_mxnet,
    "npz": _export_npz,
    "gen_json": _export_gen_json,
    "container": _container,
    "embed": _embed,
    "svgs": _svgs,
}


def exports(data: bytes) -> None:
    given = Input(data)
    kind = given.pick(tuple(_EXPORTS))
    try:
        net = _net(given, 20 if kind == "gen_json" else 1 + given.below(3))
    except ValueError:
        return
    _EXPORTS[kind](net, given)
    for left in scratch.folder.iterdir():
        assert ".part" not in left.name, left
        left.unlink()


TARGETS = {
    "drawings": (drawings, lambda: [bytes([i, 1, 1, 0, 1, 3, *range(60)]) for i in range(8)]),
    "pictures": (pictures, lambda: [bytes([i, 1, 1, 0, 1, 3, *range(60)]) for i in range(4)]),
    "strokes": (strokes, lambda: [bytes(range(200)), bytes(range(1, 60))]),
    "exports": (exports, lambda: [bytes([i, 1, 2, *range(90)]) for i in range(7)]),
}
