"""What a net of 512 units reaches that sees only its object's drawings: the bundled nets' baseline.

    python tools/nets/alone.py DATA.ndjson.gz... --weights weights -o alone.json

The same drawings, split, scale factor and regularisers as the bundled nets; early stopping on the
validation split, the best of those weights kept in float32. Objects that the output already has
are left out, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import recipe
import torch

from sketchrnn.formats.npz import SPLITS
from sketchrnn.train import data, export, model
from sketchrnn.train.evaluate import evaluate
from sketchrnn.train.loop import Run


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("data", nargs="+", metavar="DATA", help="files of drawings")
    p.add_argument("--objects", help="only these, separated by commas")
    p.add_argument("--weights", type=Path, default=Path("weights"))
    p.add_argument("-o", "--output", type=Path, default=Path("alone.json"))
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--steps", type=int, default=recipe.ALONE.steps)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    model.compile_cells()
    wanted = args.objects.split(",") if args.objects else []
    every = [d for d in data.read(args.data) if len(d.rows) < recipe.LONGEST]
    done = json.loads(args.output.read_text()) if args.output.exists() else {}
    for path in sorted(args.weights.glob("*.safetensors")):
        _, metadata = export.read(path)
        name, scale = metadata["name"], float(metadata["scale_factor"])
        if name in done or (wanted and name not in wanted):
            continue
        parts = {s: [d for d in every if d.word == name and d.split == s] for s in SPLITS}
        torch.manual_seed(0)
        settings = replace(recipe.ALONE, steps=args.steps)
        start = time.monotonic()
        run = Run(
            model.Net(recipe.UNITS, recipe.MIXTURES),
            settings,
            parts["train"],
            parts["valid"],
            {},
            scale,
        )
        run.go(lambda report: None)
        net = run.averaged()
        losses = {
            split: {
                key: round(value, 4)
                for key, value in evaluate(net, parts[split], {}, scale, recipe.LONGEST).items()
                if key in ("nats", "cell", "paper")
            }
            for split in ("valid", "test")
        }
        ours = json.loads(metadata["training"])["losses"]
        print(
            f"{name:14} alone {losses['valid']['nats']:.3f} / {losses['test']['nats']:.3f}  "
            f"bundled {ours['valid']['nats']:.3f} / {ours['test']['nats']:.3f}  {run.step} steps, "
            f"{time.monotonic() - start:.0f} s",
            flush=True,
        )
        done[name] = losses | {"steps": run.step}
        args.output.write_text(json.dumps(done, indent=1) + "\n")


if __name__ == "__main__":
    main()
