"""A weights file that another process writes into, while it is loaded and afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import broken
import numpy as np
import pytest

import sketchrnn
from sketchrnn import WeightsError


def container(value, name="rewritten"):
    arrays = {
        "wx": np.full((5, 1024), value, np.float32),
        "wh": np.full((256, 1024), value, np.float32),
        "b": np.zeros(1024, np.float32),
        "wo": np.full((256, 9), value, np.float32),
        "bo": np.zeros(9, np.float32),
    }
    return broken.pack(arrays, name=name, scale_factor=1.0, max_len=9)


LOAD = """
import sys, time
import sketchrnn
loaded = refused = 0
end = time.monotonic() + 60
while (loaded < 20 or refused < 20) and time.monotonic() < end:
    for precision in ("f32", "i16"):
        try:
            net = sketchrnn.load(sys.argv[1], precision=precision)
            net.draw(3, seed=1)
            loaded += 1
        except sketchrnn.WeightsError:
            refused += 1
print(loaded >= 20, refused >= 20)
"""


def test_file_rewritten_while_it_is_loaded(tmp_path):
    """WeightsError or a net, never a signal (SIGBUS, where the file was mapped)."""
    path = tmp_path / "rewritten.safetensors"
    good = container(0.01)
    path.write_bytes(good)
    child = subprocess.Popen(
        [sys.executable, "-c", LOAD, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        with open(path, "r+b") as file:
            while child.poll() is None:
                for _ in range(50):
                    os.truncate(path, 4096)
                    os.pwrite(file.fileno(), good, 0)
                time.sleep(0.02)  # whole, for a while
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert (child.returncode, out, err) == (0, b"True True\n", b"")


def test_time_restored(tmp_path):
    """What is saved, and what the arrays are, is what was loaded."""
    path = tmp_path / "restored.safetensors"
    before, after = container(0.01), container(0.5)
    assert len(before) == len(after)
    path.write_bytes(before)
    stat = os.stat(path)
    net = sketchrnn.load(path)
    with open(path, "r+b") as file:
        file.write(after)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    copy = tmp_path / "copy.safetensors"
    try:
        net.save(copy)
    except WeightsError:
        assert not copy.exists()
    else:
        assert copy.read_bytes() == before
        assert (net.arrays()["wh"] == np.float32(0.01)).all()
        assert net.container == before


def test_sparse_file_of_a_terabyte(tmp_path):
    """Refused by its header: nothing is read or allocated for what follows."""
    path = tmp_path / "sparse.safetensors"
    path.write_bytes(container(0.01))
    os.truncate(path, 1 << 40)
    begun = time.monotonic()
    with pytest.raises(WeightsError, match="the file holds"):
        sketchrnn.load(path)
    assert time.monotonic() - begun < 5
