"""What check.sh holds sketch-rnn-js against: nets as .vae.json, drawings, and the core's numbers.
prepare.py FOLDER"""

import json
import sys
from pathlib import Path

import numpy as np
from latent_nets import latent_net, some_drawings

import sketchrnn

PARAMETERS = ("pi", "mu_x", "mu_y", "sigma_x", "sigma_y", "rho", "pen")


def expected(net, drawing):
    """μ, σ, first state, and before each row the mixture, all in net units, of z = μ."""
    mu, sigma = net.posterior([drawing])
    state, mixtures = net.state(seed=0, z=mu), []
    for row in drawing:
        predicted = state.predict()
        one = {}
        for name in PARAMETERS:
            unit = net.scale_factor if name[:2] in ("mu", "si") else 1.0
            one[name] = (np.asarray(getattr(predicted, name)) / unit).tolist()
        mixtures.append(one)
        state.feed(row[None])
    start = net.state(seed=0, z=mu)
    return {
        "drawing": drawing.tolist(),
        "mu": mu[0].tolist(),
        "sigma": sigma[0].tolist(),
        "h": start.hidden.tolist(),
        "c": start.cell.tolist(),
        "mixtures": mixtures,
    }


def main(folder):
    nets = [latent_net(mixtures=20, hidden=h, encoder=e, latent=n, latent_tanh=t, seed=s)
            for s, (h, e, n, t) in enumerate([(33, 7, 1, False), (64, 33, 16, True),
                                              (512, 256, 128, False)])]  # fmt: skip
    nets += [
        net
        for net in (sketchrnn.load(entry.name) for entry in sketchrnn.catalog()
                    if entry.source == "bundled")
        if net.latent_size
    ]  # fmt: skip
    for number, net in enumerate(nets):
        stem = folder / f"net{number}"
        net.export(f"{stem}.vae.json")
        rounded = sketchrnn.load(f"{stem}.vae.json")
        # Its JavaScript always begins with zeros.
        arrays, zeros = rounded.arrays(), (0, 0, 0, 0, 0)
        rounded = sketchrnn.from_arrays(
            arrays,
            scale_factor=rounded.scale_factor,
            max_len=rounded.max_len,
            start_token=zeros,
            metadata={"latent_tanh": rounded.metadata["latent_tanh"]},
        )
        jobs = [expected(rounded, drawing) for drawing in some_drawings(4)[1:]]
        facts = {"name": f"{net.name} {net.hidden_size}", "scale": rounded.scale_factor}
        Path(f"{stem}.expected.json").write_text(json.dumps({**facts, "drawings": jobs}))


main(Path(sys.argv[1]))
