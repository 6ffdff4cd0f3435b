"""The net as PyTorch trains it: one LSTM, a mixture head, and biases that depend on the object.

The cell is TensorFlow's BasicLSTMCell (gates i, j, f, o; forget bias + 1), written as an
autograd function with its own backward pass: on a CPU that is as fast as `torch.nn.LSTM`, and it
allows recurrent dropout of tanh(j) (Semeniuta et al. 2016, the paper's). Matrix products run in
bfloat16 where asked for and fast; states, gates and sums stay in float32.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..nets.safetensors import ARRAYS
from .batches import Batch

Cell = Callable[..., tuple[Tensor, ...]]


@cache
def _products_faster() -> bool:
    """Whether bfloat16 products are faster than float32's here: without wide vectors PyTorch does
    them one by one, a hundred times as slowly (AMD Zen 3), an Intel with AVX-512 and without AMX
    at half the speed, AMD Zen 5 at twice. The product is that of a step of 128 drawings."""
    if "AVX512" not in torch.backends.cpu.get_cpu_capability().upper():
        return False

    def seconds(kind: torch.dtype) -> float:
        h, wh = torch.ones(128, 512, dtype=kind), torch.ones(512, 2048, dtype=kind)
        times = []
        for _ in range(4):  # the first warms up
            start = time.perf_counter()
            h @ wh
            times.append(time.perf_counter() - start)
        return min(times)

    return seconds(torch.bfloat16) < seconds(torch.float32)


def products(bfloat16: bool) -> torch.dtype:
    """The type of matrix products: bfloat16 if wanted, unless it is slower on this processor."""
    return torch.bfloat16 if bfloat16 and _products_faster() else torch.float32


def forward_cell(
    a: Tensor, bias: Tensor, c: Tensor, kept: Tensor, gain: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Products and bias (B, 4H), state c, kept (0 or 1) (B, H) → h, h for products, c'."""
    n = c.shape[1]
    x = a.float() + bias
    i, j = torch.sigmoid(x[:, :n]), torch.tanh(x[:, n : 2 * n])
    f, o = torch.sigmoid(x[:, 2 * n : 3 * n] + 1.0), torch.sigmoid(x[:, 3 * n :])
    c2 = c * f + i * j * (kept.float() * gain)
    h = torch.tanh(c2) * o
    return h, h.to(a.dtype), c2


def _backward_cell(
    a: Tensor,
    bias: Tensor,
    c: Tensor,
    c2: Tensor,
    kept: Tensor,
    gain: float,
    dh1: Tensor,
    dh2: Tensor,
    dc2: Tensor,
) -> tuple[Tensor, Tensor]:
    """Gradients of h from above (dh1) and from the next step (dh2, dc2) → of a, of c."""
    n = c.shape[1]
    x = a.float() + bias
    i, j = torch.sigmoid(x[:, :n]), torch.tanh(x[:, n : 2 * n])
    f, o = torch.sigmoid(x[:, 2 * n : 3 * n] + 1.0), torch.sigmoid(x[:, 3 * n :])
    m = kept.float() * gain
    dh = dh1 + dh2.float()
    t = torch.tanh(c2)
    dc = dc2 + dh * o * (1.0 - t * t)
    da = torch.cat(
        [
            dc * j * m * i * (1.0 - i),
            dc * i * m * (1.0 - j * j),
            dc * c * f * (1.0 - f),
            dh * t * o * (1.0 - o),
        ],
        1,
    )
    return da.to(a.dtype), dc * f


_plain: tuple[Cell, Cell] = (forward_cell, _backward_cell)
_cells = _plain


def compile_cells() -> bool:
    """Let torch.compile fuse the cell's element-wise part; False where there is no compiler."""
    global _cells
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        return False
    _cells = (
        torch.compile(forward_cell, dynamic=False),
        torch.compile(_backward_cell, dynamic=False),
    )
    return True


