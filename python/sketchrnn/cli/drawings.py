"""Subcommands that make or read drawings: draw, complete, animate, plot, convert."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from ..strokes import METHODS
from ..untrusted import printable
from . import tables
from .common import add_command, is_net_file, load_net, net_options
from .pictures import (
    completion_options,
    look,
    look_options,
    note_unended,
    page,
    picture_options,
    put,
    show,
)

if TYPE_CHECKING:
    from ..net import Progress
    from ..sketch import Sketches


def add_to(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the subcommands of this module."""
    p = add_command(
        commands, formatter, "draw", _draw, "draw sketches", "draw pig -n 9 -o pigs.svg"
    )
    p.add_argument(
        "nets", metavar="NET", nargs="*", help="names or files, N drawings of each (default: cat)"
    )
    _drawing_options(p, several=True)
    p.add_argument(
        "--shards",
        type=int,
        metavar="M",
        help="write M .parquet files into the folder -o and keep those that are there and whole: a "
        "run that was stopped goes on (seed 0 unless --seed says another)",
    )
    p.add_argument(
        "--shard", metavar="I/M", help="of M such files only the one with the number I, 0 to M - 1"
    )

    text = "finish a started drawing"
    p = add_command(commands, formatter, "complete", _complete, text, "complete face eyes.svg -n 9")
    p.add_argument("net", metavar="NET")
    p.add_argument("start", metavar="START", help="file with the started drawing (its first one)")
    p.add_argument(
        "--fit",
        type=_fit,
        metavar="yes|no|SIZE",
        help="show the start to the net in the size that it knows, or SIZE units large, and bring "
        "what is added back (default: yes for .svg, where the page is kept too)",
    )
    completion_options(p)
    _page_options(p)
    _simplify_options(p)
    _drawing_options(p)

    text = "draw a sketch as an animation"
    p = add_command(commands, formatter, "animate", _animate, text, "animate duck -o duck.gif")
    p.add_argument("net", metavar="NET", nargs="?")
    p.add_argument("--points-per-second", type=float, default=40.0, metavar="P")
    _drawing_options(p)

    text = "draw for a pen plotter (HP-GL .hpgl .plt, G-code .gcode .nc)"
    p = add_command(
        commands, formatter, "plot", _plot, text, "plot cactus --page 210x297 -o c.gcode"
    )
    p.add_argument("net", metavar="NET", help="a net, or a file of drawings")
    _page_options(p)
    _drawing_options(p)

    text = "from one format of drawings to another"
    p = add_command(commands, formatter, "convert", _convert, text, "convert a.ndjson b.npz")
    p.add_argument("sources", metavar="FROM", nargs="+", help="files; their drawings one by one")
    p.add_argument("target", metavar="TO", help="file, or - for standard output")
    p.add_argument("--format", help="suffix that TO would have, such as .ndjson")
    p.add_argument("--limit", type=int, help="drawings at most, of each file")
    p.add_argument("--fit", type=float, metavar="SIZE", help="scale each into a box of SIZE units")
    look_options(p)
    _page_options(p)
    _simplify_options(p)


def _drawing_options(p: argparse.ArgumentParser, *, several: bool = False) -> None:
    p.add_argument("-n", type=int, default=1, metavar="N", help="how many (default 1)")
    p.add_argument(
        "-t",
        "--temperature",
        type=float,
        metavar="T",
        help="τ, 0 and more (0.4)" + ("; again for N drawings at another" if several else ""),
        **({"action": "append"} if several else {"default": 0.4}),
    )
    p.add_argument("--seed", type=int, help="the same seed gives the same drawings")
    p.add_argument(
        "--softmax-temperature",
        type=float,
        metavar="T",
        help="τ of pen and component alone; 0.5 + τ/2 keeps nets from repeating themselves",
    )
    picture_options(p)
    p.add_argument("--max-len", type=int, help="points of a drawing at most")
    net_options(p)
    p.add_argument("--threads", type=int)


def _simplify_options(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--simplify",
        type=float,
        metavar="E",
        help="first simplify at E units; the nets saw drawings simplified at 2 pixels",
    )
    p.add_argument("--method", default="rdp", choices=METHODS, help="of --simplify (rdp)")


def _page_options(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--page",
        type=page,
        metavar="WxH",
        help="plotters: millimetres, or a4, a4-landscape, letter, … (default: the SVG's, else A4)",
    )
    p.add_argument("--feed", type=float, metavar="F", help="G-code: mm a minute while drawing")
    p.add_argument("--pen-up", metavar="CODE", help="G-code that lifts the pen")
    p.add_argument("--pen-down", metavar="CODE", help="G-code that lowers it")


