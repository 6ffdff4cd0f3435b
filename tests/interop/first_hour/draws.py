"""The first hour of one who draws: forty starts completed and laid over their pages, a net
fine-tuned to the hand, and drawn with.

    python draws.py FOLDER      where hand.py made faces/ and starts/
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

import sketchrnn

folder = Path(sys.argv[1])


def command(*words: str) -> str:
    """What a command prints; it ends this script if it fails."""
    done = subprocess.run([sys.executable, "-m", "sketchrnn", *words], capture_output=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stderr.decode()}")
    return done.stdout.decode() + done.stderr.decode()


def complete_all(net: sketchrnn.Net) -> None:
    """Every start completed over its page, the way one would look through them."""
    (folder / "completed").mkdir(exist_ok=True)
    inside = 0
    for path in sorted((folder / "starts").glob("*.svg")):
        start = sketchrnn.read(path)[0]
        assert start.original is not None
        assert len(start.lines()) == 3, (path, "head and both eyes; no guides")
        assert "1 hidden group" in start.original.left_out
        way = net.complete(start, temperature=0.25, seed=5)
        target = folder / "completed" / path.name
        way.save(target)
        # The page as it was, and the layer over it.
        assert sketchrnn.read(target)[0].original is not None
        text = target.read_text("utf-8")
        assert text.startswith(path.read_text("utf-8")[:-8])
        assert 'inkscape:label="sketchrnn"' in text
        ElementTree.fromstring(text)
        given, added = way.lines_in_original()
        head = given[0]
        low, high = head.min(axis=0) - 10, head.max(axis=0) + 10
        points = np.concatenate(added) if added else np.zeros((0, 2), np.float32)
        within = ((points > low) & (points < high)).all() and len(points)
        inside += bool(within)
    print(f"completed: 40 starts, {inside} with all that was added on the head")
    assert inside >= 36


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # each page has a text, which is left out and said
    complete_all(sketchrnn.load("face"))

start = str(folder / "starts" / "face 07.svg")
ways = str(folder / "3.svg")
said = command("complete", "FACE", start, "-n", "3", "--seed", "1", "--over", "-o", ways)
assert "left out: 1 hidden group, 1 text" in said, said
command("complete", "face", start, "--seed", "1", "--new-only", "-o", str(folder / "new.gcode"))
assert "G1 X" in (folder / "new.gcode").read_text()

data, told = str(folder / "mine.npz"), folder / "report.json"
print(command("dataset", str(folder / "faces"), "-o", data, "--report", str(told)), end="")
report = json.loads(told.read_text())
assert [entry["used"] for entry in report] == [True] * 40, report
try:
    import torch  # noqa: F401
except ImportError:
    print("SKIPPED first_hour: fine-tuning: PyTorch is not installed")
    sys.exit()
tuned = folder / "mine.safetensors"
train = ["train", data, "--from", "face", "-o", str(tuned), "--dtype", "I8"]
print(command(*train, "--steps", sys.argv[2] if len(sys.argv) > 2 else "72"), end="")
before = sketchrnn.load("face").score(sketchrnn.read(data)).per_point_data
mine = sketchrnn.load(tuned)
after = mine.score(sketchrnn.read(data)).per_point_data
print(f"the hand's drawings: {before:.3f} nats per point in pixels before, {after:.3f} after")
assert after < before - 0.2
mine.draw(12, temperature=0.3, seed=3).grid(6).save(folder / "mine.svg")
