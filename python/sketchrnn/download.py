"""The public nets by name: downloaded once, checked, converted to our container, kept.

They lie at storage.googleapis.com/quickdraw-models, in two families: one net for each of 114
objects under ``sketchRNN/large_models/`` (1,024 units, some 512), and smaller ones of 512 units
under ``sketchRNN/models/``. ``SKETCHRNN_MIRROR`` names another place with the same folders.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import _core
from .cache import folder
from .catalog import OFFICIAL
from .container import read_metadata, write
from .errors import DownloadError
from .formats import need
from .gen_json import read

_HOST = "https://storage.googleapis.com/quickdraw-models"
_FOLDERS = dict(zip(OFFICIAL, ("large_models", "models"), strict=True))

_SECONDS = 30
"""Without a byte for so long, the server is taken for gone."""


def kept(name: str, source: str) -> Path:
    """Return where a public net lies once it was downloaded."""
    return folder() / source / f"{name}.safetensors"


def fetch(facts: dict[str, Any], source: str) -> Path:
    """Return the file of a public net in our container, downloading it if it is not there yet.

    `facts` are the catalogue's of the net. Raises DownloadError that says what happened; no part of
    a file is left behind.
    """
    name = facts["name"]
    path = kept(name, source)
    if _is_whole(path):
        return path
    host = os.environ.get("SKETCHRNN_MIRROR") or _HOST
    url = f"{host.rstrip('/')}/sketchRNN/{_FOLDERS[source]}/{name}.gen.json"
    pooch = need("pooch", "download")
    pooch.get_logger().setLevel("WARNING")  # it announces each download; we have a progress line
    # Published hashes are those of the large family's files.
    digest = facts.get("sha256") if source == "official" else None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own: two processes that download at once do not meet.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".download-") as place:
            raw = pooch.retrieve(
                url,
                known_hash=f"sha256:{digest}" if digest else None,
                fname=f"{name}.gen.json",
                path=place,
                downloader=pooch.HTTPDownloader(timeout=_SECONDS, progressbar=_Progress(name)),
            )
            container = read(raw)
            net = _core.Net.from_bytes(container, name, "f32")
            _compare(net, facts, source)
            write(path, container)
    except Exception as error:
        # Everything that a network, a disk and a stranger's bytes can do, named in one line.
        reason = str(error).replace(f"{place}{os.sep}", "") if "place" in locals() else str(error)
        raise DownloadError(f"{name}: {url}: {reason or type(error).__name__}") from error
    return path


def _is_whole(path: Path) -> bool:
    """Whether the file is there with all its bytes; the core looks into it when it loads it."""
    header = read_metadata(path)
    try:
        with path.open("rb") as file:
            length = 8 + int.from_bytes(file.read(8), "little")
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
        return bool(path.stat().st_size == length + max(ends))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return False


def _compare(net: _core.Net, facts: dict[str, Any], source: str) -> None:
    """Raise ValueError where a downloaded net is not the one that the catalogue knows."""
    units = 512 if source == "official-small" else facts["hidden_size"]
    if net.hidden_size != units:
        raise ValueError(f"hidden units: expected {units}, found {net.hidden_size}")
    if net.mixtures != 20:
        raise ValueError(f"components: expected 20, found {net.mixtures}")
    # The catalogue has six digits, and those of the large family; of the other it is only known
    # that the one net looked at has the same factor.
    within = 1e-5 if source == "official" else 0.2
    if abs(net.scale_factor / facts["scale_factor"] - 1) > within:
        raise ValueError(
            f"scale_factor: expected {facts['scale_factor']}, found {net.scale_factor}"
        )


class _Progress:
    """A line on a terminal, in the way that pooch asks of a progress bar."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0
        self._done = 0
        self._shown = sys.stderr.isatty()

    def update(self, count: int) -> None:
        self._done += count
        if self._shown:
            of = f" of {self.total / 1e6:.1f}" if self.total else ""
            print(
                f"\rdownloading {self.name}: {self._done / 1e6:.1f}{of} MB",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        if self._shown:
            print(file=sys.stderr)
