"""Arguments that make no sense: one exception that names the argument, and the net goes on."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import drawing_net
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import sketchrnn
from sketchrnn import DeviceError

ROW = [1.0, 2.0, 1.0, 0.0, 0.0]
END = [0.0, 0.0, 0.0, 0.0, 1.0]


@pytest.fixture(scope="module")
def net():
    return drawing_net()


@pytest.fixture(autouse=True)
def still_usable(net):
    before = net.draw(2, seed=5).strokes.tobytes()
    yield
    assert net.draw(2, seed=5).strokes.tobytes() == before


BAD_STROKES = {
    "flat": ([1.0, 2.0, 3.0], ValueError, r"shape \(n, 5\) or \(n, 3\)"),
    "four columns": (np.zeros((2, 4)), ValueError, r"found \(2, 4\)"),
    "three dimensions": (np.zeros((1, 2, 5)), ValueError, r"found \(1, 2, 5\)"),
    "a number": (3.0, ValueError, "expected an array of shape"),
    "ragged": ([[1.0], [1.0, 2.0]], ValueError, "rectangular"),
    "text": ("abc", TypeError, "dtype"),
    "strings": (np.array([["1", "2", "1", "0", "0"]]), TypeError, "dtype"),
    "complex": (np.array([ROW], complex), TypeError, "complex"),
    "objects": (np.array([ROW], object), TypeError, "object"),
    "None": (None, TypeError, "object"),
    "nan": ([ROW, [np.nan, 0, 1, 0, 0]], ValueError, "row 1: offsets must be finite"),
    "inf": ([[0, np.inf, 1, 0, 0]], ValueError, "row 0: offsets must be finite"),
    "beyond float32": (np.array([[1e300, 0, 1, 0, 0]]), ValueError, "finite"),
    "no pen": ([[1, 2, 0, 0, 0]], ValueError, "row 0: pen states"),
    "two pens": ([ROW, ROW, [1, 2, 1, 1, 0]], ValueError, "row 2: pen states"),
    "half a pen": ([[1, 2, 0.5, 0.5, 0]], ValueError, "row 0: pen states"),
    "pen nan": ([[1, 2, np.nan, 0, 0]], ValueError, "row 0: pen states"),
    "pen -1": ([[1, 2, 1, 1, -1]], ValueError, "row 0: pen states"),
    "stroke-3 pen 2": ([[1, 2, 2]], ValueError, "row 0: pen"),
    "stroke-3 nan": ([[np.nan, 2, 0]], ValueError, "row 0: offsets must be finite"),
}


@pytest.mark.parametrize("name", BAD_STROKES)
def test_strokes(net, name):
    value, error, message = BAD_STROKES[name]
    for call in (
        net.predict,
        net.complete,
        net.state().feed,
        sketchrnn.Sketch,
        lambda v: net.score([v]),
    ):
        with pytest.raises(error, match=message):
            call(value)
    with pytest.raises(error, match="^drawing 1: .*" + message.replace("stroke-3: ", "")):
        net.score([[ROW, ROW, END], value])


def test_strokes_of_other_layouts(net):
    """What is right but laid out otherwise is taken: order, byte order, dtype, not writeable."""
    rows = np.array([ROW, [3, -4, 0, 1, 0]] * 3)
    expected = net.predict(rows.astype(np.float32)).raw
    other = np.zeros((12, 10), np.float32)
    other[::2, ::2] = rows
    read_only = rows.astype(np.float32)
    read_only.flags.writeable = False
    for same in (
        rows.tolist(),
        rows.astype(np.int64),
        rows.astype(">f8"),
        np.asfortranarray(rows),
        other[::2, ::2],
        rows.astype(np.float32)[::-1][::-1],
        read_only,
        rows.astype(np.float16),
    ):
        np.testing.assert_array_equal(net.predict(same).raw, expected)


def test_ended_drawings(net):
    for call in (net.complete, lambda v: net.complete(v, 5)):
        with pytest.raises(ValueError, match="ended"):
            call([ROW, END])
    state = net.state().feed([ROW, END])
    with pytest.raises(ValueError, match="ended"):
        state.step()
    state.reset()
    state.step()
    with pytest.raises(ValueError, match="row 1 follows"):
        sketchrnn.Sketch([END, ROW])
    with pytest.raises(ValueError, match="drawing 1: row 1 follows its end"):
        net.score([[ROW, END], [END, ROW]])


def test_empty(net):
    assert len(net.predict().pi) == net.mixtures
    assert len(net.predict(np.zeros((0, 5))).pi) == net.mixtures
    with pytest.raises(ValueError, match="drawing 1: empty"):
        net.score([[ROW, END], np.zeros((0, 5))])
    assert len(net.score([])) == 0
    assert np.isnan(net.score([]).per_point)
    none = net.draw(0)
    assert (len(none), none.strokes.shape, none.offsets.tolist()) == (0, (0, 5), [0])


@pytest.mark.parametrize("value", [-0.1, -1e-30, np.nan, np.inf, -np.inf, float("1e999")])
@pytest.mark.parametrize("name", ["temperature", "softmax_temperature"])
def test_temperature_out_of_range(net, name, value):
    for call in (
        lambda **kw: net.draw(2, **kw),
        lambda **kw: net.complete([ROW], **kw),
        lambda **kw: net.predict().sample(**kw),
    ):
        with pytest.raises(ValueError, match=f"^{name}: expected a finite number of at least 0"):
            call(**{name: value})
    with pytest.raises(ValueError, match=f"^{name}: expected a finite number of at least 0"):
        net.state().step(**{name: value})


@pytest.mark.parametrize("value", ["0.4", b"1", [0.4, 0.5], {}, 1j, object()])
def test_temperature_of_another_type(net, value):
    for call in (net.draw, net.predict().sample, net.state().step):
        with pytest.raises(TypeError, match=r"^temperature: expected a"):
            call(temperature=value)


@pytest.mark.parametrize("value", [0, 1, np.float32(0.5), np.array(0.25), np.int8(1), True, 1e6])
def test_temperature_of_any_number(net, value):
    net.draw(2, temperature=value, max_len=5)
    net.state().step(value)


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"n": -1}, ValueError, "^n: expected an integer"),
        ({"n": 2**64}, ValueError, "^n: "),
        ({"n": 2**63}, ValueError, "^n: "),
        ({"n": 1.5}, TypeError, "^n: expected an integer"),
        ({"n": "3"}, TypeError, "^n: expected an integer"),
        ({"seed": -1}, ValueError, "^seed: expected an integer from 0"),
        ({"seed": 2**64}, ValueError, "^seed: expected an integer from 0"),
        ({"seed": 0.5}, TypeError, "^seed: expected an integer"),
        ({"seed": "7"}, TypeError, "^seed: expected an integer"),
        ({"index": -1}, ValueError, "^index: expected an integer from 0"),
        ({"index": 2**64}, ValueError, "^index: expected an integer from 0"),
        ({"max_len": 0}, ValueError, "^max_len: expected an integer from 1"),
        ({"max_len": -5}, ValueError, "^max_len: expected an integer from 1"),
        ({"max_len": 2**32}, ValueError, "^max_len: expected an integer from 1"),
        ({"max_len": 10.0}, TypeError, "^max_len: expected an integer"),
        ({"threads": 0}, ValueError, "^threads: expected an integer from 1"),
        ({"threads": -1}, ValueError, "^threads: expected an integer from 1"),
        ({"threads": 10**6}, ValueError, "^threads: expected an integer from 1"),
        ({"threads": 2.0}, TypeError, "^threads: expected an integer"),
    ],
)
def test_draw(net, kwargs, error, message):
    with pytest.raises(error, match=message):
        net.draw(**{"n": 3, **kwargs})
    with pytest.raises(error, match=message):
        net.complete([ROW], **{"n": 3, **kwargs})


def test_complete_longer_than_max_len(net):
    with pytest.raises(ValueError, match="max_len: expected more than the 5 rows given, found 5"):
        net.complete([ROW] * 5, max_len=5)
    assert len(net.complete([ROW] * 5, max_len=6)) == 6
    assert len(net.complete([ROW] * (net.max_len + 3))) > net.max_len + 3


def test_sample_size(net):
    d = net.predict()
    # 2^64 / 5 rounded up: five numbers a row would wrap around to a handful.
    for size in (-1, 2**62, 3689348814741910324, 2**64):
        with pytest.raises(ValueError, match="size"):
            d.sample(size=size)
    with pytest.raises(TypeError, match="size"):
        d.sample(size=2.5)
    assert d.sample(size=0).shape == (0, 5)


def test_log_prob(net):
    d = net.predict()
    for bad in ([1.0], np.zeros((2, 4)), [[np.nan, 0]], [[0, 0, 1, 1, 0]], [[0, 0, 3]]):
        with pytest.raises(ValueError, match=r"points|stroke"):
            d.log_prob(bad)
    with pytest.raises(TypeError, match="points"):
        d.log_prob([["a", "b"]])
    with pytest.raises(ValueError, match="grid"):
        d.density(np.zeros((3, 3)))


@pytest.mark.parametrize(
    "name", ["", "cat\0", "../../etc/passwd", "pigg", ".", "..", "ПИГ", "a" * 10_000, "x\ud800"]
)
def test_unknown_name(name):
    with pytest.raises((ValueError, FileNotFoundError)):
        sketchrnn.load(name)


@pytest.mark.parametrize("name", [3, 1.5, [], b"pig"])
def test_name_of_another_type(name):
    with pytest.raises(TypeError):
        sketchrnn.load(name)


def test_load_options():
    small = {"trained": False, "hidden_size": 4, "mixtures": 1}
    for name in ("hidden_size", "mixtures"):
        for value in (0, -1, 10**9):
            with pytest.raises(ValueError, match=name):
                sketchrnn.load(**{**small, name: value})
        with pytest.raises(TypeError, match=name):
            sketchrnn.load(**{**small, name: 2.5})
        with pytest.raises(ValueError, match="hidden_size and mixtures"):
            sketchrnn.load("pig", **{name: 4})
    with pytest.raises(ValueError, match="precision"):
        sketchrnn.load(**small, precision="f33")
    with pytest.raises(ValueError, match="device"):
        sketchrnn.load(**small, device="abacus")
    with pytest.raises(ValueError, match="seed"):
        sketchrnn.load(**small, seed=-1)
    if not sketchrnn.build_info()["devices"]["cuda"]["usable"]:
        with pytest.raises(DeviceError):
            sketchrnn.load(**small, device="cuda")


@pytest.mark.parametrize("value", ["sse9", "AVX2", " ", "neon"])
def test_unknown_isa(monkeypatch, value):
    if value in [i for i, info in sketchrnn.build_info()["isas"].items() if info["usable"]]:
        pytest.skip(f"{value} works here")
    monkeypatch.setenv("SKETCHRNN_ISA", value)
    with pytest.raises(ValueError, match=r"SKETCHRNN_ISA: expected one of .*portable.*found"):
        drawing_net()
    info = sketchrnn.build_info()
    assert info["isa"] is None
    assert value in info["isa_error"]


def test_save(net, tmp_path):
    with pytest.raises(ValueError, match=r"\.safetensors"):
        net.save(tmp_path / "net.bin")
    with pytest.raises(OSError, match="missing"):
        net.save(tmp_path / "missing" / "net.safetensors")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"\.svg"):
        net.draw(seed=1).save(tmp_path / "sketch.xyz")


@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=1, max_dims=3, max_side=6),
        elements=st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e38, np.inf, np.nan, 7.0]).map(np.float32),
    )
)
@settings(max_examples=300, deadline=None)
def test_any_array(array):
    """Rows are taken and give a distribution, or one ValueError says why not."""
    net = drawing_net(8, 2)
    try:
        state = net.state(seed=1).feed(array)
    except ValueError as error:
        assert str(error).startswith(("strokes", "stroke-3"))  # noqa: PT017
        return
    with np.errstate(all="ignore"):
        assert state.predict().raw.shape == (15,)
        assert state.position == len(array)


@given(
    seed=st.integers(0, 2**64 - 1),
    temperature=st.floats(0, 100),
    softmax=st.none() | st.floats(0, 100),
    max_len=st.integers(1, 50),
    threads=st.integers(1, 3),
    n=st.integers(0, 40),
)
@settings(max_examples=150, deadline=None)
def test_any_good_arguments(seed, temperature, softmax, max_len, threads, n):
    """Every drawing is well formed whatever is asked for."""
    sketches = drawing_net(8, 2).draw(
        n,
        seed=seed,
        temperature=temperature,
        softmax_temperature=softmax,
        max_len=max_len,
        threads=threads,
    )
    assert len(sketches) == n
    assert sketches.offsets[0] == 0
    assert sketches.offsets[-1] == len(sketches.strokes)
    assert np.isfinite(sketches.strokes).all()
    assert (sketches.strokes[:, 2:].sum(axis=1) == 1).all()
    for sketch in sketches:
        assert 1 <= len(sketch) <= max_len
        ends = np.flatnonzero(sketch.strokes[:, 4])
        assert ends.tolist() == ([len(sketch) - 1] if sketch.finished else [])
        assert sketch.finished or len(sketch) == max_len
