"""Drawings without number as tables: what ``draw`` and ``score`` do for files of Parquet."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .pictures import look

if TYPE_CHECKING:
    from ..net import Net
    from ..shards import Told


def wanted(options: argparse.Namespace) -> bool:
    """Whether ``draw`` shall write a table."""
    from ..formats.parquet import is_parquet

    target = options.format or options.output or ""
    parts = options.shards is not None or options.shard is not None
    return parts or (is_parquet(target) and options.output != "-")


def draw(options: argparse.Namespace, nets: Sequence[Net], temperatures: Sequence[float]) -> int:
    """Write drawings as one Parquet file or as parts, a row group at a time."""
    from .. import _check, shards
    from ..sketch import Sketches

    if options.output is None:
        raise ValueError("-o: expected a file or, with --shards, a folder")
    chosen = look(Sketches.of([]), options)
    compact = bool(chosen.pop("compact", False))
    if chosen:
        raise ValueError(f"{next(iter(chosen))}: parquet has the options compact")
    shard, of = _part(options)
    recipe = shards.Recipe(
        nets,
        _check.integer("n", options.n, 1, _check.MOST),
        # Parts that are drawn apart must agree on a seed.
        _check.seed(0 if options.seed is None and of is not None else options.seed),
        [_check.temperature("temperature", t) for t in temperatures],
        options.softmax_temperature,
        options.max_len,
        compact,
    )
    told = _line()
    if of is None:
        shards.draw_file(options.output, recipe, threads=options.threads, told=told)
    else:
        shards.draw(
            options.output, recipe, shards=of, shard=shard, threads=options.threads, told=told
        )
    return 0


def score(options: argparse.Namespace, nets: Sequence[Net], files: Sequence[str]) -> int:
    """Write what nets make of files of drawings as one Parquet file, or one for each of them."""
    from .. import shards
    from ..formats.parquet import is_parquet

    if options.limit is not None or options.json:
        raise ValueError("-o: writes of all drawings, as .parquet: without --limit and --json")
    told = _line()
    if os.path.isdir(options.output) or options.output.endswith(("/", os.sep)):
        shards.score(options.output, nets, files, fit=options.fit, told=told)
    elif is_parquet(options.output):
        shards.score_file(options.output, nets, files, fit=options.fit, told=told)
    else:
        raise ValueError(
            f"-o: expected a name ending in .parquet or a folder, found {options.output}"
        )
    return 0


def _part(options: argparse.Namespace) -> tuple[int | None, int | None]:
    """Which part of how many, None for all and for a single file."""
    if options.shard is None:
        return None, options.shards
    try:
        shard, of = map(int, options.shard.split("/"))
    except ValueError:
        raise ValueError(f"--shard: expected I/M, such as 3/64, found {options.shard!r}") from None
    if options.shards not in (None, of):
        raise ValueError(f"--shard: of {of}, and --shards {options.shards}")
    if not 0 <= shard < of:
        raise ValueError(f"--shard: expected 0 to {of - 1} of {of}, found {shard}")
    return shard, of


def _line() -> Told:
    """Progress: on a terminal a line that changes, elsewhere one a minute; one at the end."""
    terminal = sys.stderr.isatty()
    every = 0.5 if terminal else 60.0  # seconds; the latter are kept, as in the log of a cluster
    start = shown = time.monotonic()
    seen = kept = points = 0

    def told(done: int, of: int, rows: int | None) -> None:
        nonlocal start, shown, seen, kept, points
        now = time.monotonic()
        if rows is None:  # reading what was there is not drawing
            kept += done - seen
        elif seen == kept and points == 0:
            start = now
        points += rows or 0
        seen = done
        ended = done == of and rows != 0
        passed = now - start
        if now - shown < every and not (ended and passed > every / 10):
            return
        shown = now
        text = f"{done:,} of {of:,} drawings" if of else f"{done:,} drawings"
        if points and passed > 0:
            text += f", {points / passed:,.0f} points/s"
        if kept < done < of:
            left = int(passed * (of - done) / (done - kept))
            text += f", {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
        before, after = ("\r", "\n" if ended else "") if terminal else ("", "\n")
        print(f"{before}{text:{70 if terminal else 0}}", end=after, file=sys.stderr, flush=True)

    return told
