"""What check.sh holds MXNet against: an export and the core's own numbers, by the Python that has
sketchrnn.  prepare.py FOLDER"""

import sys
from pathlib import Path

import numpy as np

import sketchrnn

sys.path.insert(0, str(Path(__file__).parents[2]))
from real_drawings import SHARED, real_drawings

LENGTH = 50
PARAMETERS = ("pen", "pi", "mu_x", "mu_y", "sigma_x", "sigma_y", "rho")


def nets():
    """The nets in the package and, with SKETCHRNN_SHARED, a public one on drawings by people."""
    for entry in sketchrnn.catalog():
        if entry.source == "bundled":
            net = sketchrnn.load(entry.name)
            if net.latent_size > 0:  # of those the export is the ONNX one
                continue
            yield net, [s.strokes for s in net.draw(2, seed=1, temperature=0.4)]
    if SHARED is not None:
        yield sketchrnn.load(SHARED / "official/sheep.gen.json"), real_drawings("sheep", 2)


def main(folder):
    for number, (net, drawings) in enumerate(nets()):
        stem = folder / f"net{number}"
        sizes = net.export(f"{stem}.json", format="mxnet", length=LENGTH)
        for path, size in sizes.items():
            print(f"  {net.name}: {Path(path).name} {size} bytes")
        scale = np.array([net.scale_factor, net.scale_factor, 1, 1, 1], np.float32)
        inputs = np.zeros((len(drawings), LENGTH, 5), np.float32)
        inputs[:, 0] = np.asarray(net.start_token, np.float32) * scale
        expected = {name: [] for name in PARAMETERS}
        for given, rows in zip(inputs, drawings, strict=True):
            rows = rows[: LENGTH - 1]
            given[1 : len(rows) + 1] = rows
            given[len(rows) + 1 :, 4] = 1
            state = net.state(seed=0)
            for t in range(LENGTH):
                distribution = state.predict()
                for name, values in expected.items():
                    values.append(getattr(distribution, name))
                if t + 1 < LENGTH:
                    state.feed(given[t + 1 : t + 2])
        shape = (len(drawings), LENGTH, -1)
        np.savez(
            f"{stem}.npz",
            data=inputs,
            scale_factor=net.scale_factor,
            **{name: np.reshape(values, shape) for name, values in expected.items()},
        )
        print(f"  {net.name}: {[len(rows) for rows in drawings]} rows, {LENGTH} compared")


main(Path(sys.argv[1]))
