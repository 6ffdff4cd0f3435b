"""Where things that took time to get are kept between runs: ``SKETCHRNN_HOME``, else the user's
cache folder (``XDG_CACHE_HOME`` or ``~/.cache``, in ``sketchrnn``)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np

from .. import _core
from ..untrusted import read_limited
from ..writing import write
from .safetensors import SIDES, is_quantised, read_header, with_calibration

_CALIBRATION = 3
"""Raised whenever csrc/model/quantise.cpp comes to give other integers (tests/test_precisions.py
knows them), so that a cache kept by an older version is not taken for this one's."""


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
    kept file has the SHA-256 of the container it was made of, that of what follows, then the
    arrays, three for each LSTM. What is no regular file, belongs to another net or is damaged is
    made anew; a cache that cannot be written is done without.
    """
    if is_quantised(container):
        return container
    # The content names the file, so that a net that changed is never taken for the old one.
    source = sha256(container)
    path = folder() / f"{source.hex()[:32]}.{_CALIBRATION}.i8"
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        kept = read_limited(path, "weights")
        if kept[:32] == source and kept[32:64] == sha256(kept[64:]):
            return _joined(container, kept[64:])
    arrays = _core.calibrated(container, what)
    data = b"".join(array.tobytes() for array in arrays.values())
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, source + sha256(data) + data, sync=True, follow=False)
    return with_calibration(container, arrays)


def sha256(data: bytes) -> bytes:
    """Return the digest; in pieces, between which Ctrl-C is heard: a gigabyte takes seconds."""
    import hashlib

    digest = hashlib.sha256()
    for at in range(0, len(data), 1 << 24):
        digest.update(memoryview(data)[at : at + (1 << 24)])
    return digest.digest()


def _joined(container: bytes, data: bytes) -> bytes:
    """Return a container with the arrays that were kept; all else is its own, so that a kept file
    can give a net neither another name nor other weights beside these."""
    header, at, arrays = read_header(container), 0, {}
    for side in SIDES:
        if f"{side}wh" not in header:
            continue
        hidden: int = header[f"{side}wh"]["shape"][0]
        for key, kind, shape in (
            ("wh", np.int8, (hidden, 4 * hidden)),
            ("wh.column_scale", np.float32, (4 * hidden,)),
            ("h.scale", np.float32, (hidden,)),
        ):
            count = int(np.prod(shape))
            arrays[side + key] = np.frombuffer(data, kind, count, at).reshape(shape)
            at += arrays[side + key].nbytes
    made = with_calibration(container, arrays)
    _core.Net.from_bytes(made, "kept", "i8")
    return made
