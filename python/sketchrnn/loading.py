"""From a name or a file to a :class:`Net`."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from . import _check, _core
from .catalog import SOURCES, bundled_path, catalog, official
from .conditional import ConditionalNet, is_conditional
from .container import pack, read_metadata
from .net import Net

PRECISIONS = ("f32", "i16", "i8")

DEFAULT = "butterfly"
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
        A name from :func:`catalog` (a space does for its "_"), or a path to a ``.safetensors`` file
        in our layout or a public ``.gen.json``. None for the default net.
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
        (half a second for 512 units): mean 0.0017, worst net 0.0043. A quarter of the memory.
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
    if precision not in PRECISIONS:
        raise ValueError(f"precision: expected one of {', '.join(PRECISIONS)}, found {precision!r}")
    ordinal = _check.device(device)
    if not trained:
        return _untrained(name, seed, hidden_size, mixtures, precision, ordinal)
    if hidden_size is not None or mixtures is not None:
        raise ValueError("hidden_size and mixtures are for trained=False: weights fix them")
    if name is None:
        name = DEFAULT
    text = os.fspath(name)
    if not isinstance(text, str):
        raise TypeError(f"name: expected text, found {name!r}")
    if _is_path(text):
        if source is not None:
            raise ValueError(f"source: is for names, not for the file {text!r}")
        return _from_file(text, precision, ordinal)
    return _from_file(str(_by_name(text, source)), precision, ordinal)


def _by_name(name: str, source: str | None) -> Path:
    if source is not None and source not in SOURCES:
        raise ValueError(f"source: expected one of {', '.join(SOURCES)}, found {source!r}")
    path = bundled_path(name) if source in (None, "bundled") else None
    if path is not None:
        return path
    if source != "bundled":
        from .download import fetch

        for facts in official():
            if facts["name"] == name.replace(" ", "_"):
                return fetch(facts, source or "official")
    raise ValueError(_no_such_net(name))


def _is_path(text: str) -> bool:
    return os.sep in text or text.endswith((".safetensors", ".json"))


def _from_file(path: str, precision: str = "f32", device: int | None = None) -> Net:
    if not os.path.exists(path):
        raise FileNotFoundError(f"no such file: {path}")
    # Only a regular file: opening a named pipe would wait for ever.
    if not path.endswith(".json") and os.path.isfile(path) and is_conditional(read_metadata(path)):
        with open(path, "rb") as file:
            return ConditionalNet(file.read(), path, precision, device)
    if precision != "i8" and not path.endswith(".json"):
        return Net(_core.Net.from_file(os.fsencode(path), precision), device)
    if path.endswith(".json"):
        from .gen_json import read

        container = read(path)
    else:
        with open(path, "rb") as file:
            container = file.read()
    return _from_container(container, path, precision, device)


def _from_container(container: bytes, what: str, precision: str, device: int | None = None) -> Net:
    if precision == "i8":
        from .cache import quantised

        container = quantised(container, what)
    return Net(_core.Net.from_bytes(container, what, precision), device)


def _no_such_net(name: str) -> str:
    bundled = ", ".join(net.name for net in catalog() if net.source == "bundled")
    return (
        f"no net named {name!r}; in the package: {bundled}; the public ones: sketchrnn.catalog(), "
        "or in a terminal sketchrnn list"
    )


def _untrained(
    name: str | PathLike[str] | None,
    seed: int,
    hidden_size: int | None,
    mixtures: int | None,
    precision: str,
    device: int | None,
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
    return _from_container(container, "untrained net", precision, device)


def _shape_of(name: str) -> dict[str, Any]:
    path = name if _is_path(name) else bundled_path(name)
    if path is not None:
        net = _from_file(str(path))
        return {key: getattr(net, key) for key in _SHAPE}
    for net_facts in official():
        if net_facts["name"] == name.replace(" ", "_"):
            return {"mixtures": 20, **{k: net_facts[k] for k in _SHAPE if k in net_facts}}
    raise ValueError(_no_such_net(name))


_SHAPE = ("name", "hidden_size", "mixtures", "scale_factor", "max_len")
