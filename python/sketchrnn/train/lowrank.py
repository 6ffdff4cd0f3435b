"""Trains a net as a low-rank addition to a common one (`sketchrnn.nets.addition` has the format).

The recurrent and the head's matrix are the common net's plus u · v, of which u and v alone are
trained; wx and the biases are small and trained whole. The parametrisation is PyTorch's, so that
the training loop and the lessons in ending see an ordinary net.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..nets import addition
from .model import Net, unfolded

Array = NDArray[np.float32]


class Sum(nn.Module):
    """base (N, K) + u (N, R) · v (R, K), beginning with u random and v zero: at base."""

    def __init__(self, base: Tensor, rank: int) -> None:
        super().__init__()
        self.register_buffer("base", base.detach().clone())
        self.rank = rank

    def forward(self, u: Tensor, v: Tensor) -> Tensor:
        return self.base + u @ v  # type: ignore[no-any-return, operator]

    def right_inverse(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """What is first held: any u will do, for v is zero."""
        rows, columns = value.shape
        u = torch.randn(rows, self.rank) / self.rank**0.5
        return u, torch.zeros(self.rank, columns)


def begun(base: dict[str, Array], rank: int, head_rank: int) -> Net:
    """A net that is `base` (wx, wh, b, wo, bo) and learns to add to it."""
    net = unfolded(base)
    for name, size in (("wh", rank), ("wo", head_rank)):
        parametrize.register_parametrization(net, name, Sum(getattr(net, name), size))
    return net


def resumed(base: dict[str, Array], whole: dict[str, Array], rank: int, head_rank: int) -> Net:
    """A net that is `whole`, `base` and an addition of these ranks, and goes on learning to add."""
    net = begun(base, rank, head_rank)
    with torch.no_grad():
        for name in addition.PRODUCTS:
            held: Any = net.parametrizations[name]  # type: ignore[index, operator]
            change = torch.from_numpy(whole[name] - base[name])
            left, sizes, right = torch.linalg.svd(change, full_matrices=False)
            root = sizes[: held[0].rank].sqrt()
            held.original0.copy_(left[:, : len(root)] * root)
            held.original1.copy_(root[:, None] * right[: len(root)])
        for name in addition.SUMS:
            getattr(net, name).copy_(torch.from_numpy(whole[name]))
    return net


def stored(net: Net, base: dict[str, Array], metadata: dict[str, str], levels: int = 127) -> bytes:
    """The addition's file; fewer levels are smaller once compressed."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name in addition.PRODUCTS:
        held: Any = net.parametrizations[name]  # type: ignore[index, operator]
        u, v = (p.detach().numpy() for p in (held.original0, held.original1))
        arrays |= {f"{name}.{part}": a for part, a in addition.quantised(u, v, levels).items()}
    for name in addition.SUMS:
        arrays[f"{name}.add"] = getattr(net, name).detach().numpy() - base[name]
    return addition.packed(arrays, metadata)
