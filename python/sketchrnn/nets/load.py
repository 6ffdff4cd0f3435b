"""From a name or a file to a :class:`Net`."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .. import _check, _core
from ..net import Net
from . import FORMATS, format_of, module_of
from .cache import quantised
from .catalog import SOURCES, bundled_path, official
from .names import no_such_net, plain
from .safetensors import pack

DEFAULT = "cat"
"""The net that load() takes when nothing is named."""


def load(
    name: str | PathLike[str] | None = None,
    *,
    source: str | None = None,
    trained: bool = True,
    seed: int = 0,
    precision: str = "f32",
    device: str = "cpu",
    hidden_size: int | None = None,
    mixtures: int | None = None,
) -> Net:
    """Load a net.

    Parameters
    ----------
    name
        A name from :func:`catalog` (in any case; a space does for its "_"), or a path to a
        ``.safetensors`` file in our layout or a public ``.gen.json``. None for the default net.
    source
        For a name: "bundled", the net of this package; "official", Magenta's, downloaded at the
        first use (``pip install 'sketchrnn[download]'``) and kept in ``SKETCHRNN_HOME``;
        "official-small", its smaller sister of 512 units. None takes the bundled net where there
        is one, else the official one.
    trained
        False gives a net of the same shape (or of `hidden_size` and `mixtures`) freshly initialised
        from `seed`: weights uniform in ±√(6 / (fan in + fan out)) (Glorot & Bengio 2010), biases 0.
    precision
        In which numbers the recurrent product is computed; what each costs was measured on ten
        public nets and real drawings, in nats per point at the resolution of the data, against
        float64. Each gives the same bits on every machine, in any batch, on any number of threads.
        "f32": exact but for float32's own rounding, 0.00000.
        "i16": the public nets' own 16-bit integers: mean 0.00000, worst net 0.0001. Half the
        memory.
        "i8": 8-bit weights and hidden units, calibrated at load on drawings that the net draws
        (half a second for 512 units): mean 0.0020, worst net 0.0078. A quarter of the memory.
    device
        "cpu"; "cuda", "cuda:0", "cuda:1", … for an NVIDIA GPU, which gives the same bits for the
        same precision and seed (see :func:`sketchrnn.devices`).

    Raises
    ------
    WeightsError (a ValueError)
        The file is not a net that can be used; the message names the field.
    ValueError
        No net of that name, unknown source, precision or device.
    DownloadError (an OSError)
        A public net could not be downloaded.
    FileNotFoundError
        No such file.
    DeviceError
        The device is not available.
    """
    _check.precision(precision)
    _check.device(device)
    if not trained:
        return _untrained(name, seed, hidden_size, mixtures, precision, device)
    if hidden_size is not None or mixtures is not None:
        raise ValueError("hidden_size and mixtures are for trained=False: weights fix them")
    if name is None:
        name = DEFAULT
    text = os.fspath(name)
    if not isinstance(text, str):
        raise TypeError(f"name: expected text, found {name!r}")
    if not _is_path(text):
        return _from_file(str(_by_name(text, source)), precision, device)
    if source is not None:
        raise ValueError(f"source: is for names, not for the file {text!r}")
    return _from_file(text, precision, device)


def opened(container: bytes, what: str, precision: str, device: str = "cpu") -> Net:
    """Return the net in a container; `what` names it in messages."""
    if precision == "i8":
        container = quantised(container, what)
    return Net(_core.Net.from_bytes(container, what, precision, _check.device(device)))


def _by_name(name: str, source: str | None) -> Path:
    if source is not None and source not in SOURCES:
        raise ValueError(f"source: expected one of {', '.join(SOURCES)}, found {source!r}")
    path = bundled_path(name) if source in (None, "bundled") else None
    if path is not None:
        return path
    if source != "bundled":
        from .download import fetch

        for facts in official():
            if plain(facts["name"]) == plain(name):
                return fetch(facts, source or "official")
    raise ValueError(no_such_net(name))


def _is_path(text: str) -> bool:
    return os.sep in text or text.endswith((".safetensors", ".json"))


def _from_file(path: str, precision: str = "f32", device: str = "cpu") -> Net:
    if not os.path.exists(path):
        raise FileNotFoundError(f"no such file: {path}")
    format = format_of(path) or "safetensors"
    if format == "mxnet":  # what else is called .json is taken for a net of Magenta's
        format = "gen_json"
    if not FORMATS[format].reads:
        known = ", ".join(s for entry in FORMATS.values() if entry.reads for s in entry.suffixes)
        raise ValueError(f"{path}: nets are read from {known}")
    if format == "safetensors" and precision != "i8":
        # By the core itself, which refuses a wrong header before it reads the rest.
        core = _core.Net.from_file(os.fsencode(path), precision, _check.device(device))
        return Net(core)
    return opened(module_of(format).read(path), path, precision, device)


def _untrained(
    name: str | PathLike[str] | None,
    seed: int,
    hidden_size: int | None,
    mixtures: int | None,
    precision: str,
    device: str,
) -> Net:
    shape: dict[str, Any] = {
        "name": "untrained",
        "hidden_size": 512,
        "mixtures": 20,
        "scale_factor": 1.0,
        "max_len": 250,  # Magenta's default
    }
    if name is not None:
        shape.update(_shape_of(os.fspath(name)))
    elif hidden_size is None and mixtures is None:
        shape.update(_shape_of(DEFAULT))
    if hidden_size is not None:
        shape["hidden_size"] = _check.integer("hidden_size", hidden_size, 1, 65536)
    if mixtures is not None:
        shape["mixtures"] = _check.integer("mixtures", mixtures, 1, 4096)
    h, outputs = int(shape["hidden_size"]), 3 + 6 * int(shape["mixtures"])
    generator = np.random.Generator(np.random.PCG64(_check.seed(seed)))

    def uniform(rows: int, columns: int) -> np.ndarray:
        bound = np.sqrt(6.0 / (rows + columns))
        return generator.uniform(-bound, bound, (rows, columns)).astype(np.float32)

    container = pack(
        {
            "wx": uniform(5, 4 * h),
            "wh": uniform(h, 4 * h),
            "b": np.zeros(4 * h, np.float32),
            "wo": uniform(h, outputs),
            "bo": np.zeros(outputs, np.float32),
        },
        name=str(shape["name"]),
        scale_factor=float(shape["scale_factor"]),
        max_len=int(shape["max_len"]),
        metadata={"training": '"none: freshly initialised"'},
    )
    return opened(container, "untrained net", precision, device)


def _shape_of(name: str) -> dict[str, Any]:
    path = name if _is_path(name) else bundled_path(name)
    if path is not None:
        net = _from_file(str(path))
        return {key: getattr(net, key) for key in _SHAPE}
    for net_facts in official():
        if plain(net_facts["name"]) == plain(name):
            return {"mixtures": 20, **{k: net_facts[k] for k in _SHAPE if k in net_facts}}
    raise ValueError(no_such_net(name))


_SHAPE = ("name", "hidden_size", "mixtures", "scale_factor", "max_len")
