"""Subcommands about nets: list, objects, info, export, embed, dataset, train, bench."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from ..nets import WRITTEN
from ..nets.names import MANY
from ..train import dataset
from ..untrusted import printable
from .common import add_command, load_net, net_options

if TYPE_CHECKING:
    from ..net import Net


def add_to(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the subcommands of this module."""

    def command(name: str, run: Any, text: str, example: str) -> argparse.ArgumentParser:
        return add_command(commands, formatter, name, run, text, example)

    p = command("list", _list, "list the nets that have a name", "list --json")
    p.add_argument("--json", action="store_true")

    p = command("objects", _objects, "list what the net of many objects draws", "objects")
    p.add_argument("net", metavar="NET", nargs="?", default=MANY, help=f"(default: {MANY})")
    p.add_argument("--json", action="store_true")

    p = command("info", _info, "say what a net is made of", "info pig --diagram pig.svg")
    p.add_argument("net", metavar="NET", nargs="?")
    net_options(p)
    p.add_argument("--json", action="store_true")
    p.add_argument("--diagram", metavar="FILE.svg", help="draw the net's layers there")

    p = command("export", _export, "take a net elsewhere", "export pig pig.onnx")
    p.add_argument("net", metavar="NET")
    p.add_argument(
        "output", metavar="FILE", help=", ".join(s for f in WRITTEN.values() for s in f.suffixes)
    )
    p.add_argument("--format", help="where the suffix does not say, such as mxnet")
    p.add_argument(
        "--graph",
        choices=("step", "sequence", "sampler", "encoder", "initial"),
        help="ONNX: which graph",
    )
    p.add_argument("--length", type=int, help="MXNet: rows of a drawing")
    net_options(p)

    p = command("embed", _embed, "write a net into C source", "embed pig -o pig.h")
    p.add_argument("net", metavar="NET")
    p.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help=".h, or .o for an object file with its header beside it",
    )
    p.add_argument(
        "--symbol", help="name of the array, or what the names of --standalone begin with"
    )
    p.add_argument(
        "--standalone",
        action="store_true",
        help="a header that draws by itself, in precision i8, on a chip without a C library",
    )
    p.add_argument(
        "--temperature", type=float, metavar="T", help="with --standalone: fixed, not a parameter"
    )
    p.add_argument(
        "--greedy", action="store_true", help="with --standalone: temperature 0 alone, less code"
    )
    p.add_argument(
        "--like", metavar="FILE", help="with --standalone, of a net with an encoder: the drawing"
    )
    net_options(p)

    text = "make a data set of drawings"
    p = command("dataset", dataset.command, text, "dataset svgs/ more.ndjson -o mine.npz")
    dataset.options_of(p)

    command("train", None, "train a net (see sketchrnn train -h)", "train pig.ndjson -o pig.st")

    p = command("bench", _bench, "measure this machine", "bench pig --seconds 2")
    p.add_argument("net", metavar="NET", nargs="?")
    p.add_argument("--seconds", type=float, default=0.5, help="for each figure (default 0.5)")
    p.add_argument("--json", action="store_true")


def _list(options: argparse.Namespace) -> int:
    from ..nets.catalog import catalog

    entries = catalog()
    if options.json:
        print(json.dumps([entry._asdict() for entry in entries], indent=1))
        return 0
    print(f"{'name':20} {'source':9} {'units':>5} {'scale':>8} {'longest':>8}  here")
    for net in entries:
        print(
            f"{net.name:20} {net.source:9} {net.hidden_size:5} {net.scale_factor:8.3f} "
            f"{net.max_len:8}  {'yes' if net.available else 'no'}"
        )
    return 0


def _objects(options: argparse.Namespace) -> int:
    from ..nets.load import load

    objects = load(options.net).objects
    print(json.dumps(objects, indent=1) if options.json else "\n".join(map(printable, objects)))
    return 0


def _info(options: argparse.Namespace) -> int:
    net = load_net(options, options.net)
    info = net.info()
    if options.diagram:
        net.export(options.diagram, "diagram")
    if options.json:
        print(json.dumps(info, indent=1))
        return 0
    print(f"{printable(info['name'])}: {info['hidden_size']} units, {info['mixtures']} components")
    if len(net.objects) > 1:
        shown = f"{len(net.objects)} (sketchrnn objects lists them); {net.name} if none is named"
        print(f"{'objects':15} {printable(shown)}")
    for name, array in info["arrays"].items():
        shape = " × ".join(map(str, array["shape"]))
        print(f"  {name:4} {shape:14} {array['elements']:10,} {array['dtype']}")
    print(f"  all  {'':14} {info['total']:10,}")
    layers = ", ".join(f"{count} {layer}" for layer, count in info["layers"].items())
    print(f"layers          {layers}")
    for key in ("scale_factor", "max_len", "start_token", "weight_bytes", "file_bytes"):
        print(f"{key:15} {info[key]}")
    for key in ("packed_bytes", "precision", "device", "isa"):
        print(f"{key:15} {info[key]}")
    for key, value in info["provenance"].items():
        print(f"{key:15} {printable(value)}")
    if info["training"] is not None:
        print(f"{'training':15} {json.dumps(info['training'])}")
    return 0


def _export(options: argparse.Namespace) -> int:
    net = load_net(options, options.net)
    chosen = {"format": options.format, "graph": options.graph, "length": options.length}
    net.export(options.output, **{k: v for k, v in chosen.items() if v is not None})
    return 0


def _embed(options: argparse.Namespace) -> int:
    chosen = {"symbol": options.symbol} if options.symbol else {}
    if not options.standalone:
        if options.greedy or options.like or options.temperature is not None:
            raise ValueError("--temperature, --greedy and --like belong to --standalone")
        load_net(options, options.net).export(options.output, "c", **chosen)
        return 0
    options.precision = "i8"
    net = load_net(options, options.net)
    if options.like:
        from ..formats import read

        chosen["z"] = net.encode(read(options.like)[0])
    net.export(
        options.output,
        "standalone",
        temperature=options.temperature,
        greedy=options.greedy,
        **chosen,
    )
    return 0


def _bench(options: argparse.Namespace) -> int:
    from .. import _core
    from ..nets.load import load

    result: dict[str, Any] = {"threads": _core.processors(), "isa": _core.running_isa()}
    for precision in _core.precisions():
        try:
            net = load(options.net, precision=precision)
        except ValueError as error:
            print(f"{precision}: {error}", file=sys.stderr)
            continue
        result[precision] = {
            "one_stream_us_per_point": 1e6 / _rate(net, 1, options.seconds, 1),
            "many_points_per_second": _rate(net, 512, options.seconds, None),
        }
    if options.json:
        print(json.dumps(result, indent=1))
        return 0
    print(f"{result['isa']}, {result['threads']} threads")
    for precision, figures in result.items():
        if isinstance(figures, dict):
            print(
                f"{precision:4} one stream, 1 thread {figures['one_stream_us_per_point']:8.1f} µs "
                f"a point; many {figures['many_points_per_second']:10,.0f} points a second"
            )
    return 0


def _rate(net: Net, n: int, seconds: float, threads: int | None) -> float:
    """Points per second, median of five parts."""
    rates, seed = [], 0
    for _ in range(5):
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / 5:
            done += len(net.draw(n, seed=seed, threads=threads).strokes)
            seed += 1
        rates.append(done / (time.perf_counter() - start))
    return statistics.median(rates)
