"""The weights container: safetensors with the net's description in its metadata.

Written by hand, since it is a header and the tensors' bytes:
https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import writing
from .._core import WeightsError
from ..nets.safetensors import DTYPES, SIDES, assemble, in_8_bits
from ..untrusted import read_limited

if TYPE_CHECKING:
    from ..net import Net

Array = NDArray[Any]
LICENCE = (
    "Apache-2.0. Trained on drawings of the Quick, Draw! dataset, © Google, CC BY 4.0, "
    "https://github.com/googlecreativelab/quickdraw-dataset"
)
RECURRENT, SCALE = tuple(f"{side}wh" for side in SIDES), ".column_scale"
COMPACT_MOST, COMPACT_BITS = 24, 7
"""A "compact" file's recurrent weights are whole numbers up to ± 24, its other matrices have 7 bits
of mantissa: the same types as of "I8", which a wheel's deflate makes a quarter smaller. Of
`cat-latent` it cost 0.0012 nats a point; ± 16 would cost 0.004."""
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


def facts(net: Net) -> dict[str, str]:
    """The metadata of a net of one object, as its container has them."""
    return {
        # Scales belong to numbers as they were stored, and these are written anew.
        **{k: v for k, v in net.metadata.items() if not k.endswith(".scale")},
        "format": "sketchrnn",
        "format_version": "1",
        "name": net.name,
        "scale_factor": repr(float(net.scale_factor)),
        "max_len": str(net.max_len),
        "start_token": json.dumps([float(x) for x in net.start_token]),
    }


def write(
    path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str], dtype: str = "F16"
) -> None:
    """Write :func:`pack`; the file appears whole or not at all."""
    writing.write(path, pack(tensors, metadata, dtype), sync=True)


def pack(tensors: Mapping[str, Array], metadata: Mapping[str, str], dtype: str = "F16") -> bytes:
    """Return a file of tensors (floats) and metadata.

    With `dtype` "I8" recurrent weights are in 8 bits, a scale per column, all else in 16-bit ones;
    "compact" is that, rounded (COMPACT_MOST).
    """
    compact = dtype == "compact"
    stored: dict[str, Array] = {}
    facts = dict(metadata)
    for name, given in tensors.items():
        values = np.asarray(given, np.float64)
        if dtype in ("I8", "compact") and name in RECURRENT:
            most = COMPACT_MOST if compact else 127
            stored[name], stored[f"{name}{SCALE}"] = in_8_bits(values, most)
            continue
        chosen = "F16" if dtype in ("I8", "compact") else dtype
        if compact and values.ndim == 2:
            part, exponent = np.frexp(values)
            values = np.ldexp(np.rint(np.ldexp(part, COMPACT_BITS)), exponent - COMPACT_BITS)
        if chosen == "I16":
            scale = float(np.abs(values).max()) / 32767.0 or 1.0
            facts[f"{name}.scale"] = repr(scale)
            values = np.rint(values / scale)
        elif chosen == "F16" and np.abs(values).max() > 65504.0:
            raise ValueError(f"{name} does not fit into 16-bit floats")
        stored[name] = values.astype(DTYPES[chosen])
    return assemble(facts, stored)


def read(path: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Tensors (as float32) and metadata of a file that `write` wrote; WeightsError for another."""
    # Whatever a stranger's header says, slices of the file are all that is made of it.
    try:
        return unpack(read_limited(path, "weights"))
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        raise WeightsError(f"{path}: not a net: {error!r:.200}") from None
    except RecursionError:
        raise WeightsError(f"{path}: not a net: its header is too deep") from None


def unpack(data: bytes) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Tensors (as float32) and metadata of a container's bytes, as `pack` returns them."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        a, b = entry["data_offsets"]
        raw = np.frombuffer(data[8 + size + a : 8 + size + b], DTYPES[entry["dtype"]])
        scale = float(metadata.get(f"{name}.scale", 1.0))
        tensors[name] = (raw.reshape(entry["shape"]).astype(np.float64) * scale).astype(np.float32)
    for name in RECURRENT:
        if f"{name}{SCALE}" in tensors:
            tensors[name] = tensors[name] * tensors.pop(f"{name}{SCALE}")
    return tensors, metadata
