"""`sketchrnn dataset`: drawings from folders and files, in one form, as a data set to train on.

The form is QuickDraw's, as data.py has it: a box of 256 pixels, simplified at 2. The set is a
sketch-rnn .npz (train, valid and test of stroke-3), which others read too.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..formats import FORMATS, npz, scan
from ..nets.names import plain
from ..untrusted import printable
from ..writing import open_for_writing
from . import data

ORDERS = ("kept", "nearest", "longest")

_READ = tuple(suffix for suffix, entry in FORMATS.items() if entry.reads)


def options_of(p: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add = p.add_argument
    add("sources", nargs="+", metavar="SOURCE", help=f"folders and files: {', '.join(_READ)}")
    add("-o", "--output", required=True, metavar="FILE.npz")
    add("--name", help="take drawings of this name alone; those without one have it")
    add(
        "--order",
        choices=ORDERS,
        default="kept",
        help="of strokes: as in the file; each where the last ended; long ones first (kept)",
    )
    add("--keep-scale", action="store_true", help="leave sizes as they are: pixels of one drawing")
    add("--simplify", type=float, default=data.EPSILON, metavar="E", help="pixels; 0: not (2)")
    add("--max-len", type=int, default=200, help="leave out drawings of more points (200)")
    add("--valid", type=float, default=0.1, help="share of drawings to validate with (0.1)")
    add("--test", type=float, default=0.1, help="share to test with (0.1)")
    add("--report", metavar="FILE.json", help="what became of every drawing")


def command(options: argparse.Namespace) -> int:
    """Make the data set; 0, or ValueError where nothing can be used."""
    if not options.output.lower().endswith(".npz"):
        raise ValueError(f"-o: expected a name ending in .npz, found {options.output!r}")
    data.look_at_folder(options.output)
    for name in ("valid", "test"):
        share = getattr(options, name)
        if not 0 <= share < 0.5:
            raise ValueError(f"--{name}: expected a share from 0 up to 0.5, found {share}")
    used: list[tuple[str, data.Rows]] = []
    fates: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    seen: set[str] = set()
    aside: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for where, fate in _drawings(options, aside, others):
        if isinstance(fate, np.ndarray):
            key = data.content_key("", fate)
            if key not in seen:
                seen.add(key)
                used.append((key, fate))
                fates.append({"drawing": where, "used": True, "points": len(fate)})
                continue
            fate = "the same as another"
        left_out[fate] += 1
        fates.append({"drawing": where, "used": False, "why": fate})
    if not used:
        reasons = ", ".join(f"{count} {why}" for why, count in left_out.items())
        raise ValueError(f"no drawing can be used: {reasons or 'there is none'}")
    parts = split(used, options.valid, options.test)
    with open_for_writing(options.output) as file:
        npz.write_splits(file, parts)
    counts = ", ".join(f"{len(rows)} {name}" for name, rows in parts.items())
    points = [len(rows) for _, rows in used]
    print(f"{options.output}: {len(used)} of {len(fates)} drawings ({counts}), ", end="")
    print(f"{min(points)} to {max(points)} points, half of them up to {int(np.median(points))}")
    if others:
        kinds = ", ".join(printable(suffix) for suffix, _ in others.most_common(9))
        print(f"not read: {others.total()} files of kinds without drawings: {kinds}")
    for what, count in aside.most_common():
        print(f"not drawn in {count} files: {printable(what)}")
    for why, count in left_out.most_common():
        print(f"left out: {count} {printable(why)}")
    for entry in fates if left_out.total() <= 10 else ():
        if not entry["used"]:
            print(f"  {printable(entry['drawing'])}: {printable(entry['why'])}")
    if options.report:
        with open_for_writing(options.report) as file:
            file.write(json.dumps(fates, indent=1).encode() + b"\n")
    return 0


def split(
    used: Sequence[tuple[str, data.Rows]], valid: float, test: float
) -> dict[str, list[data.Rows]]:
    """Divide (key, rows) by the order of their keys, which are hashes: at least one drawing in each
    part that is asked for, as long as there are three."""
    ordered = [rows for _, rows in sorted(used, key=lambda one: one[0])]
    sizes = [0, 0]
    if len(ordered) >= 3:
        sizes = [max(1, round(len(ordered) * share)) if share else 0 for share in (valid, test)]
    first, second = sizes[0], sizes[0] + sizes[1]
    return {"train": ordered[second:], "valid": ordered[:first], "test": ordered[first:second]}


def _files(sources: Sequence[str], others: Counter[str]) -> Iterator[Path]:
    """The files to read, those of folders by name. Counts in `others` the suffixes of what else is
    in these, but for what a system hides."""
    for source in sources:
        if not os.path.isdir(source):
            if not os.path.exists(source):
                raise FileNotFoundError(f"no such file or folder: {source}")
            yield Path(source)
            continue
        inside = (Path(folder) / name for folder, _, names in os.walk(source) for name in names)
        for path in sorted(inside):
            if path.name.lower().endswith(_READ):
                yield path
            elif not path.name.startswith("."):
                others[path.suffix.lower() or path.name] += 1


def _drawings(
    options: argparse.Namespace, aside: Counter[str], others: Counter[str]
) -> Iterator[tuple[str, data.Rows | str]]:
    """Every drawing: where it stands, and its rows or why it is left out. Counts in `aside` what of
    pictures is no line, in `others` the files that are not read."""
    for path in _files(options.sources, others):
        number = 0
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                for number, sketch in enumerate(scan(path)):
                    where = str(path) if path.suffix.lower() == ".svg" else f"{path}: {number}"
                    for warning in said:  # of an SVG, what of it is not in the drawing
                        aside[str(warning.message).removeprefix(f"{path}: left out: ")] += 1
                    said.clear()
                    yield where, _rows(sketch.lines(), sketch.name, options, path)
        except (OSError, ValueError) as error:
            yield f"{path}: {number}", f"cannot be read: {str(error).removeprefix(f'{path}: ')}"


def _rows(
    lines: Sequence[Any], name: str | None, options: argparse.Namespace, path: Path
) -> data.Rows | str:
    if options.name and name and plain(name) != plain(options.name):
        return f"of another name than {options.name}"
    strokes = [np.asarray(line, np.float64) for line in lines]
    if not strokes or not any(np.ptp(line, axis=0).any() for line in strokes):
        return "nothing drawn"
    too_long = f"of {options.max_len} points and more (--max-len, --simplify)"
    if len(strokes) > options.max_len:  # each has a point; to order very many takes hours
        return too_long
    strokes = ordered(strokes, options.order)
    # What was simplified in this very form stays as it is: a second pass would drop points.
    shown = strokes if options.keep_scale else data.to_box(strokes)
    done = path.suffix.lower() != ".svg" and data.is_simplified(shown)
    try:
        rows = data.to_rows(
            strokes,
            resampled=options.simplify > 0 and not done,
            epsilon=options.simplify or data.EPSILON,
            boxed=not options.keep_scale,
        )
    except ValueError as error:
        return f"unusable: {error}"
    if len(rows) >= options.max_len:
        return too_long
    return rows if len(rows) else "nothing drawn"


def ordered(strokes: Sequence[data.Stroke], how: str) -> list[data.Stroke]:
    """Return strokes in another order: those of a drawing program are often in none."""
    if how == "longest":
        return sorted(strokes, key=data.length, reverse=True)
    if how == "kept" or len(strokes) < 2:
        return list(strokes)
    left = list(strokes)
    done = [left.pop(0)]
    while left:
        starts = np.array([line[0] for line in left]) - done[-1][-1]
        ends = np.array([line[-1] for line in left]) - done[-1][-1]
        forth, back = np.hypot(*starts.T), np.hypot(*ends.T)
        at = int(np.minimum(forth, back).argmin())
        line = left.pop(at)
        done.append(line if forth[at] <= back[at] else line[::-1])
    return done
