"""Try an installed wheel where there may be nothing else: no compiler, no network, no pytest.

    python tests/wheel.py

The bundled nets open and draw, alone as in a batch, on every instruction set of the machine. A net
made by integer arithmetic, the same everywhere, draws the bits that it draws on every platform.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time

start = time.perf_counter()

import numpy as np  # noqa: E402

import sketchrnn  # noqa: E402

HIDDEN, MIXTURES = 40, 3
# Drawn by core and compilers that core_hash finds to agree, on x86-64.
EXPECTED = "19131d725e19e970"


def synthetic() -> sketchrnn.Net:
    """Return a net whose weights are products of integers, exact in float32."""

    def numbers(first: int, *shape: int) -> np.ndarray:
        n = np.arange(first, first + int(np.prod(shape)), dtype=np.uint64)
        mixed = (n * np.uint64(2654435761)) % np.uint64(2**32)
        whole = (mixed >> np.uint64(16)).astype(np.int64) - 2**15
        return (whole.astype(np.float32) / np.float32(2**16)).reshape(shape)

    outputs = 3 + 6 * MIXTURES
    arrays = {
        "wx": numbers(1, 5, 4 * HIDDEN),
        "wh": numbers(10_000, HIDDEN, 4 * HIDDEN),
        "b": numbers(20_000, 4 * HIDDEN),
        "wo": numbers(30_000, HIDDEN, outputs),
        "bo": numbers(40_000, outputs),
    }
    arrays["bo"][2] = -4  # drawings that do not end at once
    return sketchrnn.from_arrays(arrays, scale_factor=8.0, max_len=60, name="synthetic")


def main() -> None:
    bundled = [entry.name for entry in sketchrnn.catalog() if entry.source == "bundled"]
    assert len(bundled) >= 20, bundled
    first = sketchrnn.load("pig").draw(temperature=0.3, seed=7)
    ready = time.perf_counter() - start
    assert len(first.strokes) > 5
    assert np.isfinite(first.strokes).all()

    reference = {}
    isas = [name for name, facts in sketchrnn.build_info()["isas"].items() if facts["usable"]]
    for isa in isas:
        os.environ["SKETCHRNN_ISA"] = isa
        net = synthetic()
        batch = net.draw(50, temperature=0.8, seed=3, threads=2)
        assert np.array_equal(batch[7].strokes, net.draw(temperature=0.8, seed=3, index=7).strokes)
        found = hashlib.sha256(batch.strokes.astype("<f4").tobytes()).hexdigest()[:16]
        assert found == EXPECTED, f"{isa}: other bits than elsewhere: {found}"
        for precision in ("f32", "i16", "i8"):
            drawn = sketchrnn.load("pig", precision=precision).draw(3, temperature=0.3, seed=7)
            expected = reference.setdefault(precision, drawn.strokes)
            assert np.array_equal(drawn.strokes, expected), (isa, precision)
    platform = f"{sys.implementation.cache_tag} {sys.platform}"
    facts = f"{len(bundled)} nets, first sketch after {ready:.2f} s"
    print(f"{platform}: {facts}, bits on {', '.join(isas)}")


if __name__ == "__main__":
    main()
