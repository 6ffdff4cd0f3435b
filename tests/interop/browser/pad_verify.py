"""Whether Python draws what the pad drew, and opens what it saved. pad_verify.py FOLDER BROWSER"""

import json
import sys
from pathlib import Path

import av
import numpy as np
from PIL import Image

import sketchrnn
from sketchrnn.latent import between


def main(folder, browser):
    said = json.loads((folder / f"{browser}-steps.json").read_text())
    strokes = np.frombuffer(bytes.fromhex(said["strokes"]), "<f4").reshape(-1, 5)
    net = sketchrnn.load("everything", precision="i8")
    rows = np.zeros((0, 5), np.float32)
    for step in said["steps"]:
        if isinstance(step, list):
            line = np.zeros((len(step) // 2, 5), np.float32)
            line[:, :2] = np.reshape(step, (-1, 2))
            line[:, 2] = 1
            line[-1, 2:4] = (0, 1)
            rows = np.concatenate([rows, line])
            continue
        (sketch,) = net.complete(
            rows,
            1,
            seed=int(step["seed"]),
            index=step["index"],
            temperature=step["temperature"],
            object=step["object"],
        )
        rows = sketch.strokes[: len(sketch.strokes) - sketch.finished].copy()
        rows[-1, 2:] = (0, 1, 0)
    assert np.array_equal(rows, strokes), "the pad's rows are not Python's"
    (read,) = sketchrnn.scan(folder / f"{browser}.json")
    assert np.array_equal(read.strokes[: len(strokes)], strokes)
    with Image.open(folder / f"{browser}.png") as picture:
        assert max(picture.size) == 1024
        assert np.ptp(np.asarray(picture.convert("L"))) > 200
        ink = 1 - np.asarray(picture.convert("L").resize((256, 256))) / 255
    check_gif(folder / f"{browser}.gif", len(strokes), ink)
    (again,) = sketchrnn.scan(folder / f"{browser}.svg")
    assert len(again.lines()) == len(read.lines())
    # Drawn at the hand's pace: some frames, the last with more ink than the first.
    with av.open(str(folder / f"{browser}.webm")) as film:
        frames = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    inked = [(frame < 128).sum() for frame in (frames[0], frames[-1])]
    assert len(frames) > 20
    assert inked[1] > max(5 * inked[0], 1000), inked
    net = sketchrnn.load("morph", precision="i8")
    check_morph(json.loads((folder / f"{browser}-morph.json").read_text()), net)
    print(f"  {browser}: {len(strokes)} rows, Python's bytes; JSON, PNG, GIF, SVG and WebM opened")


def check_morph(said, net):
    """The drawings on the way are Python's, from the latent vectors of Python's way."""
    ends = [np.float32(end).reshape(-1, 5) for end in said["ends"]]
    wanted = between(*net.encode(ends), np.linspace(0, 1, len(said["ways"])))
    for z, way in zip(wanted, said["ways"], strict=True):
        # The angle is JavaScript's, NumPy's here: the last place of float32 after that.
        np.testing.assert_allclose(np.float32(way["z"]), z, rtol=1e-6, atol=1e-6)
        drawn = net.draw(
            seed=said["seed"],
            index=way["index"],
            temperature=said["temperature"],
            z=np.float32(way["z"]),
        )
        assert np.array_equal(drawn.strokes, np.float32(way["strokes"]).reshape(-1, 5))


def check_gif(path, rows, ink):
    """A white paper first, more ink in every frame, what the PNG shows in the last."""
    with Image.open(path) as film:
        assert max(film.size) == 480
        assert film.info["loop"] == 0
        frames, waits = [], []
        for k in range(film.n_frames):
            film.seek(k)
            waits.append(film.info["duration"])
            frames.append(1 - np.asarray(film.convert("L").resize((256, 256))) / 255)
    assert len(frames) == 1 + (rows + 1) // 2
    assert waits == [200, *[40] * (len(frames) - 2), 2000]  # milliseconds
    sums = [frame.sum() for frame in frames]
    assert sums[0] == 0
    assert min(np.diff(sums)) >= 0
    # Lines of other pixels, in eight greys: a small part of all ink is elsewhere.
    assert np.abs(frames[-1] - ink).sum() < 0.25 * ink.sum()


main(Path(sys.argv[1]), sys.argv[2])
