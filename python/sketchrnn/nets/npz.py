"""NumPy arrays, both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..net import Net
from ..writing import open_for_writing
from .load import opened
from .safetensors import ARRAYS, LATENT, pack


def from_arrays(
    arrays: Mapping[str, Any],
    *,
    scale_factor: float,
    max_len: int,
    start_token: Sequence[float] = (0, 0, 0, 0, 0),
    name: str = "unnamed",
    metadata: Mapping[str, str] | None = None,
    precision: str = "f32",
    device: str = "cpu",
) -> Net:
    """Make a net of NumPy arrays: the inverse of :meth:`sketchrnn.Net.arrays`.

    Parameters
    ----------
    arrays
        ``wx`` (5, 4H), ``wh`` (H, 4H), ``b`` (4H,), ``wo`` (H, 3 + 6M), ``bo`` (3 + 6M,). Columns
        of the first three are the gates i, j, f, o as in TensorFlow's BasicLSTMCell, ``b`` without
        the forget gate's +1; columns of the last two are pen logits (3), then M each of π logits,
        μx, μy, log σx, log σy, atanh ρ. float16 is kept, other real numbers become float32.
    scale_factor
        Data units per net unit.
    max_len
        Rows of a drawing at most, N_max of the training.
    start_token
        First input, in net units: zeros for the public ``.gen.json`` nets, (0, 0, 1, 0, 0) for
        those that Magenta's Python code trained.
    name, metadata
        What the net is called, and more that :meth:`sketchrnn.Net.save` shall keep (texts).
    precision, device
        As in :func:`sketchrnn.load`.

    Raises
    ------
    WeightsError (a ValueError)
        An array is missing, unknown, of the wrong shape, or not finite; or another field is out of
        its range.
    """
    converted = {}
    expected = ARRAYS + (LATENT if any(key in arrays for key in LATENT) else ())
    for key in expected:
        if key not in arrays:
            raise _core.WeightsError(f"arrays: {key!r} is missing; expected {', '.join(expected)}")
        converted[key] = _floats(f"array {key!r}", arrays[key])
    for key in arrays:
        if key not in expected:
            raise _core.WeightsError(f"arrays: unexpected {key!r}; expected {', '.join(expected)}")
    token = tuple(float(x) for x in start_token)
    container = pack(
        converted,
        name=name,
        scale_factor=scale_factor,
        max_len=max_len,
        start_token=token,
        metadata=metadata,
    )
    return opened(container, "arrays", precision, device)


def _floats(what: str, value: Any) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what}: expected real numbers, found dtype {array.dtype}")
    if array.dtype == np.float16:
        return array
    with np.errstate(over="ignore"):  # the core names what has become infinite
        return array.astype(np.float32)


def arrays(net: Net) -> dict[str, Any]:
    """Return the arrays of :meth:`sketchrnn.Net.arrays` and, as JSON text under ``facts``,
    name, scale_factor, max_len, start_token and metadata."""
    facts = json.dumps(
        {
            "name": net.name,
            "scale_factor": net.scale_factor,
            "max_len": net.max_len,
            "start_token": net.start_token,
            "metadata": net.metadata,
        }
    )
    return {"facts": np.array(facts), **net.arrays()}


def write(net: Net, path: str) -> list[str]:
    """Write :func:`arrays` as ``.npz``."""
    with open_for_writing(path) as file:
        np.savez(file, **arrays(net))
    return [path]
