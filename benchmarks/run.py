"""What sketchrnn itself does on this machine: latency, throughput, growth, start, memory.

    python benchmarks/run.py [--json out.json]

Times of one point are taken around `state.step()` in Python, and around the same in C (latency.c,
with the library built for it); beside them what the machine could do, measured in the same run.
Everything runs in a fresh process where start or memory are measured. Set SKETCHRNN_SHARED for a
public net.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import limits
import nets
import numpy as np

import sketchrnn

PRECISIONS = ("f32", "i16", "i8")
TAU = 0.4


def latency(net: sketchrnn.Net, threads: int, points: int = 3000) -> dict[str, float]:
    """Microseconds of one state.step(): median, 99th percentile, worst."""
    state = net.state(seed=1, threads=threads)
    times = []
    for _ in range(points):
        if state.finished or state.position >= net.max_len:
            state.reset()
        start = time.perf_counter_ns()
        state.step(TAU)
        times.append((time.perf_counter_ns() - start) / 1000)
    p50, p99 = np.percentile(times, (50, 99))
    return {"p50": p50, "p99": p99, "max": max(times)}


def sketch_latency(net: sketchrnn.Net, threads: int, sketches: int = 100) -> dict[str, float]:
    """Milliseconds of one draw() of one sketch."""
    times = []
    for seed in range(sketches):
        start = time.perf_counter_ns()
        net.draw(temperature=TAU, seed=seed, threads=threads)
        times.append((time.perf_counter_ns() - start) / 1e6)
    p50, p99 = np.percentile(times, (50, 99))
    return {"p50": p50, "p99": p99, "max": max(times)}


def latency_in_c(path: str) -> dict[str, dict[str, list[float]]]:
    """Per precision microseconds of a point and of a sketch: median, 99th percentile, worst."""
    if not shutil.which("cmake"):
        print("skipped: latency from C (no cmake)")
        return {}
    root = limits.HERE.parent
    with tempfile.TemporaryDirectory() as folder:
        net, program = f"{folder}/net.safetensors", f"{folder}/latency"
        sketchrnn.load(path).save(net)
        for command in (
            ["cmake", "-S", str(root), "-B", folder],
            ["cmake", "--build", folder, "--parallel", "2"],
            [
                *("cc", "-O2", f"-I{root}/csrc/include", str(limits.HERE / "latency.c")),
                *(f"{folder}/libsketchrnn.a", "-lstdc++", "-lm", "-pthread", "-o", program),
            ],
        ):
            subprocess.run(command, check=True, capture_output=True)
        return {
            precision: json.loads(subprocess.check_output([program, net, precision]))
            for precision in PRECISIONS
        }


def throughput(net: sketchrnn.Net, n: int, threads: int, rounds: int = 3) -> float:
    """Points per second of draw(n), median."""
    rates = []
    for seed in range(rounds):
        start = time.perf_counter()
        sketches = net.draw(n, temperature=TAU, seed=seed, threads=threads)
        rates.append(len(sketches.strokes) / (time.perf_counter() - start))
    return statistics.median(rates)


def endless(hidden: int, precision: str) -> sketchrnn.Net:
    """An untrained net of which every drawing takes its max_len, 250 points unless told."""
    shape = sketchrnn.load(trained=False, hidden_size=hidden, mixtures=20, seed=0)
    arrays = shape.arrays()
    arrays["bo"][2] = -30.0  # the pen state that ends a drawing has probability e^-30
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.safetensors"
        sketchrnn.from_arrays(arrays, scale_factor=1.0, max_len=250).save(path)
        return sketchrnn.load(path, precision=precision)


def fresh(code: str) -> str:
    """Output of a new Python process."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def start_times(path: str) -> dict[str, float]:
    """Milliseconds in a fresh process: import beyond NumPy's, load, first sketch."""
    out = fresh(
        "import time, numpy; t = [time.perf_counter()]\n"
        "import sketchrnn; t.append(time.perf_counter())\n"
        f"net = sketchrnn.load({path!r}); t.append(time.perf_counter())\n"
        "net.draw(seed=0); t.append(time.perf_counter())\n"
        "print(*(1000 * (b - a) for a, b in zip(t, t[1:])))"
    )
    return dict(zip(("import", "load", "first sketch"), map(float, out.split()), strict=True))


