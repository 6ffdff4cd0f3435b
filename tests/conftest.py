"""What the tests share: the machine's instruction sets, the nets and drawings they run on.

Tests need nothing beside the repository. With the environment variable SKETCHRNN_SHARED naming the
folder of public nets and QuickDraw drawings (``official/``, ``quickdraw/``) they also run on those.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import json
import os
import signal
import subprocess
import threading
from pathlib import Path

# The oracle's matrix-vector products are too small for BLAS threads, which only wait for another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest

import sketchrnn
from sketchrnn import _core
from sketchrnn.nets.safetensors import pack

# Where the tests are started with SIGINT ignored (`nohup … &`), their children would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)

OFFICIAL = [
    "ambulance",
    "ant",
    "bear",
    "bicycle",
    "bird",
    "dog",
    "monkey",
    "mosquito",
    "rabbit",
    "sheep",
]  # those in SKETCHRNN_SHARED/official

PRECISIONS = sketchrnn.build_info()["precisions"]

ISAS = [name for name, _, usable, _ in _core.isas() if usable]


@contextlib.contextmanager
def child_process(command, *, seconds, **options):
    """A process that is gone after the block, and killed in it when it takes longer than that."""
    with subprocess.Popen(command, **options) as child:
        watchdog = threading.Timer(seconds, child.kill)
        watchdog.start()
        try:
            yield child
        finally:
            watchdog.cancel()
            child.kill()


def pytest_report_header(config: pytest.Config) -> str:
    shared = os.environ.get("SKETCHRNN_SHARED", "not set: tests on public nets are skipped")
    return f"sketchrnn: instruction sets {', '.join(ISAS)}; SKETCHRNN_SHARED {shared}"


@pytest.fixture(params=ISAS)
def isa(request, monkeypatch):
    """Each instruction set that this machine has, forced for nets loaded in the test."""
    monkeypatch.setenv("SKETCHRNN_ISA", request.param)
    return request.param


@pytest.fixture(scope="session")
def shared():
    path = os.environ.get("SKETCHRNN_SHARED")
    if not path:
        pytest.skip("SKETCHRNN_SHARED is not set: no public nets or drawings here")
    return Path(path)


@pytest.fixture(params=OFFICIAL)
def official(request, shared):
    """The path of each public net."""
    return shared / "official" / f"{request.param}.gen.json"


@functools.cache
def _raw_lines(path):
    """Raw QuickDraw drawings by word, each a list of (k, 2) polylines."""
    by_word = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for text in file:
            drawing = json.loads(text)
            by_word.setdefault(drawing["word"], []).append(
                [np.array(stroke[:2], float).T for stroke in drawing["drawing"]]
            )
    return by_word


@functools.cache
def raw_drawings(shared, word, max_rows=None):
    """Raw drawings of `word` as the public nets saw them: each stroke simplified by RDP with
    epsilon 2, then stroke-5 with an end row; those longer than `max_rows` are left out."""
    lines = _raw_lines(shared / "quickdraw" / "raw" / "all345.ndjson.gz")[word]
    drawings = [
        sketchrnn.lines_to_stroke5([sketchrnn.simplify(line, 2.0) for line in drawing])
        for drawing in lines
    ]
    return [d for d in drawings if len(d) > 1 and (max_rows is None or len(d) <= max_rows)]


def batch(drawings):
    """(total, 5) float32 rows and (n + 1,) offsets."""
    offsets = np.zeros(len(drawings) + 1, np.int64)
    np.cumsum([len(d) for d in drawings], out=offsets[1:])
    return np.ascontiguousarray(np.concatenate(drawings), np.float32), offsets


def small_net(hidden_size=32, mixtures=5, seed=1):
    return sketchrnn.load(trained=False, hidden_size=hidden_size, mixtures=mixtures, seed=seed)


def drawing_net(hidden_size=32, mixtures=5, seed=1, precision="f32"):
    """A random net whose drawings have lengths like real ones: the pen mostly stays down and about
    one row in fifty is the last. (The pen of small_net() ends a drawing at every third row.)"""
    rng = np.random.default_rng(seed)
    outputs = 3 + 6 * mixtures
    bo = rng.normal(0, 0.5, outputs)
    bo[:3] = (1.0, 0.0, -2.0)
    arrays = {
        "wx": rng.normal(0, 0.5, (5, 4 * hidden_size)),
        "wh": rng.normal(0, 1 / np.sqrt(hidden_size), (hidden_size, 4 * hidden_size)),
        "b": rng.normal(0, 0.5, 4 * hidden_size),
        "wo": rng.normal(0, 1 / np.sqrt(hidden_size), (hidden_size, outputs)),
        "bo": bo,
    }
    container = pack(
        {key: array.astype(np.float32) for key, array in arrays.items()},
        name="random",
        scale_factor=20.0,
        max_len=100,
    )
    return sketchrnn.Net(_core.Net.from_bytes(container, "random net", precision))


@pytest.fixture
def net():
    return small_net()
