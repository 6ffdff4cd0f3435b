"""Trains the nets of weights/: one that knows every object, then one for each of 21 from it.

    python tools/family.py ../shared/quickdraw OUTPUT [--hidden 512] [--objects pig,face]

The recipe of docs/training.md, by the command that everybody has (`sketchrnn train`). Stopped at
any moment, the same command goes on where it was. 512 units: an hour and a half on a core with AMX.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sketchrnn.train.cli import main as train

SPEED = ["--bfloat16", "--compile"]
TOGETHER = (
    "--conditional --steps 10000 --lr 2e-3 --weight-drop 0.2 --output-drop 0.15 --mirror 0.25 "
    "--every 500 --patience 20 --default-object pig"
)
ALONE = (
    "--steps 240 --batch 64 --lr 7e-4 --weight-drop 0.15 --output-drop 0.2 --every 48 --patience 4 "
    "--dtype I8"
)
# What glibc's heap does by default with tensors of some megabytes takes a fifth of the time.
HEAP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "80000000000"}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("quickdraw", type=Path, help="folder with simplified/, raw/ and dense20/")
    p.add_argument("output", type=Path, help="folder for the nets")
    p.add_argument("--hidden", type=int, default=512)
    p.add_argument("--objects", help="fine-tune only these, separated by commas")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    if any(os.environ.get(k) != v for k, v in HEAP.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **HEAP})

    def run(files: list[Path], output: Path, options: list[str]) -> None:
        if output.exists():
            return
        speed = [*SPEED, "--threads", str(args.threads)]
        code = train([*map(str, files), "-o", str(output), *options, *speed])
        if code:
            sys.exit(code)

    args.output.mkdir(parents=True, exist_ok=True)
    # Of a drawing published in several forms the first is taken.
    shared = [
        args.quickdraw / part
        for part in (
            "simplified/all345.ndjson.gz",
            "simplified/monkey.ndjson.gz",
            "raw/all345.ndjson.gz",
        )
    ]
    dense = sorted((args.quickdraw / "dense20").glob("*.ndjson.gz"))
    everything = args.output / "everything.safetensors"
    run([*shared, *dense], everything, [*TOGETHER.split(), "--hidden", str(args.hidden)])
    objects = [*(f.name.split(".")[0] for f in dense), "monkey"]
    for name in args.objects.split(",") if args.objects else sorted(objects):
        word = name.replace("_", " ")
        files = [*shared, *(f for f in dense if f.name.split(".")[0] == name)]
        only = ["--objects", word, "--init", str(everything), "--init-object", word]
        run(files, args.output / f"{name}.safetensors", [*ALONE.split(), *only])


if __name__ == "__main__":
    main()
