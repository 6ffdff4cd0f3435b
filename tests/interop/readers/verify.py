"""What check.sh shows: SVG in headless Chromium (verify.py browser), HP-GL in hp2xx (verify.py
plotter), each held against our own drawing."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import sketchrnn

SIDE = 300


# What a page does with the drawing in it: each path's animation, which must be running by itself,
# is halted at a time of the picture's own; else the page is emptied. Screenshots after so many
# milliseconds would not do: a busy machine's browser may not have painted its second frame by then.
HALT = """
const moving = document.getAnimations();
const paths = document.querySelectorAll("path").length;
const running = moving.filter((animation) => animation.playState === "running").length;
if (running !== paths) document.body.remove();
for (const animation of moving) {
  animation.pause();
  animation.currentTime = MILLISECONDS;
}
"""


def shown(browser, page):
    """The page as a browser shows it: (height, width) grey levels, 0 is black."""
    picture = page.with_suffix(".png")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--window-size={SIDE},{SIDE}",
        "--virtual-time-budget=1000",
        f"--screenshot={picture}",
        page.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(picture) as image:
        return np.asarray(image.convert("L"), float)


def halted(browser, svg, seconds):
    """The picture that moves as it looks so many seconds after it was opened."""
    page = svg.with_suffix(".html")
    halt = HALT.replace("MILLISECONDS", str(1000 * seconds))
    page.write_text(
        "<!doctype html><style>body{margin:0}svg{display:block}</style>"
        f"<body>{svg.read_text()}<script>{halt}</script></body>"
    )
    return shown(browser, page)


def ink(picture):
    return float((255 - picture).sum() / 255)


def browser(program="chromium"):
    sketch = sketchrnn.load("face").draw(seed=3, temperature=0.3)
    seconds = len(sketch) / 30
    with tempfile.TemporaryDirectory() as folder:
        still, moving, page = (Path(folder, n) for n in ("still.svg", "moving.svg", "ours.png"))
        sketch.save(still, size=SIDE, stroke_width=3)
        sketch.save(moving, size=SIDE, stroke_width=3, animate=True, points_per_second=30)
        sketch.save(page, size=SIDE, stroke_width=3)
        with Image.open(page) as image:
            ours = np.asarray(image.convert("L"), float)
        theirs = shown(program, still)
        # Anti-aliasing differs at edges; where the lines are does not. A picture moved by one line
        # width correlates below 0.5.
        alike = np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
        print(f"  still: correlation with our PNG {alike:.4f}")
        assert alike > 0.97
        assert np.corrcoef(np.roll(ours, 4, axis=1).ravel(), theirs.ravel())[0, 1] < 0.9
        parts = [
            ink(halted(program, moving, at)) / ink(theirs)
            for at in (0.1, 0.3 + seconds / 2, 2 * seconds + 1)
        ]
        print("  moving: ink at the start, half-way, at the end", *(f"{p:.2f}" for p in parts))
        assert parts[0] < 0.1 < 0.25 < parts[1] < 0.85 < 0.98 < parts[2] < 1.02
        distribution = Path(folder, "distribution.svg")
        sketchrnn.load("face").predict(sketch.strokes[:9]).save(distribution, size=SIDE)
        assert 200 < ink(shown(program, distribution)) < SIDE * SIDE / 3
        print("  distribution: shown")


def plotter():
    """hp2xx turns HP-GL into an SVG of points of 1/72 inch: the same segments, in millimetres."""
    sketch = sketchrnn.load("face").draw(seed=3, temperature=0.3)
    with tempfile.TemporaryDirectory() as folder:
        plot, picture = Path(folder, "a.hpgl"), Path(folder, "a.svg")
        sketch.save(plot, page=(100, 150))
        command = ["hp2xx", "-q", "-t", "-m", "svg", "-f", str(picture), str(plot)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        found = re.findall(r'<path d="M([^"]*)"', picture.read_text())
    theirs = segments([[p.split(",") for p in path.split("L")] for path in found]) / 72 * 25.4
    ours = segments(sketch.lines())
    left, top, right, bottom = sketch.bounds
    # The page less a tenth of its shorter side all round.
    ours *= min(80 / (right - left), 130 / (bottom - top))
    assert theirs.shape == ours.shape
    low = [part.reshape(-1, 2).min(axis=0) for part in (theirs, ours)]
    # A plotter's unit is 1/40 mm.
    np.testing.assert_allclose(theirs - low[0], ours - low[1], atol=0.06)
    print(f"  HP-GL: {len(ours)} segments in hp2xx, as ours")


def segments(lines):
    """(n, 2, 2): where each segment starts and ends, those without length left out."""
    arrays = [np.array(line, float) for line in lines]
    all_ = np.concatenate([np.stack([a[:-1], a[1:]], axis=1) for a in arrays])
    return all_[(all_[:, 0] != all_[:, 1]).any(axis=1)]


{"browser": browser, "plotter": plotter}[sys.argv[1]]()
