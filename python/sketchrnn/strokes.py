"""Forms of a drawing: stroke-5, stroke-3 and polylines; and line simplification.

stroke-3 (n, 3)
    dx, dy and 1 if the pen lifts after this point, else 0.
stroke-5 (n, 5)
    dx, dy and a one-hot pen state: p1 pen stays down (a segment follows), p2 pen lifts after this
    point, p3 the drawing has ended (the row's offset means nothing).
polylines
    A list of (k, 2) arrays of positions.

All are in data units, y downwards. See Ha & Eck 2017, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core

Floats = NDArray[np.float32]

FARTHEST = 1e18
"""Data units from the first point at most: sums and squares of such positions stay within float32
and float64, and no drawing of pixels comes near."""


def stroke3_to_stroke5(stroke3: ArrayLike, *, end: bool = True) -> Floats:
    """Convert (n, 3) to (n, 5) rows, with a row (0, 0, 0, 0, 1) behind them if `end`.

    Raises ValueError for another shape or a pen column that is not 0 or 1.
    """
    s3 = np.asarray(stroke3, dtype=np.float32)
    if s3.ndim != 2 or s3.shape[1] != 3:
        raise ValueError(f"stroke-3: expected an array of shape (n, 3), found {s3.shape}")
    lift = s3[:, 2]
    bad = np.flatnonzero((lift != 0) & (lift != 1))
    if bad.size:
        raise ValueError(
            f"stroke-3: row {bad[0]}: pen must be 0 (down) or 1 (lifts), found {lift[bad[0]]}"
        )
    s5 = np.zeros((len(s3) + end, 5), np.float32)
    s5[: len(s3), :2] = s3[:, :2]
    s5[: len(s3), 2] = 1 - lift
    s5[: len(s3), 3] = lift
    if end:
        s5[-1, 4] = 1
    return s5


def stroke5_to_stroke3(stroke5: ArrayLike) -> Floats:
    """Convert (n, 5) to (m, 3) rows: the end row, which stroke-3 cannot hold, is left out."""
    s5 = np.asarray(stroke5, dtype=np.float32)
    if s5.ndim != 2 or s5.shape[1] != 5:
        raise ValueError(f"stroke-5: expected an array of shape (n, 5), found {s5.shape}")
    ends = np.flatnonzero(s5[:, 4] == 1)
    s5 = s5[: ends[0]] if ends.size else s5
    return np.ascontiguousarray(s5[:, [0, 1, 3]])


def stroke5_to_lines(stroke5: ArrayLike, start: tuple[float, float] = (0.0, 0.0)) -> list[Floats]:
    """Return the drawing's polylines as (k, 2) arrays of positions, the first at `start`.

    A segment is drawn when the previous row's pen was down, and the first movement from the origin
    is drawn too (as the published evaluation code does). A polyline of one point is a dot.
    """
    s3 = stroke5_to_stroke3(stroke5)
    if len(s3) == 0:
        return []
    # Positions are summed in float64: a long drawing would drift in float32.
    offsets = np.vstack([np.asarray([start], np.float64), s3[:, :2].astype(np.float64)])
    points = np.cumsum(offsets, axis=0).astype(np.float32)
    # Row i is point i + 1; a lift at row i ends the polyline behind that point.
    lifts = np.flatnonzero(s3[:, 2] == 1) + 2
    lines = np.split(points, lifts)
    return [line for line in lines if len(line)]


def split_lines(
    stroke5: ArrayLike, given: int, start: tuple[float, float] = (0.0, 0.0)
) -> tuple[list[Floats], list[Floats]]:
    """Return the polylines of the first `given` rows, and those that were added to them; a stroke
    that goes on after the given rows is cut there."""
    parts: tuple[list[Floats], list[Floats]] = ([], [])
    at = 0  # points before the line; row i leads to point i + 1
    for line in stroke5_to_lines(stroke5, start):
        cut = given + 1 - at if given else 0
        if cut >= len(line):
            parts[0].append(line)
        elif cut <= 0:
            parts[1].append(line)
        else:
            parts[0].append(line[:cut])
            parts[1].append(line[cut - 1 :])
        at += len(line)
    return parts


def lines_to_stroke5(lines: Sequence[ArrayLike], *, end: bool = True) -> Floats:
    """Return stroke-5 rows for polylines ((k, 2) arrays of positions).

    The first point of the first line is the origin and gives no row, so n points give n - 1 rows
    (and an end row if `end`): the form in which the public nets saw drawings. A first line of one
    point cannot be told from the start of the next one's movement and is kept as a row (0, 0).
    """
    arrays = []
    for k, line in enumerate(lines):
        array = np.asarray(line, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != 2 or len(array) == 0:
            raise ValueError(f"lines: line {k}: expected shape (k, 2), k > 0, found {array.shape}")
        if not (np.abs(array) < FARTHEST).all():
            raise ValueError(f"lines: line {k}: positions must be finite and below {FARTHEST:g}")
        arrays.append(array)
    if arrays and len(arrays[0]) == 1:
        arrays[0] = np.repeat(arrays[0], 2, axis=0)
    if not arrays:
        return stroke3_to_stroke5(np.zeros((0, 3), np.float32), end=end)
    points = np.concatenate(arrays)
    s3 = np.zeros((len(points) - 1, 3), np.float32)
    s3[:, :2] = np.diff(points, axis=0)
    last_points = np.cumsum([len(a) for a in arrays]) - 1
    s3[last_points - 1, 2] = 1
    return stroke3_to_stroke5(s3, end=end)


def check_positions(strokes: Floats) -> None:
    """Raise ValueError naming the row of a drawing that leads further than :data:`FARTHEST`, or
    whose offset is not finite."""
    rows = strokes[: len(strokes) - 1] if len(strokes) and strokes[-1, 4] == 1 else strokes
    with np.errstate(over="ignore", invalid="ignore"):
        positions = np.cumsum(rows[:, :2], axis=0, dtype=np.float64)
    bad = np.flatnonzero(~(np.abs(positions) < FARTHEST).all(axis=1))
    if bad.size:
        raise ValueError(
            f"row {bad[0]}: positions must be finite and below {FARTHEST:g}, "
            f"found offset {rows[bad[0], :2].tolist()}"
        )
    if not np.isfinite(strokes).all():
        raise ValueError(f"row {len(strokes) - 1}: numbers must be finite")


METHODS = ("rdp", "two-stage", "quickdraw")


def simplify(line: ArrayLike, epsilon: float, method: str = "rdp") -> NDArray[np.float64]:
    """Simplify a polyline (k, 2); both ends stay. `epsilon` in data units.

    Parameters
    ----------
    method
        "rdp": Ramer–Douglas–Peucker. Every point left out lies within `epsilon` of the segment
        that replaces it (or what rounding makes of 0, 3e-14 of the largest coordinate). How the
        public nets' drawings were made, at 2 raw pixels.
        "two-stage": as sketch-rnn-js and its demos do: points nearer than `epsilon` to the last one
        kept are dropped first, then the same.
        "quickdraw": how Quick, Draw! made its simplified files, in a box of 256 pixels at
        `epsilon` 2: points one unit apart, then Ramer–Douglas–Peucker with distances to the
        line through both ends.

    Raises
    ------
    ValueError
        For another shape, non-finite points, a negative epsilon, an unknown method.
    """
    points = _polyline(line)
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")
    if method == "quickdraw":
        points = resample(points)
    if method == "two-stage":
        points = _thin(points, float(epsilon))
    return points[_core.simplify(points, float(epsilon), method == "quickdraw")]


def resample(line: ArrayLike, spacing: float = 1.0) -> NDArray[np.float64]:
    """Return points at equal `spacing` along a polyline (k, 2); its two ends stay.

    Raises ValueError for another shape, non-finite points, a spacing that is not positive, or one
    so small that more than a hundred million points were needed.
    """
    points = _polyline(line)
    if not 0 < spacing < np.inf:
        raise ValueError(f"spacing: expected a positive number, found {spacing}")
    if len(points) < 2:
        return points
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    if not along[-1] < 1e8 * spacing:
        raise ValueError(f"spacing: {spacing} is too small for a line of length {along[-1]:g}")
    if along[-1] <= spacing:
        return points[[0, -1]]
    at = np.append(np.arange(0.0, along[-1], spacing), along[-1])
    result = np.empty((len(at), 2))
    # In portions of some milliseconds, between which Python looks for Ctrl-C.
    for first in range(0, len(at), 1 << 18):
        part = slice(first, first + (1 << 18))
        for d in (0, 1):
            result[part, d] = np.interp(at[part], along, points[:, d])
    return result


def _polyline(line: ArrayLike) -> NDArray[np.float64]:
    points = np.ascontiguousarray(line, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"line: expected an array of shape (k, 2), found {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("line: points must be finite")
    return points


def _thin(points: NDArray[np.float64], epsilon: float) -> NDArray[np.float64]:
    """Drop points nearer than epsilon to the last one kept; the last point of all stays."""
    kept: list[int] = []
    last = (np.inf, np.inf)
    for i, (x, y) in enumerate(points.tolist()):
        if not np.hypot(x - last[0], y - last[1]) < epsilon:
            kept.append(i)
            last = (x, y)
    if kept and kept[-1] != len(points) - 1:
        kept.append(len(points) - 1)
    return points[kept]
