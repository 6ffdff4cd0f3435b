"""The weights container: safetensors with the net's description in its metadata.

Written by hand, since it is a header and the tensors' bytes:
https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ORDER = ("wx", "wh", "b", "wo", "bo")
NAMES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("<i1"),
}
LICENCE = (
    "Apache-2.0. Trained on drawings of the Quick, Draw! dataset, © Google, CC BY 4.0, "
    "https://github.com/googlecreativelab/quickdraw-dataset"
)
UNITS = "pixels of QuickDraw's simplified 256-pixel box"


def describe(
    name: str, scale_factor: float, max_len: int, training: Mapping[str, Any]
) -> dict[str, str]:
    """The metadata of a net of ours; all values are strings, as safetensors wants."""
    return {
        "format": "sketchrnn",
        "format_version": "1",
        "name": name,
        "scale_factor": repr(float(scale_factor)),
        "max_len": str(max_len),
        "start_token": "[0, 0, 0, 0, 0]",
        "units": UNITS,
        "licence": LICENCE,
        "training": json.dumps(training, ensure_ascii=False, separators=(",", ":")),
    }


def write(
    path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str], dtype: str = "F16"
) -> None:
    """Write tensors (floats) and metadata; the file appears whole or not at all.

    With `dtype` "I8" wh alone is in 8 bits, a scale per column, and the rest in 16-bit floats.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    blobs: list[bytes] = []

    def put(name: str, values: Array, stored: str) -> None:
        at = sum(map(len, blobs))
        blobs.append(np.ascontiguousarray(values, NAMES[stored]).tobytes())
        span = [at, at + len(blobs[-1])]
        header[name] = {"dtype": stored, "shape": list(values.shape), "data_offsets": span}

    for name, given in tensors.items():
        values = np.asarray(given, np.float64)
        if dtype == "I8" and name == "wh":
            scales = (np.abs(values).max(axis=0) / 127.0).astype(np.float32)
            scales[scales == 0.0] = 1.0
            put("wh", np.rint(values / scales).clip(-127, 127), "I8")
            put("wh.column_scale", scales, "F32")
            continue
        stored = "F16" if dtype == "I8" else dtype
        if stored == "I16":
            scale = float(np.abs(values).max()) / 32767.0 or 1.0
            header["__metadata__"][f"{name}.scale"] = repr(scale)
            values = np.rint(values / scale)
        elif stored == "F16" and np.abs(values).max() > 65504.0:
            raise ValueError(f"{name} does not fit into 16-bit floats")
        put(name, values, stored)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_bytes(b"".join([len(text).to_bytes(8, "little"), text, *blobs]))
    partial.replace(path)


def read(path: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Tensors (as float32) and metadata of a file that `write` wrote."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        a, b = entry["data_offsets"]
        raw = np.frombuffer(data[8 + size + a : 8 + size + b], NAMES[entry["dtype"]])
        scale = float(metadata.get(f"{name}.scale", 1.0))
        tensors[name] = (raw.reshape(entry["shape"]).astype(np.float64) * scale).astype(np.float32)
    if "wh.column_scale" in tensors:
        tensors["wh"] = tensors["wh"] * tensors.pop("wh.column_scale")
    return tensors, metadata
