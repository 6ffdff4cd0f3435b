"""The training loop. A run is a function of its settings and data, however often it is killed.

All randomness comes from (seed, step), and a checkpoint holds everything else that a step reads:
weights, their moving average, the optimiser's moments, the best weights so far. It is written
to a temporary file and renamed, so that there is always a whole one.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..untrusted import open_untrusted
from ..writing import open_for_writing
from .batches import Augment, Batch, Epochs
from .data import Drawing
from .evaluate import evaluate
from .model import Net, losses, products


@dataclass(frozen=True)
class Settings:
    """What, beside the data, decides a run.

    Dropout: `keep` of tanh(j), new at each point (the paper's recurrent dropout); `weight_drop` of
    recurrent weights, new for each batch, and `output_drop` of h before the head, new for each
    drawing (both from AWD-LSTM, Merity et al. 2017, arXiv 1708.02182). `most`: drawings of an
    object in an epoch, 0 for all.
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
    most: int = 0
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
        self.batches = Epochs(train, words, scale_factor, s.batch, s.augment, s.seed, s.most)
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
            self._load(kept(checkpoint, "fingerprint"))

    def _fingerprint(self) -> str:
        return json.dumps([asdict(self.settings), len(self.batches.drawings), self.scale_factor])

    def _load(self, state: dict[str, Any]) -> None:
        if differing := self._differing(state["fingerprint"]):
            raise ValueError(
                f"{self.checkpoint} belongs to a run with other settings or data: {differing}; "
                "remove it, or name another checkpoint"
            )
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        for name in ("average", "best", "best_loss", "bad", "step", "seconds", "history"):
            setattr(self, name, state[name])
        self._sum, self._count = state["sum"], state["count"]

    def _differing(self, fingerprint: str) -> str:
        """What a checkpoint's run has otherwise, where that matters: a run may go on with more
        steps, look at itself more often, or be more patient."""
        (old, drawings, scale), (new, count, factor) = map(
            json.loads, (fingerprint, self._fingerprint())
        )
        free = ("steps", "warmup", "every", "patience")
        found = [
            f"{name} {old.get(name)} there, {value} here"
            for name, value in new.items()
            if name not in free and old.get(name) != value
        ]
        if drawings != count:
            found.append(f"{drawings} drawings there, {count} here")
        if scale != factor:
            found.append(f"scale factor {scale} there, {factor} here")
        return ", ".join(found)

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
        keep(self.checkpoint, state)

    def _mask(self, stream: int, drop: float, shape: tuple[int, ...]) -> Tensor:
        rng = np.random.default_rng([self.settings.seed, stream, self.step])
        kept = rng.random(shape, np.float32) >= drop
        return torch.from_numpy(kept.astype(np.float32) / np.float32(1.0 - drop))

    def objective(self, z: Tensor, batch: Batch) -> Tensor:
        """What is minimised, summed over rows, for head outputs z (T, B, 3 + 6M): of offsets and
        of the pen, (2,)."""
        valid = torch.from_numpy(batch.valid)
        offset, pen = losses(z, torch.from_numpy(batch.targets), valid)
        return torch.stack([offset.sum(), pen.sum()])

    def _kept(self, stream: int, shape: tuple[int, ...]) -> tuple[Tensor, float]:
        """Which tanh(j) are kept, 0 or 1, and what makes up for the others."""
        limit = round(256 * self.settings.keep)
        noise = np.random.default_rng([self.settings.seed, stream, self.step])
        bits = np.frombuffer(noise.bytes(math.prod(shape)), np.uint8) < limit
        return torch.from_numpy(bits.view(np.uint8)).view(shape), 256 / limit

    def _batch(self) -> Batch:
        """What this step learns from."""
        return self.batches[self.step]

    def _given(self, batch: Batch) -> dict[str, Tensor]:
        """What else a net is given to follow a training batch."""
        return {}

    def _per_row(self, nats: Tensor, kl: Tensor | None, batch: Batch) -> Tensor:
        """What is made small, per row, from the sum of the rows' nats and the drawings' L_KL."""
        return nats / batch.rows

    def _advance(self) -> None:
        s = self.settings
        batch = self._batch()
        kept, gain = None, 1.0
        if s.keep < 1.0:
            kept, gain = self._kept(3, (*batch.valid.shape, self.net.hidden))
        weights = outputs = None
        if s.weight_drop > 0.0:
            weights = self._mask(4, s.weight_drop, (self.net.hidden, 4 * self.net.hidden))
        if s.output_drop > 0.0:
            outputs = self._mask(5, s.output_drop, (batch.valid.shape[1], self.net.hidden))
        z, kl = self.net.follow(
            batch,
            **self._given(batch),
            kept=kept,
            gain=gain,
            kind=products(s.bfloat16),
            weights=weights,
            outputs=outputs,
        )
        parts = self.objective(z, batch)
        for group in self.optimiser.param_groups:
            group["lr"] = s.rate(self.step)
        descend(self.optimiser, self._per_row(parts.sum(), kl, batch), self.net, s.clip)
        self.step += 1
        self._sum += parts.detach()
        self._count += batch.rows
        decay = min(s.average, (1.0 + self.step) / (10.0 + self.step))
        with torch.no_grad():
            for name, p in self.net.named_parameters():
                self.average[name].lerp_(p, 1.0 - decay)

    def averaged(self, best: bool = True) -> Net:
        """The net with the averaged weights: the best on validation, or the latest, which it is
        also before the first validation."""
        net = copy.deepcopy(self.net)
        net.load_state_dict(self.best if best and self.history else self.average)
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
        if (loss := self._criterion(out)) < self.best_loss:
            self.best_loss, self.bad = loss, 0
            self.best = {k: v.clone() for k, v in self.average.items()}
        else:
            self.bad += 1
        self.history.append(out)
        return out

    def _criterion(self, found: dict[str, float]) -> float:
        """What the best weights have least of, from the losses on validation."""
        return found["nats"]

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


def descend(optimiser: torch.optim.Optimizer, loss: Tensor, net: Net, clip: float) -> bool:
    """One step, the gradient's norm clipped; none, and False, if that is infinite."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if not torch.isfinite(torch.nn.utils.clip_grad_norm_(net.parameters(), clip)):
        return False
    optimiser.step()
    return True


def keep(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint; :func:`kept` reads it. The file appears whole or not at all."""
    with open_for_writing(path, sync=True) as file:
        torch.save(state, file)


def kept(path: Path, *names: str) -> dict[str, Any]:
    """What a checkpoint holds, these names at least. ValueError for one that is cut short, or is
    none."""
    with open_untrusted(path) as file:
        try:
            state = torch.load(file, weights_only=True)
        # PyTorch raises nearly anything on bytes that are no checkpoint: an EOFError on none, an
        # OSError where it looks before the start of a short one.
        except Exception as error:
            reason = f"{error!r:.200}"
        else:
            if isinstance(state, dict) and all(name in state for name in names):
                return state
            reason = "it holds something else"
    raise ValueError(
        f"{path}: not a checkpoint that can be read ({reason}): remove it, or name another"
    )
