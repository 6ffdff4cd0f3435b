"""Files of drawings: what is written is what is read, and nothing a stranger sends does harm."""

import gzip
import io
import json
import os
import pickle
import re
import struct
import types
import zipfile

import numpy as np
import pytest

import sketchrnn
from sketchrnn import FormatError, Sketch, Sketches, _core
from sketchrnn.formats import ndjson


@pytest.fixture(scope="module")
def drawn():
    return sketchrnn.load("butterfly").draw(5, temperature=0.5, seed=2)


def same_lines(a, b, within):
    assert len(a) == len(b)
    for one, other in zip(a, b, strict=True):
        ours, theirs = one.lines(), other.lines()
        assert [len(line) for line in ours] == [len(line) for line in theirs]
        for x, y in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(x, y, atol=within)


def test_json_keeps_everything(drawn, tmp_path):
    drawn.save(tmp_path / "a.json")
    read = sketchrnn.read(tmp_path / "a.json")
    assert np.array_equal(read.strokes, drawn.strokes)
    assert np.array_equal(read.offsets, drawn.offsets)
    assert read.name == drawn.name
    lone = drawn[0]
    (tmp_path / "b.json").write_text(json.dumps(lone.stroke3.tolist()))
    assert np.array_equal(sketchrnn.read(tmp_path / "b.json")[0].stroke3, lone.stroke3)


@pytest.mark.parametrize("suffix", [".ndjson", ".ndjson.gz"])
def test_ndjson_keeps_positions(drawn, tmp_path, suffix):
    drawn.save(tmp_path / f"a{suffix}")
    read = sketchrnn.read(tmp_path / f"a{suffix}")
    # Written to a thousandth; offsets are differences of two such positions and add up again.
    same_lines(read, drawn, 2e-3)
    assert read.name == "butterfly"


def test_npz_keeps_stroke3(drawn, tmp_path):
    drawn.save(tmp_path / "a.npz")
    for ours, theirs in zip(sketchrnn.read(tmp_path / "a.npz"), drawn, strict=True):
        assert np.array_equal(ours.stroke3, theirs.stroke3)
    # As Magenta's own loader reads it.
    with np.load(tmp_path / "a.npz", allow_pickle=True, encoding="latin1") as file:
        assert np.array_equal(file["train"][1], drawn[1].stroke3)
        assert len(file["valid"]) == len(file["test"]) == 0


def test_bin_keeps_whole_positions(tmp_path):
    line = np.array([[3, 4], [10, 4], [10, 200], [3, 4]])
    sketch = Sketch(sketchrnn.lines_to_stroke5([line, line[:1] + 50, line[1:]]))
    sketch.save(tmp_path / "a.bin")
    (read,) = sketchrnn.scan(tmp_path / "a.bin")
    assert read == sketch


def test_svg_comes_back(drawn, tmp_path):
    pytest.importorskip("svgpathtools")
    drawn[0].save(tmp_path / "a.svg", size=500, margin=0)
    (read,) = sketchrnn.scan(tmp_path / "a.svg")
    left, top, right, bottom = drawn[0].bounds
    scale = 500 / max(right - left, bottom - top)
    ours = [line - line[0] for line in read.lines()]
    theirs = [(line - line[0]) * scale for line in drawn[0].lines()]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=0.02)  # written to a hundredth of a pixel


def test_svg_curves_and_transforms(tmp_path):
    pytest.importorskip("svgpathtools")
    (tmp_path / "a.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><g transform="translate(10 20) scale(2)">'
        '<circle cx="50" cy="50" r="40"/></g><path d="M0 0C10 0 20 10 20 20"/></svg>'
    )
    circle, curve = sketchrnn.read(tmp_path / "a.svg")[0].lines()
    circle = circle - (circle.min(axis=0) + circle.max(axis=0)) / 2
    radii = np.hypot(*circle.T)
    assert abs(radii - 80).max() < 0.1
    # Middles of the segments too: flattened to within a tenth.
    assert np.hypot(*((circle[1:] + circle[:-1]) / 2).T).min() > 80 - 0.11
    assert len(curve) > 3


