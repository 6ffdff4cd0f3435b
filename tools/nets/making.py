"""What the commands that make nets have in common.

Their heap, splits, losses, what a net says of its training, and what is printed of it meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

import recipe

from sketchrnn.formats.npz import SPLITS
from sketchrnn.nets import addition
from sketchrnn.train import data, ending, model
from sketchrnn.train.evaluate import evaluate
from sketchrnn.train.loop import Run

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


def told(record: dict[str, Any]) -> str:
    """A record as it stands in a net's metadata."""
    return json.dumps(record, ensure_ascii=False)


def report(what: str) -> Any:
    """Prints what a stage says, a line each."""

    def line(values: dict[str, Any]) -> None:
        numbers = {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
        print(what, json.dumps(numbers), flush=True)

    return line


def facts(common: addition.Base, name: str, word: str, metadata: dict[str, str]) -> dict[str, str]:
    """What an addition to one object of a common net of that name says of itself."""
    return {
        "base": common.identity,
        "base_name": name,
        "base_object": word,
        **{key: metadata[key] for key in ("name", "units", "licence")},
    }
