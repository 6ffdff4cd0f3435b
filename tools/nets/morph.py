"""Trains the nets with a latent vector: `morph`, over ten objects, and `cat-latent`, of cats alone.

    python tools/nets/morph.py corpus.npz OUTPUT --init everything.safetensors
    python tools/nets/morph.py corpus.npz OUTPUT --net cat-latent --init OUTPUT/morph.safetensors

Drawings from `corpus.py`. The decoder begins as the net of all objects, with the mean of the ten
objects' biases, so that what is left to learn is the encoder and what to do with z; or all begins
as an earlier net with an encoder. Then it is taught to end. Stopped at any moment, the same command
goes on from its checkpoints; each validation that is the best so far writes the net as it is.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import making
import numpy as np
import torch

from sketchrnn.train import batches, data, ending, export, latent, latent_ending, model
from sketchrnn.train.batches import Augment
from sketchrnn.train.evaluate import evaluate
from sketchrnn.train.latent import LatentRun, LatentSettings

OBJECTS = {
    "morph": (
        "bird",
        "butterfly",
        "car",
        "cat",
        "dog",
        "face",
        "flamingo",
        "horse",
        "owl",
        "pig",
    ),
    "cat-latent": ("cat",),
}
LONGEST = 120
"""Rows of a drawing, 2% have more: a batch takes as long as its longest."""

WHITENED = 4000
"""Drawings by which an earlier net's latent space becomes that of N(0, I)."""
# Rounded weights cost `cat-latent` 0.001 nats a point, `morph`, which is surer of each, 0.04.
STORED = {"morph": "I8", "cat-latent": "compact"}
SIZES = {"encoder": 256, "latent": 128}
ENDING = ending.Settings(anchors=48, real=1200)
Parts = dict[str, list[data.Drawing]]


def settings(name: str, steps: int) -> LatentSettings:
    """Those of the paper where it has them; η rises within the first third of so few steps. No
    dropout: reconstructions of training drawings are no better than those of others."""
    return LatentSettings(
        steps=steps,
        batch=128,
        lr=1e-3,
        lr_end=1e-5,
        warmup=100,
        keep=1.0,
        average=0.995,
        every=250,
        patience=40,
        bfloat16=True,
        n_max=LONGEST,
        most=1500,
        augment=Augment(scale=0.15, drop=0.1, dither=0.1, mirror=0.3, turn=0.15),
        w_kl=0.5,
        drift=1.5,
        own=0.5,
        kl_rate=1.0 - 10.0 / max(10, steps),
    )


def decoder(path: Path, objects: tuple[str, ...]) -> dict[str, Any]:
    """wx, wh, b, wo, bo of a net of many objects with the mean of these objects' biases."""
    arrays, metadata = export.read(path)
    known = json.loads(metadata["objects"])
    net = model.unfolded(arrays)
    each = [model.folded(net, known.index(word)) for word in objects]
    return {key: np.mean([one[key] for one in each], axis=0) for key in each[0]}


def begun(
    init: Path | None, objects: tuple[str, ...], train: list[data.Drawing]
) -> tuple[latent.LatentNet, float]:
    """What the training begins as, and the scale of its offsets: a net's, or the data's."""
    if init is None:
        return latent.LatentNet(512, 20, **SIZES), data.scale_factor(train)
    arrays, metadata = export.read(init)
    if "z.w" in arrays:
        net = latent.unfolded(arrays)
    else:
        net = latent.begun(decoder(init, objects), **SIZES, seed=0)
    return net, float(metadata["scale_factor"])


def whitened(net: latent.LatentNet, train: list[data.Drawing], scale: float) -> latent.LatentNet:
    """The net with N(0, I) where the vectors of some of the drawings are."""
    rng = np.random.default_rng(0)
    some = [train[i] for i in rng.permutation(len(train))[:WHITENED]]
    some.sort(key=lambda drawing: len(drawing.rows))
    parts = (some[i : i + 200] for i in range(0, len(some), 200))
    return latent.whitened(net, (batches.collate(part, {}, scale) for part in parts))


