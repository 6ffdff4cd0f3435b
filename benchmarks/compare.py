"""Sketch-RNN by us and by others: same weights, same work, interleaved in one run.

    python benchmarks/compare.py [--threads 1] [--seconds 1] [--rounds 5] [--isa avx2]

One stream (µs per point) and many (points per second at the best batch size), medians over
interleaved rounds, as ratios to ours; beside each speed the quality: mean loss difference to
float64 on real drawings (nats per point) and the mean length of the sketches drawn. Then what the
machine could do, measured in the same run (x86-64 only: probe.cpp).
With --isa avx2 all are held to AVX2, as most laptops have it, as far as they can be (avx2.py).
RTNeural is fetched from GitHub and built for the run, or built from the folder of --rtneural.
Set SKETCHRNN_SHARED for a public net and real drawings.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # NumPy, and what imports it, only once pin() has been called
    import numpy as np
    from peers import Peer

    import sketchrnn

PRECISIONS = ("f32", "i16", "i8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="per measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--isa", choices=["avx2"], help="hold everyone to it")
    parser.add_argument(
        "--rtneural", type=Path, metavar="FOLDER", help="its sources, instead of GitHub"
    )
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args()


def pin(threads: int) -> list[int]:
    """Leave this process so many processors; return those that it had.

    Before NumPy is imported, for its BLAS reads the variables then; XLA goes by the affinity.
    """
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[:threads])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    return processors


def named(precision: str) -> str:
    return f"**sketchrnn {precision}**"


class Quality:
    """How far outputs are from a float64 computation of the same net on real drawings."""

    def __init__(self, net: sketchrnn.Net) -> None:
        import nets

        sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
        from reference import Reference

        self.reference = Reference(
            **{k: v.astype(float) for k, v in net.arrays().items()},
            scale_factor=net.scale_factor,
            start_token=net.start_token,
            max_len=net.max_len,
        )
        self.real = nets.drawings(net, 6)
        self.exact = [self.reference.forward(d.astype(float)) for d in self.real]

    def difference(self, outputs: list[np.ndarray]) -> float:
        """Nats per point that `outputs`, one array for each drawing, lose."""
        nats, total = self.reference.cell_nats, 0.0
        for rows, exact, found in zip(self.real, self.exact, outputs, strict=True):
            rows = rows.astype(float)
            total += (nats(rows, found) - nats(rows, exact)).sum()
        return total / sum(len(d) for d in self.real)

    def of_ours(self, net: sketchrnn.Net) -> float:
        import numpy as np

        offsets = np.zeros(len(self.real) + 1, np.int64)
        np.cumsum([len(d) for d in self.real], out=offsets[1:])
        z = net._core.forward(np.concatenate(self.real), offsets, 1)
        return self.difference(np.split(z, offsets[1:-1]))

    def of_peer(self, peer: Peer, scale: float) -> float:
        import peers

        if peer.step is None:
            return float("nan")  # it does not show its outputs
        return self.difference([peers.teacher_forced(peer, d, scale) for d in self.real])


def other_programs(net: sketchrnn.Net, options: argparse.Namespace) -> list[Peer]:
    """Those that are installed; says which are not."""
    import nets
    import peers

    arrays, threads = net.arrays(), options.threads
    others = [peers.numpy_peer(arrays, threads)]
    for name, make in (
        ("PyTorch", peers.torch_peers),
        ("ONNX Runtime", peers.onnxruntime_peers),
        ("OpenVINO", peers.openvino_peers),
        ("JAX", peers.jax_peers),
        (
            "RTNeural",
            lambda arrays, _: [peers.rtneural_peer(arrays, options.rtneural, options.isa)],
        ),
    ):
        try:
            others.extend(make(arrays, threads))
        except ImportError as error:
            print(f"skipped: {name} ({error})")
    public = nets.net_path()
    if not public.endswith(".gen.json"):
        public = str(Path(tempfile.mkdtemp()) / "net.gen.json")
        net.export(public)
    try:
        others.append(peers.magenta_peer(net, public))
    except ImportError as error:
        print(f"skipped: @magenta/sketch ({error}); npm install @magenta/sketch, set NODE_PATH")
    return others


def ours_one(net: sketchrnn.Net, threads: int, seconds: float, lengths: list[int]) -> float:
    """Points per second of sketches drawn one after another."""
    from peers import TAU

    done, seed = 0, 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        sketch = net.draw(temperature=TAU, seed=seed, threads=threads)
        lengths.append(len(sketch))
        done += len(sketch)
        seed += 1
    return done / (time.perf_counter() - start)


def ours_many(net: sketchrnn.Net, threads: int, seconds: float, lengths: list[int]) -> float:
    """Points per second of sketches drawn together."""
    from peers import TAU

    n = max(100, int(seconds * 800 * threads))
    start = time.perf_counter()
    sketches = net.draw(n, temperature=TAU, seed=len(lengths), threads=threads)
    elapsed = time.perf_counter() - start
    lengths.extend(sketches.lengths)
    return len(sketches.strokes) / elapsed


@dataclass
class Rates:
    """Points per second of one program, a number for each round."""

    one: list[float] = field(default_factory=list)
    many: dict[int, list[float]] = field(default_factory=dict)
    """By batch size; 0 where the program chooses."""
    lengths: list[int] = field(default_factory=list)

    def best(self) -> tuple[int, float]:
        """The best batch and its median; a peer without batches draws many one by one."""
        medians = {b: statistics.median(r) for b, r in (self.many or {1: self.one}).items()}
        batch = max(medians, key=lambda b: medians[b])
        return batch, medians[batch]


def measured(
    ours: dict[str, sketchrnn.Net], others: list[Peer], options: argparse.Namespace, probe: Any
) -> tuple[dict[str, Rates], list[dict[str, Any]]]:
    """Everything in turn, as often as there are rounds; what the machine could do in each."""
    import peers

    rates = {named(p): Rates() for p in ours} | {
        peer.name: Rates(lengths=peer.lengths) for peer in others
    }
    probed = []
    for _ in range(options.rounds):
        probed.append(probe())
        for precision, net in ours.items():
            mine = rates[named(precision)]
            how = (net, options.threads)
            ours_one(*how, 0.1, [])  # the one before may still have threads that spin
            mine.one.append(ours_one(*how, options.seconds, mine.lengths))
            mine.many.setdefault(0, []).append(ours_many(*how, options.seconds, mine.lengths))
        net = ours["f32"]
        for peer in others:
            for batch in peer.batches:
                rate = peers.run(peer, batch, options.seconds, net.mixtures, net.max_len)
                theirs = rates[peer.name]
                (theirs.one if batch == 1 else theirs.many.setdefault(batch, [])).append(rate)
    return rates, probed


def table(rates: dict[str, Rates], differences: dict[str, float]) -> list[dict[str, Any]]:
    """A row of figures for each program, ours first."""
    rows = []
    for name, rate in rates.items():
        batch, many = rate.best()
        rows.append(
            {
                "name": name,
                "one_us": 1e6 / statistics.median(rate.one),
                "many_per_s": many,
                "batch": batch or "auto",
                "loss_difference": differences[name],
                "mean_length": statistics.fmean(rate.lengths) if rate.lengths else float("nan"),
            }
        )
    return rows


def print_table(rows: list[dict[str, Any]]) -> None:
    def shown(value: float, spec: str) -> str:
        return "" if math.isnan(value) else format(value, spec)

    print(
        "| | one stream, µs/point | ratio | many, points/s (batch) | ratio | Δ nats | mean length |"
    )
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['name']} | {row['one_us']:.1f} | {row['one_us'] / rows[0]['one_us']:.2f} | "
            f"{row['many_per_s']:,.0f} ({row['batch']}) | "
            f"{rows[0]['many_per_s'] / row['many_per_s']:.2f} | "
            f"{shown(row['loss_difference'], '+.5f')} | {shown(row['mean_length'], '.0f')} |"
        )


def print_limits(
    net: sketchrnn.Net, rows: list[dict[str, Any]], limits_here: dict[str, float]
) -> None:
    import limits

    print("\nLimits of this machine, probed in every round, for the recurrent product alone:\n")
    print("| | weights over bandwidth, µs/point | reached | arithmetic peak, points/s | reached |")
    print("|---|---|---|---|---|")
    by_name = {row["name"]: row for row in rows}
    for precision, (seconds, rate) in limits.bounds(net, limits_here).items():
        row = by_name[named(precision)]
        print(
            f"| {precision} | {1e6 * seconds:.1f} | {1e6 * seconds / row['one_us']:.0%} | "
            f"{rate:,.0f} | {row['many_per_s'] / rate:.0%} |"
        )


def main() -> None:
    options = arguments()
    processors = pin(options.threads)
    free: list[str] = []
    if options.isa:
        import avx2

        free = avx2.hold()

    import limits
    import nets
    import peers

    import sketchrnn

    ours = {p: sketchrnn.load(nets.net_path(), precision=p) for p in PRECISIONS}
    net = ours["f32"]
    quality = Quality(net)
    others = other_programs(net, options)
    rates, probed = measured(ours, others, options, limits.Probe(processors))
    differences = {named(p): quality.of_ours(n) for p, n in ours.items()} | {
        peer.name: quality.of_peer(peer, net.scale_factor) for peer in others
    }
    rows = table(rates, differences)
    at = options.threads - 1
    limits_here = {
        key: statistics.median(p[key][at] if isinstance(p[key], list) else p[key] for p in probed)
        for key in probed[0]
    }
    print(
        f"{net.name}, {net.hidden_size} units, {net.isa}, τ = {peers.TAU}, "
        f"{options.threads} thread(s), medians of {options.rounds}\n"
    )
    print_table(rows)
    if options.isa:
        print(f"\nNot held to {options.isa}: {'; '.join(free)}.")
    print_limits(net, rows, limits_here)
    if options.json:
        options.json.write_text(
            json.dumps(
                {"held_to": options.isa, "rows": rows, "limits": limits_here, **limits.machine()},
                indent=1,
            )
        )


if __name__ == "__main__":
    main()
