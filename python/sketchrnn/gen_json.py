"""The public nets' own format: ``.gen.json`` of Magenta's sketch-rnn for JavaScript.

``[info, shapes, blobs]``, five blobs in the order Wo, bo, Wx, Wh, b, each base64 of little-endian
int16 q with w = q·10/32767. info.mode is 2 or "gen". A ``.vae.json`` has 17 blobs and an encoder,
which this package does not run.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
from os import PathLike
from typing import Any, NoReturn

import numpy as np

from ._core import WeightsError
from .container import pack

# Order of the blobs, and the step of the fixed-point numbers, both from sketch-rnn-js.
ORDER = ("wo", "bo", "wx", "wh", "b")
STEP = 10.0 / 32767.0


def read(path: str | PathLike[str]) -> bytes:
    """Return the net in a ``.gen.json`` file as a container, its int16 numbers kept as they are.

    Raises WeightsError naming the field that is not as it should be.
    """

    def fail(message: str) -> NoReturn:
        raise WeightsError(f"{path}: {message}")

    if not os.path.isfile(path):  # opening a named pipe would wait for ever
        fail("not a regular file")
    with open(path, "rb") as file:
        data = file.read()
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        fail(f"not valid JSON: {error}")
    if not isinstance(document, list) or len(document) != 3:
        fail("expected a list [info, shapes, blobs]")
    info, shapes, blobs = document
    if not isinstance(info, dict) or not isinstance(shapes, list) or not isinstance(blobs, list):
        fail("expected a list [info, shapes, blobs] of an object and two lists")
    mode = info.get("mode")
    if mode in (0, 1, "vae") or len(blobs) == 17:
        fail(
            f"this is a net with an encoder (a .vae.json: mode {mode!r}, {len(blobs)} blobs), "
            "which is not supported; take the .gen.json of the same object"
        )
    if mode not in (2, "gen"):
        fail(f'info.mode: expected 2 or "gen", found {mode!r}')
    if len(blobs) != 5 or len(shapes) != 5:
        fail(f"expected 5 shapes and 5 blobs, found {len(shapes)} and {len(blobs)}")

    def number(key: str) -> float:
        value = info.get(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not -1e300 < value < 1e300  # NaN, Infinity and integers beyond float64
        ):
            fail(f"info.{key}: expected a number, found {value!r}")
        try:
            finite = math.isfinite(value)
        except OverflowError:  # an integer beyond float64
            finite = False
        if not finite:
            fail(f"info.{key}: expected a finite number, found {value!r:.40}")
        return value

    arrays = {}
    for key, shape, blob in zip(ORDER, shapes, blobs, strict=True):
        arrays[key] = _blob(key, shape, blob, fail)
    # Not in the file: measured, the public nets were trained with zeros (docs/design.md).
    start_token: tuple[float, ...] = (0, 0, 0, 0, 0)
    ours = info.get("sketchrnn")
    if ours is None:
        metadata = {
            "source": "Magenta sketch-rnn .gen.json",
            "licence": "Apache-2.0 (Magenta project); trained on QuickDraw drawings, CC BY 4.0",
            "units": "raw QuickDraw pixels after Ramer-Douglas-Peucker with epsilon 2",
        }
    else:
        start_token, metadata = _written_here(ours, fail)
    metadata |= {f"{key}.scale": repr(STEP) for key in ORDER}
    for key in ("version", "r_loss", "training_size"):
        if key in info:
            metadata[key] = json.dumps(info[key])
    max_len = number("max_seq_len")
    if max_len != int(max_len):
        fail(f"info.max_seq_len: expected an integer, found {max_len!r}")
    return pack(
        arrays,
        name=str(info.get("name", "")) or "unnamed",
        scale_factor=number("scale_factor"),
        max_len=int(max_len),
        start_token=start_token,
        metadata=metadata,
    )


def _written_here(ours: Any, fail: Any) -> tuple[tuple[float, ...], dict[str, str]]:
    """Start token and metadata of a net that export/gen_json.py wrote."""
    ours = ours if isinstance(ours, dict) else {}
    token: Any = ours.get("start_token")
    if (
        not isinstance(token, list)
        or len(token) != 5
        or not all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in token)
    ):
        fail(f"info.sketchrnn.start_token: expected a list of 5 numbers, found {token!r}")
    metadata = ours.get("metadata")
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        fail("info.sketchrnn.metadata: expected an object of texts")
    return tuple(float(x) for x in token), metadata


def _blob(key: str, shape: Any, blob: Any, fail: Any) -> np.ndarray[Any, np.dtype[np.int16]]:
    if (
        not isinstance(shape, list)
        or len(shape) not in (1, 2)
        or not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in shape)
    ):
        fail(f"shape of {key}: expected one or two positive integers, found {shape!r}")
    if not isinstance(blob, str):
        fail(f"blob of {key}: expected a base64 string, found {type(blob).__name__}")
    try:
        raw = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError) as error:
        fail(f"blob of {key}: not base64: {error}")
    count = 1
    for n in shape:
        count *= n
    if len(raw) != 2 * count:
        fail(f"blob of {key}: shape {shape} needs {2 * count} bytes of int16, found {len(raw)}")
    return np.frombuffer(raw, "<i2").reshape(shape)
