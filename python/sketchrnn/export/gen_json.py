"""The public nets' own format, for sketch-rnn-js and ``@magenta/sketch``; gen_json.py reads it.

``[info, shapes, blobs]``: int16 q with w = q·10/32767, base64, in the order Wo, bo, Wx, Wh, b. What
those programs do not know of, start token and metadata, stands in ``info.sketchrnn``, which they
ignore.
"""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..gen_json import ORDER, STEP
from ..net import Net

_MIXTURES = 20  # NMIXTURE in both programs' source


def document(net: Net) -> list[Any]:
    """Return the net as the JSON document's value. See :func:`write`."""
    if net.mixtures != _MIXTURES:
        raise ValueError(
            f"mixtures: the programs that read .gen.json have {_MIXTURES} fixed in their source, "
            f"this net has {net.mixtures}"
        )
    arrays = net.arrays()
    info: dict[str, Any] = {"mode": 2, "version": 6}
    for key in ("version", "r_loss", "training_size"):  # as they stood in a file read before
        with contextlib.suppress(ValueError):
            info[key] = json.loads(net.metadata.get(key, ""))
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
    shapes = [list(arrays[key].shape) for key in ORDER]
    blobs = [base64.b64encode(_fixed(key, arrays[key])).decode() for key in ORDER]
    return [info, shapes, blobs]


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

    Raises ValueError for a net with other than 20 components, or a weight beyond ±10.
    """
    text = json.dumps(document(net), separators=(",", ":"))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return [path]
