"""Batches of drawings: bucketed by length, augmented as in the paper, a function of (seed, step).

Nothing here keeps state between batches, so a run that was killed continues with exactly the
batches that it would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .data import Drawing

F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Augment:
    """Turn by ± `turn` radians, scale each axis by 1 ± `scale`, drop points with probability
    `drop`, dither by ± `dither`.

    `scale` and `drop` are the paper's (sections 3.1 and 4). `dither` is in pixels: the data are
    whole pixels, and without it the densities at dx = 0 and dy = 0 grow without bound. `mirror`
    is the share of drawings that are mirrored; a net of many objects is told so.
    """

    scale: float = 0.15
    drop: float = 0.1
    dither: float = 0.0
    mirror: float = 0.0
    turn: float = 0.0


NO_AUGMENT = Augment(0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Batch:
    """Teacher forcing, time major: inputs and targets (T, B, 5), words (B,), rows' count."""

    inputs: F32
    targets: F32
    valid: F32  # (T, B): 1 up to and including the ending row
    words: NDArray[np.int64]
    rows: int


def drop_points(rows: F32, prob: float, rng: np.random.Generator) -> F32:
    """Joins points inside strokes to their predecessors, at random (Magenta: augment_strokes)."""
    n = len(rows)
    lifted = rows[:, 2] > 0.5
    before = np.concatenate([[True], lifted[:-1]])
    at = np.arange(n)
    in_stroke = at - np.maximum.accumulate(np.where(before, at, 0))
    joined = (in_stroke > 2) & ~lifted & (rng.random(n) < prob)
    out = rows[~joined].copy()
    out[:, :2] = np.add.reduceat(rows[:, :2], np.flatnonzero(~joined), axis=0)
    return out


def collate(
    drawings: Sequence[Drawing],
    word_index: dict[str, int],
    scale_factor: float,
    augment: Augment = NO_AUGMENT,
    rng: np.random.Generator | None = None,
) -> Batch:
    """One batch. Row i of the targets is row i + 1 of the inputs; the start token is zeros."""
    rng = rng or np.random.default_rng(0)
    parts = []
    words = np.array([word_index.get(d.word, 0) for d in drawings], np.int64)
    sides = rng.random(len(drawings)) < augment.mirror
    words += sides * len(word_index)
    for d, mirrored in zip(drawings, sides, strict=True):
        rows: F32 = d.rows.astype(np.float32)
        if augment.drop > 0.0 and len(rows) > 3:
            rows = drop_points(rows, augment.drop, rng)
        if augment.dither > 0.0:
            rows[:, :2] += rng.uniform(-augment.dither, augment.dither, (len(rows), 2))
        if mirrored:
            rows[:, 0] *= -1.0
        if augment.turn > 0.0:
            by = rng.uniform(-augment.turn, augment.turn)
            c, s = np.cos(by), np.sin(by)
            rows[:, :2] @= np.array([[c, s], [-s, c]], np.float32)
        if augment.scale > 0.0:
            rows[:, :2] *= 1.0 + rng.uniform(-augment.scale, augment.scale, 2)
        parts.append(rows)
    lengths = np.array([len(p) for p in parts])
    steps, count = int(lengths.max()) + 1, len(parts)
    targets = np.zeros((steps, count, 5), np.float32)
    for b, rows in enumerate(parts):
        n = len(rows)
        targets[:n, b, :2] = rows[:, :2] / scale_factor
        targets[:n, b, 2] = 1.0 - rows[:, 2]
        targets[:n, b, 3] = rows[:, 2]
        targets[n:, b, 4] = 1.0
    inputs = np.zeros_like(targets)
    inputs[1:] = targets[:-1]
    valid = (np.arange(steps)[:, None] <= lengths).astype(np.float32)
    return Batch(inputs, targets, valid, words, int(lengths.sum()) + count)


