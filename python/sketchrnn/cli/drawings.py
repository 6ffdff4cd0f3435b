"""Subcommands that make, read or judge drawings: draw, complete, animate, plot, score, convert."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

from ..strokes import METHODS
from .common import add_command, load_net, net_options

if TYPE_CHECKING:
    from ..net import Progress
    from ..sketch import Sketch, Sketches


def add_to(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the subcommands of this module."""
    p = add_command(
        commands, formatter, "draw", _draw, "draw sketches", "draw pig -n 9 -o pigs.svg"
    )
    p.add_argument("net", metavar="NET", nargs="?", help="a name or a file (default: the default)")
    _drawing_options(p)

    text = "finish a started drawing"
    p = add_command(commands, formatter, "complete", _complete, text, "complete face eyes.svg -n 9")
    p.add_argument("net", metavar="NET")
    p.add_argument("start", metavar="START", help="file with the started drawing (its first one)")
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
    p.add_argument("--page", type=_page, default=(210.0, 297.0), metavar="WxH", help="millimetres")
    p.add_argument("--feed", type=float, metavar="F", help="G-code: mm a minute while drawing")
    p.add_argument("--pen-up", metavar="CODE", help="G-code that lifts the pen")
    p.add_argument("--pen-down", metavar="CODE", help="G-code that lowers it")
    _drawing_options(p)

    text = "negative log-likelihood of drawings"
    p = add_command(commands, formatter, "score", _score, text, "score pig drawings.ndjson --json")
    p.add_argument("net", metavar="NET")
    p.add_argument("drawings", metavar="FILE", help=".ndjson, .npz, .bin, .json, .svg")
    p.add_argument("--limit", type=int, help="drawings at most")
    net_options(p)
    p.add_argument("--json", action="store_true", help="figures as JSON, of each drawing too")

    text = "from one format of drawings to another"
    p = add_command(commands, formatter, "convert", _convert, text, "convert a.ndjson b.npz")
    p.add_argument("source", metavar="FROM")
    p.add_argument("target", metavar="TO", help="file, or - for standard output")
    p.add_argument("--format", help="suffix that TO would have, such as .ndjson")
    p.add_argument("--limit", type=int, help="drawings at most")
    _simplify_options(p)


def _drawing_options(p: argparse.ArgumentParser) -> None:
    p.add_argument("-n", type=int, default=1, metavar="N", help="how many (default 1)")
    p.add_argument("-t", "--temperature", type=float, default=0.4, help="τ, 0 and more (0.4)")
    p.add_argument("--seed", type=int, help="the same seed gives the same drawings")
    p.add_argument("-o", "--output", metavar="FILE", help="its suffix is the format; - for stdout")
    p.add_argument("--format", metavar=".SUFFIX", help="where the file's name does not say")
    p.add_argument("--size", type=float, help="width of a picture in pixels")
    p.add_argument("--columns", type=int, help="drawings in a row")
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


