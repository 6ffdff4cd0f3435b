"""Our weights container: safetensors with the net's facts in its metadata. Written here, read by
the core.

Arrays ``wx`` (5, 4H), ``wh`` (H, 4H), ``b`` (4H,), ``wo`` (H, 3 + 6M), ``bo`` (3 + 6M,), gates
i, j, f, o, ``b`` without the forget gate's +1; dtype F32, F16, or I16 with "<array>.scale" in the
metadata. ``wh`` may be I8, with ``wh.column_scale`` (4H,) in F32: wh = q · column_scale[column];
so may an encoder's.
Quantised for the precision "i8", in which alone it runs then, it has ``h.scale`` (H,) in F32 too:
wh = q · column_scale[column] · h.scale[row].
A net of many objects has ``embed`` (K, E), ``to_b`` (E, 4H) and ``to_bo`` (E, 3 + 6M) too, and
object k the biases b + embed[k] · to_b and bo + embed[k] · to_bo; its metadata has ``objects``, a
JSON list of K names, and ``default_object``.
A net with an encoder has ``wx`` (5 + N_z, 4H) and the arrays of LATENT too: ``fw.wx`` (5, 4E),
``fw.wh`` (E, 4E), ``fw.b`` (4E,), the same of ``bw``, ``mu.w`` and ``sigma.w`` (2E, N_z), ``mu.b``
and ``sigma.b`` (N_z,), ``z.w`` (N_z, 2H), ``z.b`` (2H,): csrc/model/weights.h says what they do;
``latent_tanh`` in its metadata, "true" or "false".
Metadata (all strings): format, format_version, name, scale_factor, max_len, start_token (JSON list
of five numbers), and anything else, such as units, licence, training.
File format: https://github.com/huggingface/safetensors, section "Format".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import writing
from .._core import WeightsError
from ..untrusted import open_untrusted, read_limited

if TYPE_CHECKING:
    from ..net import Net

ARRAYS = ("wx", "wh", "b", "wo", "bo")
SIDES = ("", "fw.", "bw.")
"""How the names of an LSTM's arrays begin: the net's own, the encoder's two."""
ENCODER = tuple(f"{side}.{key}" for side in ("fw", "bw") for key in ("wx", "wh", "b"))
LATENT = (*ENCODER, "mu.w", "mu.b", "sigma.w", "sigma.b", "z.w", "z.b")
"""What a net with an encoder has beside ARRAYS."""
_SIDE = ("embed", "to_b", "to_bo")
OBJECTS = ("objects", "default_object")
"""Metadata that only a net of many objects has, as it alone has the arrays of _SIDE."""

DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("|i1"),
}
_NAMES = {dtype.str: name for name, dtype in DTYPES.items()}


def pack(
    arrays: Mapping[str, NDArray[Any]],
    *,
    name: str,
    scale_factor: float,
    max_len: int,
    start_token: tuple[float, ...] = (0, 0, 0, 0, 0),
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Return a container's bytes. The core checks the result when it reads it.

    With "wh.column_scale" in `arrays`, wh is in 8 bits (:func:`in_8_bits`)."""
    facts = {
        **(metadata or {}),
        "format": "sketchrnn",
        "format_version": "1",
        "name": name,
        "scale_factor": repr(float(scale_factor)),
        "max_len": str(max_len),
        "start_token": json.dumps([float(x) for x in start_token]),
    }
    keys = (*ARRAYS, "wh.column_scale", *LATENT)
    return assemble(facts, {key: arrays[key] for key in keys if key in arrays})


def in_8_bits(wh: NDArray[Any], most: int = 127) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """wh (H, 4H) as q (H, 4H), whole numbers up to ± `most`, and the scale (4H,) of each column."""
    scales = (np.abs(wh).max(axis=0) / np.float32(most)).astype(np.float32)
    scales[scales == 0.0] = 1.0
    return np.rint(wh / scales).clip(-most, most).astype(np.int8), scales


def assemble(metadata: Mapping[str, str], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the bytes of any container: all of ours are written here."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    blobs, at = [], 0
    for key, given in arrays.items():
        array = np.asarray(given)
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        blob = array.tobytes()
        header[key] = {
            "dtype": _NAMES[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [at, at + len(blob)],
        }
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the format's way to align the data
    return b"".join([len(text).to_bytes(8, "little"), text, *blobs])


def is_quantised(container: bytes) -> bool:
    """Whether the container is quantised for "i8"; False also for what is no container."""
    try:
        return "h.scale" in read_header(container)
    except (ValueError, TypeError, RecursionError):
        return False


def rebuilt(
    container: bytes,
    arrays: Mapping[str, NDArray[Any]],
    *,
    without: Collection[str] = (),
    metadata: Mapping[str, str | None],
) -> bytes:
    """Return a valid container with some arrays replaced or added (in their own dtypes), others
    left out, and metadata changed (None: left out)."""
    header = read_header(container)
    start = 8 + int.from_bytes(container[:8], "little")
    facts = header.pop("__metadata__") | metadata
    every: dict[str, NDArray[Any]] = {}
    for key, entry in header.items():
        first, last = entry["data_offsets"]
        blob = container[start + first : start + last]
        every[key] = np.frombuffer(blob, DTYPES[entry["dtype"]]).reshape(entry["shape"])
    every.update(arrays)
    return assemble(
        {k: v for k, v in facts.items() if v is not None},
        {key: array for key, array in every.items() if key not in without},
    )


def with_i8(
    container: bytes,
    q: NDArray[np.int8],
    column_scale: NDArray[np.float32],
    h_scale: NDArray[np.float32] | None = None,
) -> bytes:
    """Return a copy of a valid container with `wh` in 8 bits; with `h_scale`, quantised for the
    precision "i8"."""
    arrays: dict[str, NDArray[Any]] = {"wh": q, "wh.column_scale": column_scale}
    if h_scale is not None:
        arrays["h.scale"] = h_scale
    return with_calibration(container, arrays)


def with_calibration(container: bytes, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a copy of a valid container with recurrent weights in 8 bits: each LSTM's ``wh`` and
    its scales by their names."""
    return rebuilt(container, arrays, metadata={f"{side}wh.scale": None for side in SIDES})


def plain(container: bytes, name: str, b: NDArray[np.float32], bo: NDArray[np.float32]) -> bytes:
    """Return the net that a net of many objects is for one of them, whose biases are given."""
    gone = dict.fromkeys((*OBJECTS, "b.scale", "bo.scale", *(f"{key}.scale" for key in _SIDE)))
    return rebuilt(container, {"b": b, "bo": bo}, without=_SIDE, metadata={**gone, "name": name})


def read_header(container: bytes) -> dict[str, Any]:
    """Return a container's header; raises ValueError where it is not JSON."""
    length = int.from_bytes(container[:8], "little")
    header: dict[str, Any] = json.loads(container[8 : 8 + length])
    return header


def read_metadata(path: str | PathLike[str]) -> dict[str, Any]:
    """Return a container's header without its data, as far as it is JSON; {} if it is not."""
    try:
        with open_untrusted(path) as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, 1 << 20)))
        return header if isinstance(header, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}


def read(path: str) -> bytes:
    """Return the file as it is; the core checks it."""
    try:
        return read_limited(path, "weights")
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from None


def contained(net: Net) -> bytes:
    """Return the net's container."""
    return net.container


def write(net: Net, path: str) -> list[str]:
    """Write the net's container; the file is complete or not there."""
    if not path.endswith(".safetensors"):
        raise ValueError(f"path: expected a name ending in .safetensors, found {path!r}")
    writing.write(path, contained(net), sync=True)
    return [path]
