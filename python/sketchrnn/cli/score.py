"""``sketchrnn score``: how likely drawings are to a net, and which of several knows them best."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from ..untrusted import printable
from .common import add_command, load_net, net_options

if TYPE_CHECKING:
    from ..net import Net
    from ..sketch import Sketches


def add_to(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the subcommand."""
    text = "negative log-likelihood of drawings; ranks several nets"
    p = add_command(commands, formatter, "score", _score, text, "score pig drawings.ndjson --json")
    p.add_argument("nets", metavar="NET", nargs="+", help="names or files")
    p.add_argument("drawings", metavar="FILE", help=".ndjson, .npz, .bin, .json, .svg")
    p.add_argument("--limit", type=int, help="drawings at most")
    p.add_argument(
        "--fit",
        action="store_true",
        help="each net scores the drawings in its own size (a box of its training); several nets "
        "whose sizes differ by more than a tenth always do",
    )
    net_options(p)
    p.add_argument("--json", action="store_true", help="figures as JSON, of each drawing too")


def _score(options: argparse.Namespace) -> int:
    from ..completion import known_size
    from ..formats import read
    from .drawings import progress

    sketches = read(options.drawings, limit=options.limit)
    nets = []
    for name in options.nets:
        options.net = name
        nets.append((name, load_net(options)))
    sizes = {name: known_size(net) for name, net in nets} if len(nets) > 1 else {}
    fit = options.fit or (sizes and max(sizes.values()) > 1.1 * min(sizes.values()))
    found = []
    for name, net in nets:
        found.append(_figures(name, net, sketches, known_size(net) if fit else None, progress))
    found.sort(key=lambda figures: figures["comparable"])
    shown = [{k: v for k, v in one.items() if k != "comparable"} for one in found]
    if options.json:
        print(json.dumps(shown[0] if len(shown) == 1 else shown))
        return 0
    if len(shown) == 1:
        one = shown[0]
        for key in ("net", "drawings", "points"):
            print(f"{key:15} {printable(one[key])}")
        unit = one["net_unit_in_data_units"]
        print(f"{'nats per point':15} {one['nats_per_point_data_units']:.4f} in data units")
        print(f"{'':15} {one['nats_per_point_net_units']:.4f} in net units of {unit:g} data units")
        print(f"{'r_loss':15} {one['r_loss']:.4f} in net units")
        return 0
    head = ("rank", "net", "nats per point, data units", "net units", "r_loss")
    print(f"{head[0]:4}  {head[1]:24} {head[2]:>26} {head[3]:>10} {head[4]:>8}")
    for rank, one in enumerate(shown, 1):
        name = printable(one["given"])[-24:]
        print(
            f"{rank:4}  {name:24} {one['nats_per_point_data_units']:26.4f} "
            f"{one['nats_per_point_net_units']:10.4f} {one['r_loss']:8.4f}"
        )
    print(f"{shown[0]['drawings']} drawings, {shown[0]['points']} points; the lower the likelier.")
    if fit:
        print("Each net saw them in its own size; data units are those of the file.")
    return 0


def _figures(
    given: str, net: Net, sketches: Sketches, size: float | None, progress: Any
) -> dict[str, Any]:
    """What a net makes of the drawings; of their size where `size` is None, else in a box of it."""
    import numpy as np

    from ..sketch import Sketches

    scales = np.ones(len(sketches))
    if size is not None:
        bounds = [sketch.bounds for sketch in sketches]
        extents = np.array([max(b[2] - b[0], b[3] - b[1]) for b in bounds]).reshape(-1)
        scales = np.where(extents > 0, size / np.where(extents > 0, extents, 1), 1.0)
        drawn = [s.scaled(float(k)) for s, k in zip(sketches, scales, strict=True)]
        sketches = Sketches.of(drawn)
    score = net.score(sketches, progress=progress("scoring"))
    # Densities in the units of the file: each offset was scaled by k, so its area by k².
    moves = np.diff(score.offsets) - sketches.finished
    change = float((2 * np.log(scales) * moves).sum() / max(1, len(score.points)))
    data = score.per_point_data - change
    return {
        "net": net.name,
        "given": given,
        "drawings": len(score),
        "points": len(score.points),
        # As it was called before there was a second unit.
        "nats_per_point": score.per_point,
        "nats_per_point_net_units": score.per_point,
        "nats_per_point_data_units": data,
        "net_unit_in_data_units": net.scale_factor,
        "r_loss": score.r_loss,
        "per_drawing": score.per_drawing.tolist(),
        "comparable": data,
    }
