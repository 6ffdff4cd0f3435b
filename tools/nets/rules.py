"""What rules for the drawings cost or bring: additions learnt with what a rule finds, and without.

    python tools/nets/rules.py ../shared --common weights/everything.safetensors \\
        --judge judge.pt --objects face,bird,monkey,cat -o rules.json

Beside the rules of `corpus.py` two more are asked: what QuickDraw's own classifier did not
recognise while it was drawn ("unrecognised", which not every source tells), and what the judge
takes for twenty other objects before its own ("misfit": writing, failures, drawings of something
else). Each pair has the same seed and is asked about the same validation drawings: all of them, and
those that no rule finds. What two seeds differ by is the noise. Rules that find fewer than FEW to
learn from are passed over.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import corpus
import family
import judge
import making
import numpy as np
import recipe
import torch

from sketchrnn import writing
from sketchrnn.nets import addition
from sketchrnn.train import data, model
from sketchrnn.train.evaluate import evaluate
from sketchrnn.untrusted import read_limited

FEW = 10
"""Drawings: so few change a net by less than another seed does."""

OTHERS = 20
"""Objects. Of cats, those before whose own word so many come are half circles and writing."""

Rule = Callable[[Sequence[data.Drawing]], set[int]]


def unrecognised(drawings: Sequence[data.Drawing]) -> set[int]:
    """Indices of drawings that the game did not recognise."""
    return {i for i, d in enumerate(drawings) if d.facts.get("recognized") is False}


def misfits(asked: judge.Asked) -> Rule:
    """A rule: indices of drawings of which so many other objects are likelier."""
    judged, words = asked

    def rule(drawings: Sequence[data.Drawing]) -> set[int]:
        found = judge.verdicts(judged, [d.rows for d in drawings])
        before = judge.likelier(found, [words.index(d.word) for d in drawings])
        return set(np.flatnonzero(before >= OTHERS).tolist())

    return rule


def compared(
    base: dict[str, addition.Array],
    scale: float,
    drawings: Sequence[data.Drawing],
    rules: dict[str, Rule],
    seeds: int,
) -> dict[str, Any]:
    """Nats a point by what was left out of training, a number for each seed."""
    found = {name: rule(drawings) for name, rule in rules.items()}
    every = set().union(*found.values())
    valid = [i for i, d in enumerate(drawings) if d.split == "valid"]
    held = {
        "all": [drawings[i] for i in valid],
        "clean": [drawings[i] for i in valid if i not in every],
    }
    out: dict[str, Any] = {
        "valid": {name: len(some) for name, some in held.items()},
        "found": {name: len(which) for name, which in found.items()},
    }
    for name, left in {"nothing": set[int](), **found}.items():
        learnt = [d for i, d in enumerate(drawings) if d.split == "train" and i not in left]
        fewer = sum(d.split == "train" for d in drawings) - len(learnt)
        if name != "nothing" and fewer < FEW:
            continue
        row: dict[str, Any] = {"left out": fewer, "all": [], "clean": []}
        for seed in range(seeds):
            run = family.learning(base, {"train": learnt, "valid": held["clean"]}, scale, seed=seed)
            run.go(lambda report: None)
            net = run.averaged()
            for part, some in held.items():
                nats = evaluate(net, some, {}, scale, recipe.LONGEST)["nats"]
                row[part].append(round(nats, 4))
        out[name] = row
        print(f"{drawings[0].word:10} without {name:12} {json.dumps(row)}", flush=True)
    return out


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("shared", type=Path, help="folder with quickdraw/ and sketchpad/")
    p.add_argument("--common", type=Path, required=True, help="the net that additions are to")
    p.add_argument("--judge", type=Path, required=True, help="what judge.py wrote")
    p.add_argument("--objects", required=True, help="separated by commas")
    p.add_argument("--seeds", type=int, default=2)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("-o", "--output", type=Path, required=True, help="the figures as JSON")
    args = p.parse_args()
    making.heap()
    torch.set_num_threads(args.threads)
    model.compile_cells()
    common = addition.Base(read_limited(args.common, "weights"), str(args.common))
    scale = float(common.core.metadata["scale_factor"])
    rules = {name: rule for name, rule in corpus.RULES.items() if rule is not corpus.too_long}
    rules |= {"unrecognised": unrecognised, "misfit": misfits(judge.load(args.judge))}
    every = data.read(corpus.sources(args.shared))
    too_long = corpus.too_long(every)
    every = [d for i, d in enumerate(every) if i not in too_long]
    table = {}
    for word in args.objects.split(","):
        base = common.arrays(word)
        if base is None:
            raise ValueError(f"{args.common} knows no {word}")
        mine = [d for d in every if d.word == word]
        table[word] = compared(base, scale, mine, rules, args.seeds)
        writing.write(args.output, json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
