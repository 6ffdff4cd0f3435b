"""The integer precisions: same bits everywhere, and what they cost on real drawings."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from real_drawings import NO_SHARED, SHARED, real_drawings
from reference import Reference

import sketchrnn
from sketchrnn import _core, cache

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


def test_calibration_gives_the_integers_that_caches_hold():
    """If these change on purpose, raise cache._CALIBRATION with them."""
    parts = _core.quantise_i8(sketchrnn.load("pig").container, "pig")
    digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    assert (cache._CALIBRATION, digest[:16]) == (2, "6071146954942b01")


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
