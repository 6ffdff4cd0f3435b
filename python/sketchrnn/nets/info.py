"""What a net is made of, as :meth:`sketchrnn.Net.info` returns it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .safetensors import SIDES, read_header

if TYPE_CHECKING:
    from ..net import Net

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


_SCALES = {f"{side}{key}": f"{side}wh" for side in SIDES for key in ("wh.column_scale", "h.scale")}
"""How 8-bit weights are stored, and no weights themselves."""


def stored_arrays(container: bytes) -> dict[str, dict[str, Any]]:
    """Return shape, elements, storage type and bytes (scales included) of each weight array."""
    header = read_header(container)
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
    for name in header.keys() & _SCALES.keys():
        first, last = header[name]["data_offsets"]
        arrays[_SCALES[name]]["bytes"] += last - first
    return arrays


def info(net: Net) -> dict[str, Any]:
    """Return the facts that :meth:`sketchrnn.Net.info` documents."""
    arrays = stored_arrays(net.container)
    metadata = net.metadata
    provenance = {key: metadata[key] for key in ("source", "licence", "units") if key in metadata}
    return {
        "name": net.metadata.get("name", net.name) if len(net.objects) > 1 else net.name,
        "arrays": arrays,
        "total": sum(array["elements"] for array in arrays.values()),
        "layers": _layers(net),
        "hidden_size": net.hidden_size,
        "mixtures": net.mixtures,
        "latent_size": net.latent_size,
        "outputs": 3 + 6 * net.mixtures,
        "scale_factor": net.scale_factor,
        "max_len": net.max_len,
        "start_token": net.start_token,
        "weight_bytes": sum(array["bytes"] for array in arrays.values()),
        "file_bytes": len(net.container),
        "packed_bytes": net._core.packed_bytes,
        "precision": net.precision,
        "device": net.device,
        "isa": net.isa,
        "provenance": provenance,
        "training": _record(metadata.get("training")),
        "metadata": metadata,
    }


def _layers(net: Net) -> dict[str, int]:
    """Those of an encoder too: two LSTMs, dense layers for μ, σ and the first state, exp of σ, tanh
    of the first state."""
    more = {"lstm": 2, "dense": 3, "exp": 1, "tanh": 1} if net.latent_size else {}
    return {layer: count + more.get(layer, 0) for layer, count in LAYERS.items()}


def _record(text: str | None) -> Any:
    """The training record, parsed where it is JSON."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
