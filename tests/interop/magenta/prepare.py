"""What check.sh holds @magenta/sketch against: exported nets, drawings and the core's mixtures.
prepare.py FOLDER"""

import json
import sys
from pathlib import Path

import numpy as np

import sketchrnn

sys.path.insert(0, str(Path(__file__).parents[2]))
from real_drawings import SHARED, real_drawings

PARAMETERS = ("pi", "mu_x", "mu_y", "sigma_x", "sigma_y", "rho", "pen")


def mixtures(net, drawing):
    """Mixture parameters before each row, in the net's units, as JSON takes them."""
    state = net.state(seed=0)
    out = []
    for row in drawing:
        distribution = state.predict()
        units = {"mu_x", "mu_y", "sigma_x", "sigma_y"}
        out.append(
            {
                name: (
                    getattr(distribution, name) / (net.scale_factor if name in units else 1)
                ).tolist()
                for name in PARAMETERS
            }
        )
        state.feed(row[None])
    return out


def main(folder):
    jobs = []
    for entry in sketchrnn.catalog():
        if entry.source == "bundled":
            net = sketchrnn.load(entry.name)
            if net.latent_size > 0:  # that library has no encoder
                continue
            jobs.append((net, net.draw(seed=1, temperature=0.4).strokes))
    if SHARED is not None:
        jobs.append((sketchrnn.load(SHARED / "official/dog.gen.json"), real_drawings("dog", 1)[0]))
    for number, (net, drawing) in enumerate(jobs):
        stem = folder / f"net{number}"
        ((path, size),) = net.export(f"{stem}.gen.json").items()
        rounded = sketchrnn.load(path)
        before, after = mixtures(net, drawing), mixtures(rounded, drawing)
        rounding = max(
            np.abs(np.subtract(a[name], b[name])).max()
            for a, b in zip(before, after, strict=True)
            for name in ("pi", "pen", "rho")
        )
        print(
            f"  {net.name}: {size} bytes; rounding to int16 moves probabilities by {rounding:.1e}"
        )
        facts = {
            "name": net.name,
            "start": net.start_token,
            "scale": rounded.scale_factor,
            "drawing": drawing.tolist(),
            "mixtures": after,
        }
        Path(f"{stem}.expected.json").write_text(json.dumps(facts))


main(Path(sys.argv[1]))
