"""Other ways to run the same net, each at the best settings found: same weights, same work.

Every peer draws whole sketches free-running at one temperature, sampling included, a lane refilled
when its sketch ends, so that every point counted is a useful one.
"""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

TAU = 0.4


@dataclass
class Peer:
    """`step(x, h, c)` takes (B, 5), (B, H), (B, H), the library's own arrays; returns z, h, c."""

    name: str
    threads: int
    batches: tuple[int, ...]
    step: Callable
    zeros: Callable
    to_numpy: Callable = np.asarray
    from_numpy: Callable = np.asarray
    lengths: list[int] = field(default_factory=list)
    # For a peer that draws by itself: (batch, seconds, max_len) to points per second.
    loop: Callable[[int, float, int], float] | None = None


def sample(z: np.ndarray, rng: np.random.Generator, mixtures: int) -> np.ndarray:
    """(B, 3 + 6M) outputs to (B, 5) rows in net units at temperature TAU, vectorised."""
    b = len(z)
    pen, pi, mu_x, mu_y, sx, sy, rho = np.split(z, 3 + mixtures * np.arange(6), axis=1)

    def pick(logits: np.ndarray) -> np.ndarray:
        e = np.exp((logits - logits.max(axis=1, keepdims=True)) / TAU)
        cumulated = e.cumsum(axis=1)
        return (cumulated < rng.random((b, 1)) * cumulated[:, -1:]).sum(axis=1)

    k, p, at = pick(pi), pick(pen), np.arange(b)
    n1, n2 = rng.standard_normal((2, b))
    r = np.tanh(rho[at, k])
    rows = np.zeros((b, 5), np.float32)
    spread = np.sqrt(TAU)
    rows[:, 0] = mu_x[at, k] + spread * np.exp(sx[at, k]) * n1
    rows[:, 1] = mu_y[at, k] + spread * np.exp(sy[at, k]) * (r * n1 + np.sqrt(1 - r * r) * n2)
    rows[at, 2 + p] = 1
    return rows


def run(peer: Peer, batch: int, seconds: float, mixtures: int, max_len: int) -> float:
    """Points per second over whole sketches; lengths of finished sketches are kept."""
    if peer.loop is not None:
        return peer.loop(batch, seconds, max_len)
    rng = np.random.default_rng(0)
    h, c = peer.zeros(batch), peer.zeros(batch)
    x = np.zeros((batch, 5), np.float32)
    age = np.zeros(batch, int)
    points = 0
    # Compiles, where that is put off until the first call, and outlasts the one before, which may
    # still have threads that spin.
    warm = time.perf_counter()
    while time.perf_counter() - warm < 0.1:
        peer.step(peer.from_numpy(x), h, c)
    start = time.perf_counter()
    while True:
        z, h, c = peer.step(peer.from_numpy(x), h, c)
        x = sample(peer.to_numpy(z), rng, mixtures)
        points += batch
        age += 1
        ended = (x[:, 4] == 1) | (age >= max_len)
        if ended.any():
            peer.lengths.extend(age[ended])
            keep = peer.from_numpy((~ended).astype(np.float32)[:, None])
            h, c = h * keep, c * keep
            x[ended] = 0
            age[ended] = 0
        elapsed = time.perf_counter() - start
        if elapsed > seconds:
            return points / elapsed


def teacher_forced(peer: Peer, rows: np.ndarray, scale: float) -> np.ndarray:
    """Outputs (n, 3 + 6M) for one drawing."""
    inputs = np.vstack([np.zeros(5), rows / [scale, scale, 1, 1, 1]])[: len(rows)]
    h, c = peer.zeros(1), peer.zeros(1)
    out = []
    for x in inputs.astype(np.float32):
        z, h, c = peer.step(peer.from_numpy(x[None]), h, c)
        out.append(np.array(peer.to_numpy(z))[0])
    return np.array(out)


