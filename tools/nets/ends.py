"""How many drawings end by themselves, how long they are beside real ones, and what that cost.

    python tools/nets/ends.py NET... --corpus corpus.npz [--before FOLDER]

For each temperature the share of `--count` drawings that end within max_len, and their median
length over that of real drawings; the same for held-out drawings of which the first half is given
(at τ = 0 and 0.3). `--before` has the nets of the same name before they were taught: what the
teaching cost, in nats per point, on the same held-out drawings. A net of raw pixels (Magenta's) is
measured on `--raw`, QuickDraw's raw file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sketchrnn
from sketchrnn import writing
from sketchrnn.formats import ndjson
from sketchrnn.strokes import stroke5_to_stroke3
from sketchrnn.train import data

TEMPERATURES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
HALVES = (0.0, 0.3)
Rows = NDArray[np.float32]


def raw_drawings(path: Path, word: str) -> list[Rows]:
    """Drawings of an object in raw pixels after RDP with ε = 2, as the public nets know them."""
    found = []
    for record in ndjson.records(str(path)):
        if record.word == word:
            lines = [sketchrnn.simplify(line, 2.0) for line in record.lines]
            found.append(stroke5_to_stroke3(sketchrnn.lines_to_stroke5(lines)))
    return found


def object_of(name: str) -> str:
    """What a net of that name draws: pig-128 draws pigs."""
    return name.rpartition("-")[0] if name[-1].isdigit() else name


def held_out(corpus: Sequence[data.Drawing], word: str, most: int = 400) -> list[Rows]:
    """Drawings of an object that no net learned from."""
    held = [d for d in corpus if d.word == word and d.split != "train"]
    return [d.rows.astype(np.float32) for d in held[:most]]


def share(drawn: Iterable[Any], median: float) -> dict[str, float]:
    """What part ended, and the median length over a given one."""
    every = list(drawn)
    return {
        "ended": float(np.mean([d.finished for d in every])),
        "length": float(np.median([len(d) for d in every]) / median),
    }


def measure(
    net: sketchrnn.Net, real: Sequence[Rows], count: int, seed: int = 99
) -> dict[str, dict[str, float]]:
    """Figures for each temperature, and for halves of real drawings."""
    median = float(np.median([len(r) + 1 for r in real]))
    out = {
        f"{t:g}": share(net.draw(count if t > 0.0 else 1, temperature=t, seed=seed), median)
        for t in TEMPERATURES
    }
    for t in HALVES:
        halves = [r[: max(1, len(r) // 2)] for r in real[:100]]
        whole = [net.complete(h, temperature=t, seed=seed) for h in halves]
        out[f"half {t:g}"] = share(whole, median)
    return out


def cost(net: sketchrnn.Net, before: sketchrnn.Net, real: Sequence[Rows]) -> float:
    """Nats per point lost on real drawings."""
    new, old = net.score(list(real)), before.score(list(real))
    return float((new.offset_nll + new.pen_nll - old.offset_nll - old.pen_nll).mean())


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("nets", nargs="+", type=Path)
    p.add_argument("--corpus", type=Path, help="what corpus.py wrote")
    p.add_argument("--raw", type=Path, help="QuickDraw's raw drawings, for nets of raw pixels")
    p.add_argument("--before", type=Path, help="folder with the nets as they were")
    p.add_argument("--objects", help="of a net of many, separated by commas")
    p.add_argument("--count", type=int, default=400)
    p.add_argument("-o", "--output", type=Path, help="the figures as JSON")
    args = p.parse_args()
    corpus = data.load_cache(args.corpus) if args.corpus else []
    figures: dict[str, Any] = {}
    for path in args.nets:
        whole = sketchrnn.load(path)
        before = None
        if args.before:
            (old,) = args.before.glob(f"{path.name.split('.')[0]}.*")
            before = sketchrnn.load(old)
        for word in args.objects.split(",") if args.objects else whole.objects:
            net = whole.of(word)
            ours = "256-pixel box" in net.metadata.get("units", "")
            of = object_of(word)
            real = held_out(corpus, of) if ours else raw_drawings(args.raw, of)
            row: dict[str, Any] = measure(net, real, args.count)
            if before is not None:
                row["cost"] = cost(net, before.of(word), real)
            figures[word] = row
            cells = [f"{c['ended']:.0%}/{c['length']:.2f}" for k, c in row.items() if k != "cost"]
            print(f"{word:14} {'  '.join(cells)}  {row.get('cost', 0.0):+.4f} nats", flush=True)
    if args.output:
        writing.write(args.output, json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
