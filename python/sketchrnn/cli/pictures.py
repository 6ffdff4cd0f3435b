"""What subcommands that write drawings share: the options of pictures and pages, and writing."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import TYPE_CHECKING, Any

from .streams import shows_braille

if TYPE_CHECKING:
    from ..sketch import Sketch, Sketches

_OPTIONS = (
    *("size", "columns", "stroke_width", "color", "background", "by_order", "captions"),
    *("over", "new_color", "new_only", "compact"),
)


def picture_options(p: argparse.ArgumentParser) -> None:
    """Add where drawings go and how a picture looks."""
    p.add_argument("-o", "--output", metavar="FILE", help="its suffix is the format; - for stdout")
    p.add_argument("--format", metavar=".SUFFIX", help="where the file's name does not say")
    look_options(p)


def look_options(p: argparse.ArgumentParser) -> None:
    """Add how a picture looks."""
    p.add_argument("--size", type=float, help="width of a picture in pixels")
    p.add_argument("--columns", type=int, help="drawings in a row")
    p.add_argument("--stroke-width", type=float, metavar="W", help="of the pen, in pixels")
    p.add_argument("--color", help="SVG: of the strokes")
    p.add_argument("--background", help="SVG: of the picture; none for a transparent one")
    p.add_argument(
        "--compact",
        action="store_true",
        default=None,
        help="Parquet: positions rounded to whole data units, in a third of the bytes or fewer",
    )
    order = "SVG: strokes from blue, the first, to red"
    p.add_argument("--by-order", action="store_true", default=None, help=order)
    p.add_argument(
        "--captions",
        nargs="?",
        const=True,
        metavar="A,B,…",
        help="a text under each drawing (without texts: what it shows)",
    )


def completion_options(p: argparse.ArgumentParser) -> None:
    """Add what becomes of a drawing that was begun in another picture."""
    p.add_argument(
        "--over",
        action="store_true",
        default=None,
        help="SVG: several ways over the picture, a layer for each (a lone one always is)",
    )
    p.add_argument("--new-color", help="SVG: of what was added")
    p.add_argument(
        "--new-only",
        action="store_true",
        default=None,
        help="SVG, plotters: without what was there",
    )


def page(text: str) -> tuple[float, float]:
    """Return the millimetres of a page: its name or WxH, in any case."""
    from ..formats.page import paper

    try:
        return paper(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def show(drawing: Sketch | Sketches, points: int | None = None) -> int:
    """Print a drawing, or its first points in their final place; returns the lines it took."""
    from ..terminal import braille

    columns, rows = shutil.get_terminal_size((80, 24))
    side = max(4, min(columns // 2, rows - 2, 24))
    print(braille(drawing, 2 * side, side, points, ascii=not shows_braille()))
    return side


def put(drawing: Sketch | Sketches, options: argparse.Namespace, **more: Any) -> int:
    """Write into the file that is asked for, or onto the terminal."""
    if options.output is None and options.format is None:
        show(drawing)
        return 0
    from ..formats import save

    target = "-" if options.output is None else options.output
    save(target, drawing, format=options.format, **look(drawing, options), **_stated(more))
    return 0


def look(drawing: Sketch | Sketches, options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of ``save`` that the command was given."""
    from ..formats import batch

    chosen = _stated({name: getattr(options, name, None) for name in _OPTIONS})
    if chosen.get("background") == "none":
        chosen["background"] = None
    captions = chosen.get("captions")
    if captions is True:
        chosen["captions"] = [sketch.name or "" for sketch in batch(drawing)]
    elif captions is not None:
        chosen["captions"] = captions.split(",")
    return chosen


def _stated(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def note_unended(sketches: Sketches, options: argparse.Namespace) -> None:
    """Say where drawings were cut at the net's limit, and what helps."""
    unended = int((~sketches.finished).sum())
    if unended == 0 or options.max_len is not None:
        return
    helps = "" if options.softmax_temperature is not None else " --softmax-temperature 0.7 or"
    print(
        f"sketchrnn: {unended} of {len(sketches)} drawings did not end within "
        f"{int(sketches.lengths.max())} rows:{helps} a higher -t helps, --max-len says how many",
        file=sys.stderr,
    )