@pytest.mark.parametrize("suffix", [".hpgl", ".gcode"])
def test_plots_redrawn_are_the_drawing(drawn, tmp_path, suffix):
    """Read by an interpreter of its own, from the commands' meaning."""
    sketch = drawn[1]
    path = tmp_path / f"a{suffix}"
    sketch.save(path, page=(100, 150), margin=0.1)
    lines = hpgl_lines(path.read_text()) if suffix == ".hpgl" else gcode_lines(path.read_text())
    theirs = sketch.lines()
    left, top, right, bottom = sketch.bounds
    scale = 80 / max(right - left, bottom - top)  # the shorter side without both margins
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    assert len(lines) == len(theirs)
    for a, b in zip(lines, theirs, strict=True):
        expected = (b - middle) * scale * (1, -1) + (50, 75)
        np.testing.assert_allclose(a, expected, atol=1 / 40)
    points = np.concatenate(lines)
    assert points.min() >= 0
    assert (points.max(axis=0) <= (100, 150)).all()


def hpgl_lines(text):
    lines = []
    for command in text.replace("\n", "").split(";"):
        if command[:2] not in ("PU", "PD"):
            continue
        numbers = [int(n) / 40 for n in re.findall(r"-?\d+", command[2:])]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command[:2] == "PU" and points:
            start = points[0]
        elif points:
            # A pen set down where it stands makes a dot.
            lines.append(np.array([start] if points == [start] else [start, *points]))
    return lines


def gcode_lines(text):
    lines, at, down = [], (0.0, 0.0), False
    for command in text.splitlines():
        words = {w[0]: float(w[1:]) for w in command.split()}
        if "Z" in words:
            if words["Z"] <= 0 and not down:
                lines.append([at])
            down = words["Z"] <= 0
        elif "X" in words:
            assert down == (words["G"] == 1)
            at = (words["X"], words["Y"])
            if down:
                lines[-1].append(at)
    return [np.array(line) for line in lines]


