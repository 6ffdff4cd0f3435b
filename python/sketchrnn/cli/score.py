"""``sketchrnn score``: how likely drawings are to a net, and which of several knows them best."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..untrusted import printable
from . import tables
from .common import add_command, is_net_file, load_net, net_options

if TYPE_CHECKING:
    from ..net import Net
    from ..sketch import Sketches


def add_to(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the subcommand."""
    text = "negative log-likelihood of drawings; ranks several nets"
    p = add_command(commands, formatter, "score", _score, text, "score pig drawings.ndjson --json")
    p.add_argument(
        "names",
        metavar="NET… FILE",
        nargs="+",
        help="nets by name or file, then files of drawings (.ndjson, .parquet, .npz, .bin, …)",
    )
    p.add_argument(
        "-o",
        "--output",
        metavar="OUT.parquet",
        help="write each drawing's figures as a table, of corpora of any size; into a folder "
        "(OUT/): a table for each file, and those that are there are kept",
    )
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
    from ..sketch import joined
    from .drawings import progress

    names, files = _told_apart(options.names)
    nets = [(name, load_net(options, name)) for name in names]
    if options.output is not None:
        return tables.score(options, [net for _, net in nets], files)
    sketches = joined([read(path, limit=options.limit) for path in files])
    if not len(sketches):
        raise ValueError(f"expected drawings to score, found none in {', '.join(files)}")
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
    given = [printable(one["given"]) for one in shown]
    wide = max(24, *map(len, given))
    print(f"{head[0]:4}  {head[1]:{wide}} {head[2]:>26} {head[3]:>10} {head[4]:>8}")
    for rank, (name, one) in enumerate(zip(given, shown, strict=True), 1):
        print(
            f"{rank:4}  {name:{wide}} {one['nats_per_point_data_units']:26.4f} "
            f"{one['nats_per_point_net_units']:10.4f} {one['r_loss']:8.4f}"
        )
    print(f"{shown[0]['drawings']} drawings, {shown[0]['points']} points; the lower the likelier.")
    print("r_loss is in net units too, which are another length for each net.")
    if fit:
        print("Each net saw them in its own size; data units are those of the file.")
    return 0


def _told_apart(names: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The nets and, behind them, the files of drawings."""
    from ..formats import reads

    for k, name in enumerate(names):
        if k and not is_net_file(name) and reads(name):
            return names[:k], names[k:]
    if len(names) == 1:
        raise ValueError("expected a net and, behind it, a file of drawings")
    return names[:-1], names[-1:]  # whatever is wrong with that, its reader says


def _figures(
    given: str, net: Net, sketches: Sketches, size: float | None, progress: Any
) -> dict[str, Any]:
    """What a net makes of the drawings; of their size where `size` is None, else in a box of it."""
    import numpy as np

    from ..completion import in_size

    scales = np.ones(len(sketches))
    if size is not None:
        sketches, scales = in_size(sketches, size)
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
        "units": {key: "net" for key in ("nats_per_point", "r_loss", "per_drawing")},
        "comparable": data,
    }
