"""Nets on a GPU: one stream, whole sketches, cost against batch, beside PyTorch with cuDNN.

    python benchmarks/gpu.py [NET] [--seconds 1] [--budget 480] [-o gpu.json]

Wall-clock times are of sketches left in the device's memory (`on_device=True`), where the target of
a million sketches a second is stated: in NumPy arrays they are 3 GB more of copies over the bus
(the last row). Beside them the device's own clock, kernels alone. Each figure is the median of
several rounds after a warm-up. The share of the peak counts the two operations of each
multiply-add of the recurrent product (4H² a point) over what the device's tensor cores (i8) or
cores (f32) can do by their data sheet. When the budget is spent, rows that are left are named, not
run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

import sketchrnn

TEMPERATURE = 0.4
# Operations a second by the data sheet of H100 and H200 (SXM), dense.
PEAK = {"f32": 67e12, "i8": 1979e12}
BATCHES = (1, 8, 9, 32, 33, 256, 1024, 8448, 65536)
PEER_BATCHES = (1, 256, 8448)  # each is compiled anew, which takes most of a minute
MILLION = 1_000_000


def median_of(seconds: float, run: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    """Medians of run() -> (wall, device) seconds per point, over rounds that last `seconds`."""
    run()
    rounds = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(rounds) < 3:
        rounds.append(run())
    walls, kernels = zip(*rounds, strict=True)
    return statistics.median(walls), statistics.median(kernels)


def ours(net, count: int, on_device: bool = True):
    seed = iter(range(10**9))

    def run() -> tuple[float, float]:
        kernel = net._core.kernel_seconds
        begun = time.perf_counter()
        drawn = net.draw(count, temperature=TEMPERATURE, seed=next(seed), on_device=on_device)
        wall = time.perf_counter() - begun
        points = (drawn[0] if on_device else drawn.strokes).shape[0]
        return wall / points, (net._core.kernel_seconds - kernel) / points

    return run


class Peer(torch.nn.Module):
    """The same net in PyTorch: cuDNN's LSTM for one step, head, choice, Box-Muller."""

    def __init__(self, net, dtype: torch.dtype) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(5, net.hidden_size)
        self.head = torch.nn.Linear(net.hidden_size, 3 + 6 * net.mixtures)
        state = net.export(format="torch")
        self.load_state_dict(state)
        self.mixtures = net.mixtures
        self.to("cuda", dtype)
        self.lstm.flatten_parameters()

    def forward(self, x, h, c):
        _, (h, c) = self.lstm(x[None], (h, c))
        z = self.head(h[0]).float()
        pen, pi, mx, my, lx, ly, r = z.split([3] + [self.mixtures] * 6, 1)
        kind = torch.multinomial(torch.softmax(pen / TEMPERATURE, 1), 1)
        k = torch.multinomial(torch.softmax(pi / TEMPERATURE, 1), 1)
        mx, my, lx, ly, r = (a.gather(1, k) for a in (mx, my, lx, ly, r))
        n = torch.randn(len(x), 2, device=x.device)
        rho, spread = torch.tanh(r), TEMPERATURE**0.5
        dx = mx + spread * torch.exp(lx) * n[:, :1]
        dy = my + spread * torch.exp(ly) * (rho * n[:, :1] + (1 - rho**2).sqrt() * n[:, 1:])
        pens = torch.nn.functional.one_hot(kind[:, 0], 3)
        return torch.cat([dx, dy, pens], 1).to(x.dtype), h, c


@torch.no_grad()
def torch_step(net, count: int, dtype: torch.dtype, compiled: bool):
    """Seconds a point of `count` lanes stepping together in a CUDA graph; none ever ends."""
    peer = Peer(net, dtype)
    step = peer
    if compiled:
        # Else the compiler counts every batch as a recompilation of the first, and after eight of
        # them runs eagerly without a word.
        torch._dynamo.reset()
        torch._dynamo.config.error_on_recompile = True
        step = torch.compile(peer, dynamic=False)
    x = torch.zeros(count, 5, device="cuda", dtype=dtype)
    h = torch.zeros(1, count, net.hidden_size, device="cuda", dtype=dtype)
    c = torch.zeros_like(h)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(5):
            step(x, h, c)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    steps = 16
    with torch.cuda.graph(graph):
        for _ in range(steps):
            nx, nh, nc = step(x, h, c)
            x.copy_(nx)
            h.copy_(nh)
            c.copy_(nc)

    def run() -> tuple[float, float]:
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begun = time.perf_counter()
        first.record()
        for _ in range(8):
            graph.replay()
        last.record()
        torch.cuda.synchronize()
        points = 8 * steps * count
        return (time.perf_counter() - begun) / points, 1e-3 * first.elapsed_time(last) / points

    return run


def rows_of(nets):
    """Every row as (name, count, precision or None, its run when called); what matters first."""
    for precision, net in nets.items():
        yield f"sketchrnn {precision}", 1, precision, lambda net=net: ours(net, 1)
    yield "sketchrnn i8", MILLION, "i8", lambda: ours(nets["i8"], MILLION)
    for count in BATCHES[1:]:
        for precision, net in nets.items():
            yield f"sketchrnn {precision}", count, precision, lambda n=net, c=count: ours(n, c)
    for count in PEER_BATCHES:
        for name, dtype, compiled in (
            ("PyTorch f32", torch.float32, False),
            ("PyTorch f32 compiled", torch.float32, True),
            ("PyTorch f16 compiled", torch.float16, True),
        ):
            yield (
                name,
                count,
                None,
                lambda c=count, d=dtype, k=compiled: torch_step(nets["f32"], c, d, k),
            )
    yield "sketchrnn i8 in NumPy", MILLION, "i8", lambda: ours(nets["i8"], MILLION, False)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("net", nargs="?", default=None, help="a name or a file (default: load()'s)")
    p.add_argument("--seconds", type=float, default=1.0, help="a row (default %(default)s)")
    p.add_argument("--budget", type=float, default=480.0, help="in all (default %(default)s s)")
    p.add_argument("-o", "--output", type=Path)
    args = p.parse_args()
    end = time.monotonic() + args.budget
    device = sketchrnn.devices()["cuda:0"]
    nets = {q: sketchrnn.load(args.net, precision=q, device="cuda") for q in ("f32", "i16", "i8")}
    work = 8.0 * nets["f32"].hidden_size ** 2
    print(f"{device['name']}, {device['multiprocessors']} multiprocessors; {nets['f32']!r}")
    results: dict[str, object] = {"device": device["name"]}
    for name, count, precision, make in rows_of(nets):
        key = f"{name}, {count}"
        if time.monotonic() > end:
            print(f"{name:24} {count:8}  not run: the budget is spent", flush=True)
            results[key] = "not run: the budget is spent"
            continue
        try:
            wall, kernel = median_of(args.seconds, make())
        except RuntimeError as error:  # of the peer's compiler, or out of memory
            print(f"{name:24} {count:8}  {error}", flush=True)
            results[key] = str(error)
            continue
        share = work / kernel / PEAK[precision] if precision in PEAK else None
        print(
            f"{name:24} {count:8}  {1e6 * wall * count:9.2f} {1e6 * kernel * count:9.2f} us a step"
            f"  {1e-6 / wall:9.3f} {1e-6 / kernel:9.3f} M points/s"
            + (f"  {share:6.1%} of the peak" if share is not None else ""),
            flush=True,
        )
        results[key] = {"wall": wall, "device": kernel, "share": share}
        if args.output:
            args.output.write_text(json.dumps(results, indent=1) + "\n")
    if args.output:
        args.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