def test_gcode_in_another_parser(drawn, tmp_path):
    gcodeparser = pytest.importorskip("gcodeparser")
    drawn[1].save(tmp_path / "a.gcode", page=(100, 150), margin=0.1)
    text = (tmp_path / "a.gcode").read_text()
    lines, down, at = [], False, (0.0, 0.0)
    for line in gcodeparser.parse_gcode_lines(text):
        if line.command[0] != "G" or line.command[1] > 1:
            assert line.command in {("G", 21), ("G", 90), ("G", 94), ("M", 2)}
        elif "Z" in line.params:
            down = line.params["Z"] <= 0
            if down:
                lines.append([at])
        else:
            at = (line.params["X"], line.params["Y"])
            if down:
                lines[-1].append(at)
    for ours, theirs in zip(gcode_lines(text), lines, strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("suffix", [".png", ".gif", ".apng"])
def test_pictures_open_in_pillow(drawn, tmp_path, suffix):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / f"a{suffix}"
    drawn[:4].save(path, size=200)
    with image.open(path) as picture:
        assert picture.size == (200, 200)
        frames = getattr(picture, "n_frames", 1)
        picture.seek(frames - 1)
        last = np.asarray(picture.convert("L"))
    assert (frames > 10) == (suffix != ".png")
    # Ink in every cell, paper around it.
    for rows in (slice(0, 100), slice(100, 200)):
        for columns in (slice(0, 100), slice(100, 200)):
            cell = last[rows, columns]
            assert cell.min() < 100
            assert (cell == 255).mean() > 0.7
    assert (last[0] == 255).all()
    if suffix == ".png":
        # Where the ink is, from the drawing itself.
        drawn[0].save(path, size=400, stroke_width=4, margin=0.1)
        with image.open(path) as picture:
            ink = np.asarray(picture.convert("L"))
        left, top, right, bottom = drawn[0].bounds
        scale = 320 / max(right - left, bottom - top)
        for line in drawn[0].lines():
            x = (line[:, 0] - (left + right) / 2) * scale + 200
            y = (line[:, 1] - (top + bottom) / 2) * scale + 200
            assert (ink[y.astype(int), x.astype(int)] < 128).all()
        grey = ((ink > 0) & (ink < 255)).sum()
        assert grey > 0.2 * (ink == 0).sum()  # edges are anti-aliased


def test_captions_and_grids(drawn, tmp_path):
    image = pytest.importorskip("PIL.Image")
    names = [f"no. {i} <&>" for i in range(5)]
    drawn.grid(columns=3, captions=names).save(tmp_path / "a.svg", size=300)
    text = (tmp_path / "a.svg").read_text()
    assert text.count("<text ") == 5
    assert "no. 4 &lt;&amp;&gt;" in text
    drawn.grid(columns=5, captions=names).save(tmp_path / "a.png", size=500)
    with image.open(tmp_path / "a.png") as picture:
        ink = np.asarray(picture.convert("L"))
    assert ink.shape[0] > 100
    assert ink[100:].min() < 128
    with pytest.raises(ValueError, match="captions: expected 5, found 1"):
        drawn.grid(captions=["one"]).save(tmp_path / "b.svg")


def test_video_plays_in_ffmpegs_decoder(drawn, tmp_path):
    av = pytest.importorskip("av")
    drawn[0].save(tmp_path / "a.mp4", size=101, points_per_second=20, fps=10, hold=1)
    with av.open(str(tmp_path / "a.mp4")) as video:
        frames = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]
    points = sum(map(len, drawn[0].lines()))
    assert len(frames) == 1 + -(-points * 10 // 20) + 10
    assert frames[0].shape == (102, 102)
    dark = [(frame < 128).sum() for frame in frames]
    assert dark[0] == 0
    assert dark[len(frames) // 2] < dark[-1]
    # Lossy, but the same drawing.
    drawn[0].save(tmp_path / "a.png", size=101)
    image = pytest.importorskip("PIL.Image")
    with image.open(tmp_path / "a.png") as picture:
        still = np.asarray(picture.convert("L"), float)
    assert np.corrcoef(still.ravel(), frames[-1][:101, :101].ravel())[0, 1] > 0.97


def test_pdf_opens_in_pdfium(drawn, tmp_path):
    pytest.importorskip("fpdf")
    pdfium = pytest.importorskip("pypdfium2")
    drawn[:3].grid(columns=3, captions=["one", "zwölf", "日"]).save(tmp_path / "a.pdf", size=90)
    document = pdfium.PdfDocument(tmp_path / "a.pdf")
    assert len(document) == 1
    page = document[0]
    assert page.get_width() == pytest.approx(90 / 25.4 * 72, abs=0.1)
    assert page.get_textpage().get_text_range().split() == ["one", "zwölf", "?"]
    picture = np.asarray(page.render(scale=4).to_pil().convert("L"))
    for i in range(3):
        cell = picture[: picture.shape[1] // 3, i * picture.shape[1] // 3 :][:, : len(picture)]
        assert (cell < 128).mean() > 0.005
    document.close()


def test_picture_of_a_distribution(drawn, tmp_path):
    import xml.etree.ElementTree as ET

    net = sketchrnn.load("butterfly")
    predicted = net.predict(drawn[0].strokes[:9])
    assert np.array_equal(predicted.drawn, drawn[0].strokes[:9])
    predicted.save(tmp_path / "a.svg", size=940)
    root = ET.parse(tmp_path / "a.svg").getroot()
    assert root.get("width") == "940"
    tag = "{http://www.w3.org/2000/svg}"
    ellipses = root.findall(f".//{tag}ellipse")
    assert len(ellipses) == 2 * (predicted.pi >= 0.005).sum()
    # The heaviest is last, on top: where it lies and how large it is, from its numbers.
    best = predicted.pi.argmax()
    x, y, angle = map(float, re.findall(r"-?[\d.]+", ellipses[-1].get("transform")))
    pen = root.find(f".//{tag}circle")
    widest = root.find(f".//{tag}path").get("d")
    points = np.array([p.split() for p in re.split("[ML]", widest)[1:]], float)
    lines = drawn[0].lines()
    scale = np.ptp(points[:, 0]) / np.ptp(np.concatenate(lines)[: len(points), 0])
    offset = (x - float(pen.get("cx")), y - float(pen.get("cy")))
    expected = np.array([predicted.mu_x[best], predicted.mu_y[best]]) * scale
    np.testing.assert_allclose(offset, expected, atol=0.5)
    rx, ry = (float(ellipses[-1].get(k)) for k in ("rx", "ry"))
    turn = np.radians(angle)
    sigma_x = np.hypot(rx * np.cos(turn), ry * np.sin(turn)) / scale
    assert sigma_x == pytest.approx(predicted.sigma_x[best], rel=0.1, abs=0.6 / scale)
    bars = [float(r.get("width")) for r in root.findall(f"{tag}g/{tag}rect")]
    np.testing.assert_allclose(np.array(bars[1::2]) / bars[0], predicted.pen, atol=1e-4)
    with pytest.raises(ValueError, match=r"\.svg"):
        predicted.save(tmp_path / "a.bmp")


def test_jupyter_shows_pictures(drawn):
    import xml.etree.ElementTree as ET

    net = sketchrnn.load("butterfly")
    for shown in (drawn, drawn[0], drawn.grid(columns=2), net.predict(), net.state().predict()):
        assert ET.fromstring(shown._repr_svg_()).tag == "{http://www.w3.org/2000/svg}svg"


def test_animated_svg(drawn, tmp_path):
    import xml.etree.ElementTree as ET

    drawn[0].save(tmp_path / "a.svg", animate=True, points_per_second=10)
    root = ET.parse(tmp_path / "a.svg").getroot()
    paths = root.findall(".//{http://www.w3.org/2000/svg}path")
    assert len(paths) == len(drawn[0].lines())
    delays = [float(re.search(r"delay:([\d.]+)s", p.get("style"))[1]) for p in paths]
    lasts = [float(re.search(r"duration:([\d.]+)s", p.get("style"))[1]) for p in paths]
    for i, line in enumerate(drawn[0].lines()):
        assert lasts[i] == pytest.approx(len(line) / 10, abs=0.01)
        if i:
            assert delays[i] == pytest.approx(delays[i - 1] + lasts[i - 1], abs=0.02)


def test_simplify_against_shapely(drawn):
    geometry = pytest.importorskip("shapely.geometry")
    for line in drawn[0].lines():
        if len(line) < 3:
            continue
        ours = sketchrnn.simplify(line, 2.0)
        theirs = geometry.LineString(line).simplify(2.0, preserve_topology=False)
        assert np.array_equal(ours, np.array(theirs.coords))
    thin = drawn.simplify(5.0)
    assert len(thin) == len(drawn)
    assert len(thin.strokes) < len(drawn.strokes)
    assert (thin.finished == drawn.finished).all()


def test_two_stage_simplification(drawn):
    """The demos' variant, against the two steps written out plainly."""
    for line in drawn[1].lines():
        kept = [line[0]]
        for point in line[1:]:
            if np.hypot(*(point.astype(float) - kept[-1])) >= 3:
                kept.append(point)
        if not (kept[-1] == line[-1]).all():
            kept.append(line[-1])
        expected = sketchrnn.simplify(np.array(kept), 3.0)
        assert np.array_equal(sketchrnn.simplify(line, 3.0, "two-stage"), expected)
    assert len(sketchrnn.simplify([[0, 0], [1, 0], [1, 1], [2, 1]], 1.5, "two-stage")) == 2
    with pytest.raises(ValueError, match="method: expected one of rdp, two-stage, quickdraw"):
        sketchrnn.simplify([[0, 0]], 1.0, "other")


def test_resampling():
    corner = np.array([[0, 0], [10, 0], [10, 5.5]])
    points = sketchrnn.resample(corner)
    assert np.array_equal(points[:11], np.stack([np.arange(11), np.zeros(11)], axis=1))
    assert (points[-1] == corner[-1]).all()
    assert np.array_equal(sketchrnn.resample(corner, 100), corner[[0, -1]])
    assert np.array_equal(sketchrnn.resample(corner[:1]), corner[:1])
    for spacing in (0, -1, float("nan"), 1e-12):
        with pytest.raises(ValueError, match="spacing"):
            sketchrnn.resample(corner, spacing)


def test_quickdraws_own_simplification(shared):
    """Google published some drawings both raw and simplified; most come out bit for bit."""

    def records(kind):
        with gzip.open(shared / f"quickdraw/{kind}/all345.ndjson.gz") as file:
            return {record["key_id"]: record["drawing"] for record in map(json.loads, file)}

    raw, simple = records("raw"), records("simplified")
    same = count = 0
    for key in sorted(raw.keys() & simple.keys())[:500]:
        lines = [np.array(stroke[:2], float).T for stroke in raw[key]]
        low = np.min([line.min(axis=0) for line in lines], axis=0)
        size = max(np.max([line.max(axis=0) for line in lines], axis=0) - low)
        ours = [
            np.rint(sketchrnn.simplify((line - low) * 255 / size, 2.0, "quickdraw")).T.tolist()
            for line in lines
        ]
        same += ours == simple[key]
        count += 1
    assert count == 500
    assert same > 0.8 * count


def test_scaling_and_fitting(drawn):
    sketch = drawn[0]
    box = sketch.fitted(255)
    left, top, right, bottom = box.bounds
    assert max(right - left, bottom - top) == pytest.approx(255, rel=1e-5)
    left, top, right, bottom = sketch.fitted(100, 10).bounds
    assert bottom - top == pytest.approx(10, rel=1e-5) or right - left == pytest.approx(100)
    assert right - left <= 100.001
    assert np.array_equal(sketch.scaled(2).strokes[:, :2], 2 * sketch.strokes[:, :2])
    assert np.array_equal(sketch.scaled(2).strokes[:, 2:], sketch.strokes[:, 2:])
    points = np.concatenate(sketch.lines(center=(100, 50)))
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    np.testing.assert_allclose(middle, (100, 50), atol=1e-3)
    dot = Sketch([[0, 0, 1]])
    assert dot.fitted(10) == dot
    for bad in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="factor"):
            sketch.scaled(bad)
        with pytest.raises(ValueError, match="width"):
            sketch.fitted(bad)


def test_svg_path(drawn):
    text = drawn[0].svg_path()
    lines = [[tuple(map(float, p.split())) for p in m.split("L")] for m in text.split("M")[1:]]
    for ours, theirs in zip(lines, drawn[0].lines(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.006)
    pytest.importorskip("svgpathtools")
    again = Sketch.from_svg_path(text, "butterfly")
    assert again.name == "butterfly"
    for ours, theirs in zip(again.lines(), drawn[0].lines(), strict=True):
        # Rounded to a hundredth, where the first point also decides where all others lie.
        np.testing.assert_allclose(ours, theirs, atol=0.02)
    assert len(Sketch.from_svg_path("")) == 1  # the end
    for bad in ("M0 x", "hello", "M0 0L1e999 1", "M0 0" + "c1e6 1e6 0 1e6 5 5" * 2000):
        with pytest.raises(ValueError, match=r"path|position"):
            Sketch.from_svg_path(bad)


def test_braille_shows_where_the_ink_is():
    from sketchrnn.terminal import braille

    corner = Sketch(sketchrnn.lines_to_stroke5([[[0, 0], [10, 0], [10, 10]]]))
    rows = braille(corner, 10, 5).split("\n")
    assert len(rows) == 5
    assert len(rows[0]) == 10  # along the top
    assert rows[3][:8].strip("\u2800") == ""  # nothing bottom left
    assert braille(corner, 10, 5, points=1).strip("\u2800\n") == ""


# A stranger's bytes.

HOSTILE = {
    ".ndjson": [
        b"{",
        b"[]\n",
        b'{"drawing": 3}',
        b'{"drawing": [[[1, 2], [1]]]}',
        b'{"drawing": [[[], []]]}',
        b'{"drawing": [[["a"], [1]]]}',
        b'{"drawing": [[[1e999], [1]]]}',
        b'{"drawing": [[[NaN], [1]]]}',
        b'{"drawing": [[[{}], [1]]]}',
        b'{"drawing": [[1, 2]]}',
        b'{"word": 3, "drawing": []}',
        b'{"drawing": ' + b"[" * 100_000,
        b"\xff\xfe\x00",
        b"\x1f\x8b\x08\x00garbage",
        gzip.compress(b'{"drawing": [[[1, 2], [3, 4]]]}\n' * 100)[:-20],
    ],
    ".bin": [b"\x00", struct.pack("<Q2sBIH", 1, b"US", 1, 0, 65535), b"\xff" * 100],
    ".json": [b"", b"{", b"3", b'"x"', b"[[[[[1]]]]]", b'{"drawings": 1}', b'{"name": 1}',
              b"[[[1, 2, 7]]]", b'[["a"]]', b"[" * 100_000, b"\xff"],
    ".npz": [b"", b"PK\x03\x04", b"not a zip"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("suffix", "data"), [(s, d) for s, all_ in HOSTILE.items() for d in all_], ids=repr
)
def test_hostile_files_give_one_clear_error(tmp_path, suffix, data):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=re.escape(str(path))):
        sketchrnn.read(path)


def npz_of(tmp_path, data):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as bundle:
        bundle.writestr("train.npy", data)
    return tmp_path / "a.npz"


class _Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_pickle_that_runs_code_does_not(tmp_path):
    evil = np.empty(1, object)
    evil[0] = _Touch(str(tmp_path / "touched"))
    file = io.BytesIO()
    np.save(file, evil, allow_pickle=True)
    path = npz_of(tmp_path, file.getvalue())
    with pytest.raises(FormatError, match="refused to load"):
        sketchrnn.read(path)
    assert not (tmp_path / "touched").exists()
    with np.load(path, allow_pickle=True) as loaded:  # the test of the test: NumPy runs it
        loaded["train"]
    assert (tmp_path / "touched").exists()


@pytest.mark.parametrize("what", [np.zeros(3), [np.zeros((2, 2))], ["x"], [None]])
def test_npz_of_the_wrong_things(tmp_path, what):
    array = np.asarray(what) if isinstance(what, np.ndarray) else np.empty(len(what), object)
    if array.dtype == object:
        array[:] = what
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    path = npz_of(tmp_path, file.getvalue())
    with pytest.raises(FormatError, match="train"):
        sketchrnn.read(path)


def test_npz_cut_short(tmp_path):
    file = io.BytesIO()
    array = np.empty(1, object)
    array[0] = np.ones((5, 3), np.int16)
    np.save(file, array, allow_pickle=True)
    for end in range(0, len(file.getvalue()), 7):
        with pytest.raises(FormatError):
            sketchrnn.read(npz_of(tmp_path, file.getvalue()[:end]))
    loop = pickle.dumps([[]])
    with pytest.raises(FormatError):
        sketchrnn.read(npz_of(tmp_path, file.getvalue()[:-60] + loop))


def svg_of(path):
    return f'<svg xmlns="http://www.w3.org/2000/svg"><path d="{path}"/></svg>'


HOSTILE_SVG = {
    "empty": "",
    "cut": "<svg",
    "no svg": "<html/>x",
    "no number": svg_of("M0 x"),
    "infinite": svg_of("M0 0L1e999 5"),
    "overflowing curve": svg_of("M0 0C1e308 1e308 -1e308 1e308 5 5"),
    "ten million points": svg_of("M0 0" + "c1e6 1e6 0 1e6 5 5" * 2000),
    "another file": '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    '<svg xmlns="http://www.w3.org/2000/svg"><desc>&x;</desc></svg>',
    "billion laughs": '<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + ']><svg xmlns="http://www.w3.org/2000/svg"><path d="&j;"/></svg>',
}


@pytest.mark.parametrize("text", HOSTILE_SVG.values(), ids=HOSTILE_SVG)
def test_hostile_svg(tmp_path, text):
    pytest.importorskip("svgpathtools")
    (tmp_path / "a.svg").write_text(text)
    with pytest.raises(FormatError, match=r"a\.svg"):
        sketchrnn.read(tmp_path / "a.svg")


def test_names_options_and_disks(drawn, tmp_path):
    with pytest.raises(ValueError, match=r"\.svg, \.png"):
        drawn.save(tmp_path / "a.xyz")
    with pytest.raises(ValueError, match=r"speed: .*options size"):
        drawn.save(tmp_path / "a.svg", speed=3)
    with pytest.raises(FileNotFoundError):
        sketchrnn.read(tmp_path / "none.json")
    # Nothing half-written, and what was there stays.
    (tmp_path / "a.svg").write_text("old")
    with pytest.raises(ValueError, match="margin"):
        drawn.save(tmp_path / "a.svg", margin=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.svg"]
    assert (tmp_path / "a.svg").read_text() == "old"
    with pytest.raises(ValueError, match="size"):
        drawn[0].save(tmp_path / "a.png", size=1e6)


def test_nothing_to_draw(tmp_path):
    empty = Sketches.of([])
    for suffix in (".svg", ".json", ".ndjson", ".npz", ".bin", ".gcode", ".hpgl"):
        empty.save(tmp_path / f"a{suffix}")
    for suffix in (".json", ".ndjson", ".npz", ".bin"):
        assert len(sketchrnn.read(tmp_path / f"a{suffix}")) == 0
    Sketch(np.zeros((0, 5))).save(tmp_path / "b.svg")


def test_real_drawings_survive_every_format(shared, tmp_path):
    """Thousands of drawings by people: nothing is lost but what a format cannot hold."""
    simplified = sketchrnn.read(shared / "quickdraw/simplified/monkey.ndjson.gz")
    assert len(simplified) == 900
    raw = sketchrnn.read(shared / "quickdraw/raw/all345.ndjson.gz", limit=1000)
    kanji = sketchrnn.read(shared / "datasets/short_kanji.npz", limit=1000)
    for name, drawings in {"simplified": simplified, "raw": raw, "kanji": kanji}.items():
        for suffix in (".ndjson", ".json", ".npz"):
            path = tmp_path / f"{name}{suffix}"
            drawings.save(path)
            back = sketchrnn.read(path)
            if suffix == ".json":
                assert np.array_equal(back.strokes, drawings.strokes)
            else:
                # float32 sums of up to thousands of raw pixels, written to a thousandth.
                same_lines(back, drawings, 2e-3)
    # Whole positions from 0 to 255 are what .bin is for.
    simplified.save(tmp_path / "a.bin")
    same_lines(sketchrnn.read(tmp_path / "a.bin"), simplified, 0)


def test_every_file_at_hand_can_be_read(shared):
    count = 0
    for path in sorted((shared / "quickdraw").rglob("*.ndjson.gz")):
        count += sum(1 for _ in sketchrnn.scan(path) if path.stat().st_size < 4e6)
    assert count > 10_000
    for path in (shared / "datasets").glob("*.npz"):
        assert sum(len(sketch) > 1 for sketch in sketchrnn.scan(path)) > 1000


LINES = [
    b'{"word":"cat","drawing":[[[0,1,2],[3,4,5]],[[9],[9]]]}',
    b'{"word":"caf\xc3\xa9","key_id":"5","drawing":[[[7],[8]],[[1,2],[3,4],[0,9]]],"recognized":true}',
    b' {"word" : null , "n" : -1.5, "drawing" : [ [ [ 0 , 10.25 ] , [ 3 , -4.125 ] ] ] } ',
    b'{"drawing":[[[0.1,0.2,0.30000000000000004],[1234567.875,2,3]]],"x":null,"y":false}',
    b"",
    b"\t",
]
ODD = [
    b'{"word":"a\\u00e9","drawing":[[[0,1],[3,4]]]}',
    b'{"word":"cat","drawing":[[[0,1e2],[3,4]]]}',
    b'{"word":"cat","drawing":[[[0,12345678901234567],[3,4]]]}',
    b'{"word":"cat","drawing":[]}',
    b'{"word":"a","word":"b","drawing":[[[0,1],[3,4]]]}',
    b'{"word":"cat","more":{"a":[1]},"drawing":[[[0,-0],[3,4]]]}',
    b'{"word":"\xe2\x80\xa8","drawing":[[[0,1],[3,4]]]}',
]
BAD = [
    b'{"word":"cat","drawing":[[[0,1],[3]]]}',
    b'{"word":"cat","drawing":[[[0,01],[3,4]]]}',
    b'{"word":"cat","drawing":[[[0,1],[3,4]]]} x',
    b'{"word":"cat","drawing":[[[],[]]]}',
    b'{"word":5,"drawing":[[[0,1],[3,4]]]}',
    b'{"word":"\xff","drawing":[[[0,1],[3,4]]]}',
    b'{"word":"cat"}',
    b'{"word":"cat","drawing":[[[0,1.],[3,4]]]}',
    b'{"word":"cat","drawing":[[[0,1],[3,4]]]',
    b'{"word":"a\tb","drawing":[[[0,1],[3,4]]]}',
    b'{"country":"\xff","drawing":[[[0,1],[3,4]]]}',
]


def test_quickdraws_lines_are_read_alike_by_the_fast_reader_and_by_that_of_all_json(
    tmp_path, monkeypatch
):
    path = tmp_path / "d.ndjson"

    def both(data):
        path.write_bytes(data)
        found = []
        for fast in (True, False):
            with monkeypatch.context() as patch:
                if not fast:
                    patch.setattr(ndjson, "_core", types.SimpleNamespace(ndjson=lambda block: None))
                try:
                    read = sketchrnn.read(path)
                    found.append([(s.name, s.strokes.tobytes()) for s in read])
                except FormatError as error:
                    found.append(str(error))
        assert found[0] == found[1]
        return found[0]

    usual = both(b"\n".join(LINES))
    assert [name for name, _ in usual] == ["cat", "café", None, None]
    assert _core.ndjson(b"\n".join(LINES)) is not None
    assert both(b"") == both(b"\n\n") == []
    for line in ODD:
        assert _core.ndjson(line) is None or b"\xe2" in line
        assert len(both(b"\n".join([LINES[0], line, LINES[1]]))) == 3
    for line in BAD:
        assert _core.ndjson(line) is None
        assert "d.ndjson: line 2: " in both(b"\n".join([LINES[0], line, LINES[1]]))
    # Blocks end between lines, wherever they are cut.
    many = b"\n".join(LINES * 9000)
    assert len(many) > 2 << 20
    assert both(many) == usual * 9000
    assert _core.ndjson(many[: len(many) // 2 + 7]) is None


def test_what_comes_before_a_broken_line_is_read(tmp_path):
    path = tmp_path / "d.ndjson"
    path.write_bytes(b"\n".join([LINES[0], LINES[1], b"{"]))
    reading = sketchrnn.scan(path)
    assert [next(reading).name, next(reading).name] == ["cat", "café"]
    with pytest.raises(FormatError, match=r"d\.ndjson: line 3: "):
        next(reading)