def losses(net: latent.LatentNet, parts: Parts, scale: float) -> dict[str, dict[str, float]]:
    """Of the held-out drawings, at z = μ."""
    out = {}
    for name in ("valid", "test"):
        found = evaluate(net, parts[name], {}, scale, LONGEST)
        out[name] = {k: round(found[k], 4) for k in ("nats", "cell", "paper", "kl")}
    return out


def write(
    path: Path,
    net: latent.LatentNet,
    run: LatentRun,
    name: str,
    parts: Parts,
    begun: str | None,
    **more: Any,
) -> None:
    """The net, and how it came to be."""
    record = {
        "command": "tools/nets/morph.py",
        "objects": OBJECTS[name],
        "drawings": {k: len(v) for k, v in parts.items()},
        "split": "sha256 of key_id, or of the content: 85 / 7.5 / 7.5 %",
        "steps": run.step,
        "seconds": round(run.seconds),
        "init": begun,
        "settings": asdict(run.settings),
        **more,
    }
    metadata = export.describe(name, run.scale_factor, LONGEST, record)
    export.write(path, latent.tensors(net), metadata, STORED[name])


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("corpus", type=Path)
    p.add_argument("output", type=Path, help="folder of nets and checkpoints")
    p.add_argument("--net", choices=OBJECTS, default="morph")
    p.add_argument("--init", type=Path, help="a net of many objects, for the decoder")
    p.add_argument(
        "--steps", type=int, default=5000, help="0: made N(0, I)'s, or taught to end, alone"
    )
    p.add_argument("--lr", type=float, default=1e-3, help="less for a net that knows much already")
    p.add_argument("--kl-min", type=float, default=0.2, help="more: nearer to what was drawn")
    p.add_argument("--whiten", action="store_true", help="make the latent space N(0, I)'s first")
    p.add_argument("--untaught", action="store_true", help="its drawings end as they are")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    making.heap()
    torch.set_num_threads(args.threads)
    name, objects = args.net, OBJECTS[args.net]
    args.output.mkdir(parents=True, exist_ok=True)
    drawings = [d for d in data.read([args.corpus]) if d.word in objects]
    drawings = [d for d in drawings if len(d.rows) < LONGEST]
    parts = making.split(drawings)
    torch.manual_seed(0)
    net, scale = begun(args.init, objects, parts["train"])
    if args.whiten:
        net = whitened(net, parts["train"], scale)
    model.compile_cells()
    chosen = replace(settings(name, args.steps), lr=args.lr, kl_min=args.kl_min)
    checkpoint = args.output / f"{name}.ckpt"
    run = LatentRun(net, chosen, parts["train"], parts["valid"], {}, scale, checkpoint)
    print(json.dumps({"drawings": {k: len(v) for k, v in parts.items()}, "step": run.step}))

    path = args.output / f"{name}.safetensors"
    told = (run, name, parts, args.init and args.init.name)

    def report(found: dict[str, float]) -> None:
        shown = {k: round(v, 4) for k, v in found.items()}
        print(json.dumps({"loss": round(run._criterion(found), 4), **shown}), flush=True)
        if run.bad == 0:
            write(path, run.averaged(), *told)

    run.go(report)
    net = run.averaged()
    before = losses(net, parts, scale)
    more: dict[str, Any] = {"whitened": args.whiten, "before_ending": before}
    if not args.untaught:
        taught = latent_ending.LatentEnding(
            net,
            export.describe(name, scale, LONGEST, {}),
            ENDING,
            real=parts["train"],
            checkpoint=checkpoint.with_suffix(".end.ckpt"),
        )
        taught.go(lambda said: print(json.dumps(said), flush=True))
        net = taught.average
        more |= {"ending": asdict(ENDING), "part": taught.part}
    metadata = export.describe(name, scale, LONGEST, {})
    stored = latent.unfolded(
        export.unpack(export.pack(latent.tensors(net), metadata, STORED[name]))[0]
    )
    held = losses(stored, parts, scale)
    write(path, net, *told, **more, losses=held)
    print(f"wrote {path}: {json.dumps(held)}")


if __name__ == "__main__":
    main()
