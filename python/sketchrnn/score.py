"""The loss of given drawings."""

from __future__ import annotations

import math
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _check
from .arrow import is_arrow
from .sketch import Sketch, Sketches
from .strokes import Floats


class Score:
    """Negative log-likelihoods of drawings under teacher forcing, in nats.

    Densities are per area, so an offset's figure depends on the unit of length. Nets are trained in
    units of their own, ``scale_factor`` data units each, and that is what all figures are in but
    those that say otherwise: two nets are compared by ``per_point_data``, in data units (pixels).

    Per row: −log Σ π·N(dx, dy) where p3 = 0, plus the cross-entropy of the pen state (Ha & Eck
    2017, eq. 9 and 10, without their division).

    Attributes
    ----------
    offset_nll, pen_nll
        (total,) float64, both terms of every row; ``offsets`` (n + 1,) tells whose they are.
    points
        (total,) their sum.
    per_drawing
        (n,) the sum over each drawing's rows.
    per_point
        float, the mean over all rows, in net units.
    per_point_data
        float, the same in data units: 2·log(scale_factor) more for each offset. The drawings being
        the same, the lower is the better net.
    r_loss
        float, the paper's figure as Magenta evaluates it, comparable with published values: per
        drawing the sum over rows before the end, divided by N_max (``net.max_len``), the offset's
        density floored with 1e-6, the pen's term left out at the end row; mean over drawings.
    """

    __slots__ = ("_end", "max_len", "offset_nll", "offsets", "pen_nll", "scale_factor")

    def __init__(
        self,
        offset_nll: NDArray[np.float64],
        pen_nll: NDArray[np.float64],
        offsets: NDArray[np.int64],
        end: NDArray[np.bool_],
        max_len: int,
        scale_factor: float,
    ) -> None:
        self.offset_nll = offset_nll
        self.pen_nll = pen_nll
        self.offsets = offsets
        self.max_len = max_len
        self.scale_factor = scale_factor
        self._end = end

    @property
    def points(self) -> NDArray[np.float64]:
        return self.offset_nll + self.pen_nll

    @property
    def per_drawing(self) -> NDArray[np.float64]:
        return self.sums(self.points)

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum over each drawing's rows of values (total,), (n,)."""
        # np.add.reduceat misreads empty drawings, which score() does not let in.
        if len(self.offsets) < 2:
            return np.zeros(0)
        return np.add.reduceat(values, self.offsets[:-1])

    @property
    def per_point(self) -> float:
        return float(self.points.mean()) if len(self.points) else float("nan")

    @property
    def per_point_data(self) -> float:
        if not len(self.points):
            return float("nan")
        # p(Δ) d²Δ is the same in every unit; the end row has no offset.
        moves = int((~self._end).sum())
        return self.per_point + 2 * math.log(self.scale_factor) * moves / len(self.points)

    @property
    def r_loss(self) -> float:
        # The floor is Magenta's: log(density + 1e-6).
        floored = -np.log(np.exp(-self.offset_nll) + 1e-6) + self.pen_nll
        drawings = len(self.offsets) - 1
        if drawings == 0:
            return float("nan")
        return float(floored[~self._end].sum() / self.max_len / drawings)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return (
            f"<Score of {len(self)} drawings: {self.per_point:.4f} nats per point in net units, "
            f"{self.per_point_data:.4f} in data units, r_loss {self.r_loss:.4f}>"
        )


def to_score(sketches: Any) -> Sketches:
    """Return what :meth:`Net.score` is given as one batch, without what only pads drawings."""
    if isinstance(sketches, (str, bytes, PathLike)):
        raise TypeError(
            f"sketches: expected drawings, found the name of a file: "
            f"net.score(sketchrnn.read({str(sketches)!r}))"
        )
    if isinstance(sketches, (Sketch, np.ndarray)):
        sketches = [sketches]
    if is_arrow(sketches):
        sketches = Sketches.from_arrow(sketches)
    if isinstance(sketches, Sketches):
        lengths = sketches.lengths
        if len(sketches) and lengths.min() == 0:
            raise ValueError(f"drawing {int(lengths.argmin())}: empty")
        return sketches
    return Sketches.of([_unpadded(i, d) for i, d in enumerate(sketches)])


def _unpadded(number: int, drawing: Any) -> Floats:
    """Return a drawing's rows up to its first end row; what follows must be end rows too."""
    rows = _check.strokes(f"drawing {number}", drawing, end=True)
    ends = np.flatnonzero(rows[:, 4] == 1)
    if ends.size:
        rest = rows[ends[0] + 1 :]
        if not (rest[:, 4] == 1).all():
            raise ValueError(f"drawing {number}: row {ends[0] + 1} follows its end")
        rows = rows[: ends[0] + 1]
    if len(rows) == 0:
        raise ValueError(f"drawing {number}: empty")
    return rows
