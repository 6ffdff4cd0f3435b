"""What bits.c prints, by the Python package: python bits.py net.safetensors precision [object]"""

import sys

import numpy as np

import sketchrnn


def lines(what, array):
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32).ravel()
    return [f"{what} {i} {value:08x}" for i, value in enumerate(bits)]


def main(path, precision, name=None):
    net = sketchrnn.load(path, precision=precision)
    options = {"seed": 123456789012345, "max_len": 80, "temperature": 0.6, "threads": 1}
    options["object"] = name
    drawn = net.draw(5, **options)
    part = drawn[0].strokes[: len(drawn[0]) // 2]
    completed = net.complete(part, 5, **options)
    out = []
    for a, b in zip(drawn, completed, strict=True):
        out += lines("draw", a.strokes) + lines("complete", b.strokes)
    state = net.state(seed=1, object=name)
    for row in part:
        out += lines("predict", state.feed(row[None]).predict().raw)
    out += lines("hidden", np.concatenate([state.hidden, state.cell]))
    if net.latent_size:
        mu, sigma = net.posterior(drawn)
        out += lines("mu", mu) + lines("sigma", sigma) + lines("latent", net._core.latents(9, 4, 1))
        for sketch in net.draw(z=mu, **options):
            out += lines("again", sketch.strokes)
        given = net.state(seed=3, index=2, z=mu[0])
        out += lines("step", given.step(0.6))
        given.reset(4, 1)
        out += lines("step", given.step(0.6))
        state.reset(4, 1)
        out += lines("step", state.step(0.6))
    print("\n".join(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
