"""Completing what a person has: an SVG of any size, its page and layers kept."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import sketchrnn
from sketchrnn.completion import known_size
from sketchrnn.formats.svg_shapes import view_box

pytest.importorskip("svgpathtools")

SVG = "http://www.w3.org/2000/svg"
HAND = f"""<?xml version="1.0" encoding="UTF-8"?>
<svg:svg xmlns:svg="{SVG}" xmlns="{SVG}" xmlns:xlink="http://www.w3.org/1999/xlink"
  xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"
  width="200mm" height="100mm" viewBox="-100 0 2000 1000">
<style>.guide, .other {{display: none}}</style>
<defs><ellipse id="eye" cx="0" cy="0" rx="40" ry="30"/><path d="M0 0L5 5"/></defs>
<g inkscape:groupmode="layer" inkscape:label="Gesicht ü" transform="translate(500 500) rotate(5)">
<path d="M-300 0C-300 -400 300 -400 300 0C300 400 -300 400 -300 0z" stroke="#000"/>
<use xlink:href="#eye" x="-120" y="-100"/><use href="#eye" x="120" y="-100"/></g>
<g inkscape:label="Guides" style="stroke:red; display:none"><path d="M0 0L1 1"/></g>
<path class="guide" d="M0 0L1000 1414"/><path display="none" d="M0 0L9 9"/>
<g visibility="hidden"><path d="M0 0L9 9"/><path visibility="visible" d="M470 520L530 520"/></g>
<text>hello</text><image/><use href="#nobody"/>
</svg:svg>
"""


@pytest.fixture
def face(tmp_path):
    path = tmp_path / "face.svg"
    path.write_text(HAND, "utf-8")
    with pytest.warns(UserWarning, match=r"face.svg: left out: .*1 text"):
        return sketchrnn.read(path)[0]


@pytest.fixture(scope="module")
def net():
    return sketchrnn.load("face")


def test_what_a_picture_shows_is_read(face):
    head, left, right, last = face.lines_in_original()[1]
    assert face.original.layers == ("Gesicht ü", "Gesicht ü", "Gesicht ü", None)
    assert np.allclose(last, [[470, 520], [530, 520]], atol=1e-3)
    assert np.allclose(
        head[0], [500 - 300 * np.cos(np.radians(5)), 500 - 300 * np.sin(np.radians(5))]
    )
    # The eyes where use and layer put them: (±120, -100) turned by 5 degrees, moved.
    turn = np.radians(5)
    for eye, x in ((left, -120), (right, 120)):
        middle = [
            500 + x * np.cos(turn) + 100 * np.sin(turn),
            500 + x * np.sin(turn) - 100 * np.cos(turn),
        ]
        assert np.allclose((eye.min(axis=0) + eye.max(axis=0)) / 2, middle, atol=0.5)
    assert face.original.view_box == (-100, 0, 2000, 1000)
    assert face.original.size_mm == pytest.approx((200, 100))
    assert sorted(face.original.left_out) == [
        *["1 <use> that leads nowhere", "1 hidden group", "1 image", "1 text"],
        "3 hidden shapes",
    ]


def test_what_is_left_out_is_said_where_the_picture_is_read(face, tmp_path):
    for read in (sketchrnn.read, lambda path: list(sketchrnn.scan(path))):
        with pytest.warns(sketchrnn.PictureWarning, match="left out: .*text") as said:
            read(tmp_path / "face.svg")
        assert {warning.filename for warning in said} == {__file__}


def test_completed_in_its_size_and_place(face, net, tmp_path):
    way = net.complete(face, seed=1, temperature=0.3)
    assert way.given == len(face) - 1
    assert np.array_equal(way.strokes[: way.given], face.strokes[:-1])
    given, added = way.lines_in_original()
    assert sum(map(len, given)) == sum(map(len, face.lines()))
    points = np.concatenate(added)
    # A mouth or nose in the face, whose box is (200, 200) to (800, 800), not a mark beside a dot.
    assert (points > 100).all()
    assert (points < 900).all()
    assert np.ptp(points, axis=0).max() > 100

    way.save(tmp_path / "over.svg")
    text = (tmp_path / "over.svg").read_text("utf-8")
    layer = re.search(r'<g [^>]*inkscape:label="sketchrnn".*</g>\n', text)
    assert text.replace(layer[0], "") == HAND
    with pytest.warns(UserWarning, match="left out"):
        again = sketchrnn.read(tmp_path / "over.svg")[0]
    assert again.original.layers == (*face.original.layers, *["sketchrnn"] * len(added))
    for line, drawn in zip(again.lines_in_original()[1][4:], added, strict=True):
        assert np.allclose(line, drawn, atol=0.05)


def test_ways_in_layers_and_alone(face, net, tmp_path):
    ways = net.complete(face, 3, seed=1, temperature=0.3)
    ways.save(tmp_path / "ways.svg", over=True, new_color="blue")
    root = ElementTree.parse(tmp_path / "ways.svg").getroot()
    layers = [g for g in root.iter(f"{{{SVG}}}g") if "sketchrnn" in str(g.attrib.values())]
    assert [g.get("style") for g in layers] == [None, "display:none", "display:none"]
    assert {g.get("stroke") for g in layers} == {"blue"}
    ways[1].save(tmp_path / "new.svg", new_only=True)
    alone = sketchrnn.read(tmp_path / "new.svg")[0]
    assert alone.original.view_box == face.original.view_box
    assert alone.original.size_mm == pytest.approx((200, 100))
    drawn = ways[1].lines_in_original()[1]
    assert np.allclose(alone.original.start, drawn[0][0], atol=0.05)
    ways.save(tmp_path / "grid.svg", new_color="#06c")
    assert (tmp_path / "grid.svg").read_text().count('stroke="#06c"') == 3
    # A picture whose size was changed has no place any more.
    with pytest.raises(ValueError, match="over: the drawing was not read from an SVG"):
        face.fitted(255).save(tmp_path / "a.svg", over=True)


def test_plotted_where_the_paper_lies(face, net, tmp_path):
    way = net.complete(face, seed=1, temperature=0.3)
    way.save(tmp_path / "new.gcode", new_only=True)
    moves = re.findall(r"G[01] X([\d.]+) Y([\d.]+)", (tmp_path / "new.gcode").read_text())[:-1]
    plotted = np.array(moves, float)
    expected = np.concatenate(way.lines_in_original()[1])
    # viewBox -100 0 2000 1000 on 200 × 100 mm: ten units a millimetre, y upwards.
    expected = np.column_stack([(expected[:, 0] + 100) / 10, 100 - expected[:, 1] / 10])
    assert np.allclose(plotted, expected, atol=2e-3)
    way.save(tmp_path / "whole.hpgl")
    strokes = sum(map(len, way.lines_in_original()))
    assert (tmp_path / "whole.hpgl").read_text().count("PD") == strokes
    image = pytest.importorskip("PIL.Image")
    way.save(tmp_path / "way.png", size=400)
    with image.open(tmp_path / "way.png") as picture:
        assert picture.size == (400, 200)


@pytest.mark.parametrize(
    ("aspect", "page"),
    [
        ("", (-500, -1500, 1000, 2000)),
        ("xMidYMid meet", (-500, -1500, 1000, 2000)),
        ("xMinYMin", (-500, -1000, 1000, 2000)),
        ("xMidYMax meet", (-500, -2000, 1000, 2000)),
        ("xMaxYMid slice", (0, -1000, 500, 1000)),
        ("none", (-500, -1000, 1000, 1000)),
    ],
)
def test_pages_of_other_proportions_than_their_view_box(aspect, page, tmp_path):
    pytest.importorskip("svgpathtools")
    (tmp_path / "a.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="200mm" '
        f'viewBox="-500 -1000 1000 1000" preserveAspectRatio="{aspect}">'
        '<path d="M100-300L300-500"/>'
        f'<svg width="80" height="40" viewBox="0 0 10 10" preserveAspectRatio="{aspect}">'
        '<path d="M0 0L10 10"/></svg></svg>'
    )
    drawing = sketchrnn.read(tmp_path / "a.svg")[0]
    assert drawing.original.view_box == pytest.approx(page)
    inner = drawing.lines_in_original()[1][1]
    scale = np.array({"none": (8, 4), "xMaxYMid slice": (8, 8)}.get(aspect, (4, 4)))
    first = {"xMinYMin": (0, 0), "none": (0, 0), "xMaxYMid slice": (0, -20)}.get(aspect, (20, 0))
    assert np.allclose(inner, [first, first + 10 * scale])
    if aspect != "none":  # where the paper lies: as it is shown
        drawing.save(tmp_path / "a.gcode")
        x, y = re.search(r"G0 X([\d.]+) Y([\d.]+)", (tmp_path / "a.gcode").read_text()).groups()
        unit = 100 / page[2]
        assert float(x) == pytest.approx((100 - page[0]) * unit, abs=2e-3)
        assert float(y) == pytest.approx(200 - (-300 - page[1]) * unit, abs=2e-3)


@pytest.mark.parametrize("factor", [0.02, 1.0, 30.0])
def test_any_size_gives_the_same_drawing(net, factor):
    whole = net.draw(seed=5, temperature=0.2)
    start = sketchrnn.Sketch(whole.strokes[:25])
    ways = net.complete(start.scaled(factor), 3, fit=True, seed=2)
    same = net.complete(start, 3, fit=True, seed=2)
    assert np.array_equal(ways.offsets, same.offsets)
    assert np.allclose(ways.strokes[:, :2] / factor, same.strokes[:, :2], rtol=1e-3, atol=0.05)
    # A size of one's own: the larger side as it is says to leave it, but for simplification.
    left, top, right, bottom = start.bounds
    size = max(right - left, bottom - top)
    assert net.complete(start.scaled(factor), fit=size, seed=2, max_len=40).given == 25


def test_the_size_is_the_one_that_drawings_have(net, shared):
    """The measurement that completion.py states, on fewer drawings."""
    from sketchrnn.completion import _fitted

    errors, filled = [], []
    rng = np.random.default_rng(1)
    wanted = {"ant": [], "duck": [], "pig": []}
    for sketch in sketchrnn.scan(shared / "quickdraw/simplified/all345.ndjson.gz"):
        if sketch.name in wanted and len(wanted[sketch.name]) < 12 and len(sketch.lines()) > 2:
            wanted[sketch.name].append(sketch)
        if all(len(found) == 12 for found in wanted.values()):
            break
    for name, sketches in wanted.items():
        of = sketchrnn.load(name)
        for sketch in sketches:
            lines = sketch.lines()[: rng.integers(1, len(sketch.lines()))]
            rows = sketchrnn.lines_to_stroke5(lines, end=False)
            left, top, right, bottom = sketchrnn.Sketch(rows).bounds
            size = max(right - left, bottom - top)
            if size:
                errors.append(abs(np.log(_fitted(of, rows, True, None)[1])))
                filled.append(abs(np.log(255 / size)))
    assert np.mean(errors) < 0.6 * np.mean(filled)


def test_what_is_known_of_sizes(net):
    assert known_size(net) == 255
    facts = {"name": "face", "scale_factor": net.scale_factor, "max_len": net.max_len}
    unknown = sketchrnn.from_arrays(net.arrays(), **facts)
    assert known_size(unknown) == pytest.approx(255, rel=0.25)


def test_ends_are_no_obstacle(net):
    ended = next(sketch for sketch in net.draw(50, seed=1) if sketch.finished)
    more = net.complete(ended, seed=3)
    assert more.given == len(ended) - 1
    # In data units already: nothing is fitted unless that is asked for.
    assert more == net.complete(ended.strokes[:-1], seed=3)
    batch = sketchrnn.Sketches.of([ended])
    assert net.complete(batch, seed=3) == more
    with pytest.raises(ValueError, match=r"partial: expected one drawing, found 2: name one"):
        net.complete(sketchrnn.Sketches.of([ended, ended]))
    with pytest.raises(ValueError, match="fit: expected a size above 0, found -3"):
        net.complete(ended, fit=-3.0)
    dot = sketchrnn.Sketch(np.array([[0, 0, 0, 1, 0]]))
    assert net.complete(dot, fit=True, seed=1).given == 1


def test_use_is_no_bomb(tmp_path):
    levels = "".join(f'<g id="l{i}">' + f'<use href="#l{i + 1}"/>' * 10 + "</g>" for i in range(12))
    path = tmp_path / "a.svg"
    path.write_text(f'<svg xmlns="{SVG}">{levels}<path id="l12" d="M0 0L1 1"/></svg>')
    with pytest.raises(sketchrnn.FormatError, match="the limit 'repeats'"):
        sketchrnn.read(path)
    path.write_text(f'<svg xmlns="{SVG}"><g id="a"><use href="#a"/><path d="M0 0L1 1"/></g></svg>')
    with pytest.warns(UserWarning, match="1 <use> that leads nowhere"):
        assert len(sketchrnn.read(path)[0].lines()) == 1


def test_symbols_and_nested_pictures(tmp_path):
    path = tmp_path / "a.svg"
    path.write_text(
        f'<svg xmlns="{SVG}"><symbol id="s" viewBox="0 0 10 10"><path d="M0 0L10 10"/></symbol>'
        '<use href="#s" x="5" y="7" width="100" height="200"/>'
        '<svg x="3" y="4" width="20" height="20" viewBox="0 0 2 2"><path d="M0 0L1 2"/></svg>'
        '<switch><path systemLanguage="de" d="M0 0L9 9"/><path d="M1 1L2 1"/></switch></svg>'
    )
    first, second, third = sketchrnn.read(path)[0].lines_in_original()[1]
    assert np.allclose(first, [[5, 57], [105, 157]])
    assert np.allclose(second, [[3, 4], [13, 24]])
    assert np.allclose(third, [[1, 1], [2, 1]])


@pytest.mark.parametrize("text", ["", "0 0 1", "0 0 0 5", "a b c d", "0 0 1e999 1", "0 0 5 5 5"])
def test_pages_that_are_none(text):
    assert view_box(ElementTree.Element("svg", viewBox=text)) is None
