"""A net stored as what it adds to another: a few low-rank numbers beside a common net.

A container (`safetensors.py`) of format "sketchrnn-addition", ``NAME.addition.safetensors``, beside
the net that it adds to, ``BASE_NAME.safetensors``. To the plain net of `base_object`, one of that
net's objects, it adds

    wh' = wh + wh.scale · Σᵣ 2^wh.shift[r] · wh.u[:, r] wh.v[r]     u (H, R), v (R, 4H)
    wo' = wo + wo.scale · Σᵣ 2^wo.shift[r] · wo.u[:, r] wo.v[r]     u (H, Q), v (Q, 3 + 6M)
    wx', b', bo' = wx + wx.add, b + b.add, bo + bo.add

in float32: u, v, shift (R,) or (Q,) in I8, scale (1,) in F32, the sums in F16; all else is the
common net's. wh' is then rounded to 8 bits by column, as nets that stand alone are stored. The sums
over r are whole numbers below 2²⁴, which float32 holds exactly: in whatever order a machine adds
them, the net is the same.
Low-rank additions to a shared net: Hu et al. 2021, arXiv 2106.09685.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..untrusted import read_limited
from .cache import sha256
from .safetensors import ARRAYS, DTYPES, assemble, in_8_bits, pack, read_header

FORMAT = "sketchrnn-addition"
PRODUCTS = ("wh", "wo")
SUMS = ("wx", "b", "bo")
PARTS = ("u", "v", "shift", "scale")
_STORED = {
    **{f"{k}.{part}": "F32" if part == "scale" else "I8" for k in PRODUCTS for part in PARTS},
    **{f"{k}.add": "F16" for k in SUMS},
}
_OWN = ("name", "base", "base_name", "base_object")
_EXACT = 1 << 24
"""Whole numbers up to this are float32."""

Array = NDArray[Any]


def identity(container: bytes) -> str:
    """What an addition calls the net that it belongs to: the sha256 of its file."""
    return sha256(container).hex()


def quantised(u: Array, v: Array, levels: int = 127) -> dict[str, Array]:
    """u (H, R) · v (R, N) as whole numbers up to ± `levels`: u, v, shift (R,), scale (1,).

    All R products have one unit, so that one that is small beside the largest is stored with fewer
    bits, not more precisely than that.
    """
    rank = u.shape[1]
    left, right = np.abs(u).max(axis=0), np.abs(v).max(axis=1)
    left, right = (np.where(a > 0.0, a, 1.0) for a in (left, right))
    most = math.floor(math.log2((_EXACT - 1) / (levels * levels * rank)))
    if most < 0:
        raise ValueError(f"rank {rank}: the sums of so many products are not exact in float32")
    size = left * right
    unit = float(size.max()) / (levels * levels * 2**most)
    shift = np.clip(np.ceil(np.log2(size / (levels * levels * unit))), 0, most)
    # u takes all levels; what v lacks of them is the rest of the product's size.
    return {
        "u": np.rint(u / left * levels).astype(np.int8),
        "v": np.rint(v * (left / levels / (unit * 2.0**shift))[:, None]).astype(np.int8),
        "shift": shift.astype(np.int8),
        "scale": np.array([unit], np.float32),
    }


def packed(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """The bytes of an addition; `metadata` has at least name, base, base_name and base_object."""
    return assemble(
        {**metadata, "format": FORMAT, "format_version": "1"},
        {key: np.asarray(arrays[key], DTYPES[dtype]) for key, dtype in _STORED.items()},
    )


def read(path: str) -> bytes:
    """Return the container of the net that an addition makes of its base, which lies beside it.

    Raises WeightsError where it is no addition, is broken, or belongs to another net; the message
    names the field.
    """
    from .catalog import is_name

    try:
        data = read_limited(path, "weights")
    except ValueError as error:
        raise _core.WeightsError(f"{path}: {error}") from None
    _, facts = _parsed(data, path)
    name = facts["base_name"]
    if not is_name(name):
        raise _core.WeightsError(
            f"{path}: metadata: base_name: expected a name, found {name!r:.80}"
        )
    beside = os.path.join(os.path.dirname(path), f"{name}.safetensors")
    if not os.path.isfile(beside):  # nor what the file system cannot even look up
        raise _core.WeightsError(
            f"{path}: metadata: base_name: this adds to a net in {beside!r:.300}, "
            "which is not there"
        )
    state = os.stat(beside)
    try:
        base = _opened(beside, state.st_mtime_ns, state.st_size)
    except _core.WeightsError:
        raise
    except ValueError as error:
        raise _core.WeightsError(f"{path}: metadata: base_name: {beside}: {error}") from None
    return merged(data, base, path)


@functools.lru_cache(maxsize=1)
def _opened(path: str, changed: int, size: int) -> Base:
    """The base of several additions is opened once, as long as its file stays as it is."""
    return Base(read_limited(path, "weights"), path)


class Base:
    """The net that additions add to, one of many objects or a plain one."""

    def __init__(self, container: bytes, what: str) -> None:
        self.core = _core.Net.from_bytes(container, what)
        self.identity = identity(container)

    def arrays(self, name: str) -> dict[str, Array] | None:
        """The plain net of one of its objects; None where it has no such object."""
        objects = list(self.core.objects)
        if not objects:
            return self.core.arrays() if name == self.core.name else None
        return self.core.arrays(objects.index(name)) if name in objects else None


def merged(addition: bytes, base: Base, what: str) -> bytes:
    """Return the container of the net that an addition makes of its base; `what` names it in
    errors, which are those of :func:`read`."""
    found, facts = _parsed(addition, what)
    if facts["base"] != base.identity:
        raise _core.WeightsError(
            f"{what}: metadata: base: this adds to the net with sha256 {facts['base']!r}, "
            f"found one with {base.identity!r}"
        )
    given = base.arrays(facts["base_object"])
    if given is None:
        raise _core.WeightsError(
            f"{what}: metadata: base_object: the base knows no {facts['base_object']!r}"
        )
    arrays: dict[str, Array] = {}
    for key in ARRAYS:
        shape = (
            (len(found[f"{key}.u"]), found[f"{key}.v"].shape[1])
            if key in PRODUCTS
            else found[f"{key}.add"].shape
        )
        if shape != given[key].shape:
            raise _core.WeightsError(
                f"{what}: array {key!r}: adds the shape {shape} to {given[key].shape}"
            )
        if key in PRODUCTS:
            parts = (found[f"{key}.{part}"].astype(np.float32) for part in PARTS)
            u, v, shift, scale = parts
            with np.errstate(over="ignore"):
                change = (u * np.exp2(shift)) @ v * scale
        else:
            change = found[f"{key}.add"].astype(np.float32)
        with np.errstate(over="ignore"):
            arrays[key] = given[key] + change
        if not np.isfinite(arrays[key]).all():
            raise _core.WeightsError(f"{what}: array {key!r}: becomes too large for float32")
    # As the nets are stored that stand alone: a quarter of the memory to go through at each step.
    arrays["wh"], arrays["wh.column_scale"] = in_8_bits(arrays["wh"])
    core, own = base.core, {"format", "format_version", *_OWN}
    return pack(
        arrays,
        name=facts["name"],
        scale_factor=core.scale_factor,
        max_len=core.max_len,
        start_token=tuple(core.start_token),
        metadata={k: v for k, v in facts.items() if k not in own},
    )


def _parsed(data: bytes, what: str) -> tuple[dict[str, Array], dict[str, str]]:
    def fail(message: str) -> _core.WeightsError:
        return _core.WeightsError(f"{what}: {message}")

    try:
        header = read_header(data)
        metadata = dict(header.pop("__metadata__"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise fail(f"header: {error!r:.200}") from None
    if metadata.get("format") != FORMAT or metadata.get("format_version") != "1":
        raise fail(f"metadata: format: expected {FORMAT!r}, version 1")
    for key in _OWN:
        if not isinstance(metadata.get(key), str):
            raise fail(f"metadata: {key}: expected text")
    if not all(isinstance(value, str) for value in metadata.values()):
        raise fail("metadata: expected texts")
    start, arrays = 8 + int.from_bytes(data[:8], "little"), {}
    expected = start
    for key, dtype in _STORED.items():
        entry = header.pop(key, None)
        if not isinstance(entry, dict) or entry.get("dtype") != dtype:
            raise fail(f"array {key!r}: expected {dtype} numbers")
        shape, span = _sizes(entry.get("shape")), _sizes(entry.get("data_offsets"))
        if not 1 <= len(shape) <= 2 or len(span) != 2:
            raise fail(f"array {key!r}: shape and data_offsets: expected one or two sizes")
        blob = data[start + span[0] : start + span[1]]
        if len(blob) != math.prod(shape) * DTYPES[dtype].itemsize:
            raise fail(f"array {key!r}: {len(blob)} bytes do not make the shape {shape}")
        if start + span[0] != expected:
            raise fail(f"array {key!r}: data_offsets: expected to begin at {expected - start}")
        expected = start + span[1]
        arrays[key] = np.frombuffer(blob, DTYPES[dtype]).reshape(shape)
        if not np.isfinite(arrays[key]).all():
            raise fail(f"array {key!r}: must be finite")
    if header or expected != len(data):
        raise fail("holds more than the arrays of an addition")
    for key in PRODUCTS:
        u, v, shift, scale = (arrays[f"{key}.{part}"] for part in PARTS)
        agree = u.ndim == v.ndim == 2 and shift.shape == (u.shape[1],) and len(v) == len(shift)
        if not agree or scale.shape != (1,):
            shapes = ", ".join(str(arrays[f"{key}.{part}"].shape) for part in PARTS)
            raise fail(f"array '{key}.u': shapes of {', '.join(PARTS)} do not agree: {shapes}")
        if not ((shift >= 0) & (shift < 24)).all():
            raise fail(f"array '{key}.shift': expected 0 to 23")
        sizes = _largest(u, 0) * _largest(v, 1) * np.exp2(shift.astype(np.float64))
        if sizes.sum() >= _EXACT:
            raise fail(
                f"array '{key}.u': sums of products can reach {_EXACT}, too large to be exact"
            )
    return arrays, metadata


def _largest(a: Array, axis: int) -> NDArray[np.float64]:
    """max |a|; of 8-bit numbers, whose own absolute value of -128 is -128."""
    largest: NDArray[np.float64] = np.maximum(
        a.max(axis, initial=0).astype(np.float64), -a.min(axis, initial=0).astype(np.float64)
    )
    return largest


def _sizes(value: Any) -> list[int]:
    if isinstance(value, list) and all(type(n) is int and 0 <= n < 2**40 for n in value):
        return value
    return []
