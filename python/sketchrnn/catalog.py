"""Every net by name: those in the package, and the public ones of Magenta's sketch-rnn."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from .container import read_metadata

_HERE = Path(__file__).parent
_BUNDLED = _HERE / "weights"

OFFICIAL = ("official", "official-small")
"""The two families of public nets."""

SOURCES = ("bundled", *OFFICIAL)
"""Where a net of a name may come from."""


class CatalogEntry(NamedTuple):
    """A net that :func:`sketchrnn.load` knows by name."""

    name: str
    source: str
    """"bundled" (in this package, trained by this project) or "official" (Magenta's: load()
    downloads it once)."""
    hidden_size: int
    scale_factor: float
    max_len: int
    available: bool
    """Whether the weights are on this machine."""


def bundled_path(name: str) -> Path | None:
    """Return the file of a bundled net, None if there is none of that name."""
    # Names come from callers: nothing but a plain name may reach the file system.
    path = _BUNDLED / f"{name.replace(' ', '_')}.safetensors"
    # os.path.isfile: False, too, for what the file system cannot even look up (NUL, too long).
    return path if path.parent == _BUNDLED and os.path.isfile(path) else None


def official() -> list[dict[str, Any]]:
    """Return the published facts of the 114 public nets (their large family)."""
    entries: list[dict[str, Any]] = json.loads((_HERE / "official.json").read_text())
    return entries


def catalog() -> list[CatalogEntry]:
    """Return every net that load() knows by name, bundled ones first, each group by name."""
    from .download import kept

    entries = []
    for path in sorted(_BUNDLED.glob("*.safetensors")):
        header = read_metadata(path)
        facts = header["__metadata__"]
        entries.append(
            CatalogEntry(
                path.stem,
                "bundled",
                header["wh"]["shape"][0],
                float(facts["scale_factor"]),
                int(facts["max_len"]),
                True,
            )
        )
    for net in official():
        entries.append(
            CatalogEntry(
                net["name"],
                "official",
                net["hidden_size"],
                net["scale_factor"],
                net["max_len"],
                kept(net["name"], "official").exists(),
            )
        )
    return entries
