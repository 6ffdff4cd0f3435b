"""Trains the nets of weights/: one that knows every object, then what each of 36 adds to it.

    python tools/nets/family.py ../shared OUTPUT [--init everything.safetensors] [--objects cat,dog]

Drawings (`corpus.py`), settings (`recipe.py`), `everything`, taught to end, and for each object a
low-rank addition, trained on its drawings and taught to end. What is there is left alone, and what
was stopped goes on from its checkpoint: the same command again until all is there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import corpus
import recipe
import torch

from sketchrnn import writing
from sketchrnn.formats.npz import SPLITS
from sketchrnn.nets import addition
from sketchrnn.train import data, ending, export, lowrank, model
from sketchrnn.train.evaluate import evaluate
from sketchrnn.train.loop import Run
from sketchrnn.untrusted import read_limited

# What glibc's heap does by default with tensors of some megabytes takes a fifth of the time.
HEAP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "80000000000"}
Losses = dict[str, dict[str, float]]


def heap() -> None:
    """Begin again with another heap, where this program has not yet."""
    if any(os.environ.get(k) != v for k, v in HEAP.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **HEAP})


def split(drawings: list[data.Drawing]) -> dict[str, list[data.Drawing]]:
    """By split."""
    return {s: [d for d in drawings if d.split == s] for s in SPLITS}


def losses(
    net: model.Net, parts: dict[str, list[data.Drawing]], words: dict[str, int], scale: float
) -> Losses:
    """Of the held-out drawings."""
    out: Losses = {}
    for name in ("valid", "test"):
        found = evaluate(net, parts[name], words, scale, recipe.LONGEST)
        out[name] = {k: round(found[k], 4) for k in ("nats", "cell", "paper")}
    return out


def record(
    parts: dict[str, list[data.Drawing]],
    run: Run,
    ended: ending.Settings,
    held: Losses,
    **more: Any,
) -> dict[str, Any]:
    """What a net says of its training."""
    return {
        "command": "tools/nets/family.py",
        "drawings": {k: len(v) for k, v in parts.items()},
        "split": "sha256 of key_id, or of the content: 85 / 7.5 / 7.5 %",
        "steps": run.step,
        "settings": asdict(run.settings),
        "ending": asdict(ended),
        "losses": held,
        **more,
    }


def report(what: str) -> Any:
    """Prints what a stage says, a line each."""

    def line(values: dict[str, Any]) -> None:
        numbers = {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
        print(what, json.dumps(numbers), flush=True)

    return line


def common(drawings: list[data.Drawing], output: Path, init: Path | None) -> None:
    """The net of every object."""
    words = sorted({d.word for d in drawings})
    index = {w: i for i, w in enumerate(words)}
    parts = split(drawings)
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
    run.go(report("everything"))
    net = run.averaged()
    metadata = export.describe("everything", scale, recipe.LONGEST, {})
    metadata |= {"objects": json.dumps(words), "default_object": recipe.DEFAULT}
    before = losses(net, parts, index, scale)
    settings = recipe.COMMON_ENDING
    taught = ending.Ending(
        net, metadata, settings, recipe.OBJECTS, parts["train"], output.with_suffix(".end.ckpt")
    )
    taught.go(report("everything"))
    net = taught.average
    # Packed once to be measured as it is stored, and again with what that gave.
    stored = model.unfolded(export.unpack(export.pack(model.tensors(net), metadata))[0])
    held = losses(stored, parts, index, scale)
    own = record(parts, run, settings, held, before_ending=before, part=taught.part)
    own["init"] = init and init.name
    metadata["training"] = json.dumps(own, ensure_ascii=False)
    export.write(output, model.tensors(net), metadata, "F16")


def addition_to(common_net: Path, drawings: list[data.Drawing], word: str, output: Path) -> None:
    """What one object adds to the common net."""
    common = addition.Base(read_limited(common_net, "weights"), str(common_net))
    scale, base = float(common.core.metadata["scale_factor"]), common.arrays(word)
    if base is None:
        raise ValueError(f"{common_net} knows no {word}")
    parts = split([d for d in drawings if d.word == word])
    torch.manual_seed(0)
    net = lowrank.begun(base, recipe.RANK, recipe.HEAD_RANK)
    steps = max(recipe.FEWEST_STEPS, len(parts["train"]) // recipe.DRAWINGS_A_STEP)
    settings = replace(recipe.ADDITION, steps=min(recipe.ADDITION.steps, steps))
    checkpoint = output.with_suffix(".ckpt")
    run = Run(net, settings, parts["train"], parts["valid"], {}, scale, checkpoint)
    run.go(report(word))
    net = run.averaged()
    before = losses(net, parts, {}, scale)
    metadata = export.describe(word, scale, recipe.LONGEST, {})
    taught = ending.Ending(
        net,
        metadata,
        recipe.ADDITION_ENDING,
        real=parts["train"],
        checkpoint=output.with_suffix(".end.ckpt"),
    )
    taught.go(report(word))
    net = taught.average
    unstored = losses(net, parts, {}, scale)
    own = facts(common, common_net.stem, word, metadata)
    alone = addition.merged(lowrank.stored(net, base, own, recipe.LEVELS), common, word)
    held = losses(model.unfolded(export.unpack(alone)[0]), parts, {}, scale)
    own["training"] = json.dumps(
        record(parts, run, recipe.ADDITION_ENDING, held, before_ending=before, part=taught.part),
        ensure_ascii=False,
    )
    writing.write(output, lowrank.stored(net, base, own, recipe.LEVELS), sync=True)
    output.with_suffix(".end.ckpt").unlink()  # the other one is dear: for lessons by other settings
    told = {"before_ending": before, "in_floats": unstored, "stored": held, "part": taught.part}
    print(f"wrote {output}: {json.dumps(told)}", flush=True)


def facts(common: addition.Base, name: str, word: str, metadata: dict[str, str]) -> dict[str, str]:
    """What an addition to one object of a common net of that name says of itself."""
    return {
        "base": common.identity,
        "base_name": name,
        "base_object": word,
        **{key: metadata[key] for key in ("name", "units", "licence")},
    }


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("shared", type=Path, help="folder with quickdraw/ and sketchpad/")
    p.add_argument("output", type=Path, help="folder for the nets")
    p.add_argument("--init", type=Path, help="begin with an earlier net of every object")
    p.add_argument("--objects", help="of the objects only these, separated by commas")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    heap()
    torch.set_num_threads(args.threads)
    model.compile_cells()
    args.output.mkdir(parents=True, exist_ok=True)
    cache = args.output / "corpus.npz"
    if not cache.exists():
        corpus.prepare(args.shared, cache)
    drawings = data.load_cache(cache)
    everything = args.output / "everything.safetensors"
    if not everything.exists():
        common(drawings, everything, args.init)
    wanted = args.objects.split(",") if args.objects else recipe.OBJECTS
    for word in (w.replace("_", " ") for w in wanted):
        output = args.output / f"{word.replace(' ', '_')}.addition.safetensors"
        if not output.exists():
            addition_to(everything, drawings, word, output)


if __name__ == "__main__":
    main()
