"""What w_KL trades: L_R against L_KL on one object's drawings (the paper's Table 1 and Figure 4).

    python tools/nets/tradeoff.py corpus.npz OUTPUT --object cat [--init everything.safetensors]

A net for each weight, trained as `morph.py` does; L_R and L_KL of the test split, at z = μ, as a
table, and of every validation as JSON lines. Stopped, the same command goes on.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import morph
import torch

from sketchrnn.formats.npz import SPLITS
from sketchrnn.train import data, export, latent
from sketchrnn.train.evaluate import evaluate

WEIGHTS = (0.25, 0.5, 1.0)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("corpus", type=Path)
    p.add_argument("output", type=Path, help="folder of checkpoints")
    p.add_argument("--object", default="cat")
    p.add_argument("--init", type=Path, help="a net of many objects, for the decoder")
    p.add_argument("--steps", type=int, default=2000)
    args = p.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    drawings = [d for d in data.read([args.corpus]) if d.word == args.object]
    drawings = [d for d in drawings if len(d.rows) < morph.LONGEST]
    parts = {s: [d for d in drawings if d.split == s] for s in SPLITS}
    print("| w_KL | L_R | L_KL | nats a point |\n|---|---|---|---|")
    for weight in WEIGHTS:
        torch.manual_seed(0)
        if args.init is None:
            net = latent.LatentNet(512, 20, **morph.SIZES)
            scale = data.scale_factor(parts["train"])
        else:
            net = latent.begun(morph.decoder(args.init, (args.object,)), **morph.SIZES, seed=0)
            scale = float(export.read(args.init)[1]["scale_factor"])
        settings = replace(morph.settings(args.object, args.steps), w_kl=weight)
        checkpoint = args.output / f"{args.object}-{weight}.ckpt"
        run = latent.LatentRun(net, settings, parts["train"], parts["valid"], {}, scale, checkpoint)
        with (args.output / f"{args.object}-{weight}.jsonl").open("a") as log:
            run.go(lambda found, log=log: print(json.dumps(found), file=log, flush=True))
        found = evaluate(run.averaged(), parts["test"], {}, scale, morph.LONGEST)
        print(f"| {weight} | {found['paper']:.4f} | {found['kl']:.4f} | {found['nats']:.4f} |")


if __name__ == "__main__":
    main()
