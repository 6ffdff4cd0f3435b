"""ONNX (https://onnx.ai/onnx/operators/), written node by node: one step, a whole sequence, or a
complete sampler.

All graphs take and give data units; the scale factor is inside. Weights are float32, the forget
gate's +1 is in the bias. What a graph cannot say stands in the model's metadata_props: name,
scale_factor, max_len, start_token (data units), and the net's own metadata.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import writing
from .._extras import need

if TYPE_CHECKING:
    from onnx import ModelProto

    from ..net import Net

# Every operator here has this form since 17 or before, and ONNX Runtime reads it since 1.12.
_OPSET = 17
_IR_VERSION = 8

PARAMETERS = ("pen", "pi", "mu_x", "mu_y", "sigma_x", "sigma_y", "rho")
"""Outputs that describe the mixture (Ha & Eck 2017, eq. 3 to 6): probabilities of the 3 pen states,
then per component weight, mean, standard deviation and correlation."""


class _Nodes:
    """Nodes of one graph, each named after what it computes. Initializers belong to the outermost
    graph, whose names its subgraphs see."""

    def __init__(self, outer: _Nodes | None = None) -> None:
        self.onnx = need("onnx", "export")
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = outer.constants if outer else {}

    def constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        array = np.array(value, dtype, order="C")
        known = self.constants.setdefault(name, array)
        assert np.array_equal(known, array), name
        return name

    def __call__(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.add(op, inputs, [output], **attributes)
        return output

    def add(self, op: str, inputs: list[str], outputs: list[str], **attributes: Any) -> list[str]:
        self.nodes.append(
            self.onnx.helper.make_node(op, inputs, outputs, name=f"{op}:{outputs[0]}", **attributes)
        )
        return outputs


def model(net: Net, graph: str = "step") -> ModelProto:
    """Return the ONNX model of `net`.

    graph
        "step": ``x`` (N, 5), ``h`` (N, H), ``c`` (N, H) → ``h_next``, ``c_next``, and the mixture
        of the next movement: ``pen`` (N, 3), ``pi``, ``mu_x``, ``mu_y``, ``sigma_x``,
        ``sigma_y``, ``rho`` (N, M). Begin with h = c = 0 and x the start token.

        "sequence": ``strokes`` (N, T, 5) → the same seven for (N, T + 1, …): entry t is the
        distribution after the first t rows. The start token is inside; the LSTM operator runs it.

        "sampler": ``uniforms`` (T, N, 4), ``temperature`` () → ``strokes`` (N, T', 5), with T' ≤ T
        rows until all N drawings have ended; rows behind a drawing's end are (0, 0, 0, 0, 1). The
        four uniforms choose component and pen state, and give Box–Muller's radius and angle: those
        of Philox that the core takes give the core's drawings, up to rounding.

        Of a net with an encoder (N_z numbers of latent vector) there are three others: "encoder",
        ``strokes`` (N, T, 5) and ``lengths`` (N,) int32, rows behind a drawing's length being
        ignored → ``mu``, ``sigma`` (N, N_z); "initial", ``z`` (N, N_z) → the first ``h``, ``c``
        (N, H); and "step" takes ``z`` (N, N_z) beside x, h and c.
    """
    graphs = {"step": _step, **_LATENT_GRAPHS} if net.latent_size else _GRAPHS
    if graph not in graphs:
        raise ValueError(f"graph: expected one of {', '.join(graphs)}, found {graph!r}")
    nodes = _Nodes()
    onnx = nodes.onnx
    inputs, outputs = graphs[graph](net, nodes)
    graph_proto = onnx.helper.make_graph(
        nodes.nodes,
        f"{_identifier(net.name)}_{graph}",
        [_value(nodes, *value) for value in inputs],
        [_value(nodes, *value) for value in outputs],
        initializer=[
            onnx.numpy_helper.from_array(array, name) for name, array in nodes.constants.items()
        ],
    )
    proto: ModelProto = nodes.onnx.helper.make_model(
        graph_proto,
        producer_name="sketchrnn",
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
        doc_string=f"Sketch-RNN decoder (arXiv 1704.03477) that draws: {net.name}. {graph} graph.",
    )
    proto.ir_version = _IR_VERSION
    facts = {
        **net.metadata,
        "name": net.name,
        "scale_factor": repr(net.scale_factor),
        "max_len": str(net.max_len),
        "start_token": json.dumps(_start_token(net).tolist()),
    }
    onnx.helper.set_model_props(proto, facts)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def write(net: Net, path: str, graph: str = "step") -> list[str]:
    """Write :func:`model` to `path`."""
    writing.write(path, model(net, graph).SerializeToString())
    return [path]


def _identifier(name: str) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "_" for c in name) or "net"


def _value(nodes: _Nodes, name: str, shape: list[Any], kind: str = "FLOAT") -> Any:
    onnx = nodes.onnx
    return onnx.helper.make_tensor_value_info(name, getattr(onnx.TensorProto, kind), shape)


def _scales(net: Net) -> NDArray[np.float32]:
    s = net.scale_factor
    return np.array([s, s, 1, 1, 1], np.float32)


def _start_token(net: Net) -> NDArray[np.float32]:
    """The start token in data units, so that it can be fed like any row."""
    return np.asarray(net.start_token, np.float32) * _scales(net)


def _bias(net: Net) -> NDArray[np.float32]:
    bias = net.arrays()["b"]
    bias[2 * net.hidden_size : 3 * net.hidden_size] += np.float32(1.0)
    return bias


def _cell(net: Net, n: _Nodes, x: str, h: str, c: str) -> tuple[str, str]:
    """TensorFlow's BasicLSTMCell, gates i, j, f, o. Returns the names of h' and c'."""
    arrays = net.arrays()
    scaled = n("Div", [x, n.constant("input_scale", _scales(net))], "x_net_units")
    if net.latent_size:
        scaled = n("Concat", [scaled, "z"], "x_and_z", axis=-1)
    from_x = n("MatMul", [scaled, n.constant("Wx", arrays["wx"])], "gates_from_x")
    from_h = n("MatMul", [h, n.constant("Wh", arrays["wh"])], "gates_from_h")
    both = n("Add", [from_x, from_h], "gates_without_bias")
    gates = n("Add", [both, n.constant("b", _bias(net))], "gates")
    sizes = n.constant("gate_sizes", [net.hidden_size] * 4, np.int64)
    n.add("Split", [gates, sizes], ["i", "j", "f", "o"], axis=-1)
    kept = n("Mul", [c, n("Sigmoid", ["f"], "forget")], "kept")
    new = n("Mul", [n("Sigmoid", ["i"], "input"), n("Tanh", ["j"], "candidate")], "new")
    n("Add", [kept, new], "c_next")
    n("Mul", [n("Tanh", ["c_next"], "cell_output"), n("Sigmoid", ["o"], "output")], "h_next")
    return "h_next", "c_next"


def _head(net: Net, n: _Nodes, h: str) -> list[str]:
    """The dense layer, cut into pen logits, π logits, μx, μy, log σx, log σy, atanh ρ."""
    arrays = net.arrays()
    product = n("MatMul", [h, n.constant("Wo", arrays["wo"])], "head_without_bias")
    # "z" is a graph's latent vector, where there is one.
    name = "head" if net.latent_size else "z"
    z = n("Add", [product, n.constant("bo", arrays["bo"])], name)
    sizes = n.constant("head_sizes", [3] + [net.mixtures] * 6, np.int64)
    parts = ["z_pen", "z_pi", "z_mu_x", "z_mu_y", "z_sigma_x", "z_sigma_y", "z_rho"]
    return n.add("Split", [z, sizes], parts, axis=-1)


def _places(net: Net, n: _Nodes, mu_x: str, mu_y: str, s_x: str, s_y: str, rho: str) -> None:
    """Means, standard deviations (data units) and correlations from the head's numbers."""
    scale = n.constant("scale_factor", net.scale_factor)
    n("Mul", [mu_x, scale], "mu_x")
    n("Mul", [mu_y, scale], "mu_y")
    n("Mul", [n("Exp", [s_x], "sigma_x_net_units"), scale], "sigma_x")
    n("Mul", [n("Exp", [s_y], "sigma_y_net_units"), scale], "sigma_y")
    n("Tanh", [rho], "rho")


def _mixture(net: Net, n: _Nodes, h: str, shape: list[Any]) -> list[tuple[str, list[Any]]]:
    """The head's output as probabilities; returns the graph's output values."""
    pen, pi, *places = _head(net, n, h)
    n("Softmax", [pen], "pen", axis=-1)
    n("Softmax", [pi], "pi", axis=-1)
    _places(net, n, *places)
    return [(name, [*shape, 3 if name == "pen" else net.mixtures]) for name in PARAMETERS]


def _step(net: Net, n: _Nodes) -> Any:
    hidden = net.hidden_size
    h, c = _cell(net, n, "x", "h", "c")
    parameters = _mixture(net, n, h, ["N"])
    z = [("z", ["N", net.latent_size])] if net.latent_size else []
    return (
        [("x", ["N", 5]), ("h", ["N", hidden]), ("c", ["N", hidden]), *z],
        [(h, ["N", hidden]), (c, ["N", hidden]), *parameters],
    )


def _gates(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """ONNX's LSTM has the gates i, o, f, c as rows, one direction first; its c is our j."""
    i, j, f, o = np.split(columns, 4, axis=-1)
    return np.concatenate([i, o, f, j], axis=-1).T[None]


def _encoder(net: Net, n: _Nodes) -> Any:
    """One operator for both directions, which reads each drawing up to its length."""
    arrays, latent = net.arrays(), net.latent_size
    units = arrays["fw.wh"].shape[0]

    def both(key: str) -> NDArray[np.float32]:
        return np.concatenate([_gates(arrays[f"{side}.{key}"]) for side in ("fw", "bw")])

    biases = []
    for side in ("fw", "bw"):
        bias = arrays[f"{side}.b"]
        bias[2 * units : 3 * units] += np.float32(1.0)
        rows = _gates(bias[None])[..., 0]
        biases.append(np.concatenate([rows, np.zeros_like(rows)], axis=-1))
    scaled = n("Div", ["strokes", n.constant("input_scale", _scales(net))], "rows_net_units")
    by_time = n("Transpose", [scaled], "rows_by_time", perm=[1, 0, 2])
    w, r = n.constant("W", both("wx")), n.constant("R", both("wh"))
    b = n.constant("B", np.concatenate(biases))
    n.add(
        "LSTM",
        [by_time, w, r, b, "lengths"],
        ["", "h_last"],
        hidden_size=units,
        direction="bidirectional",
    )
    by_drawing = n("Transpose", ["h_last"], "h_by_drawing", perm=[1, 0, 2])
    flat = n("Flatten", [by_drawing], "h_both", axis=1)
    for key in ("mu", "sigma"):
        product = n("MatMul", [flat, n.constant(f"{key}.w", arrays[f"{key}.w"])], f"{key}_product")
        name = "mu" if key == "mu" else "log_variance"
        n("Add", [product, n.constant(f"{key}.b", arrays[f"{key}.b"])], name)
    n("Exp", [n("Mul", ["log_variance", n.constant("half", 0.5)], "log_sigma")], "sigma")
    return (
        [("strokes", ["N", "T", 5]), ("lengths", ["N"], "INT32")],
        [("mu", ["N", latent]), ("sigma", ["N", latent])],
    )


def _initial(net: Net, n: _Nodes) -> Any:
    arrays, hidden = net.arrays(), net.hidden_size
    z = n("Tanh", ["z"], "tanh_z") if net.metadata.get("latent_tanh") == "true" else "z"
    product = n("MatMul", [z, n.constant("Wz", arrays["z.w"])], "state_product")
    summed = n("Add", [product, n.constant("bz", arrays["z.b"])], "state_sum")
    state = n("Tanh", [summed], "state")
    n.add("Split", [state, n.constant("halves", [hidden] * 2, np.int64)], ["c", "h"], axis=-1)
    return [("z", ["N", net.latent_size])], [("h", ["N", hidden]), ("c", ["N", hidden])]


def _sequence(net: Net, n: _Nodes) -> Any:
    arrays = net.arrays()
    hidden = net.hidden_size

    # The batch size from the input, for the start token's row.
    shape = n("Shape", ["strokes"], "strokes_shape")
    batch = n("Gather", [shape, n.constant("zero", [0], np.int64)], "batch")
    one_five = n.constant("one_five", [1, 5], np.int64)
    start_shape = n("Concat", [batch, one_five], "start_shape", axis=0)
    token = n.constant("start_token", _start_token(net)[None, None])
    start = n("Expand", [token, start_shape], "start_rows")
    rows = n("Concat", [start, "strokes"], "rows", axis=1)
    scaled = n("Div", [rows, n.constant("input_scale", _scales(net))], "rows_net_units")
    # The operator wants time first (its other layout is not in ONNX Runtime).
    by_time = n("Transpose", [scaled], "rows_by_time", perm=[1, 0, 2])
    w = n.constant("W", _gates(arrays["wx"]))
    r = n.constant("R", _gates(arrays["wh"]))
    # Two biases, of which the second is zero.
    bias = _gates(_bias(net)[None])[..., 0]
    b = n.constant("B", np.concatenate([bias, np.zeros_like(bias)], axis=-1))
    n.add("LSTM", [by_time, w, r, b], ["lstm"], hidden_size=hidden)
    one = n.constant("one", [1], np.int64)
    flat = n("Squeeze", ["lstm", one], "h_by_time")
    h = n("Transpose", [flat], "h_all", perm=[1, 0, 2])
    return [("strokes", ["N", "T", 5])], _mixture(net, n, h, ["N", "T + 1"])


def _category(n: _Nodes, logits: str, uniform: str, count: int, what: str) -> str:
    """Inverse CDF: index (N, 1) of the first category whose cumulated weight exceeds the uniform
    times the total; the likeliest where rounding leaves none."""
    largest = n("ReduceMax", [logits], f"{what}_largest", axes=[-1], keepdims=1)
    below = n("Sub", [logits, largest], f"{what}_below_largest")
    weight = n("Exp", [n("Mul", [below, "inverse_temperature"], f"{what}_tempered")], f"{what}_w")
    one = n.constant("axis_one", 1, np.int64)
    cumulated = n("CumSum", [weight, one], f"{what}_cumulated")
    last = n.constant(f"{what}_last", [count - 1], np.int64)
    total = n("Gather", [cumulated, last], f"{what}_total", axis=1)
    threshold = n("Mul", [uniform, total], f"{what}_threshold")
    passed = n("LessOrEqual", [cumulated, threshold], f"{what}_passed")
    passed_numbers = n("Cast", [passed], f"{what}_passed_numbers", to=7)  # int64
    axes = n.constant("axes_last", [-1], np.int64)
    index = n("ReduceSum", [passed_numbers, axes], f"{what}_index_or_count", keepdims=1)
    likeliest = n("ArgMax", [logits], f"{what}_likeliest", axis=-1, keepdims=1)
    inside = n("Less", [index, n.constant(f"{what}_count", count, np.int64)], f"{what}_inside")
    return n("Where", [inside, index, likeliest], what)


def _sampler(net: Net, n: _Nodes) -> Any:
    onnx = n.onnx
    hidden = net.hidden_size
    # As in the core: the cap keeps 0 · (1/τ) = 0 for the likeliest category when τ is 0.
    unit = n.constant("unit", 1.0)
    inverse = n("Div", [unit, "temperature"], "inverse_temperature_or_infinity")
    top = n.constant("largest_float", np.finfo(np.float32).max)
    n("Min", [inverse, top], "inverse_temperature")
    n("Sqrt", ["temperature"], "spread")
    shape = n("Shape", ["uniforms"], "uniforms_shape")
    # Scalar index: the trip count must be a scalar.
    trips = n("Gather", [shape, n.constant("zero_scalar", 0, np.int64)], "trips")
    batch = n("Gather", [shape, n.constant("one", [1], np.int64)], "batch")
    state_shape = n(
        "Concat", [batch, n.constant("hidden", [hidden], np.int64)], "state_shape", axis=0
    )
    zeros = n("Expand", [n.constant("zero_float", 0.0), state_shape], "state_zeros")
    token_shape = n("Concat", [batch, n.constant("five", [5], np.int64)], "token_shape", axis=0)
    start = n.constant("start_token", _start_token(net))
    token = n("Expand", [start, token_shape], "token")
    ended_shape = n("Concat", [batch, "one"], "ended_shape", axis=0)
    ended = n("Expand", [n.constant("false", False, bool), ended_shape], "none_ended")
    go_on = n.constant("true", True, bool)

    body = _Nodes(n)
    _sampler_step(net, body)
    state = ["N", hidden]
    body_graph = onnx.helper.make_graph(
        body.nodes,
        "draw_one_row",
        [
            _value(n, "t", [], "INT64"),
            _value(n, "go_on", [], "BOOL"),
            _value(n, "h", state),
            _value(n, "c", state),
            _value(n, "x", ["N", 5]),
            _value(n, "ended", ["N", 1], "BOOL"),
        ],
        [
            _value(n, "go_on_next", [], "BOOL"),
            _value(n, "h_next", state),
            _value(n, "c_next", state),
            _value(n, "row", ["N", 5]),
            _value(n, "ended_next", ["N", 1], "BOOL"),
            _value(n, "row_out", ["N", 5]),
        ],
    )
    outputs = ["last_h", "last_c", "last_row", "all_ended", "rows_by_time"]
    n.add("Loop", [trips, go_on, zeros, zeros, token, ended], outputs, body=body_graph)
    n("Transpose", ["rows_by_time"], "strokes", perm=[1, 0, 2])
    return (
        [("uniforms", ["T", "N", 4]), ("temperature", [])],
        [("strokes", ["N", "rows", 5])],
    )


def _sampler_step(net: Net, n: _Nodes) -> None:
    """One row for every drawing: the state after x, then a point of its distribution."""
    h, _ = _cell(net, n, "x", "h", "c")
    z_pen, z_pi, *places = _head(net, n, h)
    now = n("Gather", ["uniforms", "t"], "uniforms_now", axis=0)
    ones = n.constant("uniform_sizes", [1, 1, 1, 1], np.int64)
    names = ["u_component", "u_pen", "u_radius", "u_angle"]
    n.add("Split", [now, ones], names, axis=-1)
    component = _category(n, z_pi, "u_component", net.mixtures, "component")
    pen = _category(n, z_pen, "u_pen", 3, "pen")
    chosen = [n("GatherElements", [part, component], f"chosen_{part}", axis=-1) for part in places]
    _places(net, n, *chosen)

    # Box–Muller. Half the smallest step of the core's uniform keeps log finite for a caller's 0.
    smallest = n.constant("smallest_radius", 2.0**-33)
    log = n("Log", [n("Max", ["u_radius", smallest], "u_radius_positive")], "log_radius")
    radius = n("Sqrt", [n("Mul", [log, n.constant("minus_two", -2.0)], "radius_squared")], "radius")
    angle = n("Mul", ["u_angle", n.constant("two_pi", 2 * np.pi)], "angle")
    n("Mul", [radius, n("Cos", [angle], "cos_angle")], "normal_1")
    n("Mul", [radius, n("Sin", [angle], "sin_angle")], "normal_2")
    # √(1 − ρ²) = 2e^(−|a|) / (1 + e^(−2|a|)) for ρ = tanh a: nothing cancels near |ρ| = 1.
    magnitude = n("Abs", [chosen[4]], "abs_atanh_rho")
    e = n("Exp", [n("Neg", [magnitude], "minus_abs_atanh_rho")], "exp_minus_abs")
    twice = n("Add", [e, e], "twice_exp")
    square = n("Mul", [e, e], "square_exp")
    root = n("Div", [twice, n("Add", [square, "unit"], "one_plus_square")], "root_one_minus_rho2")
    along = n("Mul", ["rho", "normal_1"], "rho_normal_1")
    across = n("Mul", [root, "normal_2"], "root_normal_2")
    mixed = n("Add", [along, across], "correlated")
    for axis, normal in (("x", "normal_1"), ("y", mixed)):
        wide = n("Mul", [f"sigma_{axis}", "spread"], f"tempered_sigma_{axis}")
        n("Add", [f"mu_{axis}", n("Mul", [wide, normal], f"offset_{axis}")], f"d{axis}")

    states = n.constant("pen_states", [[0, 1, 2]], np.int64)
    one_hot = n("Cast", [n("Equal", [pen, states], "pen_equals")], "pen_one_hot", to=1)  # float
    n("Concat", ["dx", "dy", one_hot], "drawn_row", axis=-1)
    end_row = n.constant("end_row", [[0, 0, 0, 0, 1]])
    n("Where", ["ended", end_row, "drawn_row"], "row")
    n("Identity", ["row"], "row_out")
    ends = n("Equal", [pen, n.constant("pen_end", 2, np.int64)], "ends")
    n("Or", ["ended", ends], "ended_next")
    numbers = n("Cast", ["ended_next"], "ended_numbers", to=7)  # int64
    fewest = n("ReduceMin", [numbers], "all_have_ended", keepdims=0)
    n("Equal", [fewest, n.constant("zero_scalar", 0, np.int64)], "go_on_next")


_LATENT_GRAPHS = {"encoder": _encoder, "initial": _initial}
_GRAPHS = {"step": _step, "sequence": _sequence, "sampler": _sampler}
