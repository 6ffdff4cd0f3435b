"""A picture of a predicted distribution: where the pen may go next, and what it may do there.

The drawing so far in black, the pen as a dot; around it each component as its ellipses of one and
two standard deviations, the denser the heavier; beside it bars for the three pen states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .strokes import stroke5_to_lines

if TYPE_CHECKING:
    from .distribution import Distribution

_SIDE = 320.0
_BARS = 150.0
_LEAST = 0.005
"""Weight below which a component is not shown: its ink would not be seen."""

_STATES = ("pen down", "pen lifts", "drawing ends")


def to_svg(distribution: Distribution, size: float | None = None) -> str:
    """Return the picture; `size` is its width in pixels (None: 470)."""
    if size is not None and not 0 < size < float("inf"):
        raise ValueError(f"size: expected a positive number, found {size}")
    width = _SIDE + _BARS
    shown = width if size is None else size
    lines = [] if distribution.drawn is None else stroke5_to_lines(distribution.drawn)
    pen = _pen(distribution.drawn)
    with np.errstate(over="ignore", invalid="ignore"):
        corner, scale = _view(distribution, lines, pen)
        ellipses = _ellipses(distribution, pen, corner, scale)

    paths = "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (line - corner) * scale) for line in lines
    )
    x, y = (pen - corner) * scale
    if not (np.isfinite([x, y]).all() and 0 < scale < np.inf):
        raise ValueError("the distribution reaches too far to be drawn")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{shown:g}" '
        f'height="{shown * _SIDE / width:g}" viewBox="0 0 {width:g} {_SIDE:g}">'
        "<title>Distribution of the next movement</title>"
        '<rect width="100%" height="100%" fill="#fff"/>'
        f'<svg width="{_SIDE:g}" height="{_SIDE:g}"><g fill="#d03030" stroke="#d03030">'
    ]
    parts += ellipses
    parts.append(
        f'</g><path d="{paths}" fill="none" stroke="#000" stroke-width="2" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#2060c0"/></svg>'
        '<g font-family="sans-serif" font-size="12">'
    )
    for i, (state, p) in enumerate(zip(_STATES, distribution.pen, strict=True)):
        top = 100 + 45 * i
        parts.append(
            f'<text x="{_SIDE + 10:g}" y="{top}">{state}</text>'
            f'<text x="{width - 10:g}" y="{top}" text-anchor="end">{100 * p:.1f}%</text>'
            f'<rect x="{_SIDE + 10:g}" y="{top + 6}" width="{_BARS - 20:g}" height="10" '
            f'fill="#e8e8e8"/><rect x="{_SIDE + 10:g}" y="{top + 6}" '
            f'width="{(_BARS - 20) * p:.2f}" height="10" fill="#2060c0"/>'
        )
    parts.append("</g></svg>\n")
    return "".join(parts)


def _pen(drawn: NDArray[np.float32] | None) -> NDArray[np.float64]:
    if drawn is None or len(drawn) == 0:
        return np.zeros(2)
    return np.asarray(drawn[drawn[:, 4] == 0, :2].sum(axis=0, dtype=np.float64))


def _view(
    d: Distribution, lines: list[NDArray[np.float32]], pen: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Top left corner and pixels per unit of a square with the drawing and one σ of what matters.

    Components of less than a hundredth may reach out of it.
    """
    heavy = d.pi >= 0.01
    means = np.stack([d.mu_x, d.mu_y], axis=1)[heavy] + pen
    sigmas = np.stack([d.sigma_x, d.sigma_y], axis=1)[heavy]
    points = np.concatenate([*lines, [pen], means - sigmas, means + sigmas]).astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    side = max(float((high - low).max()), 1e-6 * d.scale_factor) * 1.2
    return (low + high - side) / 2, _SIDE / side


def _ellipses(
    d: Distribution, pen: NDArray[np.float64], corner: NDArray[np.float64], scale: float
) -> list[str]:
    parts = []
    for m in np.argsort(d.pi):  # the heaviest on top
        if d.pi[m] < _LEAST:
            continue
        sx, sy = d.sigma_x[m], d.sigma_y[m]
        cross = d.rho[m] * sx * sy
        # Half the sum and half the difference of the two variances along the ellipse's axes.
        mean, half = (sx * sx + sy * sy) / 2, np.hypot((sx * sx - sy * sy) / 2, cross)
        # Half a pixel at least: a needle is still to be seen.
        long, short = (max(max(v, 0.0) ** 0.5 * scale, 0.5) for v in (mean + half, mean - half))
        angle = np.degrees(np.arctan2(2 * cross, sx * sx - sy * sy)) / 2
        x, y = (pen - corner + np.array([d.mu_x[m], d.mu_y[m]])) * scale
        if not np.isfinite([x, y, angle, long, short]).all():
            raise ValueError(f"component {m} reaches too far to be drawn")
        at = f'transform="translate({x:.1f} {y:.1f}) rotate({angle:.1f})"'
        for sigmas, opacity in ((2, 0.3), (1, 0.7)):
            parts.append(
                f'<ellipse {at} rx="{sigmas * long:.2f}" ry="{sigmas * short:.2f}" '
                f'fill-opacity="{opacity * d.pi[m]:.3f}" stroke-opacity="{d.pi[m] ** 0.5:.3f}" '
                'stroke-width="0.7"/>'
            )
    return parts
