"""Every net by name: those in the package, and the public ones of Magenta's sketch-rnn."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from .. import __path__ as _FOLDERS
from . import FORMATS
from .safetensors import read_metadata

_HERE = Path(__file__).parent
# An editable install has two folders: the source tree's, and the one that the build fills.
_BUNDLED = next(filter(Path.is_dir, (Path(folder, "weights") for folder in _FOLDERS)), _HERE)

(ADDED,), (ALONE,) = (FORMATS[format].suffixes for format in ("addition", "safetensors"))

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


def is_name(text: str) -> bool:
    """Whether a text is a plain name: from a caller or a file, nothing else may reach the file
    system."""
    return text not in ("", ".", "..") and Path(text).name == text


def bundled_path(name: str) -> Path | None:
    """Return the file of a bundled net, None if there is none of that name."""
    if is_name(name):
        for suffix in (ADDED, ALONE):
            path = _BUNDLED / (name.strip().replace(" ", "_").lower() + suffix)
            # os.path.isfile: False, too, for what the file system cannot even look up (NUL, too
            # long).
            if os.path.isfile(path):
                return path
    return None


def _name(file: str) -> str:
    return file.removesuffix(ADDED).removesuffix(ALONE)


def official() -> list[dict[str, Any]]:
    """Return the published facts of the 114 public nets (their large family)."""
    entries: list[dict[str, Any]] = json.loads((_HERE / "official.json").read_text())
    return entries


def catalog() -> list[CatalogEntry]:
    """Return every net that load() knows by name, bundled ones first, each group by name."""
    from .download import kept

    entries = []
    headers = {path.name: read_metadata(path) for path in _BUNDLED.glob(f"*{ALONE}")}
    for file in sorted(headers, key=_name):
        header = headers[file]
        if file.endswith(ADDED):  # of the shape of what it adds to
            header = headers[header["__metadata__"]["base_name"] + ALONE]
        facts = header["__metadata__"]
        entries.append(
            CatalogEntry(
                _name(file),
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