def _fit(text: str) -> bool | float:
    words = {"yes": True, "no": False}
    try:
        return words[text.lower()] if text.lower() in words else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected yes, no or a size, found {text!r}") from None


def greet(options: argparse.Namespace) -> int:
    """What the command does when nothing is asked: a drawing from the default net."""
    from ..nets.load import load

    net = load()
    show(net.draw(temperature=0.3))
    print(
        f"A {printable(net.name)}, drawn just now. sketchrnn -h says what else there is.",
        file=sys.stderr,
    )
    return 0


def _arguments(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "temperature": options.temperature,
        "softmax_temperature": options.softmax_temperature,
        "seed": options.seed,
        "max_len": options.max_len,
        "threads": options.threads,
    }


def progress(what: str) -> Progress | None:
    """A line that grows on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return None
    start = time.monotonic()

    def line(done: int, total: int) -> None:
        # Short work shows nothing.
        if time.monotonic() - start > 0.5:
            end = "\n" if done == total else ""
            print(f"\r{what} {done}/{total}", end=end, file=sys.stderr, flush=True)

    return line


def _page_of(options: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(options, name) for name in ("page", "feed", "pen_up", "pen_down")}


def _draw(options: argparse.Namespace) -> int:
    from ..sketch import joined

    nets = [load_net(options, name) for name in options.nets or [None]]
    temperatures = options.temperature or [0.4]
    if tables.wanted(options):
        return tables.draw(options, nets, temperatures)
    parts = [
        net.draw(
            options.n,
            **{**_arguments(options), "temperature": temperature},
            progress=progress("drawing"),
        )
        for net in nets
        for temperature in temperatures
    ]
    sketches = joined(parts)
    status = put(sketches, options)
    note_unended(sketches, options)
    return status


def _complete(options: argparse.Namespace) -> int:
    from ..formats import read

    start = read(options.start, limit=1)
    if len(start) == 0:
        raise ValueError(f"{options.start}: no drawing in it")
    net = load_net(options, options.net)
    sketches = net.complete(
        _simplified(start, options)[0],
        options.n,
        fit=options.fit,
        **_arguments(options),
        progress=progress("drawing"),
    )
    status = put(sketches, options, **_page_of(options))
    note_unended(sketches, options)
    return status


def _animate(options: argparse.Namespace) -> int:
    if options.output is None and options.format is None:
        return _animate_here(options)
    net = load_net(options, options.net)
    sketches = net.draw(options.n, **_arguments(options))
    more: dict[str, Any] = {"points_per_second": options.points_per_second}
    if (options.format or options.output).lower().endswith(".svg"):
        more["animate"] = True
    return put(sketches, options, **more)


def _animate_here(options: argparse.Namespace) -> int:
    """Frames on the terminal, each over the last; elsewhere the finished drawing."""
    sketch = load_net(options, options.net).draw(**_arguments(options))
    if not sys.stdout.isatty():
        show(sketch)
        return 0
    height = 0
    for count in range(1, len(sketch) + 1):
        if height:
            print(f"\x1b[{height}F\x1b[J", end="")  # up to the frame's first line, clear
        height = show(sketch, count)
        time.sleep(1 / options.points_per_second)
    return 0


def _plot(options: argparse.Namespace) -> int:
    from ..formats import FORMATS, read

    plots = tuple(suffix for suffix, f in FORMATS.items() if f.module in ("hpgl", "gcode"))
    name = options.output if options.format is None else options.format
    if name is None or not name.lower().endswith(plots):
        raise ValueError(f"-o: expected a file ending in one of {', '.join(plots)}, found {name}")
    is_net = not os.path.exists(options.net) or is_net_file(options.net)
    if is_net:
        drawings = load_net(options, options.net).draw(options.n, **_arguments(options))
    else:
        drawings = read(options.net, limit=options.n)
    status = put(drawings, options, **_page_of(options))
    if is_net:
        note_unended(drawings, options)
    return status


def _convert(options: argparse.Namespace) -> int:
    from ..formats import read, save
    from ..sketch import joined

    parts = [_simplified(read(path, limit=options.limit), options) for path in options.sources]
    sketches = joined(parts)
    chosen = {k: v for k, v in _page_of(options).items() if v is not None}
    target, format = options.target, options.format
    save(target, sketches, format=format, **look(sketches, options), **chosen)
    return 0


def _simplified(sketches: Sketches, options: argparse.Namespace) -> Sketches:
    size = options.fit if options.run is _convert else None
    if size is not None:
        from ..sketch import Sketches

        sketches = Sketches.of([sketch.fitted(size) for sketch in sketches])
    if options.simplify is None:
        return sketches
    return sketches.simplify(options.simplify, options.method)
