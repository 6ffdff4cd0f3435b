"""Drawings that somebody began, in whatever size, brought to what a net knows and back again.

A net knows drawings of one size (a box of 256 pixels for ours), of which a start is a part as large
as it will be in the whole. How large that is, the net itself says: of some sizes the one at which
the start is likeliest is taken. Densities are compared in the start's own units, so that a size is
no better for being small: −log p(s·x) − 2·log s per row.

Measured on starts of 148 QuickDraw drawings of 7 objects, cut between two strokes at random: the
mean of |log(size / true size)| is 0.12, that of filling the box 0.28.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _check
from .arrow import is_arrow
from .sketch import Sketch, Sketches
from .strokes import Floats, lines_to_stroke5

if TYPE_CHECKING:
    from .net import Net

_SIZES = np.geomspace(1.0, 0.15, 12)
"""Parts of the net's box that are tried. Nine tenths of the starts above lie between."""

_SIMPLIFIED = 2.0
"""Pixels at which the drawings were simplified that public nets and ours were trained on."""


def complete(
    net: Net, partial: Any, n: int | None, fit: bool | float | None, **options: Any
) -> Any:
    """Return what :meth:`Net.complete` documents."""
    if is_arrow(partial):
        partial = Sketches.from_arrow(partial)
        if len(partial) != 1:
            raise ValueError(
                f"partial: expected one drawing, found {len(partial)}: name one, as in drawings[0]"
            )
        partial = partial[0]
    rows = _check.strokes("partial", partial)
    original = None
    if isinstance(partial, Sketch):
        original = partial.original
        if partial.finished:  # whoever read it could not know that it goes on
            rows = rows[:-1]
    wanted = original is not None if fit is None else fit
    if wanted is False or len(rows) == 0:
        drawn = net._drawn(rows, n, **options)
    else:
        seen, factor = _fitted(net, rows, wanted, options.get("object"))
        most = options.pop("max_len", None)
        if most is not None:  # counts rows as they were given
            most = _check.integer("max_len", most, len(rows) + 1) - len(rows) + len(seen)
        drawn = net._drawn(seen, n, max_len=most, **options)
        drawn = _back(drawn, rows, len(seen), factor)
    drawn.given = len(rows)
    drawn.original = original if len(rows) else None
    return drawn


def known_size(net: Net) -> float:
    """Return the larger side of the drawings that a net was trained on, in data units: what its
    metadata state, else the median of some that it draws."""
    stated = re.search(r"\b(\d{1,5})-pixel box", net.metadata.get("units", ""))
    if stated:
        return float(stated[1]) - 1.0
    sizes = [_size(sketch) for sketch in net.draw(64, temperature=0.4, seed=0)]
    return float(np.median(sizes)) or 1.0


def in_size(drawings: Sketches, size: float) -> tuple[Sketches, NDArray[np.float64]]:
    """Return drawings each scaled into a box of `size` data units, and how many times as large they
    became, (n,)."""
    extents = np.array([_size(sketch) for sketch in drawings]).reshape(-1)
    scales = np.where(extents > 0, size / np.where(extents > 0, extents, 1), 1.0)
    scaled = [s.scaled(float(k)) for s, k in zip(drawings, scales, strict=True)]
    result = Sketches.of(scaled)
    result.name, result.names = drawings.name, drawings.names
    return result, scales


def _size(sketch: Sketch) -> float:
    left, top, right, bottom = sketch.bounds
    return max(right - left, bottom - top)


def _fitted(net: Net, rows: Floats, fit: bool | float, object: Any) -> tuple[Floats, float]:
    """Return the start as the net shall see it, and how many times as large that is."""
    start = Sketch._from_core(rows, None)
    size = _size(start)
    if size == 0:  # a dot
        return rows, 1.0
    if fit is not True:
        factor = float(fit) / size
        if not 0 < factor < float("inf"):
            raise ValueError(f"fit: expected a size above 0, found {fit}")
        return _seen(start, factor), factor
    factors = known_size(net) / size * _SIZES
    seen = [_seen(start, factor) for factor in factors]
    score = net.score(seen, object=object)
    lengths = np.array([len(one) for one in seen])
    best = int((score.per_drawing / lengths - 2 * np.log(_SIZES)).argmin())
    return seen[best], float(factors[best])


def _seen(start: Sketch, factor: float) -> Floats:
    lines = start.scaled(factor).simplify(_SIMPLIFIED).lines()
    rows = lines_to_stroke5(lines, end=False)
    rows[-1] = [*rows[-1, :2], *start.strokes[-1, 2:]]  # a stroke may yet go on
    return rows


def _back(drawn: Any, rows: Floats, seen: int, factor: float) -> Any:
    """Return drawings whose first `seen` rows are replaced by the start as it was given, the others
    in its units."""
    if isinstance(drawn, Sketch):
        added = drawn.scaled(1 / factor).strokes[seen:]
        return Sketch._from_core(np.concatenate([rows, added]), drawn.name)
    parts = [way.scaled(1 / factor).strokes[seen:] for way in drawn]
    result = Sketches.of([np.concatenate([rows, part]) for part in parts])
    result.name, result.names = drawn.name, drawn.names
    return result