def led_back(
    batch: Batch, error: Callable[[int, NDArray[np.float32], NDArray[np.float32]], NDArray[Any]]
) -> Batch:
    """The batch as one sees it whose pen goes astray, and how to come back: a net that draws on
    after its own points has to know where it is.

    error(t, inputs (B, 5), wanted (B, 2)) says by how much row t misses what is wanted there. The
    next targets lead back a quarter of the way, a jump all of it. (After DAgger, Ross et al. 2011:
    learn from the states that one's own steps lead to.)
    """
    inputs, targets = batch.inputs.copy(), batch.targets.copy()
    jumps = np.zeros(batch.valid.shape, bool)
    jumps[1:] = batch.targets[:-1, :, 3] > 0.5
    back = np.where(jumps, 1.0, 0.25)[..., None]
    astray = np.zeros((*targets.shape[1:2], 2))
    for t in range(len(targets)):
        targets[t, :, :2] -= back[t] * astray
        missed = error(t, inputs[t], targets[t, :, :2])
        astray += missed - back[t] * astray
        if t + 1 < len(targets):
            inputs[t + 1, :, :2] = targets[t, :, :2] + missed
    return replace(batch, inputs=inputs, targets=targets)


def chance(batch: Batch, amount: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Errors (T, B, 2) of a pen that goes astray by chance: by up to 2 · `amount` (of a standard
    deviation, net units; each drawing has its own share) with each row, four times that after a
    jump."""
    size = amount * rng.uniform(0.0, 2.0, (batch.valid.shape[1], 1))
    noise = rng.standard_normal((*batch.valid.shape, 2)) * size
    noise[1:] *= np.where(batch.targets[:-1, :, 3] > 0.5, 4.0, 1.0)[..., None]
    return noise


def buckets(
    lengths: NDArray[np.int64], size: int, rng: np.random.Generator | None
) -> list[NDArray[np.int64]]:
    """Indices of an epoch's batches: drawings of like length together, in random order."""
    if rng is None:
        order = np.argsort(lengths, kind="stable")
        return [order[i : i + size] for i in range(0, len(order), size)]
    order = rng.permutation(len(lengths))
    if len(order) < size:
        return [order]
    order = order[: len(order) // size * size]  # the rest waits for another epoch
    out: list[NDArray[np.int64]] = []
    for i in range(0, len(order), 64 * size):
        pool = order[i : i + 64 * size]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        out += [pool[j : j + size] for j in range(0, len(pool), size)]
    return [out[i] for i in rng.permutation(len(out))]


class Epochs:
    """Training batches by step number.

    With `most`, an epoch has at most so many drawings of an object, others in each epoch: objects
    with thousands do not crowd out those with tens.
    """

    def __init__(
        self,
        drawings: Sequence[Drawing],
        words: dict[str, int],
        scale_factor: float,
        size: int,
        augment: Augment,
        seed: int,
        most: int = 0,
    ) -> None:
        self.drawings, self.words, self.scale_factor = drawings, words, scale_factor
        by_word: dict[str, list[int]] = {}
        for i, d in enumerate(drawings):
            by_word.setdefault(d.word, []).append(i)
        self.most = most or len(drawings)
        self.by_word = [np.array(by_word[w]) for w in sorted(by_word)]
        count = sum(min(len(m), self.most) for m in self.by_word)
        self.size, self.augment, self.seed = min(size, count), augment, seed
        self.lengths = np.array([len(d.rows) for d in drawings])
        self.per_epoch = max(1, count // self.size)
        self._epoch = -1
        self._order: list[NDArray[np.int64]] = []

    def __getitem__(self, step: int) -> Batch:
        epoch, i = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            rng = np.random.default_rng([self.seed, 1, epoch])
            chosen = self._chosen(epoch)
            found = buckets(self.lengths[chosen], self.size, rng)
            self._order, self._epoch = [chosen[b] for b in found], epoch
        rng = np.random.default_rng([self.seed, 2, step])
        some = [self.drawings[k] for k in self._order[i]]
        return collate(some, self.words, self.scale_factor, self.augment, rng)

    def _chosen(self, epoch: int) -> NDArray[np.int64]:
        if self.most >= len(self.drawings):
            return np.arange(len(self.drawings))
        rng = np.random.default_rng([self.seed, 6, epoch])
        some = [
            rng.choice(m, self.most, replace=False) if len(m) > self.most else m
            for m in self.by_word
        ]
        return np.sort(np.concatenate(some))
