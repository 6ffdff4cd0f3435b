"""Sketch-RNN by us and by others: same weights, same work, interleaved in one run.

    python benchmarks/compare.py [--threads 1] [--seconds 1] [--rounds 5]

One stream (µs per point) and many (points per second at the best batch size), medians over
interleaved rounds, as ratios to ours; beside each speed the quality: mean loss difference to
float64 on real drawings (nats per point) and the mean length of the sketches drawn. Then what the
machine could do, measured in the same run (x86-64 only: probe.cpp).
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
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="per measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    # Before NumPy is imported, for its BLAS reads them then; XLA goes by the affinity.
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[: options.threads])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(options.threads)

    import limits
    import nets
    import numpy as np
    import peers

    import sketchrnn

    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from reference import Reference

    ours = {p: sketchrnn.load(nets.net_path(), precision=p) for p in ("f32", "i16", "i8")}
    net = ours["f32"]
    arrays = net.arrays()
    reference = Reference(
        **{k: v.astype(float) for k, v in arrays.items()},
        scale_factor=net.scale_factor,
        start_token=net.start_token,
        max_len=net.max_len,
    )
    real = nets.drawings(net, 6)
    exact = [reference.forward(d.astype(float)) for d in real]
    points = sum(len(d) for d in real)

    def loss_difference(outputs) -> float:
        total = 0.0
        for rows, z, ours in zip(real, exact, outputs, strict=True):
            rows = rows.astype(float)
            total += (reference.cell_nats(rows, ours) - reference.cell_nats(rows, z)).sum()
        return total / points

    probe = limits.Probe(processors)
    others = [peers.numpy_peer(arrays, options.threads)]
    for name, make in (
        ("PyTorch", peers.torch_peers),
        ("ONNX Runtime", peers.onnxruntime_peers),
        ("OpenVINO", peers.openvino_peers),
        ("JAX", peers.jax_peers),
    ):
        try:
            others.extend(make(arrays, options.threads))
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

    def ours_one(net: sketchrnn.Net, seconds: float, lengths: list[int]) -> float:
        done, seed = 0, 0
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            sketch = net.draw(temperature=peers.TAU, seed=seed, threads=options.threads)
            lengths.append(len(sketch))
            done += len(sketch)
            seed += 1
        return done / (time.perf_counter() - start)

    def ours_many(net: sketchrnn.Net, seconds: float, lengths: list[int]) -> float:
        n = max(100, int(seconds * 800 * options.threads))
        start = time.perf_counter()
        sketches = net.draw(n, temperature=peers.TAU, seed=len(lengths), threads=options.threads)
        elapsed = time.perf_counter() - start
        lengths.extend(sketches.lengths)
        return len(sketches.strokes) / elapsed

    one: dict[str, list[float]] = {}
    many: dict[str, dict[int, list[float]]] = {}
    lengths: dict[str, list[int]] = {}
    names = {p: f"**sketchrnn {p}**" for p in ours}
    probed = []
    for _ in range(options.rounds):
        probed.append(probe())
        for precision, net_p in ours.items():
            me = names[precision]
            kept = lengths.setdefault(me, [])
            ours_one(net_p, 0.1, [])  # the one before may still have threads that spin
            one.setdefault(me, []).append(ours_one(net_p, options.seconds, kept))
            many.setdefault(me, {}).setdefault(0, []).append(
                ours_many(net_p, options.seconds, kept)
            )
        for peer in others:
            for batch in peer.batches:
                rate = peers.run(peer, batch, options.seconds, net.mixtures, net.max_len)
                if batch == 1:
                    one.setdefault(peer.name, []).append(rate)
                else:
                    many.setdefault(peer.name, {}).setdefault(batch, []).append(rate)

    def ours_forward(net: sketchrnn.Net) -> list:
        offsets = np.zeros(len(real) + 1, np.int64)
        np.cumsum([len(d) for d in real], out=offsets[1:])
        z = net._core.forward(np.concatenate(real), offsets, 1)
        return np.split(z, offsets[1:-1])

    quality = {
        names[p]: (loss_difference(ours_forward(n)), float(np.mean(lengths[names[p]])))
        for p, n in ours.items()
    }
    for peer in others:
        difference = float("nan")  # not looked into where the peer does not show its outputs
        if peer.step is not None:
            difference = loss_difference(
                [peers.teacher_forced(peer, d, net.scale_factor) for d in real]
            )
        length = float(np.mean(peer.lengths)) if peer.lengths else float("nan")
        quality[peer.name] = (difference, length)

    rows = []
    for name in one:
        # A peer without batches draws many one after another.
        batches = many.get(name, {1: one[name]})
        best = max(batches.items(), key=lambda item: statistics.median(item[1]))
        rows.append(
            {
                "name": name,
                "one_us": 1e6 / statistics.median(one[name]),
                "many_per_s": statistics.median(best[1]),
                "batch": best[0] or "auto",
                "loss_difference": quality[name][0],
                "mean_length": quality[name][1],
            }
        )

    def shown(value: float, spec: str) -> str:
        return "" if math.isnan(value) else format(value, spec)

    t = options.threads - 1
    median = {
        key: statistics.median(p[key][t] if isinstance(p[key], list) else p[key] for p in probed)
        for key in probed[0]
    }
    print(
        f"{net.name}, {net.hidden_size} units, {net.isa}, τ = {peers.TAU}, "
        f"{options.threads} thread(s), medians of {options.rounds}\n"
    )
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
    bounds = limits.bounds(net, median)
    print("\nLimits of this machine, probed in every round, for the recurrent product alone:\n")
    print("| | weights over bandwidth, µs/point | reached | arithmetic peak, points/s | reached |")
    print("|---|---|---|---|---|")
    by_name = {row["name"]: row for row in rows}
    for precision, (seconds, rate) in bounds.items():
        row = by_name[names[precision]]
        reached = f"{row['many_per_s'] / rate:.0%}" if rate else "not probed"
        print(
            f"| {precision} | {1e6 * seconds:.1f} | {1e6 * seconds / row['one_us']:.0%} | "
            f"{rate:,.0f} | {reached} |"
        )
    if options.json:
        options.json.write_text(
            json.dumps({"rows": rows, "limits": median, **limits.machine()}, indent=1)
        )


if __name__ == "__main__":
    main()
