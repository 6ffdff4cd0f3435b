"""Nets on a GPU: one stream, whole sketches, cost against batch, beside PyTorch with cuDNN.

    python benchmarks/gpu.py [NET] [--seconds 2] [-o gpu.json]

Times are wall clock, drawings in NumPy arrays at the end, and by the device's own clock (kernels
alone), each the median of several rounds after a warm-up. The share of the peak counts the two
operations of each multiply-add of the recurrent product (4H² a point) over what the device's tensor
cores (i8) or cores (f32) can do by their data sheet.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch

import sketchrnn

TEMPERATURE = 0.4
# Operations a second and multiprocessor at 1.98 GHz, dense: H100/H200's white paper.
PEAK = {"f32": 67e12, "i8": 1979e12}
BATCHES = (1, 2, 4, 8, 16, 64, 256, 1024, 4096, 16384, 65536)


def median_of(seconds: float, run) -> tuple[float, float]:
    """Medians of run() -> (wall, device) seconds per point, over rounds that last `seconds`."""
    run()
    rounds = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(rounds) < 3:
        rounds.append(run())
    return tuple(statistics.median(r[i] for r in rounds) for i in (0, 1))


def ours(net, count: int):
    seed = iter(range(10**9))

    def run() -> tuple[float, float]:
        kernel = net._there.kernel_seconds
        begun = time.perf_counter()
        sketches = net.draw(count, temperature=TEMPERATURE, seed=next(seed))
        wall = time.perf_counter() - begun
        points = len(sketches.strokes)
        return wall / points, (net._there.kernel_seconds - kernel) / points

    return run


class Peer(torch.nn.Module):
    """The same net in PyTorch: cuDNN's LSTM for one step, head, choice, Box-Muller."""

    def __init__(self, net, dtype: torch.dtype) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(5, net.hidden_size)
        self.head = torch.nn.Linear(net.hidden_size, 3 + 6 * net.mixtures)
        state = net.to_torch()
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
    step = torch.compile(peer) if compiled else peer
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


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("net", nargs="?", default=None, help="a name or a file (default: load()'s)")
    p.add_argument("--seconds", type=float, default=2.0, help="a row (default %(default)s)")
    p.add_argument("--million", action="store_true", help="also draw a million sketches at once")
    p.add_argument("-o", "--output", type=Path)
    args = p.parse_args()
    device = sketchrnn.devices()["cuda:0"]
    nets = {q: sketchrnn.load(args.net, precision=q, device="cuda") for q in ("f32", "i16", "i8")}
    net = nets["f32"]
    work = 8.0 * net.hidden_size**2
    print(f"{device['name']}, {device['multiprocessors']} multiprocessors; {net!r}")
    results = {}

    def row(name: str, count: int, run, precision: str | None = None) -> None:
        wall, kernel = median_of(args.seconds, run)
        share = work / kernel / PEAK[precision] if precision in PEAK else float("nan")
        print(
            f"{name:24} {count:8}  {1e6 * wall * count:9.2f} {1e6 * kernel * count:9.2f} us a step"
            f"  {1e-6 / wall:9.3f} {1e-6 / kernel:9.3f} M points/s  {share:6.1%} of the peak",
            flush=True,
        )
        results[f"{name}, {count}"] = {"wall": wall, "device": kernel, "share": share}

    for count in BATCHES:
        for precision, one in nets.items():
            row(f"sketchrnn {precision}", count, ours(one, count), precision)
        for name, dtype, compiled in (
            ("torch f32", torch.float32, False),
            ("torch bf16", torch.bfloat16, False),
            ("torch bf16 compiled", torch.bfloat16, True),
        ):
            try:
                row(name, count, torch_step(net, count, dtype, compiled))
            except RuntimeError as error:
                print(f"{name:24} {count:8}  {str(error).splitlines()[0]}")
    if args.million:
        begun, kernel = time.perf_counter(), nets["i8"]._there.kernel_seconds
        sketches = nets["i8"].draw(1_000_000, temperature=TEMPERATURE, seed=1)
        wall = time.perf_counter() - begun
        kernel = nets["i8"]._there.kernel_seconds - kernel
        print(
            f"a million sketches in i8: {wall:.2f} s wall, {kernel:.2f} s on the device; "
            f"{np.mean(sketches.lengths):.1f} points each"
        )
        results["a million"] = {"wall": wall, "device": kernel}
    if args.output:
        args.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
