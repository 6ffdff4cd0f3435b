"""What a net with an encoder does with latent vectors (Ha & Eck 2017, sections 3.1 and 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _check, _core
from .score import to_score
from .sketch import Grid, Sketch, Sketches
from .strokes import Floats

if TYPE_CHECKING:
    from .net import Net

Progress = Callable[[int, int], Any]

METHODS = ("spherical", "linear")


class LatentMethods:
    """The part of :class:`Net` that needs an encoder; a net without one refuses with ValueError."""

    __slots__ = ()

    _core: _core.Net

    @property
    def latent_size(self) -> int:
        """N_z, how many numbers a latent vector has; 0 for a net without an encoder."""
        return self._core.latent_size

    def posterior(
        self,
        sketches: Any,
        *,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> tuple[Floats, Floats]:
        """Return μ and σ of N(μ, σ²), where drawings lie among latent vectors (eq. 2): each
        (n, N_z) float32.

        `sketches` as in :meth:`Net.score`. The encoder reads all rows, the ending one too where
        there is one. Bits are the same for any number of drawings and threads, and on any machine.
        """
        if self.latent_size == 0:
            raise ValueError("this net has no encoder (net.latent_size is 0)")
        batch = to_score(sketches)
        report = None if progress is None else lambda done: progress(done, len(batch))
        return self._core.encode(
            np.ascontiguousarray(batch.strokes, np.float32),
            np.ascontiguousarray(batch.offsets, np.int64),
            _check.threads(threads),
            report,
        )

    def encode(
        self,
        sketches: Any,
        *,
        temperature: float = 0.0,
        seed: int | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Floats:
        """Return latent vectors of drawings, (n, N_z) float32: μ, or draws from N(μ, τ²σ²) with
        τ = `temperature` above 0, drawing i with the random numbers of (`seed`, i).

        Other parameters as in :meth:`posterior`.
        """
        tau = _check.temperature("temperature", temperature)
        mu, sigma = self.posterior(sketches, threads=threads, progress=progress)
        if tau == 0.0:
            return mu
        noise = self._core.latents(_check.seed(seed), 0, len(mu))
        return mu + np.float32(tau) * sigma * noise

    def reconstruct(self, sketches: Any, **options: Any) -> Sketches:
        """Draw each drawing anew from its own latent vector μ; options of :meth:`Net.draw`."""
        return self._draw_all(self.encode(sketches, threads=options.get("threads")), options)

    def interpolate(
        self, a: Any, b: Any, n: int = 10, *, method: str = "spherical", **options: Any
    ) -> Sketches:
        """Draw `n` steps on the way from `a` to `b`, both ends included.

        `a` and `b` are drawings, which are encoded, or latent vectors (N_z,). `method`: "spherical"
        goes at an even angle, as in the paper (White 2016, arXiv 1609.04468), "linear" straight.
        Options are those of :meth:`Net.draw`.
        """
        count = _check.integer("n", n, 2, _check.MOST)
        p, q = self._vector("a", a), self._vector("b", b)
        return self._draw_all(between(p, q, np.linspace(0.0, 1.0, count), method), options)

    def interpolation_grid(
        self,
        a: Any,
        b: Any,
        c: Any,
        d: Any,
        n: int = 5,
        *,
        method: str = "spherical",
        **options: Any,
    ) -> Grid:
        """Draw `n` × `n` steps between four drawings or vectors in the corners (the paper's Figure
        5): `a` top left, `b` top right, `c` bottom left, `d` bottom right; a picture to save or
        show, whose ``sketches`` go row by row."""
        count = _check.integer("n", n, 2, 1 << 15)
        steps = np.linspace(0.0, 1.0, count)
        corners = [self._vector(*named) for named in zip("abcd", (a, b, c, d), strict=True)]
        left = between(corners[0], corners[2], steps, method)
        right = between(corners[1], corners[3], steps, method)
        rows = [between(x, y, steps, method) for x, y in zip(left, right, strict=True)]
        return self._draw_all(np.concatenate(rows), options).grid(columns=count)

    def _draw_all(self, z: NDArray[Any], options: dict[str, Any]) -> Sketches:
        net: Net = self  # type: ignore[assignment]
        drawn: Sketches = net.draw(z=np.atleast_2d(z), **options)
        return drawn

    def _vector(self, name: str, value: Any) -> Floats:
        """The latent vector that a caller gave, or that of the drawing that he gave."""
        if isinstance(value, Sketch) or np.ndim(value) == 2:
            rows = self.encode([value])
        else:
            rows = latents(name, value, self.latent_size)
        found: Floats = rows[0]
        return found


def latents(name: str, z: Any, size: int) -> Floats:
    """Return latent vectors (n, N_z) float32 from one (N_z,) or n; TypeError or ValueError for what
    is none of a net of N_z = `size`."""
    if size == 0:
        raise ValueError(f"{name}: this net has no encoder (net.latent_size is 0)")
    array = _check.numeric(name, z)
    rows = array[None] if array.ndim == 1 else array
    if rows.ndim != 2 or rows.shape[1] != size or len(rows) == 0:
        raise ValueError(
            f"{name}: expected an array of shape ({size},) or (n, {size}), found {array.shape}"
        )
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise ValueError(
            f"{name}: row {row}: number {column} must be finite, found {rows[row, column]}"
        )
    return rows


def count_of(z: Any) -> int | None:
    """How many drawings vectors stand for where nobody says: None for a single vector."""
    return None if z is None or np.ndim(z) < 2 else len(z)


def between(a: Floats, b: Floats, steps: NDArray[np.float64], method: str = "spherical") -> Floats:
    """Latent vectors at `steps` (0: a, 1: b) of the way, (len(steps), N_z)."""
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")
    p, q, t = a.astype(np.float64), b.astype(np.float64), steps[:, None]
    straight = (1.0 - t) * p + t * q
    if method == "spherical":
        norms = np.linalg.norm(p) * np.linalg.norm(q)
        angle = np.arccos(np.clip(p @ q / norms, -1.0, 1.0)) if norms > 0.0 else 0.0
        # Where one is 0, or they point the same way or against each other (sin of the angle lost
        # in float64's rounding), there is no one arc between them.
        if np.sin(angle) > 1e-6:
            weights = np.sin((1.0 - t) * angle), np.sin(t * angle)
            straight = (weights[0] * p + weights[1] * q) / np.sin(angle)
    straight[steps == 0.0], straight[steps == 1.0] = p, q
    return straight.astype(np.float32)