def memory(path: str, n: int) -> dict[str, float]:
    """MiB in a fresh process: growth of the peak by load() and by draw(n), size of the strokes."""
    out = fresh(
        "import sketchrnn\n"
        # Not getrusage's maximum, which begins with that of the process that forked.
        "peak = lambda: next(int(line.split()[1]) / 1024 for line in open('/proc/self/status')"
        " if line.startswith('VmHWM'))\n"
        f"a = peak(); net = sketchrnn.load({path!r}); b = peak()\n"
        f"s = net.draw({n}, seed=0); c = peak()\n"
        "print(b - a, c - b, s.strokes.nbytes / 2**20, net.info()['packed_bytes'] / 2**20)"
    )
    names = ("load", "draw", "strokes", "packed weights")
    return dict(zip(names, map(float, out.split()), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    processors = len(os.sched_getaffinity(0))
    path = nets.net_path()
    result: dict = {
        **limits.machine(),
    }
    loaded = {p: sketchrnn.load(path, precision=p) for p in PRECISIONS}
    net = loaded["f32"]
    print(f"{net.name}, {net.hidden_size} units, {net.isa}, {processors} processors\n")

    print("| one point, µs | threads | p50 | p99 | max |\n|---|---|---|---|---|")
    for precision, n in loaded.items():
        for threads in (1, 2)[:processors]:
            t = latency(n, threads)
            result[f"latency {precision} {threads}"] = t
            print(f"| {precision} | {threads} | {t['p50']:.1f} | {t['p99']:.1f} | {t['max']:.1f} |")

    print("\n| one sketch, ms | threads | p50 | p99 | max |\n|---|---|---|---|---|")
    for precision, n in loaded.items():
        for threads in (1, 2)[:processors]:
            t = sketch_latency(n, threads)
            result[f"sketch {precision} {threads}"] = t
            print(f"| {precision} | {threads} | {t['p50']:.2f} | {t['p99']:.2f} | {t['max']:.2f} |")

    result["from C"] = latency_in_c(path)
    if result["from C"]:
        print("\n| from C, 1 thread | p50 | p99 | max |\n|---|---|---|---|")
        for precision, t in result["from C"].items():
            print(f"| {precision}, one point, µs | " + " | ".join(f"{x:.1f}" for x in t["point"]))
            print(
                f"| {precision}, one sketch, ms | "
                + " | ".join(f"{x / 1000:.2f}" for x in t["sketch"])
            )

    sizes = (1, 4, 16, 64, 256, 1024, 4096)
    print("\n| draw(n), points/s | threads | " + " | ".join(map(str, sizes)) + " |")
    print("|---" * (2 + len(sizes)) + "|")
    for precision, n in loaded.items():
        for threads in (1, 2)[:processors]:
            rates = [throughput(n, k, threads) for k in sizes]
            result[f"throughput {precision} {threads}"] = dict(zip(sizes, rates, strict=True))
            cells = " | ".join(f"{rate:,.0f}" for rate in rates)
            print(f"| {precision} | {threads} | {cells} |")

    print(
        "\n| hidden units | one stream f32 / i8, µs/point | many f32 / i8, points/s |\n"
        "|---|---|---|"
    )
    for hidden in (256, 512, 1024, 2048):
        row = {}
        for precision in ("f32", "i8"):
            n = endless(hidden, precision)
            row[precision] = (latency(n, 1, 300)["p50"], throughput(n, 400, 1, 1))
        result[f"hidden {hidden}"] = row
        print(
            f"| {hidden} | {row['f32'][0]:.1f} / {row['i8'][0]:.1f} | "
            f"{row['f32'][1]:,.0f} / {row['i8'][1]:,.0f} |"
        )

    lengths = (10, 100, 1000, 10000)
    long = endless(512, "f32")
    rates = []
    for length in lengths:
        start = time.perf_counter()
        long.draw(seed=1, max_len=length)
        rates.append(1e6 * (time.perf_counter() - start) / length)
    result["sketch length"] = dict(zip(lengths, rates, strict=True))
    print("\n| points of a sketch | " + " | ".join(map(str, lengths)) + " |")
    print("|---" * (1 + len(lengths)) + "|")
    print("| f32, µs/point | " + " | ".join(f"{rate:.1f}" for rate in rates) + " |")

    probe = limits.Probe(sorted(os.sched_getaffinity(0)))
    probed = probe()
    print("\n| limits here | one stream, µs/point | many, points/s |\n|---|---|---|")
    for threads in (1, 2)[:processors]:
        at = {k: v[threads - 1] if isinstance(v, list) else v for k, v in probed.items()}
        for precision, (seconds, rate) in limits.bounds(net, at).items():
            one = result[f"latency {precision} {threads}"]["p50"]
            many = max(result[f"throughput {precision} {threads}"].values())
            print(
                f"| {precision}, {threads} | {1e6 * seconds:.1f}, {1e6 * seconds / one:.0%} reached"
                f" | {rate:,.0f}, {many / rate:.0%} reached |"
            )
    result["limits"] = probed

    result["start"] = start_times(nets.default())
    print("\nStart, ms: " + ", ".join(f"{k} {v:.1f}" for k, v in result["start"].items()))
    result["memory"] = memory(nets.default(), 20000)
    print(
        "Memory of a process that draws 20,000, MiB: "
        + ", ".join(f"{k} {v:.1f}" for k, v in result["memory"].items())
    )
    result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
