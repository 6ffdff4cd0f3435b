"""Held-out loss of a net, by teacher forcing, in float32."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .batches import buckets, collate
from .data import Drawing
from .model import Net, losses

FLOOR = 1e-6


def _widened(z: Tensor, scale_factor: float) -> Tensor:
    """Head outputs whose every covariance is wider by that of one pixel (1/12 px² an axis)."""
    pi, mx, my, lx, ly, r = z[..., 3:].double().chunk(6, -1)
    pixel = 1.0 / (12.0 * scale_factor**2)
    sx, sy = (torch.exp(2.0 * lx) + pixel).sqrt(), (torch.exp(2.0 * ly) + pixel).sqrt()
    rho = torch.tanh(r) * torch.exp(lx + ly) / (sx * sy)
    rho = rho.clamp(-1.0 + 1e-12, 1.0 - 1e-12)
    parts = [z[..., :3].double(), pi, mx, my, sx.log(), sy.log(), torch.atanh(rho)]
    return torch.cat(parts, -1)


@torch.no_grad()
def evaluate(
    net: Net,
    drawings: Sequence[Drawing],
    words: dict[str, int],
    scale_factor: float,
    n_max: int,
    size: int = 256,
) -> dict[str, float]:
    """Mean losses over drawings, in nats.

    `nats`: offsets' -log density and pen cross-entropy, summed, over the number of rows (the
    ending row of each drawing counts as one). `offset` and `pen`: its two parts. `cell`: the
    same with covariances widened by one pixel's and floors of 1e-6 (no reward for densities
    sharper than the pixels of the data). `paper`: Magenta's evaluation figure, divided by
    n_max, floored, without the ending row: of a net with a latent vector, which follows each
    drawing at z = μ, L_R (eq. 9); then `kl` is L_KL (eq. 10), a mean over drawings.
    """
    total = dict.fromkeys(("offset", "pen", "cell", "paper"), 0.0)
    rows = 0
    lengths = np.array([len(d.rows) for d in drawings])
    for chosen in buckets(lengths, size, None):
        b = collate([drawings[k] for k in chosen], words, scale_factor)
        targets, valid = torch.from_numpy(b.targets), torch.from_numpy(b.valid)
        z, kl = net.follow(b)
        offset, pen = losses(z, targets, valid)
        moves = valid * (1.0 - targets[..., 4])
        if kl is not None:
            total["kl"] = total.get("kl", 0.0) + float(kl.double().sum())
        total["offset"] += float(offset.double().sum())
        total["pen"] += float(pen.double().sum())
        floored = -torch.log(torch.exp(-offset.double()) + FLOOR)
        total["paper"] += float(((floored + pen) * moves).sum())
        wide, _ = losses(_widened(z, scale_factor), targets.double(), valid.double())
        most = -math.log(FLOOR)
        total["cell"] += float(wide.clamp(max=most).sum() + pen.double().clamp(max=most).sum())
        rows += b.rows
    out = {k: total[k] / max(rows, 1) for k in ("offset", "pen", "cell")}
    out["nats"] = out["offset"] + out["pen"]
    out["paper"] = total["paper"] / (n_max * max(len(drawings), 1))
    out["rows"] = float(rows)
    if "kl" in total:
        out["kl"] = total["kl"] / max(len(drawings), 1)
    return out
