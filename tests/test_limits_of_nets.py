"""Nets that no 8 bits can hold, and results that no memory can."""

from __future__ import annotations

import time

import broken
import numpy as np
import pytest

import sketchrnn
from sketchrnn import WeightsError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SKETCHRNN_HOME", str(tmp_path / "home"))


def path_of(tmp_path, **changed):
    rng = np.random.default_rng(1)
    arrays = {
        "wx": rng.normal(0, 0.5, (5, 32)).astype(np.float32),
        "wh": rng.normal(0, 0.5, (8, 32)).astype(np.float32),
        "b": np.zeros(32, np.float32),
        "wo": rng.normal(0, 0.5, (8, 9)).astype(np.float32),
        "bo": np.zeros(9, np.float32),
    }
    for key, change in changed.items():
        change(arrays[key])
    path = tmp_path / "net.safetensors"
    path.write_bytes(broken.pack(arrays, name="net", scale_factor=1.0, max_len=50))
    return path


def column(value):
    def change(wh):
        wh[:, 3] = value

    return change


@pytest.mark.parametrize("value", [1e-45, 1e-43, 1e-40])
def test_tiny_column_in_i8(tmp_path, value):
    """Its step is 0 in float32: NaN converted to int16 it was, zeros it is."""
    net = sketchrnn.load(path_of(tmp_path, wh=column(value)), precision="i8")
    assert np.isfinite(net.draw(20, seed=1).strokes).all()


def test_large_column_in_i8(tmp_path):
    """The message speaks of the array in the user's file."""
    with pytest.raises(WeightsError, match=r'net\.safetensors: array "wh": column 3 '):
        sketchrnn.load(path_of(tmp_path, wh=column(1e30)), precision="i8")


def test_own_drawings_overflow_in_i8(tmp_path):
    path = path_of(tmp_path, bo=lambda bo: bo.__setitem__(slice(4, 8), 1e30))
    with pytest.raises(WeightsError, match=r"net\.safetensors: precision i8.*not finite"):
        sketchrnn.load(path, precision="i8")
    with pytest.raises(ValueError, match="not finite"):
        sketchrnn.load(path).draw(100, seed=1)


def test_results_beyond_memory():
    net = sketchrnn.load(trained=False, hidden_size=8, mixtures=1)
    begun = time.monotonic()
    with pytest.raises(MemoryError, match=r"n: the result takes at least 2.8e\+04 GB"):
        net.draw(10**12)
    with pytest.raises(MemoryError, match="n: "):
        net.complete([[1, 1, 1, 0, 0]], 10**12)
    with pytest.raises(MemoryError, match="size: "):
        net.predict().sample(size=10**12)
    assert time.monotonic() - begun < 5
