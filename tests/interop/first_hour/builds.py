"""The first hour of one who builds games and plotters: names, pools of processes, objects that can
be compared, cut and joined, and what is said without a network.

    python builds.py FOLDER
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import sketchrnn


def drawn(task: tuple[sketchrnn.Net, int]) -> sketchrnn.Sketch:
    net, index = task
    return net.draw(seed=11, index=index, temperature=0.3)


def offline(folder: Path) -> None:
    """`draw cat` where no network is, and what a net that only the network has says then."""
    # Discard (RFC 863): nothing listens.
    unreachable = {"SKETCHRNN_MIRROR": "http://127.0.0.1:9", "SKETCHRNN_HOME": str(folder / "home")}
    words = [sys.executable, "-m", "sketchrnn", "draw"]
    env = {**os.environ, **unreachable}
    assert subprocess.run([*words, "cat"], capture_output=True, env=env).returncode == 0
    done = subprocess.run([*words, "book"], capture_output=True, env=env)
    said = done.stderr.decode()
    assert done.returncode == 1, said
    assert said.count("\n") == 1, said
    assert "sketchrnn draw everything --object book" in said, said
    if "pip install" not in said:
        assert "no network" in said, said
        assert str(folder / "home" / "official") in said, said
    cat = sketchrnn.load("everything").of("Cat").draw(seed=1, temperature=0.3)
    cat.save(folder / "cat.svg", by_order=True, stroke_width=3)
    print(f"offline: {said.strip()}")


def main() -> None:
    folder = Path(sys.argv[1])
    net = sketchrnn.load("Ice Cream", precision="i8")
    with ProcessPoolExecutor(2) as pool:
        some = list(pool.map(drawn, [(net, index) for index in range(8)]))
    alone = net.draw(8, seed=11, temperature=0.3)
    assert sketchrnn.Sketches.of(some) == alone
    assert pickle.loads(pickle.dumps(net)) == net
    both = alone + sketchrnn.load("cactus").draw(2, seed=1)
    assert [sketch.name for sketch in both[[0, -1]]] == ["ice cream", "cactus"], both
    assert both[:8] == alone
    assert both[both.finished].finished.all()
    both[:2].save(folder / "two.hpgl", page=(100, 100), pen=2)
    for wrong, near in (("pigg", "pig"), ("giraff", "giraffe"), ("calculater", "calculator")):
        said = ""
        try:
            sketchrnn.load(wrong)
        except ValueError as error:
            said = str(error)
        assert near in said, (wrong, said)
    offline(folder)
    print("pool of processes, pickles, slices, near names: as they should be")


if __name__ == "__main__":
    main()
