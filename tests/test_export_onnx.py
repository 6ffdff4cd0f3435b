"""ONNX graphs, run by ONNX Runtime and held against the core."""

import json

import numpy as np
import pytest
from real_drawings import NO_SHARED, SHARED, real_drawings

import sketchrnn

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from sketchrnn.nets.onnx import PARAMETERS, model  # noqa: E402

# The tolerance, of numbers up to 1 absolutely and of larger ones relatively, in net units:
# float32 sums of 512 products in another order. Measured on real drawings: 7e-6.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def net():
    """Large biases tell the gates apart; a start token that is not zero must be seen."""
    plain = sketchrnn.load(trained=False, hidden_size=32, mixtures=5, seed=1)
    arrays = plain.arrays()
    rng = np.random.default_rng(0)
    arrays["b"] = rng.normal(0, 1, arrays["b"].shape)
    arrays["bo"] = rng.normal(0, 1, arrays["bo"].shape)
    arrays["bo"][2] = -2  # a drawing ends after some ten rows
    return sketchrnn.from_arrays(
        arrays, scale_factor=7.0, max_len=60, start_token=(0.5, -1, 1, 0, 0), name="a net, tested"
    )


def session(proto):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(proto.SerializeToString(), options)


def run(session, **inputs):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def assert_same_mixture(net, found, distribution, at=()):
    for name in PARAMETERS:
        unit = net.scale_factor if name[:2] in ("mu", "si") else 1.0
        expected = getattr(distribution, name) / unit
        np.testing.assert_allclose(
            found[name][at] / unit, expected, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
        )


def some_drawing(net, seed):
    """Rows that the net drew, none of which ends the drawing."""
    rows = np.concatenate([s.strokes for s in net.draw(12, seed=seed, temperature=0.5)])
    return rows[rows[:, 4] == 0]


def check_step(net, rows):
    run_step = session(model(net, "step"))
    token = np.array(net.start_token, np.float32) * [net.scale_factor, net.scale_factor, 1, 1, 1]
    x = np.tile(token.astype(np.float32), (2, 1))
    h = c = np.zeros((2, net.hidden_size), np.float32)
    state = net.state(seed=0)
    for row in rows:
        out = run(run_step, x=x, h=h, c=c)
        h, c = out["h_next"], out["c_next"]
        for lane in range(2):
            assert_same_mixture(net, out, state.predict(), lane)
            np.testing.assert_allclose(h[lane], state.hidden, rtol=0, atol=TOLERANCE)
            np.testing.assert_allclose(c[lane], state.cell, rtol=TOLERANCE, atol=TOLERANCE)
        state.feed(row[None])
        x = np.tile(row, (2, 1))


def check_sequence(net, drawings):
    """Drawings of one length or several: the shorter ones get rows that do not matter."""
    longest = max(map(len, drawings))
    strokes = np.zeros((len(drawings), longest, 5), np.float32)
    strokes[..., 4] = 1
    for padded, drawing in zip(strokes, drawings, strict=True):
        padded[: len(drawing)] = drawing
    out = run(session(model(net, "sequence")), strokes=strokes)
    assert out["pi"].shape == (len(drawings), longest + 1, net.mixtures)
    for i, drawing in enumerate(drawings):
        state = net.state(seed=0)
        for t in range(len(drawing) + 1):
            assert_same_mixture(net, out, state.predict(), (i, t))
            if t < len(drawing):
                state.feed(drawing[t : t + 1])


def core_uniforms(seed, drawings, rows):
    """(rows, drawings, 4): the random numbers of csrc/philox.h, by its own generator."""
    out = np.empty((rows, drawings, 4), np.float32)
    key = (seed & 0xFFFFFFFF, seed >> 32)
    for t in range(rows):
        for k in range(drawings):
            w = sketchrnn._core.philox4x32_10((k, 0, t, 0), key)
            radius = (np.float32(w[2]) + np.float32(0.5)) * np.float32(2.0**-32)
            out[t, k] = (
                (w[0] >> 8) * 2.0**-24,
                (w[1] >> 8) * 2.0**-24,
                radius,
                (w[3] >> 8) * 2.0**-24,
            )
    return out


