"""Where things that took time to get are kept between runs: ``SKETCHRNN_HOME``, else the user's
cache folder (``XDG_CACHE_HOME`` or ``~/.cache``, in ``sketchrnn``)."""

from __future__ import annotations

import os
from pathlib import Path

from . import _core
from .container import is_quantised, with_i8, write

_CALIBRATION = 2
"""Raised whenever csrc/quantise.cpp comes to give other integers (tests/test_precisions.py knows
them), so that a cache kept by an older version is not taken for this one's."""


def folder() -> Path:
    """Return the cache folder, which need not exist."""
    home = os.environ.get("SKETCHRNN_HOME")
    if home:
        return Path(home)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sketchrnn"


def quantised(container: bytes, what: str) -> bytes:
    """Return `container` with 8-bit recurrent weights, from the cache or calibrated now and kept.

    Calibration takes half a second for 512 units and gives the same integers on every machine. A
    cache that cannot be written is done without; a damaged file in it is made anew.
    """
    if is_quantised(container):
        return container
    import hashlib

    # The content names the file, so that a net that changed is never taken for the old one.
    digest = hashlib.sha256(container).hexdigest()[:32]
    path = folder() / f"{digest}.i8.{_CALIBRATION}.safetensors"
    try:
        kept = path.read_bytes()
        _core.Net.from_bytes(kept, str(path), "i8")
        return kept
    except (OSError, _core.WeightsError):
        pass
    made = with_i8(container, *_core.quantise_i8(container, what))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, made)
    except OSError:
        pass
    return made
