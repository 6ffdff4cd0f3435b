"""Our weights container: safetensors with the net's facts in its metadata. Written here, read by
the core.

Arrays ``wx`` (5, 4H), ``wh`` (H, 4H), ``b`` (4H,), ``wo`` (H, 3 + 6M), ``bo`` (3 + 6M,), gates
i, j, f, o, ``b`` without the forget gate's +1; dtype F32, F16, or I16 with "<array>.scale" in the
metadata. ``wh`` may be I8, with ``wh.column_scale`` (4H,) in F32: wh = q · column_scale[column].
Quantised for the precision "i8", in which alone it runs then, it has ``h.scale`` (H,) in F32 too:
wh = q · column_scale[column] · h.scale[row].
Metadata (all strings): format, format_version, name, scale_factor, max_len, start_token (JSON list
of five numbers), and anything else, such as units, licence, training.
File format: https://github.com/huggingface/safetensors, section "Format".
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
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
    for key in ARRAYS:
        array = np.asarray(arrays[key])
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        header[key] = {"dtype": _DTYPES[array.dtype.str], "shape": array.shape}
        blobs.append(array.tobytes())
    return _assemble(header, ARRAYS, blobs)


def _assemble(header: dict[str, Any], keys: Sequence[str], blobs: Sequence[bytes]) -> bytes:
    at = 0
    for key, blob in zip(keys, blobs, strict=True):
        header[key]["data_offsets"] = [at, at + len(blob)]
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the format's way to align the data
    return len(text).to_bytes(8, "little") + text + b"".join(blobs)


def is_quantised(container: bytes) -> bool:
    """Whether the container is quantised for "i8"; False also for what is no container."""
    try:
        return "h.scale" in read_header(container)
    except (ValueError, TypeError):
        return False


def with_i8(
    container: bytes,
    q: NDArray[np.int8],
    column_scale: NDArray[np.float32],
    h_scale: NDArray[np.float32] | None = None,
) -> bytes:
    """Return a copy of a valid container with `wh` in 8 bits; with `h_scale`, quantised for the
    precision "i8"."""
    header = read_header(container)
    start = 8 + int.from_bytes(container[:8], "little")
    blobs = {}
    for key in ARRAYS:
        first, last = header[key]["data_offsets"]
        blobs[key] = container[start + first : start + last]
    header["__metadata__"].pop("wh.scale", None)
    scales = {"wh.column_scale": column_scale, "h.scale": h_scale}
    for key, dtype, array in [
        ("wh", "I8", q),
        *((key, "F32", scale.astype("<f4")) for key, scale in scales.items() if scale is not None),
    ]:
        header[key] = {"dtype": dtype, "shape": array.shape}
        blobs[key] = array.tobytes()
    return _assemble(header, list(blobs), list(blobs.values()))


def read_header(container: bytes) -> dict[str, Any]:
    """Return a container's header; raises ValueError where it is not JSON."""
    length = int.from_bytes(container[:8], "little")
    header: dict[str, Any] = json.loads(container[8 : 8 + length])
    return header


def read_metadata(path: str | PathLike[str]) -> dict[str, Any]:
    """Return a container's header without its data, as far as it is JSON; {} if it is not."""
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, 1 << 20)))
        return header if isinstance(header, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}


def write(path: str | PathLike[str], data: bytes) -> None:
    """Write a file that is complete or not there: a temporary beside it, renamed at the end."""
    target = os.fspath(path)
    if not target.endswith(".safetensors"):
        raise ValueError(f"path: expected a name ending in .safetensors, found {target!r}")
    # Of this thread alone: others may be writing the same file.
    temporary = f"{target}.{os.getpid()}-{threading.get_ident()}.part"
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
