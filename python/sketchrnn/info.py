"""What a net is made of, as :meth:`sketchrnn.Net.info` returns it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .net import Net

_ELEMENT_BYTES = {"F32": 4, "F16": 2, "I16": 2, "I8": 1}

LAYERS = {
    "scale": 1,  # offsets to net units
    "lstm": 1,
    "dense": 1,
    "softmax": 2,  # pen state, component
    "exp": 2,  # σx, σy
    "tanh": 1,  # ρ
}
"""Layer types and how many of each there are, from input to mixture."""


_SCALES = {"wh.column_scale", "h.scale"}
"""How 8-bit weights are stored, and no weights themselves."""


def stored_arrays(container: bytes) -> dict[str, dict[str, Any]]:
    """Return shape, elements, storage type and bytes (scales included) of each weight array."""
    length = int.from_bytes(container[:8], "little")
    header = json.loads(container[8 : 8 + length])
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__" or name in _SCALES:
            continue
        elements = 1
        for size in entry["shape"]:
            elements *= size
        arrays[name] = {
            "shape": tuple(entry["shape"]),
            "elements": elements,
            "dtype": entry["dtype"],
            "bytes": elements * _ELEMENT_BYTES[entry["dtype"]],
        }
    for name in _SCALES.intersection(header):
        first, last = header[name]["data_offsets"]
        arrays["wh"]["bytes"] += last - first
    return arrays


def info(net: Net) -> dict[str, Any]:
    """Return the facts that :meth:`sketchrnn.Net.info` documents."""
    arrays = stored_arrays(net.container)
    metadata = net.metadata
    provenance = {key: metadata[key] for key in ("source", "licence", "units") if key in metadata}
    return {
        "name": net.name,
        "arrays": arrays,
        "total": sum(array["elements"] for array in arrays.values()),
        "layers": dict(LAYERS),
        "hidden_size": net.hidden_size,
        "mixtures": net.mixtures,
        "outputs": 3 + 6 * net.mixtures,
        "scale_factor": net.scale_factor,
        "max_len": net.max_len,
        "start_token": net.start_token,
        "weight_bytes": sum(array["bytes"] for array in arrays.values()),
        "file_bytes": len(net.container),
        "packed_bytes": net.packed_bytes,
        "precision": net.precision,
        "device": net.device,
        "isa": net.isa,
        "provenance": provenance,
        "training": _record(metadata.get("training")),
        "metadata": metadata,
    }


def _record(text: str | None) -> Any:
    """The training record, parsed where it is JSON."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
