"""The training loop. A run is a function of its settings and data, however often it is killed.

All randomness comes from (seed, step), and a checkpoint holds everything else that a step reads:
weights, their moving average, the optimiser's moments, the best weights so far. It is written
to a temporary file and renamed, so that there is always a whole one.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .batches import Augment, Epochs
from .data import Drawing
from .evaluate import evaluate
from .model import Net, losses


@dataclass(frozen=True)
class Settings:
    """What, beside the data, decides a run.

    Dropout: `keep` of tanh(j), new at each point (the paper's recurrent dropout); `weight_drop` of
    recurrent weights, new for each batch, and `output_drop` of h before the head, new for each
    drawing (both from AWD-LSTM, Merity et al. 2017, arXiv 1708.02182).
    """

    steps: int = 10_000
    batch: int = 128
    lr: float = 2e-3
    lr_end: float = 2e-5
    warmup: int = 200
    clip: float = 1.0
    weight_decay: float = 0.01
    keep: float = 0.9
    weight_drop: float = 0.0
    output_drop: float = 0.0
    average: float = 0.999
    seed: int = 0
    every: int = 500
    patience: int = 10
    bfloat16: bool = False
    n_max: int = 200
    augment: Augment = field(default_factory=Augment)

    def rate(self, step: int) -> float:
        """Learning rate: a linear warm-up, then half a cosine down to `lr_end`."""
        up = min(1.0, (step + 1) / max(1, self.warmup))
        down = 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / self.steps)))
        return up * (self.lr_end + (self.lr - self.lr_end) * down)


class Run:
    """One training: the net, its moving average, the optimiser, and where it stands."""

    def __init__(
        self,
        net: Net,
        settings: Settings,
        train: Sequence[Drawing],
        valid: Sequence[Drawing],
        words: dict[str, int],
        scale_factor: float,
        checkpoint: Path | None = None,
    ) -> None:
        self.net, self.settings, self.valid = net, settings, valid
        self.words, self.scale_factor, self.checkpoint = words, scale_factor, checkpoint
        s = settings
        self.batches = Epochs(train, words, scale_factor, s.batch, s.augment, s.seed)
        matrices = [p for p in net.parameters() if p.ndim > 1]
        vectors = [p for p in net.parameters() if p.ndim <= 1]
        groups: list[dict[str, Any]] = [
            {"params": matrices, "weight_decay": s.weight_decay},
            {"params": vectors},
        ]
        self.optimiser = torch.optim.AdamW(
            groups,
            lr=s.lr,
            weight_decay=0.0,
            betas=(0.9, 0.99),
            foreach=True,
        )
        self.step = 0
        self.seconds = 0.0
        self.history: list[dict[str, float]] = []
        self.average = {k: v.clone() for k, v in net.state_dict().items()}
        self.best: dict[str, Tensor] = self.average
        self.best_loss = math.inf
        self.bad = 0
        self._sum = torch.zeros(2)
        self._count = 0
        if checkpoint is not None and checkpoint.exists():
            self._load(torch.load(checkpoint, weights_only=True))

    def _fingerprint(self) -> str:
        return json.dumps([asdict(self.settings), len(self.batches.drawings), self.scale_factor])

    def _load(self, state: dict[str, Any]) -> None:
        if state["fingerprint"] != self._fingerprint():
            raise ValueError(
                f"{self.checkpoint} belongs to a run with other settings or data: "
                "remove it, or name another checkpoint"
            )
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        for name in ("average", "best", "best_loss", "bad", "step", "seconds", "history"):
            setattr(self, name, state[name])
        self._sum, self._count = state["sum"], state["count"]

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        if self.checkpoint is None:
            return
        state = {
            "fingerprint": self._fingerprint(),
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "sum": self._sum,
            "count": self._count,
        }
        for name in ("average", "best", "best_loss", "bad", "step", "seconds", "history"):
            state[name] = getattr(self, name)
        partial = self.checkpoint.with_name(self.checkpoint.name + f".{os.getpid()}.part")
        with partial.open("wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        partial.replace(self.checkpoint)

    def _mask(self, stream: int, drop: float, shape: tuple[int, ...]) -> Tensor:
        rng = np.random.default_rng([self.settings.seed, stream, self.step])
        kept = rng.random(shape, np.float32) >= drop
        return torch.from_numpy(kept.astype(np.float32) / np.float32(1.0 - drop))

    def _advance(self) -> None:
        s = self.settings
        batch = self.batches[self.step]
        kept, gain = None, 1.0
        if s.keep < 1.0:
            limit = round(256 * s.keep)
            shape = (*batch.valid.shape, self.net.hidden)
            noise = np.random.default_rng([s.seed, 3, self.step]).bytes(math.prod(shape))
            kept = torch.from_numpy((np.frombuffer(noise, np.uint8) < limit).view(np.uint8))
            kept, gain = kept.view(shape), 256 / limit
        weights = outputs = None
        if s.weight_drop > 0.0:
            weights = self._mask(4, s.weight_drop, tuple(self.net.wh.shape))
        if s.output_drop > 0.0:
            outputs = self._mask(5, s.output_drop, (batch.valid.shape[1], self.net.hidden))
        z = self.net(
            torch.from_numpy(batch.inputs),
            torch.from_numpy(batch.words),
            kept=kept,
            gain=gain,
            kind=torch.bfloat16 if s.bfloat16 else torch.float32,
            weights=weights,
            outputs=outputs,
        )
        valid = torch.from_numpy(batch.valid)
        offset, pen = losses(z, torch.from_numpy(batch.targets), valid)
        parts = torch.stack([offset.sum(), pen.sum()])
        for group in self.optimiser.param_groups:
            group["lr"] = s.rate(self.step)
        self.optimiser.zero_grad(set_to_none=True)
        (parts.sum() / batch.rows).backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), s.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.step += 1
        self._sum += parts.detach()
        self._count += batch.rows
        decay = min(s.average, (1.0 + self.step) / (10.0 + self.step))
        with torch.no_grad():
            for name, p in self.net.named_parameters():
                self.average[name].lerp_(p, 1.0 - decay)

    def averaged(self, best: bool = True) -> Net:
        """The net with the averaged weights: the best on validation, or the latest."""
        net = Net(*_shape(self.net))
        net.load_state_dict(self.best if best else self.average)
        return net

    def _validate(self) -> dict[str, float]:
        out = evaluate(
            self.averaged(best=False),
            self.valid,
            self.words,
            self.scale_factor,
            self.settings.n_max,
        )
        trained = self._sum / max(1, self._count)
        out |= {"step": self.step, "train": float(trained.sum()), "seconds": round(self.seconds)}
        self._sum, self._count = torch.zeros(2), 0
        if out["nats"] < self.best_loss:
            self.best_loss, self.bad = out["nats"], 0
            self.best = {k: v.clone() for k, v in self.average.items()}
        else:
            self.bad += 1
        self.history.append(out)
        return out

    @property
    def done(self) -> bool:
        """All steps are made, or validation has not improved for `patience` times."""
        return self.step >= self.settings.steps or self.bad >= self.settings.patience

    def go(self, report: Callable[[dict[str, float]], None], save_every: float = 60.0) -> None:
        """Train until done; `report` gets the losses at every validation."""
        saved = clock = time.monotonic()
        while not self.done:
            self._advance()
            now = time.monotonic()
            self.seconds, clock = self.seconds + now - clock, now
            if self.step % self.settings.every == 0 or self.step == self.settings.steps:
                report(self._validate())
                self.save()
                saved = time.monotonic()
            elif now - saved > save_every:
                self.save()
                saved = time.monotonic()


def _shape(net: Net) -> tuple[int, int, int, int]:
    return net.hidden, net.mixtures, net.objects, len(net.embed[0]) if net.objects else 0
