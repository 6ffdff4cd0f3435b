"""Bundled nets beside Magenta's of the same object, on the same held-out drawings.

    python tools/nets/public.py DATA.ndjson.gz... --nets ../shared/official/ant.gen.json ...
    python tools/nets/public.py DATA.ndjson.gz... --form sketchrnn-npz-test

Or (`--form`) bundled nets alone, on the drawings of one form that none of them learnt from: those
of the published data set's own test split, in the box of 256 pixels that ours know.

The public nets were trained on pixels of the drawers' screens, ours on a box of 256 pixels. So each
public net is given the drawings at the size that suits it best, out of sizes a tenth apart, and
its densities are brought to our units: nats per point, per our scale factor squared.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import sketchrnn
from sketchrnn.train import data

LONGEST = 200


def figures(
    net: sketchrnn.Net, drawings: list[np.ndarray], unit: float, size: float = 1.0
) -> tuple[float, float]:
    """Nats per point of drawings made `size` times larger, per `unit` of the original squared, and
    the paper's figure of the same densities, for N_max = LONGEST (as Score.r_loss)."""
    score = net.score([d * np.array([size, size, 1], np.float32) for d in drawings])
    moves = score.offset_nll != 0.0
    offset = score.offset_nll + moves * 2.0 * np.log(net.scale_factor / (unit * size))
    inside = np.ones(len(offset), bool)
    inside[score.offsets[1:] - 1] = False  # the ending rows
    paper = (-np.log(np.exp(-offset) + 1e-6) + score.pen_nll)[inside].sum()
    return float((offset + score.pen_nll).mean()), float(paper / LONGEST / len(drawings))


def alone(drawings: list[data.Drawing]) -> None:
    """A table of our nets on drawings of their objects."""
    print("| net | drawings | nats | paper | scale factor |\n|---|---|---|---|---|")
    for word in sorted({d.word for d in drawings}):
        net = sketchrnn.load(word, source="bundled")
        rows = [d.rows.astype(np.float32) for d in drawings if d.word == word]
        nats, paper = figures(net, rows, net.scale_factor)
        print(f"| {word} | {len(rows)} | {nats:.3f} | {paper:.3f} | {net.scale_factor:.1f} |")


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("data", nargs="+", metavar="DATA", help="files of drawings")
    chosen = p.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--nets", nargs="+", type=Path, help="public .gen.json files")
    chosen.add_argument("--form", help="of drawings: ours alone, on those of the test split")
    args = p.parse_args()
    every = [d for d in data.read(args.data) if len(d.rows) < LONGEST]
    if args.form:
        return alone([d for d in every if d.facts.get("form") == args.form and d.split == "test"])
    print("| net | drawings | ours, nats | public, nats | ours, paper | public, paper | size |")
    print("|---|---|---|---|---|---|---|")
    for path in args.nets:
        public = sketchrnn.load(path)
        ours = sketchrnn.load(public.name, source="bundled")
        unit = ours.scale_factor
        rows = {
            split: [
                d.rows.astype(np.float32)
                for d in every
                if d.word == public.name and d.split == split
            ]
            for split in ("valid", "test")
        }

        # The size is chosen on the validation drawings, as anything else that is fitted.
        losses = {x: figures(public, rows["valid"], unit, x)[0] for x in np.geomspace(0.5, 8.0, 30)}
        best = min(losses, key=losses.__getitem__)
        own, theirs = figures(ours, rows["test"], unit), figures(public, rows["test"], unit, best)
        print(
            f"| {public.name} | {len(rows['test'])} | {own[0]:.3f} | {theirs[0]:.3f} "
            f"| {own[1]:.3f} | {theirs[1]:.3f} | {best:.2f} |"
        )


if __name__ == "__main__":
    main()
