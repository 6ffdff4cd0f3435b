"""Whether a board's SVG has the positions of Python's drawing: python svg.py NET-FOLDER FILE.svg"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

import sketchrnn

folder, drawing = sys.argv[1:]
net = sketchrnn.load(f"{folder}/net.safetensors", precision="i8")
sketch = net.draw(temperature=float(np.float32(0.3)), seed=1)
rows = sketch.strokes[: len(sketch.strokes) - int(sketch.finished)]
wanted = np.cumsum(rows[:, :2], axis=0)
path = re.search(r"M0 0([^']*)'", Path(drawing).read_text())
assert path, "no path"
found = np.array(
    [[float(x) for x in pair.split()] for pair in re.findall(r"[ML](\S+ [^ML]+)", path[1])]
)
assert found.shape == wanted.shape, (found.shape, wanted.shape)
# One digit behind the point, and positions summed in float there.
assert np.abs(found - wanted).max() < 0.06, np.abs(found - wanted).max()
print(f"  {len(found)} movements where Python's are")
