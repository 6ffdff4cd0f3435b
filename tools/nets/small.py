"""Nets for chips: few units, distilled from the large net of their object.

    python tools/nets/small.py weights/pig.addition.safetensors --units 64 128 256 \\
        --corpus corpus.npz -o weights

Each learns what comes next from drawings, real ones and thousands more that the large net makes at
τ = 1, and what the large net says could come next: at each row its whole mixture and pen are the
target (Hinton et al. 2015, arXiv 1503.02531), components matched in order, as in
`sketchrnn.train.ending`. Then it is taught to end, and stored in 8 bits. What was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import making
import numpy as np
import recipe
import torch
from torch import Tensor

import sketchrnn
from sketchrnn.train import data, ending, export, model
from sketchrnn.train.batches import Batch
from sketchrnn.train.loop import Run


class Teacher:
    """A large net, which is asked about each batch once: most of the time would be its own."""

    def __init__(self, net: model.Net) -> None:
        self.net, self.said = net.eval(), dict[int, Tensor]()

    def __call__(self, number: int, batch: Batch) -> Tensor:
        if number not in self.said:
            with torch.no_grad():
                inputs, words = torch.from_numpy(batch.inputs), torch.from_numpy(batch.words)
                self.said[number] = self.net(inputs, words, kind=model.products(True))
        return self.said[number]


class Distilled(Run):
    """A training whose targets are, beside the next row, a large net's distributions of it."""

    teacher: Teacher
    pixel: float

    def _batch(self) -> Batch:
        return self.batches[self.step % recipe.SMALL_BATCHES]

    def objective(self, z: Tensor, batch: Batch) -> Tensor:
        said = self.teacher(self.step % recipe.SMALL_BATCHES, batch)
        apart = ending.divergence(said, z, self.pixel) * torch.from_numpy(batch.valid)
        return super().objective(z, batch) + torch.stack([apart.sum(), torch.zeros(())])


def drawn(net: sketchrnn.Net, count: int) -> list[data.Drawing]:
    """Drawings of a net at τ = 1 that ended, on whole pixels like real ones."""
    some = [s.stroke3 for s in net.draw(count, temperature=1.0, seed=0) if s.finished]
    return [
        data.Drawing(net.name, str(i), np.rint(rows).astype(np.int16), "train")
        for i, rows in enumerate(some)
        if len(rows) > 1
    ]


def small(
    large: sketchrnn.Net,
    units: int,
    parts: dict[str, list[data.Drawing]],
    more: list[data.Drawing],
    teacher: Teacher,
    output: Path,
) -> dict[str, Any]:
    """Write a net of so many units that learns from real drawings and `more`; its record."""
    scale = float(large.metadata["scale_factor"])
    torch.manual_seed(0)
    run = Distilled(
        model.Net(units, large.mixtures),
        recipe.SMALL,
        parts["train"] + more,
        parts["valid"],
        {},
        scale,
        output.with_suffix(".ckpt"),
    )
    run.teacher, run.pixel = teacher, 1.0 / (12.0 * scale**2)
    name = f"{large.name}-{units}"
    run.go(making.report(name))
    net = run.averaged()
    before = making.losses(net, parts, {}, scale)
    metadata = export.describe(name, scale, recipe.LONGEST, {})
    checkpoint = output.with_suffix(".end.ckpt")
    # Called as its object, for the real drawings that hold it; its file has the units, too.
    taught = ending.Ending(
        net,
        metadata | {"name": large.name},
        recipe.SMALL_ENDING,
        real=parts["train"],
        checkpoint=checkpoint,
    )
    taught.go(making.report(name))
    tensors = model.tensors(taught.average)
    stored = model.unfolded(export.unpack(export.pack(tensors, metadata, "I8"))[0])
    own = making.record(
        parts,
        run,
        recipe.SMALL_ENDING,
        making.losses(stored, parts, {}, scale),
        before_ending=before,
        part=taught.part,
        teacher=making.losses(teacher.net, parts, {}, scale),
        learnt_from=len(run.batches.drawings),
    )
    own["command"] = "tools/nets/small.py"
    metadata["training"] = json.dumps(own)
    export.write(output, tensors, metadata, "I8")
    checkpoint.unlink()
    output.with_suffix(".ckpt").unlink()
    return own


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("nets", nargs="+", metavar="NET", help="names or files of large nets")
    p.add_argument("--units", nargs="+", type=int, default=[64, 128, 256])
    p.add_argument("--corpus", type=Path, required=True, help="what corpus.py wrote")
    p.add_argument("-o", "--output", type=Path, required=True, help="folder for the nets")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    making.heap()
    torch.set_num_threads(args.threads)
    model.compile_cells()
    drawings = data.load_cache(args.corpus)
    for net in args.nets:
        large = sketchrnn.load(net)
        named = args.output / large.name.replace(" ", "_")
        wanted = {n: named.with_name(f"{named.name}-{n}.safetensors") for n in args.units}
        if all(output.exists() for output in wanted.values()):
            continue
        parts = making.split([d for d in drawings if d.word == large.name])
        more = drawn(large, recipe.SMALL_DRAWINGS)
        teacher = Teacher(model.unfolded(large.arrays()))
        for units, output in wanted.items():
            if not output.exists():
                made = small(large, units, parts, more, teacher, output)
                print(output, json.dumps(made), flush=True)


if __name__ == "__main__":
    main()
