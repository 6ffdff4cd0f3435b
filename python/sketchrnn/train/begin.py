"""What a training begins from: another net, and the drawings that can be used."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..formats.npz import SPLITS
from ..nets.names import MANY, objects, plain
from ..nets.safetensors import ARRAYS
from . import data, export

if TYPE_CHECKING:
    from .model import Net

TUNING = {
    "lr": 7e-4,
    "steps": 240,
    "batch": 64,
    "every": 24,
    "weight_drop": 0.15,
    "output_drop": 0.2,
    "patience": 6,
}
"""What --from takes for what is not said: as the bundled nets were tuned to one object each, with
more validations, for sets that are smaller."""

FRESH = {
    "lr": 2e-3,
    "steps": 10_000,
    "batch": 128,
    "every": 250,
    "weight_drop": 0.0,
    "output_drop": 0.0,
    "patience": 10,
}
"""The same for a net that begins from nothing."""


def usable(
    paths: Sequence[Path], wanted: str | None, max_len: int
) -> tuple[dict[str, list[data.Drawing]], str, str]:
    """Return the drawings of each split, a line that says how many are used and why not all, and
    what divided them.

    A set without drawings to validate with (a file of one split, or few drawings) is divided by the
    hashes of what they show. Raises ValueError where too few are left.
    """
    left_out: Counter[str] = Counter()
    drawings = data.read(paths, left_out)
    count = len(drawings) + left_out.total()
    if wanted:
        words = {plain(word) for word in wanted.split(",")}
        missing = words - {plain(d.word) for d in drawings}
        if missing:
            raise ValueError(f"no drawings of {', '.join(sorted(missing))}")
        kept = [d for d in drawings if plain(d.word) in words]
        left_out["of other objects"] += len(drawings) - len(kept)
        drawings = kept
    kept = [d for d in drawings if len(d.rows) < max_len]
    left_out[f"of {max_len} points and more (--max-len)"] += len(drawings) - len(kept)
    parts = {split: [d for d in kept if d.split == split] for split in SPLITS}
    anew = ""
    own = sum(data.is_divided(path) for path in paths)
    divided = " or ".join(
        way
        for way, there in (
            ("sha256 of key_id: 85 / 7.5 / 7.5 %", own < len(paths)),
            ("as the .npz says", own > 0),
        )
        if there
    )
    if not parts["train"] or not parts["valid"]:
        rest = sorted(
            (d for split in ("train", "valid") for d in parts[split]),
            key=lambda d: data.content_key(d.word, d.rows),
        )
        valid = max(1, round(0.1 * len(rest)))
        parts["valid"], parts["train"] = rest[:valid], rest[valid:]
        anew = "; divided anew, since all were in one part"
        divided = "sha256 of what they show: 90 / 10 %"
    if not parts["train"] or not parts["valid"]:
        raise ValueError(f"too few drawings to train and validate: {len(kept)} of {count}")
    reasons = "".join(f", {n} left out: {why}" for why, n in left_out.items() if n)
    numbers = ", ".join(f"{len(parts[split])} {split}" for split in SPLITS)
    return parts, f"{len(kept)} of {count} drawings ({numbers}){reasons}{anew}", divided


def net_of(
    given: str, word: str | None, names: list[str], found: str
) -> tuple[Net, float, dict[str, Any]]:
    """Return the net to begin from, its scale factor in pixels of the training box, and its record.

    `given` is a file, a name of `load`, or an object of the bundled net of many; `word` the object
    to fold in, where the net knows many; `names` the objects of the new net if that shall know
    several; `found` the object of the drawings, taken where `word` is not given. Drawings of the
    training box are shown to a net that was trained on others in the size that it knows.
    """
    from ..completion import known_size
    from ..nets.load import load
    from . import model

    if given.endswith(".safetensors"):
        tensors, metadata = export.read(Path(given))
        net, scale = _of_file(given, tensors, metadata, word or _among(metadata, found), names)
        units, origin = load(given), _origin(Path(given).name, metadata)
    else:
        if names:
            raise ValueError(f"--from {given}: a net of many objects begins from a file")
        from ..nets.catalog import bundled_path

        object = next((one for one in objects() if plain(one) == plain(given)), None)
        if bundled_path(given) is None and object is not None:
            units = load(MANY).of(object)
        else:
            units = load(given)
        if len(units.objects) > 1:
            units = units.of(word or found)
        net, scale = model.unfolded(units.arrays()), units.scale_factor
        origin = _origin(units.name, units.metadata)
    return net, scale * data.BOX / known_size(units), origin


def _among(metadata: dict[str, str], found: str) -> str | None:
    try:
        known = json.loads(metadata.get("objects", "[]"))
    except ValueError:
        return None
    return next((one for one in known if plain(str(one)) == plain(found)), None)


def _of_file(
    path: str,
    tensors: dict[str, Any],
    metadata: dict[str, str],
    word: str | None,
    names: list[str],
) -> tuple[Net, float]:
    from . import model

    try:
        scale_factor = float(metadata["scale_factor"])
        known = json.loads(metadata["objects"]) if "embed" in tensors else []
        lacking = [key for key in ARRAYS if key not in tensors]
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path}: not a net: {error!r:.200}") from None
    if lacking or not 0 < scale_factor < math.inf:
        raise ValueError(f"{path}: not a net: arrays or a scale factor are missing")
    if "embed" not in tensors:
        if names:
            raise ValueError(f"{path} is not conditioned on objects")
        return model.unfolded(tensors), scale_factor
    net = model.unfolded(tensors)
    if names:
        if known != names:
            raise ValueError(f"{path} knows other objects than the data has")
        return net, scale_factor
    if word is None or word not in known:
        raise ValueError(f"{path} knows {len(known)} objects: name one of them (--init-object)")
    return model.unfolded(model.folded(net, known.index(word))), scale_factor


def _origin(name: str, metadata: dict[str, str]) -> dict[str, Any]:
    """What training began from, and what that says of its own training."""
    try:
        own = json.loads(metadata.get("training", "{}"))
    except (ValueError, RecursionError):
        own = {}
    kept = ("data", "objects", "drawings", "seed", "steps", "seconds", "settings", "losses")
    return {"file": name, **{k: own[k] for k in kept if isinstance(own, dict) and k in own}}
