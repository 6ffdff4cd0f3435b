"""The table of weights/README.md, from the training records that the nets carry.

python benchmarks/net_table.py weights/*.safetensors [--baseline baseline.json]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sketchrnn.train import export


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("nets", nargs="+", type=Path)
    p.add_argument("--baseline", type=Path, help="JSON: name -> losses of a net trained alone")
    args = p.parse_args()
    alone = json.loads(args.baseline.read_text()) if args.baseline else {}
    print(
        "| net | units | MB | nats, valid | nats, test | cell, test | paper, valid | paper, test "
        "| alone, test |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    sums = [0.0] * 5
    alone_sum = 0.0
    count = 0
    for path in sorted(args.nets):
        tensors, metadata = export.read(path)
        loss = json.loads(metadata["training"])["losses"]
        v, t = loss["valid"], loss["test"]
        row = [v["nats"], t["nats"], t["cell"], v["paper"], t["paper"]]
        base = alone.get(metadata["name"], {}).get("test", {}).get("nats")
        print(
            f"| {metadata['name']} | {len(tensors['wh'])} | {path.stat().st_size / 1e6:.2f} | "
            + " | ".join(f"{x:.3f}" for x in row)
            + f" | {'' if base is None else format(base, '.3f')} |"
        )
        if "objects" not in metadata:
            sums = [a + b for a, b in zip(sums, row, strict=True)]
            alone_sum += base or 0.0
            count += 1
    print(
        "| mean of the nets for one object | | | "
        + " | ".join(f"{x / max(count, 1):.3f}" for x in sums)
        + f" | {f'{alone_sum / max(count, 1):.3f}' if alone else ''} |"
    )


if __name__ == "__main__":
    main()
