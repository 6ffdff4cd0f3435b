"""The predicted distribution of the next pen movement."""

from __future__ import annotations

import os
from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _check, _core
from .writing import write

if TYPE_CHECKING:
    from .strokes import Floats


def _softmax(x: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.exp(x - x.max())
    return np.asarray(e / e.sum())


def _portions(n: int) -> Iterator[slice]:
    """Cut n points into slices of some milliseconds' work, between which Ctrl-C is heard."""
    for first in range(0, n, 1 << 16):
        yield slice(first, min(n, first + (1 << 16)))


class Distribution:
    """Mixture of M two-dimensional normals for (dx, dy), and three pen probabilities.

    Ha & Eck 2017, eq. 3 to 7, at temperature 1 and in data units (float64 arrays):
    ``pi`` (M,) component weights; ``mu_x``, ``mu_y`` (M,) means; ``sigma_x``, ``sigma_y`` (M,)
    standard deviations; ``rho`` (M,) correlations; ``pen`` (3,) probabilities of pen down, pen
    lifts, drawing ends. ``drawn`` is the drawing so far, (k, 5), None where it is not known.
    """

    __slots__ = ("_scale", "_z", "drawn", "mu_x", "mu_y", "pen", "pi", "rho", "sigma_x", "sigma_y")

    def __init__(self, z: Floats, scale_factor: float, drawn: Floats | None = None) -> None:
        self._z = z
        self.drawn = drawn
        self._scale = scale_factor
        wide = z.astype(np.float64)
        pen, pi, mu_x, mu_y, log_sx, log_sy, atanh_rho = np.split(
            wide, np.cumsum([3] + [(len(z) - 3) // 6] * 5)
        )
        self.pen = _softmax(pen)
        self.pi = _softmax(pi)
        self.mu_x = mu_x * scale_factor
        self.mu_y = mu_y * scale_factor
        self.sigma_x = np.exp(log_sx) * scale_factor
        self.sigma_y = np.exp(log_sy) * scale_factor
        self.rho = np.tanh(atanh_rho)

    @property
    def raw(self) -> Floats:
        """(3 + 6M,) float32, the head's outputs: pen logits, then π logits, μx, μy, log σx,
        log σy, atanh ρ, in the net's units (data units over the scale factor)."""
        return self._z

    @property
    def scale_factor(self) -> float:
        """Data units per net unit."""
        return self._scale

    def decision(self) -> Floats:
        """(5,) the movement at temperature 0: mean of the likeliest component, likeliest pen."""
        return self.sample(temperature=0.0, seed=0)

    def sample(
        self,
        temperature: float = 1.0,
        *,
        seed: int | None = None,
        size: int | None = None,
        softmax_temperature: float | None = None,
    ) -> Floats:
        """Draw movements: (5,) float32, or (size, 5).

        `temperature` is eq. 8: weights and pen logits divided by it, standard deviations times its
        root; `softmax_temperature` overrides the first part. The same seed gives the same rows.
        Raises ValueError for a temperature that is negative or not finite.
        """
        count = 1 if size is None else _check.integer("size", size, 0, _check.MOST)
        softmax = (
            None
            if softmax_temperature is None
            else _check.temperature("softmax_temperature", softmax_temperature)
        )
        rows = _core.sample(
            self._z,
            count,
            _check.temperature("temperature", temperature),
            softmax,
            _check.seed(seed),
        )
        rows[:, :2] *= np.float32(self._scale)
        return rows[0] if size is None else rows

    def log_prob(self, points: ArrayLike) -> NDArray[np.float64]:
        """Log probability of movements given as (n, 2), (n, 3) or (n, 5), or one of them alone.

        (n, 2) offsets: the log density per square data unit. (n, 5) stroke-5 or (n, 3) stroke-3
        rows: that plus the log probability of the pen state (rows that end the drawing have no
        offset). The loss of :meth:`Net.score` is in the net's units: there the density is
        ``scale_factor**2`` times this one.
        """
        array = np.asarray(points)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"points: expected real numbers, found dtype {array.dtype}")
        table = np.atleast_2d(array)
        if table.ndim != 2 or table.shape[1] not in (2, 3, 5):
            raise ValueError(
                f"points: expected shape (n, 2), (n, 3) or (n, 5), found {array.shape}"
            )
        result = np.empty(len(table))
        for part in _portions(len(table)):
            result[part] = self._log_prob(table[part].astype(np.float64))
        return result[0] if array.ndim == 1 else result

    def _log_prob(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        if not np.isfinite(rows).all():
            raise ValueError("points: must be finite")
        offsets = np.ascontiguousarray(rows[:, :2] / self._scale)
        result: NDArray[np.float64] = _core.log_density(self._z, offsets) - 2 * np.log(self._scale)
        if rows.shape[1] > 2:
            pen = _check.strokes("points", rows)[:, 2:]
            if not (((pen == 0) | (pen == 1)).all() and (pen.sum(axis=1) == 1).all()):
                raise ValueError("points: pen states must be one 1 and two 0")
            logits = self._z[:3].astype(np.float64)
            top = logits.max()
            log_pen = logits - top - np.log(np.exp(logits - top).sum())
            result = result * (1 - pen[:, 2]) + pen @ log_pen
        return result

    def density(self, grid: ArrayLike | tuple[ArrayLike, ArrayLike]) -> NDArray[np.float64]:
        """Probability density of the offset, per square data unit.

        `grid` is an array (..., 2) of offsets, giving (...); or a tuple of two one-dimensional
        arrays xs (w,) and ys (h,), giving (h, w), ready to be shown as an image.
        """
        if isinstance(grid, tuple) and len(grid) == 2 and np.ndim(grid[0]) == 1:
            xs, ys = (np.asarray(axis, np.float64) for axis in grid)
            result = np.empty((len(ys), len(xs)))
            for part in _portions(result.size):
                at = np.arange(part.start, part.stop)
                points = np.stack([xs[at % len(xs)], ys[at // len(xs)]], axis=-1)
                result.reshape(-1)[part] = np.exp(self.log_prob(points))
            return result
        points = np.asarray(grid, dtype=np.float64)
        if points.ndim < 1 or points.shape[-1] != 2:
            raise ValueError(f"grid: expected shape (..., 2) or (xs, ys), found {points.shape}")
        return np.exp(self.log_prob(points.reshape(-1, 2))).reshape(points.shape[:-1])

    def save(self, path: str | PathLike[str], *, size: float | None = None) -> None:
        """Write a picture of the distribution as SVG, `size` pixels wide: the drawing so far, each
        component's ellipses of one and two standard deviations around the pen, pen-state bars."""
        from .distribution_svg import to_svg

        if not os.fspath(path).lower().endswith(".svg"):
            raise ValueError(f"path: expected a name ending in .svg, found {os.fspath(path)!r}")
        text = to_svg(self, size)
        write(path, text)

    def _repr_svg_(self) -> str:
        from .distribution_svg import to_svg

        return to_svg(self)

    def __repr__(self) -> str:
        down, up, end = self.pen
        return (
            f"<Distribution: {len(self.pi)} components, pen down {down:.3f}, "
            f"lifts {up:.3f}, ends {end:.3f}>"
        )
