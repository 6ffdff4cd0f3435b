"""MXNet: symbol JSON and ``.params``, written without MXNet from its sources' definition (v1.9.1).

The JSON is nnvm's (3rdparty/tvm/nnvm/src/pass/saveload_json.cc), the parameters are a list of
NDArrays (src/ndarray/ndarray.cc, NDArray::Save; include/mxnet/tuple.h, TShape::Save).

The graph takes ``data`` (N, T, 5), stroke-5 rows in data units of which the first is the start
token, and gives seven outputs: ``pen`` (N, T, 3), and ``pi``, ``mu_x``, ``mu_y``, ``sigma_x``,
``sigma_y``, ``rho`` (N, T, M) in data units, row t being the distribution after row t of the input.
One RNN operator runs the LSTM, so N and T may be bound to anything; `length` only writes down a
shape.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _check, writing
from ..net import Net

_MXNET_VERSION = 10901  # 1.9.1
_LIST_MAGIC = 0x112
_ARRAY_MAGIC = 0xF993FAC9  # NDARRAY_V2_MAGIC: shapes with 64-bit sizes
_DENSE, _CPU, _FLOAT32 = 0, 1, 0


class _Graph:
    """nnvm's JSON: nodes in topological order, inputs as (node, output, version)."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.parameters: dict[str, NDArray[np.float32]] = {}

    def _add(self, op: str, name: str, inputs: Sequence[int], attrs: dict[str, Any]) -> int:
        node: dict[str, Any] = {"op": op, "name": name}
        if attrs:
            node["attrs"] = {key: str(value) for key, value in attrs.items()}
        node["inputs"] = [[i, 0, 0] for i in inputs]
        self.nodes.append(node)
        return len(self.nodes) - 1

    def variable(self, name: str, shape: tuple[int, ...] | None = None) -> int:
        attrs = {} if shape is None else {"__dtype__": _FLOAT32, "__shape__": shape}
        return self._add("null", name, [], attrs)

    def parameter(self, name: str, array: NDArray[Any]) -> int:
        self.parameters[name] = np.array(array, np.float32, order="C")
        return self.variable(name, self.parameters[name].shape)

    def __call__(self, op: str, name: str, *inputs: int, **attrs: Any) -> int:
        return self._add(op, name, inputs, attrs)

    def json(self, heads: Sequence[int]) -> str:
        document = {
            "nodes": self.nodes,
            "arg_nodes": [i for i, node in enumerate(self.nodes) if node["op"] == "null"],
            # Where each node's outputs start among all of them; RNN shows one here.
            "node_row_ptr": list(range(len(self.nodes) + 1)),
            "heads": [[head, 0, 0] for head in heads],
            "attrs": {"mxnet_version": ["int", _MXNET_VERSION]},
        }
        return json.dumps(document, indent=2) + "\n"


