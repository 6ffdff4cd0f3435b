"""Are generated drawings recognised as often as real ones, and are they copies?

    python tools/nets/recognise.py NET... --corpus corpus.npz --judge judge.pt [--temperature 0.3]

The judge (`judge.py`) has seen real drawings of the training split alone. It looks at held-out real
drawings of each net's object, and at what the net draws. Beside the distance of a drawing to the
nearest training drawing of its object stands that of held-out real ones: copies would be nearer.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ends import object_of
from judge import F32, load, raster, verdicts
from numpy.typing import NDArray

import sketchrnn
from sketchrnn import writing
from sketchrnn.train import data


def nearest(pictures: F32, others: F32) -> F32:
    """Distance of each picture to the nearest of others (both blurred a little), 0 to about 1."""

    def flat(p: F32) -> torch.Tensor:
        t = torch.nn.functional.avg_pool2d(torch.from_numpy(p)[:, None], 3, 1, 1).flatten(1)
        return t / t.norm(dim=1, keepdim=True)

    return np.asarray((1.0 - (flat(pictures) @ flat(others).T)).amin(1))


def figures(
    found: F32, label: int, pictures: F32, train: F32, count: int | None = None
) -> dict[str, float]:
    """The share recognised (of `count`, where some could not be shown), and distances."""
    near = nearest(pictures, train)
    return {
        "recognised": float((found.argmax(1) == label).sum() / (count or len(found))),
        "nearest": float(np.median(near)),
        "closest": float(near.min()),
    }


def of_object(
    net: sketchrnn.Net,
    drawings: Sequence[data.Drawing],
    judged: Any,
    words: Sequence[str],
    temperatures: Sequence[float],
    count: int,
) -> dict[str, dict[str, float]]:
    """Figures of real held-out drawings ("real") and of drawn ones, by temperature."""
    label = list(words).index(object_of(net.name))
    train = np.stack([raster(d.rows) for d in drawings if d.split == "train"])
    test: list[NDArray[Any]] = [d.rows for d in drawings if d.split == "test"][:400]
    pictures = np.stack([raster(r) for r in test])
    out = {"real": figures(verdicts(judged, test), label, pictures, train)}
    for t in temperatures:
        rows = [s.stroke3 for s in net.draw(count, temperature=t, seed=1)]
        rows = [r for r in rows if len(r) > 1]
        pictures = np.stack([raster(r) for r in rows])
        out[f"{t:g}"] = figures(verdicts(judged, rows), label, pictures, train, count)
    return out


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("nets", nargs="+", type=Path)
    p.add_argument("--corpus", type=Path, required=True)
    p.add_argument("--judge", type=Path, required=True)
    p.add_argument("--objects", help="of a net of many, separated by commas")
    p.add_argument("--temperature", type=float, nargs="+", default=[0.3])
    p.add_argument("--count", type=int, default=200)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("-o", "--output", type=Path, help="the figures as JSON")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    every = data.load_cache(args.corpus)
    judged, words = load(args.judge)
    table: dict[str, Any] = {}
    for path in args.nets:
        whole = sketchrnn.load(path)
        for word in args.objects.split(",") if args.objects else whole.objects:
            mine = [d for d in every if d.word == object_of(word)]
            row = of_object(whole.of(word), mine, judged, words, args.temperature, args.count)
            table[word] = row
            cells = [f"{k}: {c['recognised']:.0%} ({c['nearest']:.3f})" for k, c in row.items()]
            print(f"{word:14} {'  '.join(cells)}", flush=True)
    for key in ["real", *(f"{t:g}" for t in args.temperature)]:
        mean = float(np.mean([row[key]["recognised"] for row in table.values()]))
        print(f"{key}: {mean:.1%} recognised on average")
    if args.output:
        writing.write(args.output, json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