def check_sampler(net, count, rows, temperature):
    """The sampler draws what the core draws from the same random numbers."""
    uniforms = core_uniforms(5, count, rows)
    tau = np.array(temperature, np.float32)
    found = run(session(model(net, "sampler")), uniforms=uniforms, temperature=tau)["strokes"]
    expected = net.draw(count, seed=5, temperature=temperature, max_len=rows)
    assert found.shape == (count, expected.lengths.max(), 5)
    for drawn, sketch in zip(found, expected, strict=True):
        np.testing.assert_array_equal(drawn[: len(sketch), 2:], sketch.strokes[:, 2:])
        # Every point feeds the next one: rounding grows along the drawing. Measured: 3e-5.
        np.testing.assert_allclose(
            drawn[: len(sketch), :2] / net.scale_factor,
            sketch.strokes[:, :2] / net.scale_factor,
            rtol=1e-3,
            atol=1e-3,
        )
        assert (drawn[len(sketch) :] == [0, 0, 0, 0, 1]).all()
    return expected


def test_step(net):
    check_step(net, some_drawing(net, 3)[:40])


def test_sequence(net):
    check_sequence(net, [some_drawing(net, 3), some_drawing(net, 4)[:5]])


def test_sequence_of_no_rows(net):
    out = run(session(model(net, "sequence")), strokes=np.zeros((3, 0, 5), np.float32))
    for i in range(3):
        assert_same_mixture(net, out, net.predict(), (i, 0))


@pytest.mark.parametrize("temperature", [0.0, 0.4, 1.0, 3.0])
def test_sampler(net, temperature):
    expected = check_sampler(net, 6, 50, temperature)
    if temperature >= 0.4:  # some must end early, in different rows
        assert len(set(expected.lengths)) > 1
        assert expected.finished.any()


def test_sampler_stops_when_all_have_ended(net):
    arrays = net.arrays()
    arrays["bo"][2] = 50
    ending = sketchrnn.from_arrays(arrays, scale_factor=1.0, max_len=9)
    out = run(
        session(model(ending, "sampler")),
        uniforms=np.full((9, 3, 4), 0.5, np.float32),
        temperature=np.array(1, np.float32),
    )["strokes"]
    assert out.shape == (3, 1, 5)


def test_sampler_takes_uniforms_of_zero(net):
    out = run(
        session(model(net, "sampler")),
        uniforms=np.zeros((4, 1, 4), np.float32),
        temperature=np.array(1, np.float32),
    )["strokes"]
    assert np.isfinite(out).all()


def test_file_and_its_facts(net, tmp_path):
    path = tmp_path / "net.onnx"
    net.export(path, graph="sequence")
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    facts = {p.key: p.value for p in proto.metadata_props}
    assert facts["name"] == net.name
    assert float(facts["scale_factor"]) == net.scale_factor
    assert json.loads(facts["start_token"]) == [3.5, -7, 1, 0, 0]
    assert {v.name for v in proto.graph.input} == {"strokes"}
    net.export(path)
    assert {v.name for v in onnx.load(path).graph.input} == {"x", "h", "c"}


def test_every_node_has_a_name_of_its_own(net):
    for graph in ("step", "sequence", "sampler"):
        names = [node.name for node in model(net, graph).graph.node]
        assert len(set(names)) == len(names)


def test_unknown_graph(net, tmp_path):
    with pytest.raises(ValueError, match="graph: expected one of step, sequence, sampler"):
        net.export(tmp_path / "net.onnx", graph="steps")
    assert not (tmp_path / "net.onnx").exists()


def test_missing_package(net, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'sketchrnn\[export\]'"):
        net.export(tmp_path / "net.onnx")


@pytest.mark.skipif(SHARED is None, reason=NO_SHARED)
def test_public_net_on_real_drawings():
    public = sketchrnn.load(SHARED / "official/sheep.gen.json")
    drawings = real_drawings("sheep", 3)
    check_sequence(public, drawings)
    check_step(public, drawings[0])
    # Not the whole length: sooner or later a uniform lies so near to a boundary between categories
    # that rounding decides, and the drawing goes another way (here one of 12, after row 136).
    check_sampler(public, 12, 100, 0.2)
