"""The integer precisions: same bits everywhere, and what they cost on real drawings."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from conftest import drawing_net
from real_drawings import NO_SHARED, SHARED, real_drawings
from reference import Reference

import sketchrnn
from sketchrnn import _core
from sketchrnn.nets import cache
from sketchrnn.nets.safetensors import with_i8

INTEGER = ("i16", "i8")
ISAS = [name for name, _, usable, _ in _core.isas() if usable]


def small_net(tmp_path, hidden=70, mixtures=3):
    """A net of awkward size: no multiple of a word, a panel or a vector."""
    path = tmp_path / "small.safetensors"
    sketchrnn.load(trained=False, hidden_size=hidden, mixtures=mixtures, seed=3).save(path)
    return path


@pytest.mark.parametrize("precision", INTEGER)
def test_same_bits_on_every_isa(precision, tmp_path, monkeypatch):
    path = small_net(tmp_path)
    drawn = {}
    for isa in ISAS:
        monkeypatch.setenv("SKETCHRNN_ISA", isa)
        net = sketchrnn.load(path, precision=precision)
        assert (net.precision, net.isa) == (precision, isa)
        drawn[isa] = net.draw(60, seed=5, max_len=30, threads=2)
    first = drawn[ISAS[0]]
    assert len(first.strokes) > 100
    for isa in ISAS:
        assert np.array_equal(drawn[isa].strokes, first.strokes), isa


@pytest.mark.parametrize("precision", ["f32", *INTEGER])
def test_same_bits_alone_in_a_batch_and_divided(precision, tmp_path):
    net = sketchrnn.load(small_net(tmp_path), precision=precision)
    batch = net.draw(60, seed=1, max_len=40, threads=2)
    longest = int(batch.lengths.argmax())
    assert batch.lengths[longest] > 5
    for k in (0, longest, 59):
        for threads in (1, 2):
            assert net.draw(seed=1, index=k, max_len=40, threads=threads) == batch[k]
    expected = batch[longest].strokes
    state = net.state(seed=1, index=longest, threads=2)
    assert np.array_equal([state.step(0.4) for _ in expected], expected)
    twin = net.state(seed=1, index=longest, threads=2).feed(expected[:5]).copy()
    assert np.array_equal(twin.step(0.4), expected[5])


@pytest.mark.parametrize("hidden", [1, 2, 3, 5, 129, 300])
def test_integer_precisions_follow_float32(hidden):
    """Random weights, teacher forcing: outputs within what 12 and 7 bits of h can give."""
    exact = sketchrnn.load(trained=False, hidden_size=hidden, mixtures=2, seed=hidden)
    rows = exact.draw(seed=2, max_len=60).strokes
    offsets = np.array([0, len(rows)])
    z = exact._core.forward(rows, offsets, 1)
    spread = np.abs(z).max()
    # A unit's rounding error is half its step: relative 2^-12 (i16) and 2^-8
    # (i8), with weights rounded likewise; the recurrence may add some of them up.
    for precision, bound in (("i16", 2**-9), ("i8", 2**-4)):
        net = sketchrnn.load(
            trained=False, hidden_size=hidden, mixtures=2, seed=hidden, precision=precision
        )
        error = np.abs(net._core.forward(rows, offsets, 1) - z).max()
        assert error <= bound * spread, precision


def stored_in_8_bits(hidden=70, mixtures=3):
    """A net whose file has 8-bit recurrent weights, and these weights."""
    container = drawing_net(hidden, mixtures).container
    rng = np.random.default_rng(4)
    q = rng.integers(-127, 128, (hidden, 4 * hidden)).astype(np.int8)
    scale = (rng.uniform(0.5, 1.5, 4 * hidden) / (64 * np.sqrt(hidden))).astype(np.float32)
    return with_i8(container, q, scale), q * scale


def test_weights_stored_in_8_bits_are_these_weights(isa, tmp_path):
    """The oracle over q · scale, in one stream and in many: narrow and widened weights."""
    container, wh = stored_in_8_bits()
    path = tmp_path / "eight.safetensors"
    path.write_bytes(container)
    net = sketchrnn.load(path)
    np.testing.assert_array_equal(net.arrays()["wh"], wh)
    arrays = {name: array.astype(float) for name, array in net.arrays().items()}
    reference = Reference(**arrays, scale_factor=net.scale_factor, start_token=net.start_token)
    batch = net.draw(40, seed=3, max_len=30, temperature=0.8)
    rows = batch[0].strokes.astype(float)
    z = net._core.forward(batch.strokes, batch.offsets, 1)
    # float32 against float64, as in test_parity.
    np.testing.assert_allclose(z[: len(rows)], reference.forward(rows), rtol=0, atol=2e-5)
    state = net.state(seed=3)
    for k, row in enumerate(batch[0].strokes):
        np.testing.assert_array_equal(state.predict().raw, z[k])
        state.feed(row[None])
    for k in range(40):
        assert net.draw(seed=3, index=k, max_len=30, temperature=0.8) == batch[k]
    info = net.info()
    assert set(info["arrays"]) == {"wx", "wh", "b", "wo", "bo"}
    assert info["arrays"]["wh"]["bytes"] == wh.size + 4 * wh.shape[1]
    assert info["packed_bytes"] < 4 * info["total"] + 4 * wh.size
    net.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == container


def test_weights_stored_in_8_bits_on_every_isa_and_precision(tmp_path, monkeypatch):
    path = tmp_path / "eight.safetensors"
    path.write_bytes(stored_in_8_bits()[0])
    for precision in ("f32", *INTEGER):
        drawn = set()
        for isa in ISAS:
            monkeypatch.setenv("SKETCHRNN_ISA", isa)
            net = sketchrnn.load(path, precision=precision)
            assert net.info()["precision"] == precision
            drawn.add(net.draw(50, seed=5, max_len=30, temperature=0.8).strokes.tobytes())
        assert len(drawn) == 1


def test_calibrations_of_8_bits_are_rounded_to_7(tmp_path, monkeypatch):
    """Files from before: no kernel may meet a weight beyond ±63."""
    hidden = 70
    container = drawing_net(hidden, 3).container
    rng = np.random.default_rng(4)
    q = rng.integers(-127, 128, (hidden, 4 * hidden)).astype(np.int8)
    q[:, :9] = np.clip(q[:, :9], -63, 63)  # columns that are 7 bits already
    q[0, 9:] = 127
    scale = np.full(4 * hidden, 1.0 / (127 * 64 * np.sqrt(hidden)), np.float32)
    h_scale = np.full(hidden, 127.0, np.float32)
    halved = q.copy()
    halved[:, 9:] = np.clip(np.rint(q[:, 9:] / 2), -63, 63)
    doubled = scale.copy()
    doubled[9:] *= 2
    drawn = set()
    for name, made in (
        ("old", with_i8(container, q, scale, h_scale)),
        ("new", with_i8(container, halved, doubled, h_scale)),
    ):
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(made)
        for isa in ISAS:
            monkeypatch.setenv("SKETCHRNN_ISA", isa)
            net = sketchrnn.load(path, precision="i8")
            drawn.add(net.draw(50, seed=5, max_len=30, temperature=0.8).strokes.tobytes())
    assert len(drawn) == 1


def test_calibration_gives_the_integers_that_caches_hold():
    """If these change on purpose, raise cache._CALIBRATION with them."""
    # A net that no training changes.
    made = sketchrnn.load(trained=False, seed=3, hidden_size=96, mixtures=20)
    parts = _core.calibrated(made.container, "made")
    digest = hashlib.sha256(b"".join(part.tobytes() for part in parts.values())).hexdigest()
    assert (cache._CALIBRATION, digest[:16]) == (3, "a9e4a29fd2e4ff55")


def test_unknown_precision():
    with pytest.raises(ValueError, match="precision: expected one of f32, i16, i8"):
        sketchrnn.load(trained=False, precision="i4")


@pytest.mark.skipif(SHARED is None, reason=NO_SHARED)
def test_cost_on_real_drawings():
    """Cell nats per point against float32 on the public nets, the bounds of docs/design.md.

    The oracle's measure on the net's own outputs: float32 itself is held to float64 elsewhere.
    """
    cost = {precision: [] for precision in INTEGER}
    for path in sorted((SHARED / "official").glob("*.gen.json")):
        reference = Reference.from_gen_json(path)
        name = path.name.removesuffix(".gen.json")
        drawings = [d[: reference.max_len] for d in real_drawings(name, 14)]
        rows = np.concatenate(drawings)
        offsets = np.concatenate([[0], np.cumsum([len(d) for d in drawings])])
        nats = {}
        for precision in ("f32", *INTEGER):
            z = sketchrnn.load(path, precision=precision)._core.forward(rows, offsets, 2)
            nats[precision] = reference.cell_nats(rows.astype(float), z).mean()
        for precision in INTEGER:
            cost[precision].append(nats[precision] - nats["f32"])
    assert abs(np.mean(cost["i16"])) < 2e-4
    assert np.max(np.abs(cost["i16"])) < 1e-3
    assert np.mean(cost["i8"]) <= 0.005
    assert np.max(cost["i8"]) <= 0.015
