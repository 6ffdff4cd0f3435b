"""Writes pad.ipynb into a folder: the cells that notebook.mjs runs."""

import json
import sys
from pathlib import Path

CELLS = (
    'import sketchrnn\nnet = sketchrnn.load("cat")\npad = net.pad(seed=12345)\npad',
    'open("drawn.bin", "wb").write(pad.sketch.strokes.tobytes())\n'
    "# A circle, then the rows of the second idea: what complete() draws from the circle.\n"
    "i8 = sketchrnn.load('cat', precision='i8')\n"
    "start = pad.sketch.strokes[: int((pad.sketch.strokes[:, 3] == 1).argmax()) + 1]\n"
    "idea = i8.complete(start, 1, seed=12345, index=1, temperature=0.3)[0].strokes\n"
    "assert (idea[: len(pad.sketch) - 1, :2] == pad.sketch.strokes[:-1, :2]).all()",
    "pad.sketch = net.draw(seed=1)\npad.temperature = 0.6\n"
    'open("set.bin", "wb").write(pad.sketch.strokes.tobytes())',
)

folder = Path(sys.argv[1])
cells = [
    {
        "cell_type": "code",
        "execution_count": None,
        "id": f"cell-{i}",
        "metadata": {},
        "outputs": [],
        "source": text,
    }
    for i, text in enumerate(CELLS)
]
kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
(folder / "pad.ipynb").write_text(
    json.dumps(
        {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    )
)
