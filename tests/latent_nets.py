"""Random nets with an encoder, for the tests of everything that has to do with one."""

import numpy as np
from reference import LatentReference

import sketchrnn


def random_arrays(hidden=33, mixtures=5, encoder=7, latent=16, seed=1):
    """The 17 arrays by their names; drawings have lengths like real ones."""
    rng = np.random.default_rng(seed)
    outputs = 3 + 6 * mixtures

    def normal(*shape, scale=None):
        return rng.normal(0, 1 / np.sqrt(shape[0]) if scale is None else scale, shape)

    arrays = {
        "wx": np.concatenate([normal(5, 4 * hidden, scale=0.5), normal(latent, 4 * hidden) * 0.5]),
        "wh": normal(hidden, 4 * hidden),
        "b": normal(4 * hidden, scale=0.5),
        "wo": normal(hidden, outputs),
        "bo": normal(outputs, scale=0.5),
        "mu.w": normal(2 * encoder, latent),
        "mu.b": normal(latent, scale=0.3),
        "sigma.w": normal(2 * encoder, latent),
        "sigma.b": normal(latent, scale=0.3),
        "z.w": normal(latent, 2 * hidden),
        "z.b": normal(2 * hidden, scale=0.3),
    }
    for side in ("fw", "bw"):
        arrays[f"{side}.wx"] = normal(5, 4 * encoder, scale=0.5)
        arrays[f"{side}.wh"] = normal(encoder, 4 * encoder)
        arrays[f"{side}.b"] = normal(4 * encoder, scale=0.5)
    arrays["bo"][:3] = (1.0, 0.0, -2.0)
    return {key: array.astype(np.float32) for key, array in arrays.items()}


FACTS = {"scale_factor": 20.0, "max_len": 100, "start_token": (0, 0, 1, 0, 0)}


def latent_net(precision="f32", latent_tanh=False, dtype=np.float32, **shape):
    arrays = {key: array.astype(dtype) for key, array in random_arrays(**shape).items()}
    return sketchrnn.from_arrays(
        arrays,
        **FACTS,
        name="random",
        metadata={"latent_tanh": "true" if latent_tanh else "false"},
        precision=precision,
    )


def reference(net):
    return LatentReference.of(
        net.arrays(),
        scale_factor=net.scale_factor,
        max_len=net.max_len,
        start_token=net.start_token,
        latent_tanh=net.metadata.get("latent_tanh") == "true",
    )


def some_drawings(count=6, seed=0):
    """Stroke-5 drawings of various lengths, the first of one row, finished and not."""
    rng = np.random.default_rng(seed)
    drawings = []
    for i in range(count):
        n = 1 if i == 0 else int(rng.integers(2, 50))
        rows = np.zeros((n, 5), np.float32)
        rows[:, :2] = rng.normal(0, 15, (n, 2)).round(1)
        up = rng.random(n) < 0.2
        rows[:, 2], rows[:, 3] = ~up, up
        if i % 2 == 0:
            rows[-1] = (0, 0, 0, 0, 1)
        drawings.append(rows)
    return drawings
