"""The judge: a classifier of all objects that has seen real drawings of the training split alone.

    python tools/nets/judge.py corpus.npz -o judge.pt
    python tools/nets/judge.py corpus.npz -o teacher.pt --size 32 --seed 1 --epochs 5

A small residual net over pictures of 40 pixels, each drawing scaled to fill one, turned, sheared
and shifted a little anew in every epoch. It says which object a drawing is; `recognise.py` asks it
about what the nets draw. The second one is who `policy.py` asks, so that nets are not judged by
whom they learnt from. Stopped at any moment, the same command goes on after the last epoch.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sketchrnn.train import data, model
from sketchrnn.train.loop import keep, kept

SIZE = 40
PER_OBJECT = 600
F32 = NDArray[np.float32]


def raster(rows: NDArray[Any], size: int = SIZE) -> F32:
    """A drawing, stroke-3 rows, as a picture (size, size) of ink
    from 0 to 1, scaled to fill it."""
    ends = np.concatenate([np.zeros((1, 2)), np.cumsum(rows[:, :2].astype(np.float64), 0)])
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
    ink = np.zeros((size + 1) * (size + 1))
    for dx in (0, 1):
        for dy in (0, 1):
            weight = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
            index = (cell[:, 1] + dy) * (size + 1) + cell[:, 0] + dx
            ink += np.bincount(index, weight, len(ink))
    picture = np.minimum(ink, 1.0).reshape(size + 1, size + 1)[:size, :size]
    return picture.astype(np.float32)


class Block(nn.Module):
    """Two convolutions with a way past them, the first of stride 2."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(before, after, 3, 2, 1, bias=False)
        self.two = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.past = nn.Conv2d(before, after, 1, 2, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(after) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norms[0](self.one(x)))
        y = self.norms[1](self.two(y)) + self.norms[2](self.past(x))
        return F.relu(y)


class Judge(nn.Module):
    """Pictures (B, 1, size, size) → logits (B, objects): 1.3 M numbers."""

    def __init__(self, objects: int, size: int = SIZE) -> None:
        super().__init__()
        self.size = size
        self.stem = nn.Conv2d(1, 24, 5, 1, 2)
        self.blocks = nn.Sequential(Block(24, 48), Block(48, 112), Block(112, 224))
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(224, objects))

    def forward(self, x: Tensor) -> Tensor:
        y = self.blocks(F.relu(self.stem(x)))
        # The likeliest places count, not only their mean: an ear is small.
        return self.head(0.5 * (y.mean((2, 3)) + y.amax((2, 3))))