def _gates(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """i, j, f, o as columns to MXNet's i, f, g, o as rows."""
    i, j, f, o = np.split(columns, 4, axis=-1)
    return np.concatenate([i, f, j, o], axis=-1).T


def graph(net: Net, length: int | None = None) -> tuple[str, dict[str, NDArray[np.float32]]]:
    """Return the symbol JSON and the parameters by name.

    length
        T of the input's shape as the JSON states it, with N = 1; None states none.
    """
    if net.latent_size:
        raise ValueError("MXNet: a net with an encoder cannot be written; ONNX can")
    if length is not None:
        length = _check.integer("length", length, 1, 2**31 - 1)
    arrays = net.arrays()
    hidden, m = net.hidden_size, net.mixtures
    scale = net.scale_factor
    g = _Graph()
    data = g.variable("data", None if length is None else (1, length, 5))
    input_scale = g.parameter("input_scale", np.array([[[scale, scale, 1, 1, 1]]]))
    net_units = g("broadcast_div", "net_units", data, input_scale)
    by_time = g("transpose", "by_time", net_units, axes=(1, 0, 2))

    bias = arrays["b"]
    bias[2 * hidden : 3 * hidden] += np.float32(1.0)
    flat = [
        g("Reshape", f"{name}_flat", g.parameter(name, array), shape=(-1,))
        for name, array in (
            ("lstm_l0_i2h_weight", _gates(arrays["wx"])),
            ("lstm_l0_h2h_weight", _gates(arrays["wh"])),
            ("lstm_l0_i2h_bias", _gates(bias)),
            ("lstm_l0_h2h_bias", np.zeros_like(bias)),
        )
    ]
    packed = g("_rnn_param_concat", "lstm_parameters", *flat, dim=0, num_args=4)
    # Zeros of shape (1, N, H), whatever N is.
    first = g("slice_axis", "first_row", by_time, axis=0, begin=0, end=1)
    column = g("slice_axis", "first_number", first, axis=2, begin=0, end=1)
    zero = g("zeros_like", "zero", column)
    h0 = g("broadcast_axis", "h0", zero, axis=2, size=hidden)
    c0 = g("broadcast_axis", "c0", zero, axis=2, size=hidden)
    lstm = g(
        "RNN",
        "lstm",
        by_time,
        packed,
        h0,
        c0,
        mode="lstm",
        num_layers=1,
        state_size=hidden,
        state_outputs=False,
        bidirectional=False,
        p=0.0,
    )
    h = g("transpose", "h", lstm, axes=(1, 0, 2))
    z = g(
        "FullyConnected",
        "z",
        h,
        g.parameter("head_weight", arrays["wo"].T),
        g.parameter("head_bias", arrays["bo"]),
        num_hidden=3 + 6 * m,
        flatten=False,
        no_bias=False,
    )

    def part(name: str, at: int) -> int:
        """M of the head's outputs, behind the three of the pen."""
        begin = 3 + at * m
        return g("slice_axis", name, z, axis=-1, begin=begin, end=begin + m)

    pen_logits = g("slice_axis", "z_pen", z, axis=-1, begin=0, end=3)
    heads = [
        g("softmax", "pen", pen_logits, axis=-1),
        g("softmax", "pi", part("z_pi", 0), axis=-1),
        g("_mul_scalar", "mu_x", part("z_mu_x", 1), scalar=repr(scale)),
        g("_mul_scalar", "mu_y", part("z_mu_y", 2), scalar=repr(scale)),
    ]
    for at, axis in ((3, "x"), (4, "y")):
        wide = g("exp", f"sigma_{axis}_net_units", part(f"z_sigma_{axis}", at))
        heads.append(g("_mul_scalar", f"sigma_{axis}", wide, scalar=repr(scale)))
    heads.append(g("tanh", "rho", part("z_rho", 5)))
    return g.json(heads), g.parameters


def params_bytes(parameters: dict[str, NDArray[np.float32]]) -> bytes:
    """Return a ``.params`` file: arrays, then their names with MXNet's prefix "arg:"."""
    out = [struct.pack("<QQQ", _LIST_MAGIC, 0, len(parameters))]
    for array in parameters.values():
        out.append(struct.pack("<Iii", _ARRAY_MAGIC, _DENSE, array.ndim))
        out.append(struct.pack(f"<{array.ndim}q", *array.shape))
        out.append(struct.pack("<iii", _CPU, 0, _FLOAT32))
        out.append(array.astype("<f4").tobytes())
    out.append(struct.pack("<Q", len(parameters)))
    for name in parameters:
        text = f"arg:{name}".encode()
        out.append(struct.pack("<Q", len(text)) + text)
    return b"".join(out)


def write(net: Net, path: str, length: int | None = None) -> list[str]:
    """Write `path`, which must end in .json, and beside it the ``.params``; returns both names."""
    stem, suffix = os.path.splitext(path)
    if suffix != ".json":
        raise ValueError(f"path: expected a name ending in .json, found {path!r}")
    text, parameters = graph(net, length)
    with writing.open_for_writing(path) as file:
        file.write(text.encode())
        # Both are whole before either takes its place.
        writing.write(stem + ".params", params_bytes(parameters))
    return [path, stem + ".params"]