def numpy_peer(arrays: dict[str, np.ndarray], threads: int) -> Peer:
    """Hand-tuned: one product for x, h and bias together, gates in place."""
    hidden = arrays["wh"].shape[0]
    bias = arrays["b"].copy()
    bias[2 * hidden : 3 * hidden] += 1
    weights = np.ascontiguousarray(np.vstack([arrays["wx"], arrays["wh"], bias]))
    # i, f, o next to each other, so that one sigmoid serves them: σ(a) = ½ + ½·tanh(a / 2).
    order = np.r_[0:hidden, 2 * hidden : 3 * hidden, 3 * hidden : 4 * hidden, hidden : 2 * hidden]
    weights = np.ascontiguousarray(weights[:, order])
    weights[:, : 3 * hidden] *= 0.5
    wo, bo = np.ascontiguousarray(arrays["wo"]), arrays["bo"]

    def step(x, h, c):
        a = np.hstack([x, h, np.ones((len(x), 1), np.float32)]) @ weights
        np.tanh(a, out=a)
        gates = a[:, : 3 * hidden]
        gates *= 0.5
        gates += 0.5
        i, f, o = gates[:, :hidden], gates[:, hidden : 2 * hidden], gates[:, 2 * hidden :]
        c = c * f + i * a[:, 3 * hidden :]
        h = np.tanh(c) * o
        return h @ wo + bo, h, c

    return Peer(
        f"NumPy {np.__version__}",
        threads,
        (1, 16, 64, 256, 1024),
        step,
        lambda b: np.zeros((b, hidden), np.float32),
    )


def torch_peers(arrays: dict[str, np.ndarray], threads: int) -> Iterator[Peer]:
    """Hand-fused cell: eager, compiled in float32 and bfloat16, dynamically quantised to int8."""
    import torch

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    hidden = arrays["wh"].shape[0]
    bias = arrays["b"].copy()
    bias[2 * hidden : 3 * hidden] += 1
    w = torch.from_numpy(np.ascontiguousarray(np.vstack([arrays["wx"], arrays["wh"]]).T))
    b = torch.from_numpy(bias)
    wo = torch.from_numpy(np.ascontiguousarray(arrays["wo"].T))
    bo = torch.from_numpy(arrays["bo"])

    def make(name, gates, head):
        def step(x, h, c):
            i, j, f, o = gates(torch.cat([x, h], 1)).chunk(4, 1)
            c = c * torch.sigmoid(f) + torch.sigmoid(i) * torch.tanh(j)
            h = torch.tanh(c) * torch.sigmoid(o)
            return head(h), h, c

        return Peer(
            f"PyTorch {torch.__version__.split('+')[0]} {name}",
            threads,
            (1, 16, 64, 256),
            step,
            lambda n: torch.zeros(n, hidden),
            lambda t: t.numpy(),
            torch.from_numpy,
        )

    def linear(weight, bias):
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
        return layer

    f32 = [linear(w, b), linear(wo, bo)]
    yield make("f32", *f32)
    for name, dtype in (("f32 compiled", torch.float32), ("bf16 compiled", torch.bfloat16)):
        gates, head = linear(w, b).to(dtype), linear(wo, bo).to(dtype)
        peer = make(
            name,
            lambda x, layer=gates, dtype=dtype: layer(x.to(dtype)).float(),
            lambda x, layer=head, dtype=dtype: layer(x.to(dtype)).float(),
        )
        # A graph for each shape; every shape more is half a minute of compilation.
        peer.step = torch.compile(peer.step, dynamic=False)
        peer.batches = (1, 256)
        yield peer
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = torch.nn.Sequential(*f32)
            quantised = torch.ao.quantization.quantize_dynamic(
                model, {torch.nn.Linear: torch.ao.quantization.per_channel_dynamic_qconfig}
            )
        yield make("int8", quantised[0], quantised[1])
    except Exception as error:
        print(f"skipped: PyTorch int8 ({error})")