class _Lstm(torch.autograd.Function):
    """x (T, B, 5), wx (5, 4H), wh (H, 4H), bias (B, 4H), kept (T, B, H), first h and c (B, H) or
    None for zeros → h (T, B, H)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        wx: Tensor,
        wh: Tensor,
        bias: Tensor,
        kept: Tensor,
        gain: float,
        kind: torch.dtype,
        cells: tuple[Cell, Cell],
        h0: Tensor | None,
        c0: Tensor | None,
    ) -> Tensor:
        steps, count, wide = x.shape
        n = wh.shape[0]
        w = torch.cat([wh, wx]).to(kind)  # one product for [h, x]
        hx = torch.empty(steps + 1, count, n + wide, dtype=kind)
        hx[0, :, :n] = 0.0 if h0 is None else h0
        hx[:-1, :, n:] = x
        a = torch.empty(steps, count, 4 * n, dtype=kind)
        hs = torch.empty(steps, count, n)
        cs = [torch.zeros(count, n) if c0 is None else c0]
        for t in range(steps):
            torch.mm(hx[t], w, out=a[t])
            hs[t], hx[t + 1, :, :n], c = cells[0](a[t], bias, cs[t], kept[t], gain)
            cs.append(c)
        ctx.save_for_backward(w, bias, a, hx, kept, *cs)
        ctx.gain, ctx.cells, ctx.given = gain, cells, h0 is not None
        return hs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        w, bias, a, hx, kept, *cs = ctx.saved_tensors
        steps, count, wide = a.shape
        n = wide // 4
        back = w[:n].t().contiguous()
        da = torch.empty_like(a)
        dh2 = torch.zeros(count, n, dtype=a.dtype)
        dc = torch.zeros(count, n)
        for t in range(steps - 1, -1, -1):
            da[t], dc = ctx.cells[1](
                a[t], bias, cs[t], cs[t + 1], kept[t], ctx.gain, grads[0][t], dh2, dc
            )
            torch.mm(da[t], back, out=dh2)
        dw = (hx[:-1].reshape(steps * count, -1).t() @ da.view(-1, wide)).float()
        ones = torch.ones(1, steps, dtype=a.dtype)  # a product: much faster than da.sum(0)
        dbias = (ones @ da.view(steps, -1)).view(count, wide).float()
        start = (dh2.float(), dc) if ctx.given else (None, None)
        return None, dw[n:], dw[:n], dbias, None, None, None, None, *start


def lstm(
    x: Tensor,
    wx: Tensor,
    wh: Tensor,
    bias: Tensor,
    *,
    kept: Tensor | None = None,
    gain: float = 1.0,
    kind: torch.dtype = torch.float32,
    start: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Inputs x (T, B, 5), wx (5, 4H), wh (H, 4H), bias (B, 4H) → h (T, B, H), from `start`, h and c
    (B, H), or zeros."""
    # Compiled for the shape of training batches; what is only evaluated comes in all shapes.
    cells = _cells if torch.is_grad_enabled() else _plain
    if kept is None:
        kept = torch.ones(1, dtype=torch.uint8).expand(x.shape[0], x.shape[1], len(wh))
    h0, c0 = (None, None) if start is None else start
    h: Tensor = _Lstm.apply(x, wx, wh, bias, kept, gain, kind, cells, h0, c0)  # type: ignore[no-untyped-call]
    return h


