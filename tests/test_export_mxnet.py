"""The MXNet files without MXNet: read by readers written here, the graph run by NumPy.

tests/interop/mxnet/check.sh loads them in MXNet itself.
"""

import json
import struct
from ast import literal_eval

import numpy as np
import pytest

import sketchrnn

PARAMETERS = ("pen", "pi", "mu_x", "mu_y", "sigma_x", "sigma_y", "rho")


@pytest.fixture(scope="module")
def net():
    arrays = sketchrnn.load(trained=False, hidden_size=9, mixtures=4, seed=1).arrays()
    rng = np.random.default_rng(0)
    arrays["b"] = rng.normal(0, 1, arrays["b"].shape)
    return sketchrnn.from_arrays(
        arrays, scale_factor=7.0, max_len=60, start_token=(0.5, -1, 1, 0, 0)
    )


def read_params(data):
    """Arrays by name, every byte accounted for."""
    at = 0

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    magic, reserved, count = take("QQQ")
    assert (magic, reserved) == (0x112, 0)
    arrays = []
    for _ in range(count):
        array_magic, storage, ndim = take("Iii")
        assert (array_magic, storage) == (0xF993FAC9, 0)
        shape = [take("q") for _ in range(ndim)]
        assert take("iii") == (1, 0, 0)  # cpu(0), float32
        size = int(np.prod(shape))
        arrays.append(np.frombuffer(data, "<f4", size, at).reshape(shape))
        at += 4 * size
    assert take("Q") == count
    names = []
    for _ in range(count):
        length = take("Q")
        names.append(data[at : at + length].decode())
        at += length
    assert at == len(data)
    assert all(name.startswith("arg:") for name in names)
    return {name[4:]: array for name, array in zip(names, arrays, strict=True)}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, packed, h, c, *, mode, num_layers, state_size, state_outputs, bidirectional, p):
    """MXNet's RNN operator on (T, N, I): gates i, f, g, o; all weights, then both biases."""
    assert (mode, num_layers, state_outputs, bidirectional, p) == ("lstm", 1, False, False, 0.0)
    inputs = x.shape[2]
    sizes = [4 * state_size * inputs, 4 * state_size**2, 4 * state_size, 4 * state_size]
    assert packed.shape == (sum(sizes),)
    w, r, b1, b2 = np.split(packed, np.cumsum(sizes)[:-1])
    w, r = w.reshape(4 * state_size, inputs), r.reshape(4 * state_size, state_size)
    h, c = h[0], c[0]
    out = []
    for row in x:
        i, f, g, o = np.split(row @ w.T + h @ r.T + b1 + b2, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.array(out)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def slice_axis(x, axis, begin, end):
    return np.take(x, np.arange(begin, end), axis)


OPERATORS = {
    "broadcast_div": lambda a, b: a / b,
    "transpose": lambda a, axes: a.transpose(axes),
    "Reshape": lambda a, shape: a.reshape(shape),
    "_rnn_param_concat": lambda *a, dim, num_args: np.concatenate(a, dim),
    "slice_axis": slice_axis,
    "zeros_like": np.zeros_like,
    "broadcast_axis": lambda a, axis, size: np.repeat(a, size, axis),
    "RNN": lstm,
    "FullyConnected": lambda x, w, b, **_: x @ w.T + b,
    "softmax": softmax,
    "exp": np.exp,
    "tanh": np.tanh,
    "_mul_scalar": lambda a, scalar: a * scalar,
}


def literal(text):
    try:
        return literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def evaluate(document, values):
    """The graph's heads in float64."""
    results = []
    for number, node in enumerate(document["nodes"]):
        inputs = []
        for source, output, version in node["inputs"]:
            assert source < number  # topological order
            assert (output, version) == (0, 0)
            inputs.append(results[source])
        attrs = {key: literal(value) for key, value in node.get("attrs", {}).items()}
        if node["op"] == "null":
            results.append(np.asarray(values[node["name"]], float))
        else:
            results.append(OPERATORS[node["op"]](*inputs, **attrs))
    return [results[head] for head, _, _ in document["heads"]]


def test_graph_and_parameters(net, tmp_path):
    sizes = net.export(tmp_path / "net.json", format="mxnet", length=50)
    files = [tmp_path / "net.json", tmp_path / "net.params"]
    assert sizes == {str(path): path.stat().st_size for path in files}
    document = json.loads(files[0].read_text())
    parameters = read_params(files[1].read_bytes())
    nodes = document["nodes"]
    assert len({node["name"] for node in nodes}) == len(nodes)
    variables = {n["name"]: n for n in nodes if n["op"] == "null"}
    assert set(variables) == {"data"} | set(parameters)
    assert variables["data"]["attrs"]["__shape__"] == "(1, 50, 5)"
    for name, array in parameters.items():
        assert literal(variables[name]["attrs"]["__shape__"]) == array.shape
    assert [nodes[i]["op"] for i in document["arg_nodes"]] == ["null"] * len(variables)
    assert [nodes[i]["name"] for i, _, _ in document["heads"]] == list(PARAMETERS)
    assert document["attrs"]["mxnet_version"] == ["int", 10901]

    drawn = np.concatenate([s.strokes for s in net.draw(20, seed=1)])
    rows = drawn[drawn[:, 4] == 0][:30]
    data = np.zeros((2, len(rows) + 1, 5))
    data[:, 0] = [3.5, -7, 1, 0, 0]  # the start token in data units
    data[0, 1:] = rows
    data[1, 1:] = rows[::-1]
    found = evaluate(document, {"data": data, **parameters})
    for lane, drawing in enumerate((rows, rows[::-1])):
        state = net.state(seed=0)
        for t in range(len(rows) + 1):
            distribution = state.predict()
            for name, output in zip(PARAMETERS, found, strict=True):
                unit = net.scale_factor if name[:2] in ("mu", "si") else 1.0
                np.testing.assert_allclose(
                    output[lane, t] / unit,
                    getattr(distribution, name) / unit,
                    # float32 in the core, float64 here; measured 5e-7.
                    rtol=1e-5,
                    atol=1e-5,
                    err_msg=name,
                )
            if t < len(rows):
                state.feed(np.ascontiguousarray(drawing[t : t + 1]))


def test_without_a_length(net, tmp_path):
    net.export(tmp_path / "net.json", format="mxnet")
    nodes = json.loads((tmp_path / "net.json").read_text())["nodes"]
    assert nodes[0]["name"] == "data"
    assert "attrs" not in nodes[0]


@pytest.mark.parametrize("length", [0, -1, 2.5, "50"])
def test_bad_length(net, tmp_path, length):
    with pytest.raises((TypeError, ValueError), match="length"):
        net.export(tmp_path / "net.json", length=length)
    assert list(tmp_path.iterdir()) == []


def test_bad_suffix(net, tmp_path):
    with pytest.raises(ValueError, match=r"\.json"):
        net.export(tmp_path / "net.params", format="mxnet")
