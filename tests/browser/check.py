"""Our SVG, still and moving, as a browser shows it: headless Chromium against our own PNG.

    python tests/browser/check.py [chromium]

Needs sketchrnn with Pillow, and Chromium.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import sketchrnn

SIDE = 300


def shown(browser, svg, milliseconds):
    """The page as it looks so long after it was opened: (height, width) grey levels, 0 is black."""
    picture = svg.with_suffix(f".{milliseconds}.png")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--window-size={SIDE},{SIDE}",
        f"--virtual-time-budget={milliseconds}",
        f"--screenshot={picture}",
        svg.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(picture) as image:
        return np.asarray(image.convert("L"), float)


def ink(picture):
    return float((255 - picture).sum() / 255)


def main():
    browser = sys.argv[1] if len(sys.argv) > 1 else "chromium"
    sketch = sketchrnn.load("face").draw(seed=3, temperature=0.3)
    seconds = len(sketch) / 30
    with tempfile.TemporaryDirectory() as folder:
        still, moving, page = (Path(folder, n) for n in ("still.svg", "moving.svg", "page.png"))
        sketch.save(still, size=SIDE, stroke_width=3)
        sketch.save(moving, size=SIDE, stroke_width=3, animate=True, points_per_second=30)
        sketch.save(page, size=SIDE, stroke_width=3)
        with Image.open(page) as image:
            ours = np.asarray(image.convert("L"), float)
        theirs = shown(browser, still, 1000)
        # Anti-aliasing differs at edges; where the lines are does not. A picture moved by one line
        # width correlates below 0.5.
        alike = np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
        print(f"  still: correlation with our PNG {alike:.4f}")
        assert alike > 0.97
        assert np.corrcoef(np.roll(ours, 4, axis=1).ravel(), theirs.ravel())[0, 1] < 0.9
        parts = [
            ink(shown(browser, moving, int(1000 * at))) / ink(theirs)
            for at in (0.1, 0.3 + seconds / 2, 2 * seconds + 1)
        ]
        print("  moving: ink at the start, half-way, at the end", *(f"{p:.2f}" for p in parts))
        assert parts[0] < 0.1 < 0.25 < parts[1] < 0.85 < 0.98 < parts[2] < 1.02
        distribution = Path(folder, "distribution.svg")
        sketchrnn.load("face").predict(sketch.strokes[:9]).save(distribution, size=SIDE)
        assert 200 < ink(shown(browser, distribution, 1000)) < SIDE * SIDE / 3
        print("  distribution: shown")


main()