class Net(nn.Module):
    """Decoder-only Sketch-RNN with H units, M components, and K objects to be told apart.

    An object k adds `e @ to_b` to the cell's bias and `e @ to_bo` to the head's, e = `embed[k] +
    side[0]`: both fold away into the plain net of that object (`folded`). Objects K to 2K - 1 are
    the same ones drawn mirrored (e = `embed[k] + side[1]`): more to learn from, and not shipped.
    K = 0: nothing to fold.
    """

    def __init__(
        self, hidden: int, mixtures: int = 20, objects: int = 0, embedding: int = 64
    ) -> None:
        super().__init__()
        out = 3 + 6 * mixtures
        self.hidden, self.mixtures, self.objects = hidden, mixtures, objects
        self.wx = nn.Parameter(torch.randn(5, 4 * hidden) * 0.3)
        self.wh = nn.Parameter(torch.empty(hidden, 4 * hidden))
        for gate in range(4):
            nn.init.orthogonal_(self.wh[:, gate * hidden : (gate + 1) * hidden].detach())
        self.b = nn.Parameter(torch.zeros(4 * hidden))
        self.wo = nn.Parameter(torch.randn(hidden, out) / math.sqrt(hidden))
        self.bo = nn.Parameter(torch.zeros(out))
        if objects:
            self.embed = nn.Parameter(torch.randn(objects, embedding))
            self.side = nn.Parameter(torch.zeros(2, embedding))
            self.to_b = nn.Parameter(torch.randn(embedding, 4 * hidden) * 0.02)
            self.to_bo = nn.Parameter(torch.zeros(embedding, out))

    def forward(self, x: Tensor, words: Tensor, **training: Any) -> Tensor:
        """Inputs (T, B, 5), objects (B,) → head outputs (T, B, 3 + 6M); more as in `outputs`."""
        b, bo = self.biases(words)
        return self.outputs(x, self.wx, b, bo, **training)

    def biases(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Objects (B,) → biases of the cell (B, 4H) and of the head (B, 3 + 6M)."""
        count = len(words)
        b, bo = self.b.expand(count, -1), self.bo.expand(count, -1)
        if self.objects:
            e = self.embed[words % self.objects] + self.side[words // self.objects]
            b, bo = b + e @ self.to_b, bo + e @ self.to_bo
        return b, bo

    def outputs(
        self,
        x: Tensor,
        wx: Tensor,
        b: Tensor,
        bo: Tensor,
        *,
        start: tuple[Tensor, Tensor] | None = None,
        kept: Tensor | None = None,
        gain: float = 1.0,
        kind: torch.dtype = torch.float32,
        weights: Tensor | None = None,
        outputs: Tensor | None = None,
    ) -> Tensor:
        """Inputs (T, B, 5), their weights (5, 4H), biases of the cell (B, 4H) and of the head →
        head outputs (T, B, 3 + 6M), from `start`, h and c (B, H), or zeros.

        In training only: `kept` (T, B, H) and `gain` are the dropout of tanh(j), `weights` (H, 4H)
        and `outputs` (B, H) factors of wh and of h before the head.
        """
        wh = self.wh if weights is None else self.wh * weights
        h = lstm(x, wx, wh, b, kept=kept, gain=gain, kind=kind, start=start)
        if outputs is not None:
            h = h * outputs
        return h @ self.wo + bo

    def follow(self, batch: Batch, **training: Any) -> tuple[Tensor, Tensor | None]:
        """Head outputs (T, B, 3 + 6M) of teacher forcing over a batch, and each drawing's L_KL (B,)
        where the net has a latent vector; `training` as in `outputs`."""
        x, words = torch.from_numpy(batch.inputs), torch.from_numpy(batch.words)
        return self(x, words, **training), None


def split(z: Tensor) -> tuple[Tensor, ...]:
    """Head outputs (…, 3 + 6M) → pen logits (…, 3); logits of π, μx, μy, log σx, log σy, atanh ρ,
    each (…, M)."""
    return (z[..., :3], *z[..., 3:].chunk(6, -1))


def log_1m_tanh2(r: Tensor) -> Tensor:
    """log(1 - tanh² r) without cancellation."""
    ar = r.abs()
    return 2.0 * (math.log(2.0) - ar - torch.log1p(torch.exp(-2.0 * ar)))


def mixture_log_prob(z: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
    """log Σ π N(dx, dy) of head outputs z (…, 3 + 6M) at offsets (…) in the net's units."""
    _, pi, mx, my, lx, ly, r = split(z)
    u = (dx.unsqueeze(-1) - mx) * torch.exp(-lx)
    v = (dy.unsqueeze(-1) - my) * torch.exp(-ly)
    log_1mr2 = log_1m_tanh2(r)
    w = (v - torch.tanh(r) * u) * torch.exp(-0.5 * log_1mr2)
    log_n = -math.log(2.0 * math.pi) - lx - ly - 0.5 * (log_1mr2 + u * u + w * w)
    return torch.logsumexp(torch.log_softmax(pi, -1) + log_n, -1)


def losses(z: Tensor, targets: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Per row (T, B): -log density of the offsets (rows before the end), pen cross-entropy.

    Ha & Eck 2017, eq. 9; the pen's term counts up to and including the ending row.
    """
    moves = valid * (1.0 - targets[..., 4])
    offsets = -mixture_log_prob(z, targets[..., 0], targets[..., 1]) * moves
    pen = -(torch.log_softmax(z[..., :3], -1) * targets[..., 2:]).sum(-1) * valid
    return offsets, pen


def folded(net: Net, word: int | None = None) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """The plain net of one object: wx, wh, b, wo, bo as the core reads them (no + 1 in b)."""
    b, bo = net.b.detach(), net.bo.detach()
    if net.objects:
        if word is None:
            raise ValueError("this net is conditioned on the object: say which one to fold in")
        e = (net.embed[word] + net.side[0]).detach()
        b, bo = b + e @ net.to_b.detach(), bo + e @ net.to_bo.detach()
    named = {"wx": net.wx, "wh": net.wh, "b": b, "wo": net.wo, "bo": bo}
    return {k: v.detach().numpy().astype(np.float32) for k, v in named.items()}


def tensors(net: Net) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """All weights; with objects also embed (K, E), to_b (E, 4H), to_bo (E, 3 + 6M).

    Object k of a conditioned net: b + embed[k] @ to_b, bo + embed[k] @ to_bo.
    """
    if hasattr(net, "latent"):
        from . import latent

        return latent.tensors(net)
    # By name, not named_parameters(): an array may be computed from others (low-rank additions).
    names = [*ARRAYS, *(("embed", "to_b", "to_bo") if net.objects else ())]
    found = {k: getattr(net, k).detach().numpy().astype(np.float32) for k in names}
    if net.objects:
        found["embed"] = found["embed"] + net.side[0].detach().numpy()
    return found


def unfolded(tensors: dict[str, Any]) -> Net:
    """A net from its weights, to go on training it."""
    if "z.w" in tensors:
        from . import latent

        return latent.unfolded(tensors)
    hidden, out = tensors["wo"].shape
    objects, embedding = tensors["embed"].shape if "embed" in tensors else (0, 0)
    net = Net(hidden, (out - 3) // 6, objects, embedding)
    with torch.no_grad():
        for name, value in tensors.items():
            getattr(net, name).copy_(torch.as_tensor(np.asarray(value, np.float32)))
    return net
