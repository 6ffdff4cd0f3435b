"""What check.sh holds JavaScript against: nets, and what Python draws and predicts with them.
prepare.py FOLDER"""

import json
import sys
from pathlib import Path

import numpy as np

import sketchrnn
from sketchrnn.nets.safetensors import pack

sys.path.insert(0, str(Path(__file__).parents[2]))
from latent_nets import latent_net
from real_drawings import SHARED

SEEDS = (0, 7, 2**53 - 1, 2**64 - 1)


def cases(folder):
    """Names of files, and the precisions to run them in."""
    for name in ("pig", "duck"):
        net = sketchrnn.load(name)
        net.save(folder / f"{name}.safetensors")
        yield f"{name}.safetensors", ("f32", "i16")
        sketchrnn.load(name, precision="i8").save(folder / f"{name}.i8.safetensors")
        yield f"{name}.i8.safetensors", ("i8",)
    sketchrnn.load("everything", precision="i8").save(folder / "everything.i8.safetensors")
    yield "everything.i8.safetensors", ("i8",)
    # Sizes that are no multiple of anything; calibrated for i8 in the browser's engine itself.
    for seed, (hidden, mixtures) in enumerate([(1, 1), (7, 5), (61, 3), (131, 20)]):
        path = folder / f"made{hidden}.safetensors"
        path.write_bytes(made(hidden, mixtures, seed))
        yield path.name, ("f32", "i16", "i8")
    # One with an encoder; nothing else of its kind is bundled.
    latent_net().save(folder / "latent.safetensors")
    yield "latent.safetensors", ("f32", "i16", "i8")
    if SHARED is not None:
        for path in sorted((SHARED / "official").glob("*.gen.json")):
            (folder / path.name).write_bytes(path.read_bytes())
            # f32 is slow without a fused multiply-add: one of them.
            yield path.name, ("i16", "f32") if path.stem.startswith("dog") else ("i16",)
            sketchrnn.load(path, precision="i8").save(folder / f"{path.stem}.i8.safetensors")
            yield f"{path.stem}.i8.safetensors", ("i8",)


def made(hidden, mixtures, seed):
    """A container with random weights."""
    random = np.random.default_rng(seed)
    outputs = 3 + 6 * mixtures
    shapes = {
        "wx": (5, 4 * hidden),
        "wh": (hidden, 4 * hidden),
        "b": (4 * hidden,),
        "wo": (hidden, outputs),
        "bo": (outputs,),
    }
    arrays = {
        key: (random.normal(size=shape) / (np.sqrt(hidden) if key in ("wh", "wo") else 2)).astype(
            np.float32
        )
        for key, shape in shapes.items()
    }
    arrays["bo"][2] = -3  # a drawing ends seldom
    return pack(
        arrays, name=f"made {hidden}", scale_factor=17.5, max_len=90, start_token=(0, 0, 1, 0, 0)
    )


def strokes_of(sketch):
    return np.ascontiguousarray(sketch.strokes, "<f4").tobytes().hex()


def floats_of(array):
    return np.ascontiguousarray(array, "<f4").tobytes().hex()


def latent(net):
    """Where a drawing lies, and what is drawn from there: one, three of one vector, two of two."""
    given = net.draw(seed=3, index=2, temperature=0.5, max_len=40)
    mu, sigma = net.posterior([given])
    two = np.concatenate([mu, mu + sigma])
    options = {"seed": 9, "temperature": 0.5, "max_len": 60}
    return {
        "given": strokes_of(given),
        "mu": floats_of(mu),
        "sigma": floats_of(sigma),
        "two": floats_of(two),
        "one": [strokes_of(s) for s in net.draw(3, z=mu[0], **options)],
        "each": [strokes_of(s) for s in net.draw(2, z=two, **options)],
        "complete": [strokes_of(s) for s in net.complete(given.strokes[:4], 2, z=mu[0], **options)],
    }


def expected(net):
    out = {"draw": [], "complete": []}
    for number, seed in enumerate(SEEDS):
        options = {"seed": seed, "temperature": (0.0, 0.4, 0.7, 1.0)[number], "index": number}
        object = net.objects[(97 * number) % len(net.objects)] if len(net.objects) > 1 else None
        sketch = net.draw(**options, object=object, max_len=80)
        rows = sketch.strokes[: max(1, len(sketch.strokes) // 3)]
        out["draw"].append(
            {
                "seed": str(seed),
                **{k: options[k] for k in ("temperature", "index")},
                "object": object,
                "strokes": strokes_of(sketch),
            }
        )
        if rows[-1][4] == 1:
            continue
        out["complete"].append(
            {
                "seed": str(seed),
                "temperature": 0.5,
                "object": object,
                "given": np.ascontiguousarray(rows, "<f4").tobytes().hex(),
                "strokes": [
                    strokes_of(s)
                    for s in net.complete(rows, 3, seed=seed, temperature=0.5, object=object)
                ],
            }
        )
    if net.latent_size > 0:
        out["latent"] = latent(net)
        return out
    first = net.predict(sketch.strokes[:1]) if len(net.objects) < 2 else None
    if first is not None:
        out["predict"] = {
            "given": np.ascontiguousarray(sketch.strokes[:1], "<f4").tobytes().hex(),
            "pen": first.pen.tolist(),
            "pi": first.pi.tolist(),
            "muX": first.mu_x.tolist(),
            "sigmaY": first.sigma_y.tolist(),
            "rho": first.rho.tolist(),
        }
    return out


def main(folder):
    jobs = []
    for name, precisions in cases(folder):
        for precision in precisions:
            net = sketchrnn.load(folder / name, precision=precision)
            jobs.append({"file": name, "precision": precision, **expected(net)})
    (folder / "expected.json").write_text(json.dumps(jobs))
    broken = []
    for path in sorted((Path(__file__).parents[2] / "corpus").glob("*.safetensors")):
        try:
            sketchrnn.load(path)
        except ValueError as error:
            broken.append({"file": str(path), "error": str(error).split(": ", 1)[1]})
    (folder / "broken.json").write_text(json.dumps(broken))
    print(f"  {len(jobs)} nets and precisions, {len(broken)} broken files")


main(Path(sys.argv[1]))
