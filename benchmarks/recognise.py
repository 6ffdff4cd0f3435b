"""Are generated drawings recognised as often as real ones?

A small convolutional classifier learns the objects from real drawings only (the training split),
is measured on held-out real drawings (the test split), and then looks at what the nets draw.
Also looks for copies: the distance of each generated drawing to the nearest training drawing of
its object, beside the same for held-out real drawings.

    python benchmarks/recognise.py DATA.ndjson.gz... --weights weights --temperature 0.3
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import sketchrnn
from sketchrnn.train import data

SIZE = 40
F32 = NDArray[np.float32]


def raster(rows: NDArray[Any], size: int = SIZE, turn: F32 | None = None) -> F32:
    """A drawing, stroke-3 rows (n, 3), as a picture (size, size) of ink from 0 to 1.

    It is scaled to fill the picture; `turn` (2, 2) distorts it first.
    """
    ends = np.concatenate([np.zeros((1, 2)), np.cumsum(rows[:, :2].astype(np.float64), 0)])
    if turn is not None:
        ends = ends @ turn
    low = ends.min(0)
    spread = np.maximum(ends.max(0) - low, 1e-9)
    side = size - 5
    ends = (ends - low) * (side / spread.max()) + (size - 1 - side * spread / spread.max()) / 2
    down = np.concatenate([[True], rows[:-1, 2] < 0.5])
    a, b = ends[:-1][down], ends[1:][down]
    dots = ends[1:][~down]  # where a stroke begins
    count = np.maximum(1, np.ceil(np.hypot(*(b - a).T) / 0.4).astype(int))
    which = np.repeat(np.arange(len(a)), count)
    t = (np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)) / count[which]
    at = np.concatenate([a[which] + t[:, None] * (b - a)[which], dots, ends[-1:]])
    cell = np.floor(at).astype(int)
    part = at - cell
    ink = np.zeros((size + 1, size + 1))
    for dx in (0, 1):
        for dy in (0, 1):
            weight = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
            np.add.at(ink, (cell[:, 1] + dy, cell[:, 0] + dx), weight)
    return np.minimum(ink[:size, :size], 1.0).astype(np.float32)


def classifier(objects: int) -> nn.Module:
    """Three convolutions and a hidden layer: about 0.4 M parameters."""
    layers: list[nn.Module] = []
    wide = 1
    for channels in (24, 48, 96):
        layers += [nn.Conv2d(wide, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
        wide = channels
    layers += [nn.Flatten(), nn.Dropout(0.3), nn.Linear(wide * (SIZE // 8) ** 2, 128), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(0.3), nn.Linear(128, objects))


def fit(drawings: list[data.Drawing], words: list[str], epochs: int, seed: int) -> nn.Module:
    """The classifier, trained on real drawings (scaled, turned and sheared a little)."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = classifier(len(words))
    labels = np.array([words.index(d.word) for d in drawings])
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    per_epoch = len(drawings) // 64
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, epochs * per_epoch)
    net.train()
    for epoch in range(epochs):
        order, total = rng.permutation(len(drawings)), 0.0
        for i in range(per_epoch):
            chosen = order[i * 64 : i * 64 + 64]
            turns = np.eye(2) + rng.normal(0, 0.08, (64, 2, 2))
            x = np.stack(
                [raster(drawings[k].rows, turn=m) for k, m in zip(chosen, turns, strict=True)]
            )
            z = net(torch.from_numpy(x)[:, None])
            loss = nn.functional.cross_entropy(
                z, torch.from_numpy(labels[chosen]), label_smoothing=0.05
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"  epoch {epoch + 1}: loss {total / per_epoch:.3f}", flush=True)
    return net.eval()


@torch.no_grad()
def recognised(net: nn.Module, rows: list[NDArray[Any]]) -> NDArray[np.int64]:
    """The class of each drawing."""
    x = torch.from_numpy(np.stack([raster(r) for r in rows]))[:, None]
    return np.asarray(net(x).argmax(1))


def nearest(pictures: F32, others: F32) -> F32:
    """Distance of each picture to the nearest of others (both blurred a little), 0 to about 1."""

    def flat(p: F32) -> torch.Tensor:
        t = nn.functional.avg_pool2d(torch.from_numpy(p)[:, None], 3, 1, 1).flatten(1)
        return t / t.norm(dim=1, keepdim=True)

    return np.asarray((1.0 - (flat(pictures) @ flat(others).T)).amin(1))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("data", nargs="+", type=Path)
    p.add_argument("--weights", type=Path, default=Path("weights"))
    p.add_argument("--temperature", type=float, nargs="+", default=[0.3])
    p.add_argument("--softmax-temperature", type=float, help="of components and pen, if another")
    p.add_argument("--count", type=int, default=100)
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--classifier", type=Path, help="keep the classifier here")
    p.add_argument("--output", type=Path, help="write the figures as JSON")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    nets = {f.stem.replace("_", " "): f for f in sorted(args.weights.glob("*.safetensors"))}
    drawings = [d for d in data.read(args.data) if d.word in nets]
    words = sorted({d.word for d in drawings})
    start = time.time()
    if args.classifier and args.classifier.exists():
        net = classifier(len(words)).eval()
        net.load_state_dict(torch.load(args.classifier, weights_only=True))
    else:
        net = fit([d for d in drawings if d.split == "train"], words, args.epochs, 0)
    if args.classifier:
        torch.save(net.state_dict(), args.classifier)
    print(f"classifier of {len(words)} objects: {time.time() - start:.0f} s")
    figures: dict[str, Any] = {}
    for k, word in enumerate(words):
        mine = [d for d in drawings if d.word == word]
        train = np.stack([raster(d.rows) for d in mine if d.split == "train"])
        test = [d.rows for d in mine if d.split == "test"]
        row: dict[str, Any] = {"real": float((recognised(net, test) == k).mean())}
        row["real_nearest"] = float(np.median(nearest(np.stack([raster(r) for r in test]), train)))
        for t in args.temperature:
            drawn = sketchrnn.load(nets[word]).draw(
                args.count, temperature=t, softmax_temperature=args.softmax_temperature, seed=1
            )
            rows = [np.asarray(s.stroke3) for s in drawn]
            rows = [r for r in rows if len(r) > 1]
            near = nearest(np.stack([raster(r) for r in rows]), train)
            row[f"drawn_{t}"] = float((recognised(net, rows) == k).sum() / args.count)
            row[f"nearest_{t}"] = float(np.median(near))
            row[f"closest_{t}"] = float(near.min())
        figures[word] = row
        print(f"{word:14s}", {a: round(b, 3) for a, b in row.items()}, flush=True)
    mean = {
        a: float(np.mean([r[a] for r in figures.values()])) for a in next(iter(figures.values()))
    }
    print("mean          ", {a: round(b, 3) for a, b in mean.items()})
    for t in args.temperature:
        print(f"tau {t}: recognised {mean[f'drawn_{t}'] / mean['real']:.1%} as often as real ones")
    if args.output:
        args.output.write_text(json.dumps({"mean": mean, "objects": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
