"""Trains the nets of weights/: one that knows every object, then what each of 36 adds to it.

    python tools/nets/family.py ../shared OUTPUT [--init everything.safetensors] [--objects cat,dog]

Drawings (`corpus.py`), settings (`recipe.py`), `everything`, taught to end, and for each object a
low-rank addition, trained on its drawings and taught to end; then, into OUTPUT/recognised, what
these become when they are taught to be recognised (`policy.py`). What is there is left alone, and
what was stopped goes on from its checkpoint: the same command again until all is there.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import corpus
import judge
import making
import policy
import recipe
import torch

from sketchrnn import writing
from sketchrnn.nets import addition
from sketchrnn.train import data, ending, export, lowrank, model
from sketchrnn.train.loop import Run
from sketchrnn.untrusted import read_limited


def common(
    drawings: list[data.Drawing], counts: corpus.Counts, output: Path, init: Path | None
) -> None:
    """The net of every object."""
    words = sorted({d.word for d in drawings})
    index = {w: i for i, w in enumerate(words)}
    parts = making.split(drawings)
    torch.manual_seed(0)
    if init is not None:
        tensors, facts = export.read(init)
        net, scale = model.unfolded(tensors), float(facts["scale_factor"])
        if json.loads(facts["objects"]) != words:
            raise ValueError(f"{init} knows other objects than the drawings have")
    else:
        net = model.Net(recipe.UNITS, recipe.MIXTURES, len(words))
        scale = data.scale_factor(parts["train"])
    checkpoint = output.with_suffix(".ckpt")
    run = Run(net, recipe.COMMON, parts["train"], parts["valid"], index, scale, checkpoint)
    run.go(making.report("everything"))
    net = run.averaged()
    metadata = export.describe("everything", scale, recipe.LONGEST, {})
    metadata |= {"objects": json.dumps(words), "default_object": recipe.DEFAULT}
    before = making.losses(net, parts, index, scale)
    settings = recipe.COMMON_ENDING
    taught = ending.Ending(
        net, metadata, settings, recipe.OBJECTS, parts["train"], output.with_suffix(".end.ckpt")
    )
    taught.go(making.report("everything"))
    net = taught.average
    # Packed once to be measured as it is stored, and again with what that gave.
    stored = model.unfolded(export.unpack(export.pack(model.tensors(net), metadata))[0])
    held = making.losses(stored, parts, index, scale)
    own = making.record(parts, run, settings, held, before_ending=before, part=taught.part)
    own |= {"init": init and init.name, "left_out": sum(map(Counter, counts.values()), Counter())}
    metadata["training"] = making.told(own)
    export.write(output, model.tensors(net), metadata, "F16")


def learning(
    base: dict[str, addition.Array],
    parts: dict[str, list[data.Drawing]],
    scale: float,
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Run:
    """How one object is learnt, from what the common net is for it."""
    torch.manual_seed(seed)
    net = lowrank.begun(base, recipe.RANK, recipe.HEAD_RANK)
    steps = max(recipe.FEWEST_STEPS, len(parts["train"]) // recipe.DRAWINGS_A_STEP)
    settings = replace(recipe.ADDITION, steps=min(recipe.ADDITION.steps, steps), seed=seed)
    return Run(net, settings, parts["train"], parts["valid"], {}, scale, checkpoint)


def addition_to(common_net: Path, drawings: list[data.Drawing], word: str, output: Path) -> None:
    """What one object adds to the common net."""
    common = addition.Base(read_limited(common_net, "weights"), str(common_net))
    scale, base = float(common.core.metadata["scale_factor"]), common.arrays(word)
    if base is None:
        raise ValueError(f"{common_net} knows no {word}")
    parts = making.split([d for d in drawings if d.word == word])
    run = learning(base, parts, scale, output.with_suffix(".ckpt"))
    run.go(making.report(word))
    net = run.averaged()
    before = making.losses(net, parts, {}, scale)
    metadata = export.describe(word, scale, recipe.LONGEST, {})
    taught = ending.Ending(
        net,
        metadata,
        recipe.ADDITION_ENDING,
        real=parts["train"],
        checkpoint=output.with_suffix(".end.ckpt"),
    )
    taught.go(making.report(word))
    net = taught.average
    unstored = making.losses(net, parts, {}, scale)
    own = making.facts(common, common_net.stem, word, metadata)
    alone = addition.merged(lowrank.stored(net, base, own, recipe.LEVELS), common, word)
    held = making.losses(model.unfolded(export.unpack(alone)[0]), parts, {}, scale)
    own["training"] = making.told(
        making.record(
            parts, run, recipe.ADDITION_ENDING, held, before_ending=before, part=taught.part
        )
    )
    writing.write(output, lowrank.stored(net, base, own, recipe.LEVELS), sync=True)
    output.with_suffix(".end.ckpt").unlink()  # the other one is dear: for lessons by other settings
    told = {"before_ending": before, "in_floats": unstored, "stored": held, "part": taught.part}
    print(f"wrote {output}: {json.dumps(told)}", flush=True)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("shared", type=Path, help="folder with quickdraw/ and sketchpad/")
    p.add_argument("output", type=Path, help="folder for the nets")
    p.add_argument("--init", type=Path, help="begin with an earlier net of every object")
    p.add_argument("--objects", help="of the objects only these, separated by commas")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    making.heap()
    torch.set_num_threads(args.threads)
    model.compile_cells()
    args.output.mkdir(parents=True, exist_ok=True)
    cache = args.output / "corpus.npz"
    if not cache.exists():
        corpus.prepare(args.shared, cache)
    drawings, counts = data.load_cache(cache), corpus.counted(cache)
    everything = args.output / "everything.safetensors"
    if not everything.exists():
        common(drawings, counts, everything, args.init)
    recognised = args.output / "recognised"
    recognised.mkdir(exist_ok=True)
    shutil.copyfile(everything, recognised / everything.name)  # what lies there adds to it, too
    wanted = args.objects.split(",") if args.objects else recipe.OBJECTS + recipe.OF_FEW
    teacher = args.output / "teacher.pt"
    if not teacher.exists():
        judge.made(drawings, teacher, **recipe.TEACHER)
    for word in (w.replace("_", " ") for w in wanted):
        output = args.output / f"{word.replace(' ', '_')}.addition.safetensors"
        if not output.exists():
            addition_to(everything, drawings, word, output)
        policy.lessons([output], drawings, counts, judge.load(teacher), recognised)


if __name__ == "__main__":
    main()
