"""How fast a net with an encoder turns drawings into vectors, and draws what lies between two.

    python benchmarks/latent.py [morph] [--threads 2] [--count 2000]

Drawings of the net's own at τ = 0.5. The best of five runs: drawings a second encoded, and
milliseconds for ten frames between two drawings, encoding them included.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

import sketchrnn

RUNS = 5
FRAMES = 10


def best(what: Callable[[], object]) -> float:
    """Seconds of the fastest of some runs."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        what()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("net", nargs="?", default="morph")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--count", type=int, default=2000)
    args = p.parse_args()
    drawings = sketchrnn.load(args.net).draw(args.count, temperature=0.5, seed=1)
    rows = np.mean([len(d) for d in drawings])
    print(f"{args.count} drawings of {rows:.0f} rows on average, {args.threads} threads")
    print("| precision | drawings/s | ten frames, ms |\n|---|---|---|")
    for precision in ("f32", "i16", "i8"):
        net = sketchrnn.load(args.net, precision=precision)
        encoding = best(lambda net=net: net.encode(drawings, threads=args.threads))
        between = best(
            lambda net=net: net.interpolate(
                drawings[0], drawings[1], FRAMES, temperature=0.2, seed=1, threads=args.threads
            )
        )
        print(f"| {precision} | {args.count / encoding:,.0f} | {between * 1e3:.1f} |")
    print(f"on {net.isa}")


if __name__ == "__main__":
    main()
