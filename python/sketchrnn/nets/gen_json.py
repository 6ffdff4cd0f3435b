"""The public nets' own format: ``.gen.json`` of Magenta's sketch-rnn for JavaScript.

``[info, shapes, blobs]``, five blobs in the order Wo, bo, Wx, Wh, b, each base64 of little-endian
int16 q with w = q·10/32767. info.mode is 2 or "gen"; 0, 1 or "vae" have 17 blobs and an encoder
(vae_json.py, for which the reader and the document here serve too). What sketch-rnn-js and
``@magenta/sketch`` do not know of, start token and metadata, stands in ``info.sketchrnn``, which
they ignore.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import math
from os import PathLike
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from .. import writing
from .._core import WeightsError
from ..untrusted import read_limited
from .safetensors import LATENT, pack

if TYPE_CHECKING:
    from ..net import Net

# Order of the blobs, and the step of the fixed-point numbers, both from sketch-rnn-js.
ORDER = ("wo", "bo", "wx", "wh", "b")
STEP = 10.0 / 32767.0

# Those of a net with an encoder.
VAE_ORDER = (*LATENT, *ORDER)
_ORDERS = {0: VAE_ORDER, 1: VAE_ORDER, "vae": VAE_ORDER, 2: ORDER, "gen": ORDER}

# Before this version of the format tanh is applied to z before it makes the first state: measured
# from sketch-rnn-js, which does so in one of its two paths.
PLAIN_LATENT = 6

_MIXTURES = 20  # NMIXTURE in both programs' source


def read(path: str | PathLike[str]) -> bytes:
    """Return the net in a ``.gen.json`` file as a container, its int16 numbers kept as they are.

    Raises WeightsError naming the field that is not as it should be.
    """

    def fail(message: str) -> NoReturn:
        raise WeightsError(f"{path}: {message}")

    try:
        data = read_limited(path, "document")
    except ValueError as error:
        fail(str(error))
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
    if isinstance(mode, bool) or not isinstance(mode, (int, str)) or mode not in _ORDERS:
        fail(f'info.mode: expected 2 or "gen", with an encoder 0, 1 or "vae", found {_shown(mode)}')
    order = _ORDERS[mode]
    if len(blobs) != len(order) or len(shapes) != len(order):
        fail(
            f"expected {len(order)} shapes and {len(order)} blobs for mode {mode!r}, "
            f"found {len(shapes)} and {len(blobs)}"
        )

    def number(key: str) -> float:
        value = info.get(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not -1e300 < value < 1e300  # NaN, Infinity and integers beyond float64
        ):
            fail(f"info.{key}: expected a number, found {_shown(value)}")
        return value

    arrays = {}
    for key, shape, blob in zip(order, shapes, blobs, strict=True):
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
    metadata |= {f"{key}.scale": repr(STEP) for key in order}
    if order is VAE_ORDER and "latent_tanh" not in metadata:
        version = info.get("version", PLAIN_LATENT)
        if isinstance(version, str):
            version = float(version) if version.replace(".", "", 1).isdecimal() else PLAIN_LATENT
        metadata["latent_tanh"] = json.dumps(
            isinstance(version, (int, float)) and version < PLAIN_LATENT
        )
    for key in ("version", "r_loss", "training_size"):
        if isinstance(info.get(key), (int, float, str)):
            metadata[key] = json.dumps(info[key])
    name = info.get("name", "")
    if not isinstance(name, (str, int, float)):
        fail(f"info.name: expected text, found {_shown(name)}")
    max_len = number("max_seq_len")
    if max_len != int(max_len):
        fail(f"info.max_seq_len: expected an integer, found {max_len!r}")
    return pack(
        arrays,
        name=str(name) or "unnamed",
        scale_factor=number("scale_factor"),
        max_len=int(max_len),
        start_token=start_token,
        metadata=metadata,
    )


def _written_here(ours: Any, fail: Any) -> tuple[tuple[float, ...], dict[str, str]]:
    """Start token and metadata of a net that :func:`write` wrote."""
    ours = ours if isinstance(ours, dict) else {}
    token: Any = ours.get("start_token")
    if (
        not isinstance(token, list)
        or len(token) != 5
        or not all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in token)
        or not all(-1e300 < x < 1e300 for x in token)
    ):
        fail(f"info.sketchrnn.start_token: expected a list of 5 numbers, found {_shown(token)}")
    metadata = ours.get("metadata")
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        fail("info.sketchrnn.metadata: expected an object of texts")
    return tuple(float(x) for x in token), metadata


def _shown(value: Any) -> str:
    """The beginning of a value, for a message; its kind where a file made it too deep for that."""
    try:
        return f"{value!r:.80}"
    except (RecursionError, ValueError):
        return type(value).__name__


def _blob(key: str, shape: Any, blob: Any, fail: Any) -> np.ndarray[Any, np.dtype[np.int16]]:
    if (
        not isinstance(shape, list)
        or len(shape) not in (1, 2)
        or not all(isinstance(n, int) and not isinstance(n, bool) and 0 < n < 2**63 for n in shape)
    ):
        fail(f"shape of {key}: expected one or two positive integers, found {_shown(shape)}")
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


def document(net: Net) -> list[Any]:
    """Return the net as the JSON document's value. See :func:`write`."""
    if net.mixtures != _MIXTURES:
        raise ValueError(
            f"mixtures: the programs that read .gen.json have {_MIXTURES} fixed in their source, "
            f"this net has {net.mixtures}"
        )
    arrays = net.arrays()
    order = VAE_ORDER if net.latent_size else ORDER
    info: dict[str, Any] = {"mode": 1 if net.latent_size else 2, "version": 6}
    for key in ("version", "r_loss", "training_size"):  # as they stood in a file read before
        with contextlib.suppress(ValueError, RecursionError):
            kept = json.loads(net.metadata.get(key, ""), parse_constant=_refused)
            if isinstance(kept, (int, float, str)) and kept not in (math.inf, -math.inf):
                info[key] = kept
    if net.latent_size:  # the version says whether there is a tanh
        tanh = net.metadata.get("latent_tanh") == "true"
        known = info["version"]
        if not isinstance(known, int) or isinstance(known, bool) or (known < PLAIN_LATENT) != tanh:
            info["version"] = PLAIN_LATENT - tanh
    info |= {
        "max_seq_len": net.max_len,
        "name": net.name,
        # The shortest number that is the same float32.
        "scale_factor": float(str(np.float32(net.scale_factor))),
        "sketchrnn": {
            "start_token": net.start_token,
            # The steps of arrays stored as int16 do not hold for the arrays written here.
            "metadata": {k: v for k, v in net.metadata.items() if not k.endswith(".scale")},
        },
    }
    shapes = [list(arrays[key].shape) for key in order]
    blobs = [base64.b64encode(_fixed(key, arrays[key])).decode() for key in order]
    return [info, shapes, blobs]


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _fixed(key: str, array: NDArray[np.float32]) -> bytes:
    """Little-endian int16, rounded to the nearest."""
    q = np.rint(array.astype(np.float64) / STEP)
    beyond = np.abs(q) > 32767
    if beyond.any():
        at = int(np.flatnonzero(beyond.ravel())[0])
        raise ValueError(
            f"array {key!r}: element {at} is {array.ravel()[at]}; "
            "the int16 numbers of a .gen.json reach from -10 to 10"
        )
    return q.astype("<i2").tobytes()


def write(net: Net, path: str) -> list[str]:
    """Write a ``.gen.json``. Weights are rounded to the nearest 10/32767, so an error of up to
    1.5e-4 each; those of a net that came from such a file stay exactly what they were.

    Raises ValueError for a net with other than 20 components, a weight beyond ±10, or an encoder.
    """
    if net.latent_size:
        raise ValueError(f"{path}: a net with an encoder is written as .vae.json")
    writing.write(path, json.dumps(document(net), separators=(",", ":"), allow_nan=False))
    return [path]
