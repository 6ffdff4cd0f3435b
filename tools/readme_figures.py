r"""Puts the benchmarks' figures into README.md and pages of docs: each number between
its marks comes from the JSON in benchmarks/figures/, counts of nets and objects from the package.

    python tools/readme_figures.py            writes the pages
    python tools/readme_figures.py --check    fails if text and JSON differ

The JSON is what the benchmarks write:

    python benchmarks/compare.py --threads 2 --json benchmarks/figures/compare-2.json
    python benchmarks/compare.py --threads 1 --json benchmarks/figures/compare-1.json
    python benchmarks/compare.py --isa avx2 --json benchmarks/figures/compare-1-avx2.json
    python benchmarks/isas.py --json benchmarks/figures/isas-PROCESSOR.json \
        --picture docs/pictures/isas.svg
    python benchmarks/run.py --json benchmarks/figures/run.json
    node benchmarks/web.mjs --json benchmarks/figures/web.json
    python benchmarks/scale.py --net pig-128 --count 131072 --json benchmarks/figures/scale.json
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "benchmarks" / "figures"

BLOCK = re.compile(r"(<!-- figures: (?P<name>[\w-]+) -->)(?P<text>.*?)(<!-- end -->)", re.DOTALL)


sys.path.insert(0, str(ROOT / "benchmarks"))  # which print their own tables


def measured(name: str) -> Any:
    """What a benchmark wrote."""
    return json.loads((FIGURES / f"{name}.json").read_text(encoding="utf-8"))


def table(threads: int, isa: str = "") -> str:
    """The comparison as benchmarks/compare.py prints it."""
    import compare

    rows = measured(f"compare-{threads}{isa}")["rows"]
    for row in rows:
        for key in ("loss_difference", "mean_length"):
            row[key] = float("nan") if row[key] is None else row[key]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        compare.print_table(rows)
    return "\n" + printed.getvalue().replace(
        "| | one", f"| {threads} thread{'s'[: threads - 1]} | one"
    )


def times_faster() -> str:
    """How many times as fast i8 is as f32, over one stream and many, one thread and two."""
    ratios, losses = [], []
    for threads in (1, 2):
        rows = {row["name"]: row for row in measured(f"compare-{threads}")["rows"]}
        exact, small = rows["**sketchrnn f32**"], rows["**sketchrnn i8**"]
        ratios.append(exact["one_us"] / small["one_us"])
        ratios.append(small["many_per_s"] / exact["many_per_s"])
        losses.append(small["loss_difference"])
    return (
        f"is {min(ratios):.1f} to {max(ratios):.1f} times as fast for a loss of {max(losses):.3f} "
        "nats per point"
    )


def latency() -> str:
    """A call of state.step(), and how long it takes to begin."""
    run = measured("run")
    i8, f32, i16 = (run[f"latency {precision} 1"] for precision in ("i8", "f32", "i16"))
    start = run["start"]
    return (
        f"One call of `state.step()` from Python takes {i8['p50']:.1f} µs in i8 at the median and "
        f"{i8['p99']:.1f} at 99%\n(f32 {f32['p50']:.1f} and {f32['p99']:.0f}, i16 "
        f"{i16['p50']:.0f} and {i16['p99']:.0f}); `import sketchrnn` {start['import']:.0f} ms "
        f"beyond NumPy's, a first sketch\n{start['first sketch']:.0f} ms after that "
        "(`benchmarks/run.py`)."
    )


def public_nets() -> str:
    """How many public nets the catalogue has."""
    import sketchrnn

    return str(sum(entry.source == "official" for entry in sketchrnn.catalog()))


def many_objects() -> str:
    """How many objects the net of many knows."""
    from sketchrnn.nets.names import objects

    return str(len(objects()))


def web() -> str:
    """The table of benchmarks/web.mjs: one stream, whatever runs it."""
    said = measured("web")
    lines = [
        f"\nµs a point, one stream, the net `{said['net']}`, {said['cpu']}"
        f"{', while the machine had other work' if said['busy'] else ''} (`benchmarks/web.mjs`):\n",
        "| | module | f32 | i16 | i8 |",
        "|---|---|---|---|---|",
    ]
    for name, rows in said["microseconds"].items():
        for isa in dict.fromkeys(key.rpartition(" ")[0] for key in rows):
            cells = [rows.get(f"{isa} {p}".strip(), {}).get("one") for p in ("f32", "i16", "i8")]
            shown = ("" if x is None else f"{x:,.1f}" if x < 100 else f"{x:,.0f}" for x in cells)
            lines.append(f"| {name} | {isa} | {' | '.join(shown)} |")
    node = next(rows for name, rows in said["microseconds"].items() if name.startswith("Node"))
    plain, relaxed = (node[f"{isa} i8"]["calibrated"] / 1000 for isa in ("wasm", "wasm_relaxed"))
    lines.append(
        f"\nA calibrated net opens in i8 in {node['wasm_relaxed i8']['open']:.0f} ms, the module's "
        f"start and self-test included (Node). One that is calibrated first takes {relaxed:.1f} s "
        f"with relaxed SIMD, {plain:.0f} s without."
    )
    return "\n".join(lines) + "\n"


def scale() -> str:
    """What drawings without end cost: measured, and counted from there."""
    said = measured("scale")
    writing, reading = said["writing"], said["reading"]
    share = min(writing["share_of_alone"].values())
    lines = [
        f"\nMeasured on {said['processors']} cores ({said['cpu']}, {said['isa']}) by "
        f"`benchmarks/scale.py`: `{said['net']}`, precision i8, {writing['rows_per_drawing']:.0f} "
        "rows a drawing.\n",
        "| drawings | seconds | drawings/s | largest memory, MB | GB |",
        "|---|---|---|---|---|",
    ]
    for row in said["many"]:
        lines.append(
            f"| {row['drawings']:,} | {row['seconds']:,.0f} | {row['drawings_per_second']:,.0f} | "
            f"{row['largest_memory_mb']:,.0f} | {row['bytes'] / 1e9:.2f} |"
        )
    lines.append(
        "\nMemory is that of a row group of 32,768; the 64 parts of the first two are less."
    )
    rates, sizes = writing["points_per_second"], writing["bytes_per_drawing"]
    lines.append(
        f"\n`net.draw` alone makes {rates['alone'] / 1e6:.2f} million rows a second there, into "
        f"Parquet {rates['parquet'] / 1e6:.2f}, compact {rates['compact'] / 1e6:.2f}: at least "
        f"{share:.0%}. A drawing takes {sizes['parquet']:.0f} bytes, compact "
        f"{sizes['compact']:.0f}. QuickDraw's simplified files are read at "
        f"{reading['.ndjson']:,.0f} drawings a second, packed {reading['.ndjson.gz']:,.0f}, by one "
        "thread."
    )
    most = said["many"][-1]
    hours = most["core_seconds"] / most["drawings"] * 1e9 / 3600
    lines.append(
        f"\nA billion of them, counted from the last row: {hours:,.0f} core hours, "
        f"{most['bytes'] / most['drawings']:.0f} GB; at 0.04 dollars a core hour (a price of 2026 "
        f"for rented cores; put in yours) {hours * 0.04:,.2f} dollars."
    )
    return "\n".join(lines) + "\n"


def machines() -> list[Any]:
    """What benchmarks/isas.py wrote of each."""
    return [measured(path.stem) for path in sorted(FIGURES.glob("isas-*.json"))]


def isas() -> str:
    """Each instruction set of the machines at hand, as benchmarks/isas.py found it."""
    lines = [
        "",
        "| | one stream, µs/point: f32 | i16 | i8 | many, 1000 points/s: f32 | i16 | i8 |",
        "|---|---|---|---|---|---|---|",
    ]
    for said in machines():
        lines.append(f"| *{said['cpu']}* | | | | | | |")
        for isa, rows in said["table"].items():
            one = [f"{row['stream'][0]:.1f}" for row in rows.values()]
            many = [f"{1e3 / row['many'][0]:,.0f}" for row in rows.values()]
            lines.append(f"| `{isa}` | {' | '.join(one + many)} |")
    return "\n".join(lines) + "\n"


def isa_shares() -> str:
    """The same on one thread and two, each with its share of the limit."""
    import isas as benchmark

    lines = []
    for said in machines():
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            benchmark.print_table(said)
        lines.append(f"\n{said['cpu']}, one thread / two:\n\n{printed.getvalue()}")
    return "".join(lines)


TEXTS: dict[str, Callable[[], str]] = {
    "two-threads": lambda: table(2),
    "one-thread": lambda: table(1),
    "times-faster": times_faster,
    "latency": latency,
    "public-nets": public_nets,
    "objects": many_objects,
    "isas": isas,
}


PAGES = {
    "README.md": TEXTS,
    "docs/web.md": {"web": web},
    "docs/scale.md": {"scale": scale},
    "docs/design.md": {"isa-shares": isa_shares, "avx2": lambda: table(1, "-avx2")},
}


def made(text: str, page: str = "README.md") -> str:
    """The text of a page with all figures as they are."""
    texts = PAGES[page]
    found = {match["name"] for match in BLOCK.finditer(text)}
    if found != set(texts):
        raise SystemExit(f"{page}: marks {sorted(found)}, expected {sorted(texts)}")
    return BLOCK.sub(lambda m: f"{m[1]}{texts[m['name']]()}{m[4]}", text)


def main() -> int:
    different = False
    for page in PAGES:
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        wanted = made(text, page)
        if "--check" not in sys.argv[1:]:
            path.write_text(wanted, encoding="utf-8")
            continue
        for old, new in zip(text.splitlines(), wanted.splitlines(), strict=False):
            if old != new:
                print(f"{page} says   {old}\nthe figures say  {new}")
        different |= text != wanted
    return int(different)


if __name__ == "__main__":
    sys.exit(main())
