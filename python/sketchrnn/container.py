"""Our weights container: safetensors with the net's facts in its metadata. Written here, read by
the core.

Arrays ``wx`` (5, 4H), ``wh`` (H, 4H), ``b`` (4H,), ``wo`` (H, 3 + 6M), ``bo`` (3 + 6M,), gates
i, j, f, o, ``b`` without the forget gate's +1; dtype F32, F16, or I16 with "<array>.scale" in the
metadata.
Metadata (all strings): format, format_version, name, scale_factor, max_len, start_token (JSON list
of five numbers), and anything else, such as units, licence, training.
File format: https://github.com/huggingface/safetensors, section "Format".
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

ARRAYS = ("wx", "wh", "b", "wo", "bo")
_DTYPES = {"<f4": "F32", "<f2": "F16", "<i2": "I16"}


def pack(
    arrays: Mapping[str, NDArray[Any]],
    *,
    name: str,
    scale_factor: float,
    max_len: int,
    start_token: tuple[float, ...] = (0, 0, 0, 0, 0),
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Return a container's bytes. The core checks the result when it reads it."""
    header: dict[str, Any] = {
        "__metadata__": {
            **(metadata or {}),
            "format": "sketchrnn",
            "format_version": "1",
            "name": name,
            "scale_factor": repr(float(scale_factor)),
            "max_len": str(max_len),
            "start_token": json.dumps([float(x) for x in start_token]),
        }
    }
    blobs = []
    at = 0
    for key in ARRAYS:
        array = np.asarray(arrays[key])
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        blob = array.tobytes()
        header[key] = {
            "dtype": _DTYPES[array.dtype.str],
            "shape": array.shape,
            "data_offsets": [at, at + len(blob)],
        }
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the format's way to align the data
    return len(text).to_bytes(8, "little") + text + b"".join(blobs)


def read_metadata(path: str | PathLike[str]) -> dict[str, Any]:
    """Return a container's header without its data, as far as it is JSON; {} if it is not."""
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, 1 << 20)))
        return header if isinstance(header, dict) else {}
    except (OSError, ValueError):
        return {}


def write(path: str | PathLike[str], data: bytes) -> None:
    """Write a file that is complete or not there: a temporary beside it, renamed at the end."""
    target = os.fspath(path)
    if not target.endswith(".safetensors"):
        raise ValueError(f"path: expected a name ending in .safetensors, found {target!r}")
    temporary = f"{target}.{os.getpid()}.part"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