def _page(text: str) -> tuple[float, float]:
    try:
        width, height = map(float, text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected WxH in mm, found {text!r}") from None
    return width, height


def greet(options: argparse.Namespace) -> int:
    """What the command does when nothing is asked: a drawing from the default net."""
    from ..loading import load

    net = load()
    _show(net.draw(temperature=0.3))
    print(f"A {net.name}, drawn just now. sketchrnn -h says what else there is.", file=sys.stderr)
    return 0


def _arguments(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "temperature": options.temperature,
        "seed": options.seed,
        "max_len": options.max_len,
        "threads": options.threads,
    }


def _progress(what: str) -> Progress | None:
    """A line that grows on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return None
    start = time.monotonic()

    def show(done: int, total: int) -> None:
        # Short work shows nothing.
        if time.monotonic() - start > 0.5:
            end = "\n" if done == total else ""
            print(f"\r{what} {done}/{total}", end=end, file=sys.stderr, flush=True)

    return show


def _show(drawing: Sketch | Sketches, points: int | None = None) -> int:
    """Print a drawing, or its first points in their final place; returns the lines it took."""
    from ..terminal import braille

    columns, rows = shutil.get_terminal_size((80, 24))
    side = max(4, min(columns // 2, rows - 2, 24))
    print(braille(drawing, 2 * side, side, points))
    return side


def _put(drawing: Sketch | Sketches, options: argparse.Namespace, **more: Any) -> int:
    """Into the file that is asked for, or onto the terminal."""
    if options.output is None and options.format is None:
        _show(drawing)
        return 0
    chosen = {"size": options.size, "columns": options.columns, **more}
    from ..formats import save

    target = "-" if options.output is None else options.output
    given = {key: value for key, value in chosen.items() if value is not None}
    save(target, drawing, format=options.format, **given)
    return 0


def _draw(options: argparse.Namespace) -> int:
    net = load_net(options)
    sketches = net.draw(options.n, **_arguments(options), progress=_progress("drawing"))
    return _put(sketches, options)


def _complete(options: argparse.Namespace) -> int:
    from ..formats import read

    start = read(options.start, limit=1)
    if len(start) == 0:
        raise ValueError(f"{options.start}: no drawing in it")
    started = _simplified(start, options)[0].strokes
    net = load_net(options)
    sketches = net.complete(
        started[started[:, 4] == 0], options.n, **_arguments(options), progress=_progress("drawing")
    )
    return _put(sketches, options)


def _animate(options: argparse.Namespace) -> int:
    if options.output is None and options.format is None:
        return _animate_here(options)
    net = load_net(options)
    sketches = net.draw(options.n, **_arguments(options))
    more: dict[str, Any] = {"points_per_second": options.points_per_second}
    if (options.format or options.output).lower().endswith(".svg"):
        more["animate"] = True
    return _put(sketches, options, **more)


def _animate_here(options: argparse.Namespace) -> int:
    """Frames on the terminal, each over the last; elsewhere the finished drawing."""
    sketch = load_net(options).draw(**_arguments(options))
    if not sys.stdout.isatty():
        _show(sketch)
        return 0
    height = 0
    for count in range(1, len(sketch) + 1):
        if height:
            print(f"\x1b[{height}F\x1b[J", end="")  # up to the frame's first line, clear
        height = _show(sketch, count)
        time.sleep(1 / options.points_per_second)
    return 0


def _plot(options: argparse.Namespace) -> int:
    import os

    from ..formats import FORMATS, read

    plots = tuple(suffix for suffix, f in FORMATS.items() if f.module in ("hpgl", "gcode"))
    name = options.output if options.format is None else options.format
    if name is None or not name.lower().endswith(plots):
        raise ValueError(f"-o: expected a file ending in one of {', '.join(plots)}, found {name}")
    if os.path.exists(options.net) and not options.net.endswith((".safetensors", ".gen.json")):
        drawings = read(options.net, limit=options.n)
    else:
        drawings = load_net(options).draw(options.n, **_arguments(options))
    more = {
        "page": options.page,
        "feed": options.feed,
        "pen_up": options.pen_up,
        "pen_down": options.pen_down,
    }
    return _put(drawings, options, **more)


def _score(options: argparse.Namespace) -> int:
    from ..formats import read

    net = load_net(options)
    sketches = read(options.drawings, limit=options.limit)
    score = net.score(sketches, progress=_progress("scoring"))
    figures = {
        "net": net.name,
        "drawings": len(score),
        "points": len(score.points),
        "nats_per_point": score.per_point,
        "r_loss": score.r_loss,
    }
    if options.json:
        print(json.dumps({**figures, "per_drawing": score.per_drawing.tolist()}))
    else:
        for key, value in figures.items():
            print(f"{key:15} {value:.4f}" if isinstance(value, float) else f"{key:15} {value}")
    return 0


def _convert(options: argparse.Namespace) -> int:
    from ..formats import read, save

    sketches = _simplified(read(options.source, limit=options.limit), options)
    save(options.target, sketches, format=options.format)
    return 0


def _simplified(sketches: Sketches, options: argparse.Namespace) -> Sketches:
    if options.simplify is None:
        return sketches
    return sketches.simplify(options.simplify, options.method)
