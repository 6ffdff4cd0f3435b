"""A net that is told which object to draw, and the plain net that it is for each of them.

Its container has three arrays more than a plain one: ``embed`` (K, E), a row for each object;
``to_b`` (E, 4H) and ``to_bo`` (E, 3 + 6M). Object k's plain net has the biases
b + embed[k] · to_b and bo + embed[k] · to_bo and shares all else, so that the core, which knows
plain nets only, runs it as fast as any. Metadata: ``objects``, a JSON list of K names, and
``default_object``.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import _core
from .container import ARRAYS, pack, read_header
from .net import Net

_SIDE = ("embed", "to_b", "to_bo")
_DTYPES = {"F16": "<f2", "F32": "<f4"}

_KEPT = 16
"""Plain nets kept ready: 5 MB each for 512 units."""


class ConditionalNet(Net):
    """A net of many objects. As a plain net it is that of its default object."""

    __slots__ = ("_container", "_device", "_made", "_objects")

    def __init__(
        self, container: bytes, what: str, precision: str, device: int | None = None
    ) -> None:
        arrays, facts = _parse(container, what)
        self._objects = tuple(facts["objects"])
        self._container = container
        self._device = device

        def make(index: int) -> _core.Net:
            e = arrays["embed"][index].astype(np.float64)
            plain: dict[str, NDArray[Any]] = {key: arrays[key] for key in ARRAYS}
            for bias, side in (("b", "to_b"), ("bo", "to_bo")):
                wide = arrays[bias].astype(np.float64) + e @ arrays[side].astype(np.float64)
                plain[bias] = wide.astype(np.float32)
            made = pack(
                plain,
                name=self._objects[index],
                scale_factor=facts["scale_factor"],
                max_len=facts["max_len"],
                start_token=facts["start_token"],
                metadata=facts["metadata"],
            )
            if precision == "i8":
                from .cache import quantised

                made = quantised(made, what)
            return _core.Net.from_bytes(made, what, precision)

        self._made = lru_cache(_KEPT)(make)
        super().__init__(self._made(self._objects.index(facts["default_object"])), device)

    @property
    def objects(self) -> tuple[str, ...]:
        return self._objects

    @property
    def container(self) -> bytes:
        return self._container

    def of(self, object: str) -> Net:
        name = object.replace("_", " ") if isinstance(object, str) else object
        if name not in self._objects:
            raise ValueError(
                f"object: expected one of the {len(self._objects)} in net.objects, found {object!r}"
            )
        return Net(self._made(self._objects.index(name)), self._device)


def is_conditional(header: dict[str, Any]) -> bool:
    """Whether a container's header is that of a net of many objects."""
    return "embed" in header


def _parse(container: bytes, what: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return arrays and facts, checked as far as folding them needs; the core checks the result."""

    def fail(message: str) -> NoReturn:
        raise _core.WeightsError(f"{what}: {message}")

    try:
        header = read_header(container)
        metadata = dict(header.pop("__metadata__"))
        objects = json.loads(metadata.pop("objects"))
        facts = {
            "objects": objects,
            "default_object": metadata.pop("default_object", None) or objects[0],
            "scale_factor": float(metadata.pop("scale_factor")),
            "max_len": int(metadata.pop("max_len")),
            "start_token": tuple(float(x) for x in json.loads(metadata.pop("start_token"))),
        }
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        fail(f"metadata of a net of many objects: {error!r}")
    if not isinstance(objects, list) or not all(isinstance(name, str) for name in objects):
        fail("metadata: objects: expected a list of names")
    if len(set(objects)) != len(objects) or facts["default_object"] not in objects:
        fail("metadata: objects: expected different names, the default object's among them")
    for key in ("format", "format_version", "name"):
        metadata.pop(key, None)
    if not all(isinstance(value, str) for value in metadata.values()):
        fail("metadata: expected texts")
    facts["metadata"] = metadata
    start = 8 + int.from_bytes(container[:8], "little")
    arrays = {}
    for key in (*ARRAYS, *_SIDE):
        entry = header.get(key)
        if not isinstance(entry, dict) or entry.get("dtype") not in _DTYPES:
            fail(f"array {key!r}: expected F16 or F32 numbers")
        dtype = np.dtype(_DTYPES[entry["dtype"]])
        shape, offsets = _sizes(entry.get("shape")), _sizes(entry.get("data_offsets"))
        if len(shape) not in (1, 2) or len(offsets) != 2:
            fail(f"array {key!r}: shape and data_offsets: expected lists of one or two integers")
        data = container[start + offsets[0] : start + offsets[1]]
        if len(data) != math.prod(shape) * dtype.itemsize:
            fail(f"array {key!r}: {len(data)} bytes do not make the shape {shape}")
        arrays[key] = np.frombuffer(data, dtype).reshape(shape)
        if not np.isfinite(arrays[key]).all():
            fail(f"array {key!r}: must be finite")
    size = arrays["embed"].shape[-1]
    for key, expected in (
        ("embed", (len(objects), size)),
        ("to_b", (size, *arrays["b"].shape)),
        ("to_bo", (size, *arrays["bo"].shape)),
    ):
        if arrays[key].shape != expected:
            fail(f"array {key!r}: expected shape {expected}, found {arrays[key].shape}")
    return arrays, facts


def _sizes(value: Any) -> list[int]:
    """Return a list of sizes, [] for what is none."""
    if isinstance(value, list) and all(type(n) is int and 0 <= n < 2**40 for n in value):
        return value
    return []
