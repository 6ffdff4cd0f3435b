"""Runs one of the Python targets.

    python tests/fuzz/harness.py TARGET [libFuzzer's options] CORPUS…    with atheris
    python tests/fuzz/harness.py --replay TARGET FILE…                   without
    python tests/fuzz/harness.py --check TARGET…      its seeds and what lies in corpus/TARGET
    python tests/fuzz/harness.py --seeds TARGET FOLDER
    python tests/fuzz/harness.py --list

A target takes bytes and raises for what must not be. What it has to know (pickles, archives with
right checksums, containers with true lengths) it builds from them itself, so that libFuzzer's own
mutations get behind checksums and lengths.
"""

from __future__ import annotations

import contextlib
import faulthandler
import hashlib
import importlib
import sys
import tempfile
from pathlib import Path

GROUPS = {
    "readers": (
        "ndjson",
        "npz",
        "parquet",
        "quickdraw_bin",
        "strokes_json",
        "svg",
        "svg_path",
        "training_drawings",
        "training_cache",
    ),
    "nets": (
        "safetensors",
        "everything",
        "addition",
        "gen_json",
        "vae_json",
        "cache_entry",
        "training_start",
        "checkpoint",
        "graph",
    ),
    "writers": ("drawings", "pictures", "strokes", "exports"),
}
NEEDS = {"checkpoint": "torch", "parquet": "pyarrow"}
"""What a target needs beside the package and its test extra."""

INSTRUMENTED = ["sketchrnn", "svgpathtools"]
"""Whose branches guide libFuzzer. Not NumPy's, which has ten thousands of them."""


def target(name: str):
    """Return (function of bytes, function that returns seeds)."""
    group = next((g for g, names in GROUPS.items() if name in names), None)
    if group is None:
        raise SystemExit(f"no target {name!r}; there are {', '.join(sum(GROUPS.values(), ()))}")
    sys.path.insert(0, str(Path(__file__).parent))
    return importlib.import_module(group).TARGETS[name]


def write_seeds(name: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in target(name)[1]():
        (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def replay(name: str, files: list[Path]) -> None:
    """Run a target on files; each is named before, for a crash says nothing more."""
    run = target(name)[0]
    for file in files:
        print(name, file, file=sys.stderr, flush=True)
        run(file.read_bytes())


def main(arguments: list[str]) -> None:
    if arguments[0] == "--list":
        print("\n".join(sum(GROUPS.values(), ())))
    elif arguments[0] == "--seeds":
        write_seeds(arguments[1], Path(arguments[2]))
    elif arguments[0] == "--replay":
        replay(arguments[1], [Path(file) for file in arguments[2:]])
    elif arguments[0] == "--check":
        for name in arguments[1:]:
            kept = Path(__file__).parent / "corpus" / name
            with tempfile.TemporaryDirectory() as folder:
                write_seeds(name, Path(folder))
                replay(name, sorted([*Path(folder).iterdir(), *kept.glob("*")]))
            print(name)
    else:
        import atheris
        import numpy as np  # noqa: F401  before anything is instrumented

        faulthandler.disable()
        with contextlib.ExitStack() as stack:
            stack.enter_context(atheris.instrument_imports(include=INSTRUMENTED))
            run = target(arguments[0])[0]
        # What is imported late (torch's optimisers) takes longer than an input may.
        with contextlib.suppress(Exception):
            run(b"")
        atheris.Setup([sys.argv[0], *arguments[1:]], run)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
