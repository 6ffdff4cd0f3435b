"""Every instruction set that this machine has, in every precision: how fast, which share of its
limit, and what a point costs by how many sketches are drawn at once.

    python benchmarks/isas.py [--json out.json] [--picture curve.svg]

Each instruction set has a process of its own; a round asks all of them one after another, and
the best of the rounds counts, so that a machine that is slower for a while is so for all. The
picture needs matplotlib. Set SKETCHRNN_SHARED for a public net.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import limits
import nets

import sketchrnn

PRECISIONS = ("f32", "i16", "i8")
TAU = 0.4
ROUNDS = 4
STREAM, MANY = 40, 768
"""Sketches of a measurement: one after another, and at once."""
SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128)
LENGTH = 120
"""Points of each sketch of the curve."""
MANY_ENOUGH = 32
"""Sketches of one measurement of the curve, where fewer are drawn at once."""


def endless(net: sketchrnn.Net, precision: str, folder: Path) -> sketchrnn.Net:
    """The net with pens that never end, so that so many sketches at once stay so many."""
    path = folder / "endless.safetensors"
    if not path.exists():
        arrays = net.arrays()
        arrays["bo"][2] = -30.0  # the probability of the end is e^-30
        sketchrnn.from_arrays(arrays, scale_factor=net.scale_factor, max_len=LENGTH).save(path)
    return sketchrnn.load(path, precision=precision)


def worker(folder: Path) -> None:
    """Answers questions, a line of JSON each: what is drawn, in which precision, on how many
    threads. Microseconds a point."""
    path = nets.net_path()
    plain = {p: sketchrnn.load(path, precision=p) for p in PRECISIONS}
    long = {p: endless(plain["f32"], p, folder) for p in PRECISIONS}
    print(json.dumps(plain["f32"].isa), flush=True)
    for line in sys.stdin:
        kind, precision, threads, count = json.loads(line)
        net = (long if kind == "curve" else plain)[precision]
        again = 1
        if kind == "curve":
            # A few sketches take a millisecond, less than it takes to bring the weights back after
            # another process's turn.
            again = max(1, MANY_ENOUGH // count)
            net.draw(count, temperature=TAU, seed=0, threads=threads)
        points = 0
        start = time.perf_counter()
        if kind == "stream":
            for seed in range(count):
                points += len(net.draw(temperature=TAU, seed=seed, threads=threads).strokes)
        else:
            for _ in range(again):
                points += len(net.draw(count, temperature=TAU, seed=0, threads=threads).strokes)
        print(json.dumps(1e6 * (time.perf_counter() - start) / points), flush=True)


class Worker:
    """A process held to one instruction set."""

    def __init__(self, isa: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker", str(folder)],
            env={**os.environ, "SKETCHRNN_ISA": isa},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        found = self._answer()
        if found != isa:
            raise SystemExit(f"asked for {isa}, found {found}")

    def _answer(self) -> Any:
        return json.loads(self.process.stdout.readline())

    def ask(self, *question: Any) -> float:
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self._answer()


def bests(workers: dict[str, Worker], questions: list[tuple[Any, ...]]) -> dict[str, list[float]]:
    """Per instruction set the best answer to each question."""
    found = {isa: [float("inf")] * len(questions) for isa in workers}
    for _ in range(ROUNDS):
        for k, question in enumerate(questions):
            for isa, one in workers.items():
                found[isa][k] = min(found[isa][k], one.ask(*question))
    return found


def print_table(result: dict[str, Any]) -> None:
    """One stream in µs a point and many in thousands of points a second, on one thread and two, and
    which share of the limit that is."""
    print("| | | one stream, µs/point | of its limit | many, 1000 points/s | of its limit |")
    print("|---|---|---|---|---|---|")
    for isa, precisions in result["table"].items():
        for precision, row in precisions.items():
            cells = [
                " / ".join(f"{x:.1f}" for x in row["stream"]),
                " / ".join(f"{x:.0%}" for x in row["stream_share"]),
                " / ".join(f"{1e3 / x:,.0f}" for x in row["many"]),
                " / ".join(f"{x:.0%}" for x in row["many_share"]),
            ]
            print(f"| {isa} | {precision} | {' | '.join(cells)} |")


def picture(result: dict[str, Any], path: Path) -> None:
    """The cost of a point against how many sketches are drawn at once, i8, one thread and two."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")
    for axis, threads in zip(axes, ("1", "2"), strict=True):
        for isa, curve in result["curve"][threads].items():
            axis.plot(SIZES, curve, marker=".", linewidth=1, label=isa)
        axis.set_xscale("log", base=2)
        axis.set_xticks(SIZES[::3], labels=[str(n) for n in SIZES[::3]], minor=False)
        axis.set_ylim(bottom=0)
        axis.set_xlabel(f"sketches at once, {threads} thread{'s'[: threads == '2']}")
    axes[0].set_ylabel("µs a point, i8")
    axes[1].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--json", type=Path)
    p.add_argument("--picture", type=Path)
    p.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = p.parse_args()
    if options.worker:
        return worker(options.worker)
    processors = sorted(os.sched_getaffinity(0))
    threads = (1, 2)[: len(processors)]
    isas = sketchrnn.build_info()["isas"]
    usable = [isa for isa, said in isas.items() if said["usable"] and isa != "portable"]
    result: dict[str, Any] = {**limits.machine(), "table": {}, "curve": {}}
    net = sketchrnn.load(nets.net_path())
    probe = limits.Probe(processors)
    with tempfile.TemporaryDirectory() as folder:
        workers = {isa: Worker(isa, Path(folder)) for isa in usable}
        asked = [
            (kind, precision, t, count)
            for kind, count in (("stream", STREAM), ("many", MANY))
            for precision in PRECISIONS
            for t in threads
        ]
        probed = [probe()]
        table = bests(workers, asked)
        probed.append(probe())
        curve = {t: bests(workers, [("curve", "i8", t, n) for n in SIZES]) for t in threads}
    best = {
        k: [max(p[k][t] for p in probed) for t in (0, 1)] for k in probed[0] if k != "barrier_ns"
    }
    for isa in usable:
        rows: dict[str, Any] = {p: {} for p in PRECISIONS}
        for (kind, precision, _, _), found in zip(asked, table[isa], strict=True):
            rows[precision].setdefault(kind, []).append(found)
        for k in range(len(threads)):
            at = {key: values[k] for key, values in best.items()}
            for precision, (seconds, rate) in limits.bounds(net, at, isa).items():
                row = rows[precision]
                row.setdefault("stream_share", []).append(1e6 * seconds / row["stream"][k])
                row.setdefault("many_share", []).append(1e6 / row["many"][k] / rate)
        result["table"][isa] = rows
    result["curve"] = {str(t): curve[t] for t in threads}
    result["limits"] = best
    print_table(result)
    for t in threads:
        print(f"\nSketches at once, {t} thread{'s'[: t - 1]}; µs a point in i8:")
        print(f"| | {' | '.join(map(str, SIZES))} |\n|---{'|---' * len(SIZES)}|")
        for isa in usable:
            print(f"| {isa} | {' | '.join(f'{x:.1f}' for x in curve[t][isa])} |")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.picture:
        picture(result, options.picture)


if __name__ == "__main__":
    main()
