"""8-bit weights kept between runs: those of this very net, or made anew."""

import os
import signal

import numpy as np
import pytest
from conftest import drawing_net

import sketchrnn


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """Two nets as files, and the folder that the cache has."""
    monkeypatch.setenv("SKETCHRNN_HOME", os.fspath(tmp_path / "home"))
    for seed in (1, 2):
        drawing_net(seed=seed).save(tmp_path / f"{seed}.safetensors")
    signal.alarm(120)  # what waits for ever fails here
    yield tmp_path
    signal.alarm(0)


def drawn(path):
    net = sketchrnn.load(path, precision="i8")
    return net.name, net.draw(5, seed=1).strokes


def entry(folder, path):
    before = set((folder / "home").glob("*"))
    drawn(path)
    (made,) = set((folder / "home").glob("*")) - before
    return made


def test_what_is_damaged_or_exchanged_is_made_anew(nets):
    first, second = (nets / f"{seed}.safetensors" for seed in (1, 2))
    kept, other = entry(nets, first), entry(nets, second)
    good, foreign = kept.read_bytes(), other.read_bytes()
    name, strokes = drawn(first)
    assert not np.array_equal(strokes[:9], drawn(second)[1][:9])
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    swapped = good[:64] + foreign[64:]
    for data in (foreign, bytes(flipped), swapped, good[:-1], good + b"x", good[:64], b"", b"{}"):
        kept.write_bytes(data)
        again = drawn(first)
        assert again[0] == name
        assert np.array_equal(again[1], strokes)
        assert kept.read_bytes() == good  # and kept again


def test_what_is_no_file_is_replaced_and_never_opened(nets):
    path = nets / "1.safetensors"
    kept = entry(nets, path)
    good, strokes = kept.read_bytes(), drawn(path)[1]
    (nets / "victim").write_text("precious")
    for make in (
        os.mkfifo,
        lambda at: os.symlink("/dev/zero", at),
        lambda at: os.symlink(nets / "victim", at),
        lambda at: os.symlink(nets / "nothing", at),
    ):
        kept.unlink()
        make(kept)
        assert np.array_equal(drawn(path)[1], strokes)
        assert not kept.is_symlink()
        assert kept.read_bytes() == good
    assert (nets / "victim").read_text() == "precious"
    assert not (nets / "nothing").exists()
    kept.unlink()
    kept.mkdir()
    assert np.array_equal(drawn(path)[1], strokes)