def step_graph(arrays: dict[str, np.ndarray]):
    """One step as ONNX: x (B, 5), h, c (B, H) to z (B, 3 + 6M), h, c."""
    from onnx import TensorProto, helper, numpy_helper

    hidden = arrays["wh"].shape[0]
    bias = arrays["b"].copy()
    bias[2 * hidden : 3 * hidden] += 1
    constants = {
        "w": np.vstack([arrays["wx"], arrays["wh"]]),
        "b": bias,
        "wo": arrays["wo"],
        "bo": arrays["bo"],
    }
    node = helper.make_node
    nodes = [
        node("Concat", ["x", "h"], ["xh"], axis=1),
        node("Gemm", ["xh", "w", "b"], ["a"]),
        node("Split", ["a"], ["i", "j", "f", "o"], axis=1, num_outputs=4),
        node("Sigmoid", ["f"], ["sf"]),
        node("Sigmoid", ["i"], ["si"]),
        node("Sigmoid", ["o"], ["so"]),
        node("Tanh", ["j"], ["tj"]),
        node("Mul", ["c", "sf"], ["kept"]),
        node("Mul", ["si", "tj"], ["new"]),
        node("Add", ["kept", "new"], ["c2"]),
        node("Tanh", ["c2"], ["tc"]),
        node("Mul", ["tc", "so"], ["h2"]),
        node("Gemm", ["h2", "wo", "bo"], ["z"]),
    ]

    def value(name, columns):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", columns])

    graph = helper.make_graph(
        nodes,
        "step",
        [value("x", 5), value("h", hidden), value("c", hidden)],
        [value("z", arrays["bo"].size), value("h2", hidden), value("c2", hidden)],
        [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def onnxruntime_peers(arrays: dict[str, np.ndarray], threads: int) -> Iterator[Peer]:
    """Float32, and dynamically quantised to int8 with a scale per column."""
    import logging

    import onnx
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.disable(logging.WARNING)  # it advises a preprocessing that changes nothing here
    folder = Path(tempfile.mkdtemp())
    onnx.save(step_graph(arrays), folder / "f32.onnx")
    quantize_dynamic(
        folder / "f32.onnx", folder / "int8.onnx", per_channel=True, weight_type=QuantType.QInt8
    )
    hidden = arrays["wh"].shape[0]
    for name in ("f32", "int8"):
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(
            str(folder / f"{name}.onnx"), settings, providers=["CPUExecutionProvider"]
        )

        def step(x, h, c, session=session):
            return session.run(None, {"x": x, "h": h, "c": c})

        yield Peer(
            f"ONNX Runtime {onnxruntime.__version__} {name}",
            threads,
            (1, 16, 64, 256),
            step,
            lambda b: np.zeros((b, hidden), np.float32),
        )


def openvino_peers(arrays: dict[str, np.ndarray], threads: int) -> Iterator[Peer]:
    """Float32, and bfloat16 where the processor has it."""
    import onnx
    import openvino

    path = Path(tempfile.mkdtemp()) / "step.onnx"
    onnx.save(step_graph(arrays), path)
    hidden = arrays["wh"].shape[0]
    core = openvino.Core()
    for name in ("f32", "bf16"):
        compiled = core.compile_model(
            core.read_model(path),
            "CPU",
            {
                "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": name,
            },
        )
        request = compiled.create_infer_request()

        def step(x, h, c, request=request):
            out = request.infer({"x": x, "h": h, "c": c}, share_inputs=True)
            return [np.array(v) for v in out.values()]

        state = np.zeros((1, hidden), np.float32)
        if len(step(np.zeros((1, 5), np.float32), state, state)[0]) == 0:
            # bfloat16, where it may not use AVX-512
            print(f"skipped: OpenVINO {name} (it gives arrays without rows)")
            continue
        yield Peer(
            f"OpenVINO {openvino.__version__.split('-')[0]} {name}",
            threads,
            (1, 16, 64, 256),
            step,
            lambda b: np.zeros((b, hidden), np.float32),
        )


def jax_peers(arrays: dict[str, np.ndarray], threads: int) -> Iterator[Peer]:
    """Step, sampling and refill compiled as one loop, float32 and bfloat16 products.

    XLA takes its threads from the affinity of the process.
    """
    import jax
    import jax.numpy as jnp

    hidden = arrays["wh"].shape[0]
    mixtures = (arrays["bo"].size - 3) // 6
    bias = arrays["b"].copy()
    bias[2 * hidden : 3 * hidden] += 1
    steps = 64  # points of every lane a call

    def make(name, dtype) -> Peer:
        w = jnp.asarray(np.vstack([arrays["wx"], arrays["wh"]]), dtype)
        wo = jnp.asarray(arrays["wo"], dtype)
        b, bo = jnp.asarray(bias), jnp.asarray(arrays["bo"])

        def step(x, h, c):
            product = jnp.dot(
                jnp.hstack([x, h]).astype(dtype), w, preferred_element_type=jnp.float32
            )
            i, j, f, o = jnp.split(product + b, 4, axis=1)
            c = c * jax.nn.sigmoid(f) + jax.nn.sigmoid(i) * jnp.tanh(j)
            h = jnp.tanh(c) * jax.nn.sigmoid(o)
            z = jnp.dot(h.astype(dtype), wo, preferred_element_type=jnp.float32) + bo
            return z, h, c

        def pick(logits, u):
            cumulated = jnp.cumsum(jax.nn.softmax(logits / TAU, axis=1), axis=1)
            return jnp.sum(cumulated < u[:, None] * cumulated[:, -1:], axis=1)

        def point(carry, _, max_len):
            x, h, c, age, key = carry
            z, h, c = step(x, h, c)
            key, a, b = jax.random.split(key, 3)
            u = jax.random.uniform(a, (2, len(x)))
            n1, n2 = jax.random.normal(b, (2, len(x)))
            pen = pick(z[:, :3], u[0])
            k = pick(z[:, 3 : 3 + mixtures], u[1])[:, None]
            mu_x, mu_y, sx, sy, r = (
                jnp.take_along_axis(part, k, 1)[:, 0]
                for part in jnp.split(z[:, 3 + mixtures :], 5, axis=1)
            )
            r, spread = jnp.tanh(r), np.sqrt(TAU)
            dx = mu_x + spread * jnp.exp(sx) * n1
            dy = mu_y + spread * jnp.exp(sy) * (r * n1 + jnp.sqrt(1 - r * r) * n2)
            x = jnp.column_stack([dx, dy, jax.nn.one_hot(pen, 3)])
            age = age + 1
            ended = (pen == 2) | (age >= max_len)
            keep = jnp.where(ended, 0.0, 1.0)[:, None]
            finished = jnp.where(ended, age, 0)
            return (x * keep, h * keep, c * keep, jnp.where(ended, 0, age), key), finished

        @jax.jit
        def points(carry, max_len):
            return jax.lax.scan(lambda c, _: point(c, _, max_len), carry, None, length=steps)

        def loop(batch: int, seconds: float, max_len: int) -> float:
            zeros = jnp.zeros((batch, hidden), jnp.float32)
            carry = (
                jnp.zeros((batch, 5), jnp.float32),
                zeros,
                zeros,
                jnp.zeros(batch, jnp.int32),
                jax.random.key(0),
            )
            jax.block_until_ready(points(carry, max_len))
            done = 0
            start = time.perf_counter()
            while True:
                carry, finished = points(carry, max_len)
                finished = np.asarray(finished)
                peer.lengths.extend(finished[finished > 0])
                done += steps * batch
                elapsed = time.perf_counter() - start
                if elapsed > seconds:
                    return done / elapsed

        peer = Peer(
            f"JAX {jax.__version__} {name}",
            threads,
            (1, 16, 64, 256),
            jax.jit(step),
            lambda n: jnp.zeros((n, hidden), jnp.float32),
            loop=loop,
        )
        return peer

    yield make("f32", jnp.float32)
    yield make("bf16", jnp.bfloat16)


RTNEURAL = "https://github.com/jatinchowdhury18/RTNeural"
RTNEURAL_COMMIT = "1fb1f075a5d66e85bfc8f488c3f3626840cb3a1d"


def rtneural_peer(arrays: dict[str, np.ndarray], sources: Path | None, isa: str | None) -> Peer:
    """RTNeural in C++ (rtneural.cpp), built here from `sources`, or from GitHub's.

    Raises ImportError where those cannot be had.
    """
    hidden, outputs = arrays["wo"].shape
    with tempfile.TemporaryDirectory() as scratch:

        def call(*command: str | Path) -> None:
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
            if done.returncode != 0:
                said = done.stderr.strip().splitlines() or ["no reason given"]
                raise ImportError(f"{command[0]}: {said[-1]}; --rtneural names a folder of it")

        name = "RTNeural"
        if sources is None:
            sources, name = Path(scratch) / "sources", f"{name} {RTNEURAL_COMMIT[:7]}"
            call("git", "init", "--quiet", sources)
            call("git", "-C", sources, "fetch", "--quiet", "--depth=1", RTNEURAL, RTNEURAL_COMMIT)
            call("git", "-C", sources, "checkout", "--quiet", "FETCH_HEAD")
        sources = sources.resolve()
        # Linked by itself: with -ffast-math GCC would make this whole process drop denormals.
        call(
            "c++", "-std=c++17", "-O3", "-ffast-math", "-fPIC", "-c",
            f"-march={'haswell' if isa == 'avx2' else 'native'}",
            f"-I{sources}", f"-I{sources / 'modules' / 'Eigen'}", "-DRTNEURAL_USE_EIGEN=1",
            "-DRTNEURAL_DEFAULT_ALIGNMENT=32", "-DEIGEN_STACK_ALLOCATION_LIMIT=0",
            f"-DHIDDEN={hidden}", f"-DOUTPUTS={outputs}", f"-DTAU={TAU}",
            Path(__file__).with_name("rtneural.cpp").resolve(), "-o", "net.o",
        )  # fmt: skip
        call("c++", "-shared", "net.o", "-o", "net.so")
        library = ctypes.CDLL(str(Path(scratch) / "net.so"))
    library.net_draw.restype = ctypes.c_double

    def pointer(array: np.ndarray) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data)

    i, j, f, o = np.split(np.arange(4 * hidden), 4)
    order = np.concatenate([i, f, j, o])  # Keras'
    bias = arrays["b"].copy()
    bias[f] += 1
    given = [
        arrays["wx"][:, order],
        arrays["wh"][:, order],
        bias[order],
        arrays["wo"].T,
        arrays["bo"],
    ]
    given = [np.ascontiguousarray(array, np.float32) for array in given]
    library.net_open(*map(pointer, given))

    # It keeps its state to itself: zeros begin anew, and what is handed in and out are no states.
    def zeros(batch: int) -> None:
        library.net_reset()

    def step(x, h, c):
        x, z = np.ascontiguousarray(x, np.float32), np.empty((1, outputs), np.float32)
        library.net_step(pointer(x), pointer(z))
        return z, None, None

    def loop(batch: int, seconds: float, max_len: int) -> float:
        lengths, finished = np.empty(1 << 20, np.int32), ctypes.c_int()
        rate = library.net_draw(
            ctypes.c_double(seconds),
            max_len,
            pointer(lengths),
            lengths.size,
            ctypes.byref(finished),
        )
        peer.lengths.extend(lengths[: finished.value])
        return rate

    peer = Peer(name, 1, (1,), step, zeros, loop=loop)
    return peer


def magenta_peer(net, path: str) -> Peer:
    """@magenta/sketch under Node with its default backend; `path` of a .gen.json.

    Raises ImportError where Node or the package is missing.
    """
    script = Path(__file__).parent / "magenta.js"

    def call(*arguments: str) -> dict:
        command = ["node", str(script), path, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise ImportError(done.stderr.strip().splitlines()[-1])
        return json.loads(done.stdout.splitlines()[-1])

    if shutil.which("node") is None:
        raise ImportError("no node")
    version = call("0", "1")["version"]

    def loop(batch: int, seconds: float, max_len: int) -> float:
        out = call(str(seconds), str(max_len))
        peer.lengths.extend(out["lengths"])
        return out["points"] / out["seconds"]

    peer = Peer(f"@magenta/sketch {version} (Node)", 1, (1,), None, None, loop=loop)
    return peer
