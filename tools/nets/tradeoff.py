"""What w_KL trades: L_R against L_KL on one object's drawings (the paper's Table 1 and Figure 4).

    python tools/nets/tradeoff.py corpus.npz OUTPUT --object cat [--init cat-latent.safetensors]

A net for each weight, trained as `morph.py` does; L_R and L_KL of the test split, at z = μ, as a
table, of every validation as JSON lines, and those as a picture. Stopped, the same command goes on.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import morph
import torch

from sketchrnn import writing
from sketchrnn.formats.npz import SPLITS
from sketchrnn.train import data, latent
from sketchrnn.train.evaluate import evaluate

WEIGHTS = {0.25: "#d95f02", 0.5: "#1b9e77", 1.0: "#7570b3"}
WIDTH, HEIGHT, MARGIN = 480, 320, 56


def picture(found: dict[float, list[tuple[float, float]]]) -> str:
    """SVG of (L_KL, L_R) of each weight's validations, from the first to the last."""
    every = [point for points in found.values() for point in points]
    (x0, x1), (y0, y1) = ((min(v), max(v)) for v in zip(*every, strict=True))
    x1, y1 = max(x1, x0 + 1e-6), max(y1, y0 + 1e-6)

    def place(x: float, y: float) -> str:
        across = MARGIN + (x - x0) / (x1 - x0) * (WIDTH - 2 * MARGIN)
        down = HEIGHT - MARGIN - (y - y0) / (y1 - y0) * (HEIGHT - 2 * MARGIN)
        return f"{across:.1f},{down:.1f}"

    def text(x: float, y: float, words: str, more: str = "") -> str:
        return f'<text x="{x:g}" y="{y:g}"{more}>{words}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#555">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(WIDTH / 2 - 20, HEIGHT - 14, "L_KL"),
        text(8, HEIGHT / 2, "L_R"),
        text(MARGIN - 20, HEIGHT - MARGIN + 22, f"{x0:.3f}"),
        text(WIDTH - MARGIN - 20, HEIGHT - MARGIN + 22, f"{x1:.3f}"),
        text(8, HEIGHT - MARGIN, f"{y0:.3f}"),
        text(8, MARGIN, f"{y1:.3f}"),
    ]
    for i, (weight, points) in enumerate(found.items()):
        colour = WEIGHTS[weight]
        line = " ".join(place(*point) for point in points)
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        for point in points:
            x, y = place(*point).split(",")
            last = 5 if point is points[-1] else 2
            parts.append(f'<circle cx="{x}" cy="{y}" r="{last}" fill="{colour}"/>')
        at = 18 + 16 * i
        parts.append(text(WIDTH - 110, at, f"w_KL = {weight:g}", f' fill="{colour}"'))
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("corpus", type=Path)
    p.add_argument("output", type=Path, help="folder of checkpoints")
    p.add_argument("--object", default="cat")
    p.add_argument("--init", type=Path, help="a net to begin as")
    p.add_argument("--steps", type=int, default=2000)
    args = p.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    drawings = [d for d in data.read([args.corpus]) if d.word == args.object]
    drawings = [d for d in drawings if len(d.rows) < morph.LONGEST]
    parts = {s: [d for d in drawings if d.split == s] for s in SPLITS}
    print("| w_KL | L_R | L_KL | nats a point |\n|---|---|---|---|", flush=True)
    curves: dict[float, list[tuple[float, float]]] = {}
    for weight in WEIGHTS:
        torch.manual_seed(0)
        net, scale = morph.begun(args.init, (args.object,), parts["train"])
        settings = morph.settings(args.object, args.steps)
        settings = replace(settings, every=max(1, args.steps // 10), patience=99)
        # The paper's loss alone; a tolerance would hold all of them at one L_KL.
        settings = replace(settings, w_kl=weight, kl_min=0.0, drift=0.0, own=0.0)
        settings = replace(settings, keep=0.95, weight_drop=0.05)
        checkpoint = args.output / f"{args.object}-{weight}.ckpt"
        run = latent.LatentRun(net, settings, parts["train"], parts["valid"], {}, scale, checkpoint)
        with (args.output / f"{args.object}-{weight}.jsonl").open("a") as log:
            run.go(lambda found, log=log: print(json.dumps(found), file=log, flush=True))
        found = evaluate(run.averaged(), parts["test"], {}, scale, morph.LONGEST)
        shown = [f"{found[key]:.4f}" for key in ("paper", "kl", "nats")]
        print(f"| {weight} | {' | '.join(shown)} |", flush=True)
        curves[weight] = [(line["kl"], line["paper"]) for line in run.history]
        writing.write(args.output / f"{args.object}.svg", picture(curves))


if __name__ == "__main__":
    main()
