"""The paper's whole model in training: bidirectional encoder, latent vector, and the KL term.

Ha & Eck 2017 (arXiv 1704.03477): eq. 1 to 3 for the net, 8 to 11 for the loss. Of a drawing, both
LSTMs of the encoder read all rows, the ending one too; z = μ + σ·ε in training, z = μ where a net
is only evaluated. z acts through the gates' bias (z · wx[5:]) and the first state, as in the core.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..nets.safetensors import ARRAYS, LATENT
from .batches import Batch, chance, led_back
from .loop import Run, Settings
from .model import Net, forward_cell, lstm, split


def lengths_of(batch: Batch) -> Tensor:
    """Rows of each drawing (B,), the ending one included."""
    return torch.from_numpy(batch.valid.sum(0).astype(np.int64))


class LatentNet(Net):
    """H units, M components, and an encoder of twice E units for latent vectors of N_z numbers.

    Parameters are named as the container's arrays with "_" for "."; wx is (5 + N_z, 4H).
    """

    def __init__(
        self, hidden: int, mixtures: int = 20, encoder: int = 256, latent: int = 128
    ) -> None:
        super().__init__(hidden, mixtures)
        self.encoder, self.latent = encoder, latent
        self.wx = nn.Parameter(torch.cat([self.wx.detach(), torch.zeros(latent, 4 * hidden)]))
        nn.init.normal_(self.wx.detach()[5:], std=0.3 / math.sqrt(latent))
        for side in ("fw", "bw"):
            lone = Net(encoder, 1)
            for key in ("wx", "wh", "b"):
                setattr(self, f"{side}_{key}", nn.Parameter(getattr(lone, key).detach()))
        wide = 2 * encoder
        for key in ("mu", "sigma"):
            # As Magenta's: small, so that every drawing begins near N(0, I).
            setattr(self, f"{key}_w", nn.Parameter(torch.randn(wide, latent) * 1e-3))
            setattr(self, f"{key}_b", nn.Parameter(torch.zeros(latent)))
        self.z_w = nn.Parameter(torch.randn(latent, 2 * hidden) * 1e-3)
        self.z_b = nn.Parameter(torch.zeros(2 * hidden))

    def read(self, rows: Tensor, lengths: Tensor, kept: Tensor | None = None, **how: Any) -> Tensor:
        """Rows (T, B, 5) in net units, lengths (B,) → the last h of both directions (B, 2E)."""
        each = torch.arange(rows.shape[1])
        at = torch.arange(len(rows))[:, None]
        backwards = torch.where(at < lengths, lengths - 1 - at, at)
        ends = []
        for i, (side, order) in enumerate((("fw", rows), ("bw", rows[backwards, each]))):
            wx, wh, b = (getattr(self, f"{side}_{key}") for key in ("wx", "wh", "b"))
            part = None if kept is None else kept[i]
            h = lstm(order, wx, wh, b.expand(len(each), -1), kept=part, **how)
            ends.append(h[lengths - 1, each])
        return torch.cat(ends, 1)

    def encode(
        self, rows: Tensor, lengths: Tensor, kept: Tensor | None = None, **how: Any
    ) -> tuple[Tensor, Tensor]:
        """The same → μ and log σ² (B, N_z)."""
        both = self.read(rows, lengths, kept, **how)
        return both @ self.mu_w + self.mu_b, both @ self.sigma_w + self.sigma_b

    def follow(  # type: ignore[override]
        self,
        batch: Batch,
        *,
        noise: Tensor | None = None,
        encoder_kept: Tensor | None = None,
        seen: Tensor | None = None,
        **training: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Head outputs over each drawing with its own latent vector, and L_KL of each (eq. 10).

        In training: `noise` (B, N_z) is ε, `encoder_kept` (2, T, B, E) the encoder's dropout,
        `seen` (T, B, 5) the rows it reads if those are not the targets; the rest as in `outputs`.
        """
        rows = torch.from_numpy(batch.targets) if seen is None else seen
        how = {key: training[key] for key in ("gain", "kind") if key in training}
        mu, spread = self.encode(rows, lengths_of(batch), encoder_kept, **how)
        kl = -0.5 * (1.0 + spread - mu * mu - spread.exp()).mean(1)
        z = mu if noise is None else mu + (0.5 * spread).exp() * noise
        return self.decode(torch.from_numpy(batch.inputs), z, **training), kl

    def decode(self, x: Tensor, z: Tensor, **training: Any) -> Tensor:
        """Inputs (T, B, 5), z (B, N_z) → head outputs (T, B, 3 + 6M); training as in `outputs`."""
        start, bias = self.condition(z)
        return self.outputs(x, self.wx[:5], bias, self.bo, start=start, **training)

    def condition(self, z: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """z (B, N_z) → the first h and c (B, H) and the gates' bias (B, 4H)."""
        c, h = torch.tanh(z @ self.z_w + self.z_b).chunk(2, 1)
        return (h, c), self.b + z @ self.wx[5:]


@dataclass(frozen=True)
class LatentSettings(Settings):
    """The loss is L_R + w_kl · η · max(L_KL, kl_min), η = 1 - (1 - eta_min) · kl_rate^step: the
    paper's w_KL, η_min, R and KL_min (section 3.3; Magenta's defaults). The decoder learns from
    drawings gone astray (:func:`.batches.led_back`): a share `own` of them by its own steps, the
    others by chance, up to twice `drift` pixels a row."""

    w_kl: float = 0.5
    eta_min: float = 0.01
    kl_rate: float = 0.99995
    kl_min: float = 0.2
    drift: float = 0.0
    own: float = 0.0


OWN_TEMPERATURE = 0.2
"""At which nets are asked for what they keep of a drawing."""
MOST_ASTRAY = 16.0
"""Pixels that a row's error counts for: what is further off is another drawing, and no way back."""


class OwnSteps:
    """A net that draws along a batch: the offsets are its own, pen states those of the drawings."""

    def __init__(self, net: LatentNet, rows: Tensor, lengths: Tensor, seed: list[int]) -> None:
        self.net = net
        self.rng = np.random.default_rng(seed)
        z, _ = net.encode(rows, lengths)
        (self.h, self.c), self.bias = net.condition(z)
        self.weights = torch.cat([net.wh, net.wx[:5]])

    def step(self, inputs: Tensor) -> Tensor:
        """Inputs (B, 5) → offsets (B, 2) at OWN_TEMPERATURE (eq. 8)."""
        everything = torch.ones(1, dtype=torch.uint8)
        a = torch.cat([self.h, inputs], 1) @ self.weights
        self.h, _, self.c = forward_cell(a, self.bias, self.c, everything, 1.0)
        _, pi, mx, my, lx, ly, r = split(self.h @ self.net.wo + self.net.bo)
        gumbel = torch.from_numpy(self.rng.gumbel(size=pi.shape))
        chosen = (pi / OWN_TEMPERATURE + gumbel).argmax(1, keepdim=True)
        mx, my, lx, ly, r = (values.gather(1, chosen)[:, 0] for values in (mx, my, lx, ly, r))
        u, v = torch.from_numpy(self.rng.standard_normal((2, len(mx)), np.float32))
        rho, wide = torch.tanh(r), math.sqrt(OWN_TEMPERATURE)
        v = rho * u + torch.sqrt(1.0 - rho * rho) * v
        return torch.stack([mx + wide * lx.exp() * u, my + wide * ly.exp() * v], 1)


class LatentRun(Run):
    """A training with that loss; L_R and L_KL of the validation stand in `history`."""

    net: LatentNet
    settings: LatentSettings

    def _batch(self) -> Batch:
        batch = super()._batch()
        self._seen = torch.from_numpy(batch.targets)
        s = self.settings
        if s.drift == 0.0 and s.own == 0.0:
            return batch
        rng = np.random.default_rng([s.seed, 9, self.step])
        missed = chance(batch, s.drift / self.scale_factor, rng)
        if s.own == 0.0:
            return led_back(batch, lambda t, inputs, wanted: missed[t])
        by_itself = rng.random((batch.valid.shape[1], 1)) < s.own
        most = MOST_ASTRAY / self.scale_factor
        with torch.no_grad():
            steps = OwnSteps(self.net, self._seen, lengths_of(batch), [s.seed, 10, self.step])

            def error(t: int, inputs: Any, wanted: Any) -> NDArray[Any]:
                own = steps.step(torch.from_numpy(inputs)).numpy() - wanted
                return np.where(by_itself, own.clip(-most, most), missed[t])

            return led_back(batch, error)

    def _given(self, batch: Batch) -> dict[str, Tensor]:
        count = batch.valid.shape[1]
        rng = np.random.default_rng([self.settings.seed, 7, self.step])
        noise = rng.standard_normal((count, self.net.latent), np.float32)
        given = {"noise": torch.from_numpy(noise), "seen": self._seen}
        if self.settings.keep < 1.0:
            shape = (2, *batch.valid.shape, self.net.encoder)
            given["encoder_kept"] = self._kept(8, shape)[0]
        return given

    def _per_row(self, nats: Tensor, kl: Tensor | None, batch: Batch) -> Tensor:
        # All of it times N_max · drawings / rows: L_R is then nats per row, as in every net's
        # training, so that learning rates and the bound on gradients mean the same.
        assert kl is not None
        s = self.settings
        eta = 1.0 - (1.0 - s.eta_min) * s.kl_rate**self.step
        per_row = s.n_max * len(kl) / batch.rows
        return nats / batch.rows + per_row * s.w_kl * eta * kl.mean().clamp(min=s.kl_min)

    def _criterion(self, found: dict[str, float]) -> float:
        s = self.settings
        per_row = s.n_max * len(self.valid) / found["rows"]
        return found["nats"] + per_row * s.w_kl * max(found["kl"], s.kl_min)


def whitened(net: LatentNet, batches: Iterable[Batch]) -> LatentNet:
    """The net, with the same reconstructions, in whose latent space the vectors of these drawings
    have mean 0 and covariance I together.

    A tolerance (KL_min) lets them lie anywhere; z that nobody gives is from N(0, I), which is then
    where drawings are. σ stays one number for each axis, fitted anew by least squares in log σ².
    """
    net = copy.deepcopy(net)
    with torch.no_grad():
        read = torch.cat(
            [net.read(torch.from_numpy(b.targets), lengths_of(b)) for b in batches]
        ).double()
        old = {name: p.double() for name, p in net.named_parameters()}
        mu = read @ old["mu_w"] + old["mu_b"]
        variance = (read @ old["sigma_w"] + old["sigma_b"]).exp()
        mean = mu.mean(0)
        spread = (mu - mean).T @ (mu - mean) / len(mu) + torch.diag(variance.mean(0))
        values, axes = torch.linalg.eigh(spread)
        there, back = (axes @ torch.diag(values**power) @ axes.T for power in (-0.5, 0.5))
        ones = torch.ones(len(read), 1, dtype=read.dtype)
        sides = torch.cat([read, ones], 1)
        # Some rows of a thousandth: fewer drawings than units leave directions without any.
        held = 1e-3 * len(read) * torch.eye(sides.shape[1], dtype=read.dtype)
        fitted = torch.linalg.solve(
            sides.T @ sides + held, sides.T @ (variance @ (there**2).T).log()
        )
        z_to_gates = old["wx"][5:]
        new = {
            "mu_w": old["mu_w"] @ there,
            "mu_b": (old["mu_b"] - mean) @ there,
            "sigma_w": fitted[:-1],
            "sigma_b": fitted[-1],
            "z_w": back @ old["z_w"],
            "z_b": old["z_b"] + mean @ old["z_w"],
            "wx": torch.cat([old["wx"][:5], back @ z_to_gates]),
            "b": old["b"] + mean @ z_to_gates,
        }
        for name, value in new.items():
            getattr(net, name).copy_(value)
    return net


def begun(
    decoder: dict[str, NDArray[np.float32]], encoder: int, latent: int, seed: int
) -> LatentNet:
    """A net with a new encoder whose decoder begins as a net without one: wx, wh, b, wo, bo."""
    torch.manual_seed(seed)
    hidden, out = decoder["wo"].shape
    net = LatentNet(hidden, (out - 3) // 6, encoder, latent)
    with torch.no_grad():
        for key in ARRAYS:
            getattr(net, key)[: len(decoder[key])] = torch.from_numpy(decoder[key])
    return net


def tensors(net: LatentNet) -> dict[str, NDArray[np.float32]]:
    """The container's 17 arrays."""
    return {
        key: getattr(net, key.replace(".", "_")).detach().numpy().astype(np.float32)
        for key in (*ARRAYS, *LATENT)
    }


def unfolded(arrays: dict[str, Any]) -> LatentNet:
    """A net from the container's 17 arrays, to go on training it."""
    hidden, out = arrays["wo"].shape
    net = LatentNet(hidden, (out - 3) // 6, len(arrays["fw.wh"]), len(arrays["z.w"]))
    with torch.no_grad():
        for key in (*ARRAYS, *LATENT):
            value = torch.as_tensor(np.asarray(arrays[key], np.float32))
            getattr(net, key.replace(".", "_")).copy_(value)
    return net
