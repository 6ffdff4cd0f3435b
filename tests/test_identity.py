"""One seed, one drawing: the same bits alone or in any batch, on any thread, lane and ISA.

Nets are small and random where that is enough; the public ones confirm it on real drawings.
"""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ISAS, PRECISIONS, drawing_net

import sketchrnn
from sketchrnn import _core

SEED = 20_17
# What the single drawings are held against: temperature and the drawings' greatest length.
OPTIONS = {"temperature": 0.8, "max_len": 60}


def same(a, b):
    return a.strokes.tobytes() == b.strokes.tobytes()


def lanes_of(net, lanes, threads, count, index=0):
    """draw() with a number of lanes of our choosing."""
    options = _core.DrawOptions(
        count=count,
        temperature=0.8,
        seed=SEED,
        index=index,
        max_len=60,
        threads=threads,
        lanes=lanes,
    )
    return net._core.draw(options, np.zeros((0, 5), np.float32))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_thousand_drawings_equal_thousand_single_ones(isa, precision):
    net = drawing_net(precision=precision)
    assert net.precision == precision
    count = 1000 if isa != "portable" else 150
    batch = net.draw(count, seed=SEED, threads=1, **OPTIONS)
    lengths = set(batch.lengths.tolist())
    assert len(lengths) > 20, "drawings must end at different rows, else no lane is ever refilled"
    for threads in (2, 5):
        again = net.draw(count, seed=SEED, threads=threads, **OPTIONS)
        assert same(again, batch)
        np.testing.assert_array_equal(again.offsets, batch.offsets)
    for k in range(count):
        assert same(net.draw(seed=SEED, index=k, threads=1, **OPTIONS), batch[k]), k


@pytest.mark.parametrize("name", ["bicycle", "mosquito"])
def test_public_net(shared, name, monkeypatch):
    """The same on real nets: 1000 drawings that end by themselves, then the other ISAs."""
    path = shared / "official" / f"{name}.gen.json"
    net = sketchrnn.load(path)
    batch = net.draw(1000, seed=SEED, temperature=0.5, threads=2)
    assert batch.finished.mean() > 0.5
    for k in range(0, 1000, 20):
        assert same(net.draw(seed=SEED, index=k, temperature=0.5, threads=1), batch[k])
    for isa in ISAS:
        monkeypatch.setenv("SKETCHRNN_ISA", isa)
        count = 100 if isa != "portable" else 4
        again = sketchrnn.load(path).draw(count, seed=SEED, temperature=0.5)
        assert same(again, batch[:count])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_isa_draws_the_same(monkeypatch, precision):
    drawn = {}
    for isa in ISAS:
        monkeypatch.setenv("SKETCHRNN_ISA", isa)
        sketches = drawing_net(33, 5, precision=precision).draw(100, seed=SEED, **OPTIONS)
        drawn[isa] = sketches.strokes.tobytes()
    assert len(set(drawn.values())) == 1, list(drawn)


@pytest.mark.parametrize("lanes", [1, 2, 3, 5, 7, 16, 47, 64, 200])
@pytest.mark.parametrize("threads", [1, 2])
def test_lanes(isa, lanes, threads):
    net = drawing_net(24, 2)
    count = 120 if isa != "portable" else 30
    expected_rows, expected_offsets = lanes_of(net, 0, 1, count)
    rows, offsets = lanes_of(net, lanes, threads, count)
    assert rows.tobytes() == expected_rows.tobytes()
    np.testing.assert_array_equal(offsets, expected_offsets)


@pytest.mark.parametrize("temperature", [0.0, 0.3, 1.5])
def test_stepping_draws_the_same(isa, temperature):
    net = drawing_net()
    for index in (0, 3, 2**40):
        sketch = net.draw(seed=SEED, index=index, temperature=temperature, max_len=40)
        state = net.state(seed=SEED, index=index)
        rows = []
        while not state.finished and len(rows) < 40:
            rows.append(state.step(temperature))
        np.testing.assert_array_equal(np.array(rows), sketch.strokes)
        assert state.position == len(rows)


