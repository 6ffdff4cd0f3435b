"""What a net says of itself, in numbers and in pictures."""

import json
import os
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from real_drawings import NO_SHARED, SHARED

import sketchrnn
from sketchrnn.nets.graph_svg import graph_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def net():
    plain = sketchrnn.load(trained=False, hidden_size=32, mixtures=5, seed=1)
    return sketchrnn.from_arrays(
        {key: array.astype(np.float16) for key, array in plain.arrays().items()},
        scale_factor=7.0,
        max_len=60,
        name="<cat & dog>\x07",
        metadata={"licence": "mine", "training": '{"steps": 7}', "other": "x"},
    )


def test_info(net, tmp_path):
    info = net.info()
    for key, array in net.arrays().items():
        assert info["arrays"][key] == {
            "shape": array.shape,
            "elements": array.size,
            "dtype": "F16",
            "bytes": 2 * array.size,
        }
    assert info["total"] == sum(array.size for array in net.arrays().values())
    assert info["weight_bytes"] == 2 * info["total"]
    net.save(tmp_path / "net.safetensors")
    assert info["file_bytes"] == os.path.getsize(tmp_path / "net.safetensors")
    # 16-bit recurrent weights stay so for one stream and for few, the rest is float32; drawing many
    # together widens them once.
    recurrent = net.arrays()["wh"].size
    fresh = sketchrnn.load(tmp_path / "net.safetensors")
    assert 4 * info["total"] - 2 * recurrent <= fresh.info()["packed_bytes"] < 8 * info["total"]
    narrow = fresh.info()["packed_bytes"]
    fresh.draw(2, max_len=2)
    assert fresh.info()["packed_bytes"] == narrow
    wide = narrow + 4 * recurrent
    fresh.draw(64, max_len=2)
    assert wide <= fresh.info()["packed_bytes"] < wide + 4 * recurrent
    assert info["layers"]["lstm"] == info["layers"]["dense"] == 1
    assert info["provenance"] == {"licence": "mine"}
    assert info["training"] == {"steps": 7}
    assert (info["precision"], info["isa"]) == (net.precision, net.isa)
    json.dumps(info)  # nothing in it that JSON does not know


def test_training_record_that_is_no_json(net):
    plain = sketchrnn.from_arrays(
        net.arrays(), scale_factor=1, max_len=9, metadata={"training": "by hand"}
    )
    assert plain.info()["training"] == "by hand"
    none = sketchrnn.from_arrays(net.arrays(), scale_factor=1, max_len=9)
    assert none.info()["training"] is None


@pytest.mark.skipif(SHARED is None, reason=NO_SHARED)
def test_info_of_a_public_net():
    info = sketchrnn.load(SHARED / "official/dog.gen.json").info()
    assert info["total"] == 1_123_963
    assert {key: array["elements"] for key, array in info["arrays"].items()} == {
        "wx": 10_240,
        "wh": 1_048_576,
        "b": 2_048,
        "wo": 62_976,
        "bo": 123,
    }
    assert info["weight_bytes"] == 2 * 1_123_963
    assert "Magenta" in info["provenance"]["source"]


def texts(svg):
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_diagram(net, tmp_path):
    net.export(tmp_path / "net.svg")
    svg = net.export(format="diagram")
    assert (tmp_path / "net.svg").read_text(encoding="utf-8") == svg
    shown = texts(svg)
    for expected in (
        "Sketch-RNN: <cat & dog>\ufffd",
        "Wx  5 × 128",
        "Wh  32 × 128",
        "b  128  (f + 1)",
        "Wo  32 × 33",
        "bo  33",
        "σx, σy, 5 + 5",
    ):
        assert expected in shown
    assert any(f"{net.info()['total']:,} weights" in text for text in shown)
    ellipses = list(ET.fromstring(svg).iter(f"{SVG}ellipse"))
    first = net.predict()
    assert len(ellipses) == 2 * (first.pi >= 0.01 * first.pi.max()).sum()


def test_diagram_of_needle_sharp_mixtures(net):
    """Standard deviations that differ by 10^8 and correlations of 1 must not spoil it."""
    arrays = net.arrays()
    arrays["bo"][3 + 3 * 5 :] = [-20, -9, 0, 3, 6, -20, 9, 0, 3, 6, 20, -20, 0, 9, -9]
    sharp = sketchrnn.from_arrays(arrays, scale_factor=1, max_len=9)
    svg = sharp.export(format="diagram")
    ET.fromstring(svg)
    assert "nan" not in svg
    assert "inf" not in svg


def boxes(svg):
    """Rectangles (left, top, right, bottom) by the graph they are in."""
    for group in ET.fromstring(svg).findall(f"{SVG}g"):
        yield [
            (x, y, x + float(r.get("width")), y + float(r.get("height")))
            for r in group.iter(f"{SVG}rect")
            for x, y in [(float(r.get("x")), float(r.get("y")))]
        ]


def check_layout(svg):
    """Nothing overlaps, nothing lies outside the picture."""
    width = float(ET.fromstring(svg).get("width"))
    for graph in boxes(svg):
        for i, a in enumerate(graph):
            assert a[0] >= -0.1
            assert a[2] + 32 <= width + 1
            for b in graph[:i]:
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


def test_graph_of_mxnet(net, tmp_path):
    net.export(tmp_path / "net.json", length=50)
    svg = graph_svg(tmp_path / "net.json")
    document = json.loads((tmp_path / "net.json").read_text())
    everything = " ".join(texts(svg))
    for node in document["nodes"]:
        assert node["name"] in everything
    check_layout(svg)
    operators = [n for n in document["nodes"] if n["op"] != "null" or n["name"] == "data"]
    assert [len(graph) for graph in boxes(svg)] == [len(operators)]


@pytest.mark.parametrize("graph", ["step", "sequence", "sampler"])
def test_graph_of_onnx(net, tmp_path, graph):
    onnx = pytest.importorskip("onnx")
    net.export(tmp_path / "net.onnx", graph=graph)
    svg = graph_svg(tmp_path / "net.onnx")
    proto = onnx.load(tmp_path / "net.onnx").graph
    graphs = [proto]
    graphs += [a.g for node in proto.node for a in node.attribute if a.HasField("g")]
    assert len(graphs) == (2 if graph == "sampler" else 1)
    expected = [len(g.node) + len(g.input) for g in graphs]
    assert [len(found) for found in boxes(svg)] == expected
    everything = " ".join(texts(svg))
    for weight in proto.initializer:
        assert weight.name in everything
    check_layout(svg)


def test_graph_of_something_else(tmp_path):
    with pytest.raises(ValueError, match=r"\.onnx or \.json"):
        graph_svg(tmp_path / "net.txt")
