"""The first hour of one who compares nets: the same drawings scored by several, in one unit.

python compares.py FOLDER
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import sketchrnn


def ranked(*words: str) -> list[dict[str, float | str]]:
    """What `sketchrnn score … --json` says."""
    done = subprocess.run(
        [sys.executable, "-m", "sketchrnn", "score", *words, "--json"], capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    found: list[dict[str, float | str]] = json.loads(done.stdout)
    return found


folder = Path(sys.argv[1])
duck = sketchrnn.load("duck")
drawings = duck.draw(60, seed=4, temperature=0.8)
path = str(folder / "ducks.json")
drawings.save(path)

# The same net in units of its own that are twice as large: it must not look better.
arrays = duck.arrays()
halved = {**arrays, "wx": arrays["wx"].copy(), "wo": arrays["wo"].copy(), "bo": arrays["bo"].copy()}
halved["wx"][:2] *= 2
m = duck.mixtures
halved["wo"][:, 3 + m : 3 + 3 * m] /= 2
halved["bo"][3 + m : 3 + 3 * m] /= 2
halved["bo"][3 + 3 * m : 3 + 5 * m] -= math.log(2)
other = sketchrnn.from_arrays(
    halved, name="duck", scale_factor=2 * duck.scale_factor, max_len=duck.max_len
)
other.save(folder / "other.safetensors")
ours, same = duck.score(drawings), other.score(drawings)
assert abs(ours.per_point - same.per_point) > 1, "in net units they differ"
assert abs(ours.per_point_data - same.per_point_data) < 1e-3, (ours, same)

ranks = ranked("cactus", "duck", "crab", path)
assert ranks[0]["net"] == "duck", ranks
units = [entry["nats_per_point_data_units"] for entry in ranks]
assert units == sorted(units, key=float)
for entry in ranks:
    print(
        f"{entry['net']}: {entry['nats_per_point_data_units']:.3f} nats per point in data units, "
        f"{entry['nats_per_point_net_units']:.3f} in net units"
    )
