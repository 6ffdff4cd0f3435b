"""What a net with a latent vector keeps of drawings, and what lies between two, as a judge sees it.

    python tools/nets/reconstruct.py morph --corpus corpus.npz --judge judge.pt

Held-out drawings and their reconstructions at τ = 0.2: how often `judge.py`'s classifier calls them
what they are; how many end, at other temperatures too. Of pairs of drawings of two objects, what
is drawn from the vectors between theirs, beside straight lines between their points: how often that
is called one or the other.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ends import TEMPERATURES, share
from judge import called, load
from numpy.typing import NDArray

import sketchrnn
from sketchrnn import writing
from sketchrnn.train import data

F32 = NDArray[np.float32]
TEMPERATURE = 0.2
FRAMES = 10
POINTS = 120


def paths(rows: F32, points: int = POINTS) -> tuple[F32, NDArray[np.bool_]]:
    """So many points along a drawing at even distances, the size of one box, around its middle; and
    whether the pen is lifted after each."""
    at = np.concatenate([np.zeros((1, 2)), np.cumsum(rows[:, :2], 0)])
    low, high = at.min(0), at.max(0)
    at = (at - (low + high) / 2) / max(float((high - low).max()), 1e-9)
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(at, axis=0).T))])
    wanted = np.linspace(0.0, far[-1], points)
    x, y = (np.interp(wanted, far, at[:, k]) for k in (0, 1))
    # A gap between two points that crosses the end of a stroke is not drawn.
    ends = far[1:][rows[:, 2] > 0.5]
    lifted = np.diff(np.searchsorted(ends, wanted, side="left")) > 0
    return np.stack([x, y], 1).astype(np.float32), np.append(lifted, True)


def straight(one: F32, other: F32, part: float) -> F32:
    """Stroke-3 of a drawing whose points lie on straight lines between those of two."""
    (a, up_a), (b, up_b) = paths(one), paths(other)
    at = (1.0 - part) * a + part * b
    pen = up_a if part < 0.5 else up_b
    moves = np.diff(at, axis=0, prepend=at[:1])
    return np.column_stack([moves, pen]).astype(np.float32)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("net")
    p.add_argument("--corpus", type=Path, required=True)
    p.add_argument("--judge", type=Path, required=True)
    p.add_argument("--count", type=int, default=100, help="held-out drawings of each object")
    p.add_argument("--pairs", type=int, default=200)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("-o", "--output", type=Path, help="the figures as JSON")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    net = sketchrnn.load(args.net)
    objects = net.info()["training"]["objects"]
    asked = load(args.judge)
    held: dict[str, list[F32]] = {word: [] for word in objects}
    for d in data.load_cache(args.corpus):
        if d.split == "test" and d.word in held and len(d.rows) < net.max_len:
            held[d.word].append(d.rows.astype(np.float32))
    found: dict[str, Any] = {}
    every: dict[str, list[F32]] = {"real": [], "again": []}
    labels: list[set[str]] = []
    for word in objects:
        real = held[word][: args.count]
        again = [d.stroke3 for d in net.reconstruct(real, temperature=TEMPERATURE, seed=1)]
        own = [{word}] * len(real)
        labels += own
        every["real"] += real
        every["again"] += again
        found[word] = {
            "drawings": len(real),
            "real": called(asked, real, own),
            "again": called(asked, again, own),
        }
        print(f"{word:12} real {found[word]['real']:.1%}, again {found[word]['again']:.1%}")
    whole: dict[str, Any] = {key: called(asked, rows, labels) for key, rows in every.items()}
    print(
        f"all: real {whole['real']:.1%}, again {whole['again']:.1%}: "
        f"{whole['again'] / whole['real']:.1%} as often"
    )
    z = net.encode(every["real"])
    for precision in ("i16", "i8"):
        apart = np.abs(sketchrnn.load(args.net, precision=precision).encode(every["real"]) - z)
        whole[f"{precision} moves mu"] = {"mean": float(apart.mean()), "most": float(apart.max())}
        print(
            f"{precision} moves μ by {apart.mean():.1e} on average, {apart.max():.1e} at most; "
            f"its standard deviation is {z.std():.2f}"
        )
    usual = float(np.median([len(r) + 1 for r in every["real"]]))
    for t in TEMPERATURES:
        end = share(net.draw(z=z, temperature=t, seed=2), usual)
        whole[f"ended at {t:g}"] = end
        print(
            f"at τ = {t:g} {end['ended']:.1%} end, {end['length']:.2f} times as long as real ones"
        )
    if len(objects) > 1:
        rng = np.random.default_rng(0)
        between: list[F32] = []
        lines: list[F32] = []
        may: list[set[str]] = []
        for i in range(args.pairs):
            one, other = (str(w) for w in rng.choice(objects, 2, replace=False))
            a, b = (held[w][int(rng.integers(len(held[w])))] for w in (one, other))
            frames = list(net.interpolate(a, b, FRAMES, temperature=TEMPERATURE, seed=i))[1:-1]
            between += [d.stroke3 for d in frames]
            lines += [straight(a, b, k / (FRAMES - 1)) for k in range(1, FRAMES - 1)]
            may += [{one, other}] * len(frames)
        whole["between"] = called(asked, between, may)
        whole["straight lines"] = called(asked, lines, may)
        print(
            f"between two: {whole['between']:.1%} called one or the other, "
            f"straight lines {whole['straight lines']:.1%}"
        )
    if args.output:
        writing.write(args.output, json.dumps({**found, "all": whole}, indent=1) + "\n")


if __name__ == "__main__":
    main()