def test_softmax_temperature_reaches_every_path():
    net = drawing_net()
    kwargs = {"temperature": 0.2, "softmax_temperature": 0.6}
    sketch = net.draw(seed=SEED, max_len=30, **kwargs)
    assert not same(sketch, net.draw(seed=SEED, max_len=30, temperature=0.2))
    state = net.state(seed=SEED)
    rows = np.array([state.step(**kwargs) for _ in range(len(sketch))])
    np.testing.assert_array_equal(rows, sketch.strokes)
    assert same(net.complete(sketch.strokes[:5], seed=SEED, max_len=30, **kwargs), sketch)


@pytest.mark.parametrize("prefix", [0, 1, 2, 17, 39])
def test_completing_the_start_of_a_drawing_gives_it_back(isa, prefix):
    net = drawing_net()
    for index in range(8):
        sketch = net.draw(seed=SEED, index=index, temperature=0.6, max_len=40)
        if len(sketch) <= prefix:  # ended earlier
            continue
        given = sketch.strokes[:prefix].copy()
        again = net.complete(given, seed=SEED, index=index, temperature=0.6, max_len=40)
        assert same(again, sketch)
    ways = net.complete(given, 9, seed=1, temperature=0.6, max_len=45)
    assert len(ways) == 9
    for way in ways:
        np.testing.assert_array_equal(way.strokes[:prefix], given)
    assert len({way.strokes.tobytes() for way in ways}) == 9


def test_a_slice_of_a_seed():
    net = drawing_net()
    whole = net.draw(15, seed=SEED, **OPTIONS)
    assert same(net.draw(5, seed=SEED, index=10, **OPTIONS), whole[10:])


def test_copies_go_their_own_ways():
    net = drawing_net()
    state = net.state(seed=SEED)
    start = [state.step(0.7) for _ in range(5)]
    twin = state.copy()
    ours = [state.step(0.7) for _ in range(10)]
    theirs = [twin.step(0.7) for _ in range(10)]
    np.testing.assert_array_equal(ours, theirs)
    state.reset()
    np.testing.assert_array_equal([state.step(0.7) for _ in range(5)], start)
    state.reset(seed=SEED + 1)
    assert not np.array_equal([state.step(0.7) for _ in range(5)], start)


def test_predict_is_the_same_by_every_road(isa):
    """One stream's state, feeding at once or row by row, and the batch kernel."""
    net = drawing_net(100, 7)
    rows = net.draw(seed=SEED, temperature=0.5, max_len=20).strokes
    z = net._core.forward(rows, np.array([0, len(rows)]), 1)
    state = net.state(seed=0)
    for t, row in enumerate(rows):
        np.testing.assert_array_equal(state.predict().raw, z[t])
        np.testing.assert_array_equal(net.predict(rows[:t]).raw, z[t])
        state.feed(row[None])
    many = np.concatenate([rows] * 30)
    offsets = np.arange(31) * len(rows)
    for threads in (1, 3):
        np.testing.assert_array_equal(
            net._core.forward(many, offsets, threads), np.concatenate([z] * 30)
        )


def test_saving_changes_nothing(tmp_path):
    net = drawing_net()
    net.save(tmp_path / "copy.safetensors")
    again = sketchrnn.load(tmp_path / "copy.safetensors")
    assert same(net.draw(20, seed=1, **OPTIONS), again.draw(20, seed=1, **OPTIONS))
    assert again.metadata == net.metadata


def test_converted_public_net(shared, tmp_path):
    net = sketchrnn.load(shared / "official" / "bird.gen.json")
    net.save(tmp_path / "bird.safetensors")
    again = sketchrnn.load(tmp_path / "bird.safetensors")
    assert same(net.draw(20, seed=1), again.draw(20, seed=1))
    for name, array in net.arrays().items():
        np.testing.assert_array_equal(array, again.arrays()[name])
