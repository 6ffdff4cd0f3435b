"""Headers and Python's rows of them, a folder net-NAME each: python nets.py FOLDER [NET…]

Without nets pig-128, a random one of odd size, and one of more than one block of sums.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import sketchrnn
from sketchrnn import _core
from sketchrnn.nets.safetensors import pack

TEMPERATURE = float(np.float32(0.4))  # rows.c's


def random_net(hidden: int, mixtures: int) -> sketchrnn.Net:
    net = sketchrnn.load(trained=False, hidden_size=hidden, mixtures=mixtures, seed=hidden)
    arrays = net.arrays()
    arrays["bo"][2] = -3  # drawings that do not end at once
    data = pack(arrays, name=f"random{hidden}", scale_factor=20.0, max_len=60)
    return sketchrnn.Net(_core.Net.from_bytes(data, "random", "i8"))


def plain(net: sketchrnn.Net) -> str:
    """Float arrays, for plain.c."""
    arrays = net.arrays()
    arrays["wh"], arrays["wo"] = arrays["wh"].T, arrays["wo"].T
    sizes = {"H": net.hidden_size, "M": net.mixtures, "OUT": 3 + 6 * net.mixtures}
    text = "".join(f"#define {name} {size}\n" for name, size in sizes.items())
    for name, array in arrays.items():
        shape = "".join(f"[{n}]" for n in array.shape)
        rows = np.atleast_2d(array)
        numbers = ",\n".join("{" + ",".join(f"{x:.9e}f" for x in row) + "}" for row in rows)
        body = f"{{{numbers}}}" if array.ndim == 2 else numbers
        text += f"static const float {name}{shape} = {body};\n"
    return text


def main() -> None:
    folder, *names = sys.argv[1:]
    nets = {n.replace(" ", "_"): sketchrnn.load(n, precision="i8") for n in names or ["pig-128"]}
    if not names:
        nets |= {f"random-{h}": random_net(h, m) for h, m in ((37, 5), (261, 3))}
    for name, net in nets.items():
        target = Path(folder) / f"net-{name}"
        target.mkdir(exist_ok=True)
        net.export(target / "net.h", "standalone", symbol="net")
        with open(target / "rows.txt", "w") as file:
            for n in range(3):
                sketch = net.draw(temperature=TEMPERATURE, seed=7, index=n << 31)
                for row in sketch.strokes.view(np.uint32):
                    print("".join(f"{word:08x} " for word in row), file=file)
        net.save(target / "net.safetensors")
        (target / "plain.h").write_text(plain(net))
        print(f"  {name}: {net.hidden_size} units, {net.mixtures} components")


main()
