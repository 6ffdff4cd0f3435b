"""Many drawings: how fast tables of them are written beside drawing alone, in how much memory, and
how fast QuickDraw's files are read.

    python benchmarks/scale.py [--net cat] [--count 65536] [--rounds 3] [--many N] [--json FILE]

Interleaved, best of the rounds: `net.draw` of COUNT drawings in precision i8, and the same into one
Parquet file. Then `sketchrnn draw --shards` of 1%, 10%, 25% and all of N drawings (ten
million) in processes of their own, whose largest memory is noted. Reading: simplified drawings in
QuickDraw's form, those of SKETCHRNN_SHARED (or 20,000 of ours, rounded), a hundred thousand.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import limits

import sketchrnn
from sketchrnn import formats, shards


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def against_drawing(net: sketchrnn.Net, count: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Points a second of net.draw alone and into a file, of both kinds; bytes a row and drawing."""
    rows = len(net.draw(count, seed=1).strokes)
    best = {"alone": float("inf"), "parquet": float("inf"), "compact": float("inf")}
    for _ in range(rounds):
        best["alone"] = min(best["alone"], seconds(lambda: net.draw(count, seed=1)))
        for name in ("parquet", "compact"):
            recipe = shards.Recipe([net], count, 1, compact=name == "compact")
            path = folder / f"{name}.parquet"
            best[name] = min(best[name], seconds(lambda r=recipe, p=path: shards.draw_file(p, r)))
    sizes = {name: (folder / f"{name}.parquet").stat().st_size for name in ("parquet", "compact")}
    return {
        "rows_per_drawing": rows / count,
        "points_per_second": {name: rows / taken for name, taken in best.items()},
        "share_of_alone": {name: best["alone"] / best[name] for name in ("parquet", "compact")},
        "bytes_per_row": {name: size / rows for name, size in sizes.items()},
        "bytes_per_drawing": {name: size / count for name, size in sizes.items()},
    }


def many(net: str, count: int, folder: Path) -> dict[str, Any]:
    """What so many drawings take, as parts, in a process of their own."""
    # ru_maxrss would say what this process had when it made the other.
    code = (
        "import sys, sketchrnn.cli\n"
        "status = sketchrnn.cli.main(sys.argv[1:])\n"
        "facts = open('/proc/self/status').read()\n"
        "print(facts.split('VmHWM:')[1].split()[0])\n"
        "sys.exit(status)"
    )
    out = folder / str(count)
    command = [sys.executable, "-c", code, "draw", net, "-n", str(count), "--precision", "i8",
               "--shards", "64", "--seed", "1", "-o", str(out)]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    taken = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "drawings": count,
        "seconds": taken,
        "drawings_per_second": count / taken,
        "bytes": sum(path.stat().st_size for path in out.iterdir()),
        "largest_memory_mb": int(done.stdout) / 1024,
        "core_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }


def reading(folder: Path, rounds: int) -> dict[str, Any]:
    """Drawings a second out of QuickDraw's ndjson, packed and not."""
    shared = os.environ.get("SKETCHRNN_SHARED")
    found = sorted(Path(shared, "quickdraw", "simplified").glob("*.ndjson.gz")) if shared else []
    lines: list[bytes] = []
    for path in found:
        import gzip

        lines += gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    if not lines:
        drawn = sketchrnn.load("pig").draw(20_000, seed=1)
        formats.save(folder / "x.parquet", drawn, compact=True)
        formats.read(folder / "x.parquet").save(folder / "x.ndjson")
        lines = (folder / "x.ndjson").read_bytes().splitlines(keepends=True)
    lines *= -(-100_000 // len(lines))
    (folder / "many.ndjson").write_bytes(b"".join(lines))
    import gzip

    (folder / "many.ndjson.gz").write_bytes(gzip.compress(b"".join(lines), 6))
    result: dict[str, Any] = {"drawings": len(lines), "bytes": sum(map(len, lines))}
    for name in ("many.ndjson", "many.ndjson.gz"):

        def read(path: Path = folder / name) -> None:
            assert sum(len(some) for some in formats.batches(path)) == len(lines)

        taken = min(seconds(read) for _ in range(rounds))
        result[name.replace("many", "")] = len(lines) / taken
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--net", default="cat")
    parser.add_argument("--count", type=int, default=65_536)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--many", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    net = sketchrnn.load(options.net, precision="i8")
    figures: dict[str, Any] = {
        "net": options.net,
        "hidden_size": net.hidden_size,
        "isa": net.isa,
        "cpu": limits.processor(),
        "processors": len(os.sched_getaffinity(0)),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures["reading"] = reading(folder, options.rounds)
        print(json.dumps(figures, indent=1), flush=True)
        figures["writing"] = against_drawing(net, options.count, options.rounds, folder)
        print(json.dumps(figures["writing"], indent=1), flush=True)
        figures["many"] = []
        for count in (options.many // 100, options.many // 10, options.many // 4, options.many):
            if count:
                figures["many"].append(many(options.net, count, folder))
                print(json.dumps(figures["many"][-1], indent=1), flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