def distorted(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Turned, sheared, scaled and shifted a little, each its own way."""
    n = len(pictures)
    way = np.eye(2, 3) + np.concatenate(
        [rng.normal(0, 0.08, (n, 2, 2)), rng.normal(0, 0.04, (n, 2, 1))], 2
    )
    grid = F.affine_grid(torch.from_numpy(way.astype(np.float32)), list(pictures.shape), False)
    return F.grid_sample(pictures, grid, align_corners=False)


def some_of_each(drawings: Sequence[data.Drawing], most: int = PER_OBJECT) -> list[data.Drawing]:
    """At most so many of an object, so that it is as fair as it can be."""
    taken: dict[str, int] = {}
    out = []
    for i in np.random.default_rng(0).permutation(len(drawings)):
        d = drawings[i]
        if taken.setdefault(d.word, 0) < most:
            taken[d.word] += 1
            out.append(d)
    return out


def fit(
    drawings: Sequence[data.Drawing],
    words: Sequence[str],
    epochs: int,
    checkpoint: Path | None = None,
    batch: int = 128,
    size: int = SIZE,
    seed: int = 0,
) -> Judge:
    """Train on these drawings, all of them real and none held out; `seed` is of the weights that it
    begins with."""
    torch.manual_seed(seed)
    net = Judge(len(words), size).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    index = {w: i for i, w in enumerate(words)}
    labels = torch.tensor([index[d.word] for d in drawings])
    pictures = torch.from_numpy(
        np.stack([(raster(d.rows, size) * 255).astype(np.uint8) for d in drawings])
    )
    per_epoch = max(1, len(drawings) // batch)
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, epochs * per_epoch)
    first = 0
    if checkpoint is not None and checkpoint.exists():
        state = kept(checkpoint, "net", "optimiser", "schedule", "epoch")
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        first = state["epoch"]
    net.train()
    for epoch in range(first, epochs):
        rng, start, total = np.random.default_rng(epoch), time.monotonic(), 0.0
        order = rng.permutation(len(drawings))
        for i in range(per_epoch):
            chosen = torch.from_numpy(order[i * batch : (i + 1) * batch])
            x = distorted(pictures[chosen, None].float() / 255.0, rng)
            with torch.autocast(
                "cpu", torch.bfloat16, enabled=model.products(True) == torch.bfloat16
            ):
                z = net(x.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(z.float(), labels[chosen], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        seconds = time.monotonic() - start
        print(f"epoch {epoch + 1}: loss {total / per_epoch:.3f}, {seconds:.0f} s", flush=True)
        if checkpoint is not None:
            state = {
                "net": net.state_dict(),
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
                "epoch": epoch + 1,
            }
            keep(checkpoint, state)
    return net.eval()


Asked = tuple[Judge, list[str]]
"""A judge and its objects."""


@torch.no_grad()
def verdicts(net: Judge, rows: Sequence[NDArray[Any]]) -> F32:
    """log p of each object (n, objects) for each drawing."""
    x = torch.from_numpy(np.stack([raster(r, net.size) for r in rows]))[:, None]
    return np.asarray(torch.cat([F.log_softmax(net(part), 1) for part in x.split(256)]))


def likelier(found: F32, own: Sequence[int]) -> NDArray[np.int64]:
    """How many objects are likelier than its own, of each drawing (n,); verdicts (n, objects)."""
    return np.asarray((found > found[np.arange(len(found)), own][:, None]).sum(1))


def called(asked: Asked, rows: Sequence[NDArray[Any]], wanted: Sequence[Collection[str]]) -> float:
    """How often drawings are called one of what they may be; those of one row never are."""
    net, words = asked
    shown = [i for i, r in enumerate(rows) if len(r) > 1]
    best = verdicts(net, [rows[i] for i in shown]).argmax(1)
    return sum(words[k] in wanted[i] for i, k in zip(shown, best, strict=True)) / len(rows)


def load(path: Path) -> Asked:
    """What `made` wrote."""
    state = kept(path, "net", "words", "size")
    net = Judge(len(state["words"]), state["size"])
    net.load_state_dict(state["net"])
    return net.eval(), state["words"]


def made(
    drawings: Sequence[data.Drawing], output: Path, epochs: int, size: int = SIZE, seed: int = 0
) -> None:
    """Train a judge on what is for training, say how often it is right, and write it."""
    words = sorted({d.word for d in drawings})
    train = some_of_each([d for d in drawings if d.split == "train"])
    net = fit(train, words, epochs, output.with_suffix(".ckpt"), size=size, seed=seed)
    test = some_of_each([d for d in drawings if d.split == "test"], 50)
    found = verdicts(net, [d.rows for d in test])
    rank = likelier(found, [words.index(d.word) for d in test])
    print(
        f"held-out drawings: {np.mean(rank == 0):.1%} recognised, {np.mean(rank < 5):.1%} in five"
    )
    keep(output, {"net": net.state_dict(), "words": words, "size": size})


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("corpus", type=Path)
    p.add_argument("-o", "--output", type=Path, required=True)
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--size", type=int, default=SIZE, help="pixels, on either side")
    p.add_argument("--seed", type=int, default=0, help="of the weights that it begins with")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    made(data.load_cache(args.corpus), args.output, args.epochs, args.size, args.seed)


if __name__ == "__main__":
    main()
