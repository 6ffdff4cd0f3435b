"""Teaches a net to end its drawings at low temperatures, if need be without any data.

The likeliest next thing to a small circle is another one: near τ = 0 nets repeat a stroke, or never
lift the pen inside one, until the limit of length. Drawings at τ = 1 do not, and say how long a
stroke of this net is at most, and how many there are. So, in rounds, the net draws at each low
temperature; where it is longer than that, it is pushed to lift the pen or to end; and it is held,
on its own drawings at τ = 1, and on real ones if there are any, to what it was, by a divergence of
distributions.

Learning from drawings of one's own policy is DAgger's idea (Ross et al. 2011, arXiv 1011.0686).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..net import Net as Drawer
from ..nets.load import opened
from ..sketch import Sketch
from ..strokes import stroke3_to_stroke5
from . import export
from .data import Drawing
from .loop import descend, keep, kept
from .model import Net, log_1m_tanh2, products, split, tensors

Rows = NDArray[np.float32]  # (n, 5) in data units, the ending row included

FINE, LIFT, END = 0, 1, 2


@dataclass(frozen=True)
class Settings:
    """How it is taught. The quantiles are of τ = 1 drawings; `margin` is in logits.

    A margin of 1 at τ = 1 is 2 at τ = 0.5 and 10 at τ = 0.1; it decides at τ = 0.
    """

    rounds: int = 7
    steps: int = 20
    drawings: int = 60  # of a round, at each temperature
    completions: int = 40  # of a round, of the net's own drawings cut anywhere
    objects: int = 10  # of a round, if there are more
    own: int = 600  # drawings at τ = 1 that say what is usual
    real: int = 600  # real ones beside them, of each object, where there are so many
    anchors: int = 32  # of those, in a batch
    overdue: int = 24  # drawings that are longer than usual, in a batch
    kept: int = 400  # of those, the latest
    shown: int = 12  # rows from the first one that is overdue
    temperatures: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    stroke: float = 0.997
    strokes: float = 0.99
    rows: float = 0.99
    lr: float = 2.5e-4  # falls to a tenth of it in the last round
    anchor: float = 2.0
    push: float = 0.02
    margin: float = 1.0
    average: float = 0.9
    clip: float = 1.0
    parts: tuple[float, ...] = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the change, tried in the end
    checked: int = 400  # drawings of an object at a temperature that say whether a part is enough,
    halves: int = 100  # and drawings of it of which the first half is given, at τ = 0
    enough: float = 0.995  # of which so many must end
    longest: float = 1.15  # and their median length be at most so many times the usual one,
    longer: float = 1.05  # or so many times what it is with all that was learnt
    seed: int = 0
    bfloat16: bool = True

    def rate(self, round: int) -> float:
        """The learning rate of a round."""
        return self.lr * (1.0 - 0.9 * round / max(1, self.rounds - 1))


@dataclass(frozen=True)
class Limits:
    """Rows of a stroke, strokes, and rows of a drawing that few drawings exceed."""

    stroke: int
    strokes: int
    rows: int

    @classmethod
    def of(cls, drawings: Sequence[Rows], settings: Settings) -> Limits:
        """Quantiles of these drawings."""
        ends = [np.flatnonzero(d[:, 3] > 0.5) for d in drawings]
        lengths = np.concatenate([np.zeros(0, int), *(np.diff(e, prepend=-1) for e in ends)])
        if not len(lengths):
            raise ValueError("the net lifts the pen in none of its drawings at temperature 1")
        return cls(
            int(np.ceil(np.quantile(lengths, settings.stroke))),
            int(np.ceil(np.quantile([len(e) for e in ends], settings.strokes))),
            int(np.ceil(np.quantile([len(d) for d in drawings], settings.rows))),
        )


def overdue(rows: Rows, limits: Limits) -> NDArray[np.int64]:
    """For each row what it should have been: FINE as it is, LIFT (or end), or END.

    A drawing ends after a lifted pen, so that a stroke drawn when all should be over is first to
    be lifted.
    """
    at = np.arange(len(rows))
    lifted = np.concatenate([[False], rows[:-1, 3] > 0.5])
    first = lifted.copy()
    first[:1] = True
    in_stroke = at - np.maximum.accumulate(np.where(first, at, 0)) + 1
    late = (np.cumsum(lifted) >= limits.strokes) | (at >= limits.rows)
    wanted = np.where((in_stroke > limits.stroke) | late, LIFT, FINE)
    wanted[late & lifted] = END
    done = np.where(wanted == END, rows[:, 4], rows[:, 3] + rows[:, 4]) > 0.5
    wanted[done] = FINE
    return wanted


def divergence(old: Tensor, new: Tensor, pixel: float = 0.0) -> Tensor:
    """Bound of KL(old || new) of head outputs (…, 3 + 6M), in nats a row.

    Exact for the pen; for the mixtures, components matched in order (the chain rule over component
    and offset: Hershey & Olsen 2007, section 6), which is what a net does that changes little.
    `pixel` is a variance that widens every normal: that of a pixel, for nets that have learnt
    needles narrower than one would be held to what nobody sees.
    """
    (pen0, pi0, mx0, my0, *_), (pen1, pi1, mx1, my1, *_) = split(old), split(new)
    (a0, b0, c0, det0), (a1, b1, c1, det1) = (_covariance(z, pixel) for z in (old, new))
    dx, dy = mx0 - mx1, my0 - my1
    a, b, c = a0 + dx * dx, b0 + dy * dy, c0 + dx * dy
    normal = 0.5 * ((a * b1 + b * a1 - 2.0 * c * c1) / det1 - 2.0 + torch.log(det1 / det0))
    p0, p1 = torch.log_softmax(pi0, -1), torch.log_softmax(pi1, -1)
    q0, q1 = torch.log_softmax(pen0, -1), torch.log_softmax(pen1, -1)
    return (p0.exp() * (p0 - p1 + normal)).sum(-1) + (q0.exp() * (q0 - q1)).sum(-1)


def _covariance(z: Tensor, pixel: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Variances of x and y, covariance, determinant (without cancellation) of each normal."""
    *_, lx, ly, r = split(z)
    a, b = torch.exp(2.0 * lx), torch.exp(2.0 * ly)
    det = a * b * torch.exp(log_1m_tanh2(r)) + pixel * (a + b + pixel)
    return a + pixel, b + pixel, torch.tanh(r) * torch.exp(lx + ly), det


def pressure(pen: Tensor, wanted: Tensor, margin: float) -> Tensor:
    """How far pen logits (n, 3) are from what is wanted (n,) with a margin: a smooth hinge."""
    down, lift, end = pen.unbind(-1)
    gap = torch.where(
        wanted == LIFT,
        torch.logaddexp(lift, end) - down,
        end - torch.logaddexp(down, lift),
    )
    # Softplus four times as steep: beyond the margin the push fades within a logit.
    return torch.nn.functional.softplus(margin - gap, beta=4.0)


@dataclass
class _Known:
    """Of one object: drawings at τ = 1, what the net said of them before, limits."""

    word: int
    own: list[Rows]
    said: list[Tensor]
    limits: Limits


@dataclass(frozen=True)
class _Case:
    """A drawing on policy, up to some rows beyond the first that is overdue."""

    word: int
    rows: Rows
    wanted: NDArray[np.int64]


class Ending:
    """The rounds. All randomness comes from (seed, round); a checkpoint holds the rest."""

    def __init__(
        self,
        net: Net,
        metadata: dict[str, str],
        settings: Settings,
        objects: Sequence[str] = (),
        real: Sequence[Drawing] = (),
        checkpoint: Path | None = None,
    ) -> None:
        self.net, self.metadata, self.settings = net, metadata, settings
        self.scale_factor = float(metadata["scale_factor"])
        self.pixel = 1.0 / (12.0 * self.scale_factor**2)  # the variance of a whole pixel's rounding
        self.start = np.array(json.loads(metadata["start_token"]), np.float32)
        names = json.loads(metadata["objects"]) if net.objects else [metadata["name"]]
        self.words = [names.index(o) for o in objects or names]
        self.names = names
        self.checkpoint, self.round = checkpoint, 0
        self.cases: list[_Case] = []
        parameters = [p for p in net.parameters() if p.requires_grad]
        self.optimiser = torch.optim.Adam(parameters, settings.lr, (0.9, 0.99))
        self.average = copy.deepcopy(net)  # what draws and is kept: without the noise of batches
        self.before = {k: v.clone() for k, v in net.state_dict().items()}
        self.part: float | None = None
        self.known = self._look(real)
        if checkpoint is not None and checkpoint.exists():
            self._load(checkpoint)

    def engine(self) -> Drawer:
        """The net as it is now, to draw with."""
        container = export.pack(tensors(self.average), self.metadata, "F32")
        return opened(container, self.metadata["name"], "f32")

    def _look(self, real: Sequence[Drawing]) -> list[_Known]:
        s, engine, known = self.settings, self.engine(), []
        given: dict[str, list[Rows]] = {}
        for d in real:
            rows = d.rows.astype(np.float32)
            given.setdefault(d.word, []).append(stroke3_to_stroke5(rows))
        count = max(8, s.own // len(self.words)) if len(self.words) > 1 else s.own
        for word in self.words:
            net = engine.of(self.names[word])
            drawn = [d.strokes for d in net.draw(count, temperature=1.0, seed=s.seed, threads=1)]
            own = [d for d in drawn if d[-1, 4] > 0.5 and len(d) > 1]
            own += given.get(self.names[word], [])[: s.real]
            if not own:
                raise ValueError(f"{self.names[word]}: no drawing ends at temperature 1")
            said = []
            with torch.no_grad():
                for chosen in (own[i : i + 64] for i in range(0, len(own), 64)):
                    z = self._follow(self.average, chosen, [word] * len(chosen))
                    said += [z[: len(d), i].clone() for i, d in enumerate(chosen)]
            known.append(_Known(word, own, said, Limits.of(own, s)))
        return known

    def _follow(
        self, net: Net, drawings: Sequence[Rows], words: Sequence[int], **how: Any
    ) -> Tensor:
        """Head outputs (T, B, 3 + 6M) over drawings of these objects."""
        return net(self._inputs(drawings), torch.tensor(words), **how)

    def _inputs(self, drawings: Sequence[Rows]) -> Tensor:
        x = np.zeros((max(map(len, drawings)), len(drawings), 5), np.float32)
        x[0] = self.start
        for i, rows in enumerate(drawings):
            x[1 : len(rows), i] = rows[:-1]
            x[1 : len(rows), i, :2] /= np.float32(self.scale_factor)
        return torch.from_numpy(x)

    def _told(self, known: _Known) -> dict[str, Any]:
        """What draw() is told to get drawings of that kind."""
        return {"object": self.names[known.word]} if self.net.objects else {}

    def _draw(self) -> dict[float, tuple[int, int]]:
        """A round's drawings into `cases`; for each temperature, how many of how many ended."""
        s, engine = self.settings, self.engine()
        rng = np.random.default_rng([s.seed, 1, self.round])
        count = min(len(self.known), s.objects)
        some = [self.known[i] for i in rng.choice(len(self.known), count, replace=False)]
        ended = {}
        for t in s.temperatures:
            each = -(-s.drawings // count) if t > 0.0 else 1
            drawn: list[tuple[_Known, Rows]] = []
            for k in some:
                options: dict[str, Any] = {"temperature": t, "seed": self.round + 1, "threads": 1}
                options |= self._told(k)
                drawn += [(k, d.strokes) for d in engine.draw(each, **options)]
                if t in (0.0, 0.2):
                    for _ in range(-(-s.completions // 2 // count)):
                        whole = k.own[int(rng.integers(len(k.own)))]
                        part = whole[: int(rng.integers(1, len(whole)))]
                        drawn.append((k, engine.complete(part, **options).strokes))
            ended[t] = (sum(bool(d[-1, 4] > 0.5) for _, d in drawn), len(drawn))
            self._collect(drawn)
        return ended

    def _collect(self, drawn: Sequence[tuple[_Known, Rows]]) -> None:
        for k, rows in drawn:
            wanted = overdue(rows, k.limits)
            late = np.flatnonzero(wanted)
            if len(late):
                stop = int(late[0]) + self.settings.shown
                self.cases.append(_Case(k.word, rows[:stop], wanted[:stop]))
        self.cases = self.cases[-self.settings.kept :]

    def _step(self, step: int) -> tuple[float, float]:
        """One batch: its divergence and pressure."""
        s = self.settings
        rng = np.random.default_rng([s.seed, 2, self.round, step])
        anchors = [(k, i) for k in self.known for i in range(len(k.own))]
        anchors = _alike(anchors, [len(k.own[i]) for k, i in anchors], s.anchors, rng)
        cases = _alike(self.cases, [len(c.rows) for c in self.cases], s.overdue, rng)
        drawings = [k.own[i] for k, i in anchors] + [c.rows for c in cases]
        words = [k.word for k, _ in anchors] + [c.word for c in cases]
        others = self._others(step, len(drawings))
        drawings, words = drawings + [d for _, d in others], words + [word for word, _ in others]
        z = self._follow(self.net, drawings, words, kind=products(s.bfloat16))
        new = torch.cat([z[: len(d), i] for i, d in enumerate(drawings[: len(anchors)])])
        old = torch.cat([k.said[i] for k, i in anchors])
        held = divergence(old, new, self.pixel).mean()
        loss, pushed = s.anchor * held, 0.0
        if cases:
            wanted = [torch.from_numpy(c.wanted) for c in cases]
            at = [(w > 0).nonzero()[:, 0] for w in wanted]
            pen = torch.cat([z[a, len(anchors) + i, :3] for i, a in enumerate(at)])
            due = torch.cat([w[a] for w, a in zip(wanted, at, strict=True)])
            push = pressure(pen, due, s.margin).mean()
            loss, pushed = loss + s.push * push, float(push.detach())
        if others:
            loss = loss + self._learnt(z[:, -len(others) :])
        if descend(self.optimiser, loss, self.net, s.clip):
            with torch.no_grad():
                pairs = zip(self.average.parameters(), self.net.parameters(), strict=True)
                for slow, fast in pairs:
                    slow.lerp_(fast, 1.0 - s.average)
        return float(held.detach()), pushed

    def _others(self, step: int, taken: int) -> list[tuple[int, Rows]]:
        """What else is in a batch, of which some drawings are taken: another lesson's."""
        return []

    def _learnt(self, z: Tensor) -> Tensor:
        """The loss of those, of head outputs (T, B, 3 + 6M)."""
        raise NotImplementedError

    def _done(self) -> bool:
        """Whether no more rounds are needed."""
        return False

    def _told_of_round(self) -> dict[str, Any]:
        """What that lesson reports of a round."""
        return {}

    def go(self, report: Callable[[dict[str, Any]], None]) -> None:
        """Teach until all rounds are done; `report` gets what each found and did."""
        while self.round < self.settings.rounds and not self._done():
            ended = self._draw()
            for group in self.optimiser.param_groups:
                group["lr"] = self.settings.rate(self.round)
            did = [self._step(i) for i in range(self.settings.steps)] if self.cases else []
            held, push = np.mean(did[-5:], axis=0) if did else (0.0, 0.0)
            self.round += 1
            self._save()
            report(
                {
                    "round": self.round,
                    "ended": {t: n / of for t, (n, of) in ended.items()},
                    "divergence": float(held),
                    "pressure": float(push),
                    **self._told_of_round(),
                }
            )

        if self.part is None:
            self._settle()
            self._save()
            report({"part": self.part})

    def _settle(self) -> None:
        """Go back towards the net as it was as far as drawings still end.

        What was lost on real drawings falls with the square of the part that is kept (a divergence
        has its minimum where it began), and the margin is there to be spent. Weights between two
        nets of one origin: Wortsman et al. 2022, arXiv 2109.01903.
        """
        learnt = {k: v.clone() for k, v in self.average.state_dict().items()}
        whole = self._standing()
        for part in sorted(self.settings.parts):
            mixed = {k: torch.lerp(self.before[k], v, part) for k, v in learnt.items()}
            self.average.load_state_dict(mixed)
            if self._stands(self._standing(), whole):
                self.part = part
                return
        self.average.load_state_dict(learnt)
        self.part = 1.0

    def _standing(self) -> Any:
        """What a part of the lesson is measured by."""
        return list(self._endings())

    def _stands(self, part: Any, whole: Any) -> bool:
        """Whether a part of the lesson is enough, beside what the whole of it brings."""
        s = self.settings
        return all(
            ended >= min(s.enough, most) and length <= max(s.longest, s.longer * least)
            for (ended, length), (most, least) in zip(part, whole, strict=True)
        )

    def _endings(self) -> Iterator[tuple[float, float]]:
        """For each temperature and object the share of drawings that end, and their median length
        over the usual one; for each object the same of halves completed at τ = 0."""
        s, engine = self.settings, self.engine()
        for t in sorted(s.temperatures):
            for k in self.known:
                # Other seeds than any round's.
                options: dict[str, Any] = {"temperature": t, "seed": s.rounds + 1, "threads": 1}
                options |= self._told(k)
                drawn = list(engine.draw(s.checked if t > 0.0 else 1, **options))
                yield _ends(drawn, k.own)
        for k in self.known:
            whole = k.own[-s.halves :]  # real ones come last
            options = {"temperature": 0.0, "threads": 1, **self._told(k)}
            yield _ends([engine.complete(d[: -(-len(d) // 2)], **options) for d in whole], whole)

    def _fingerprint(self) -> str:
        return json.dumps([repr(self.settings), self.scale_factor, self.words])

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        state = {
            "fingerprint": self._fingerprint(),
            "round": self.round,
            "part": self.part,
            "before": self.before,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "cases": [
                (c.word, torch.from_numpy(c.rows.copy()), torch.from_numpy(c.wanted))
                for c in self.cases
            ],
        }
        keep(self.checkpoint, state)

    def _load(self, path: Path) -> None:
        state = kept(path, "fingerprint")
        if state["fingerprint"] != self._fingerprint():
            raise ValueError(f"{path} belongs to other settings or another net: remove it")
        self.round, self.part, self.before = state["round"], state["part"], state["before"]
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.cases = [_Case(w, r.numpy(), k.numpy()) for w, r, k in state["cases"]]


def _ends(drawn: Sequence[Sketch], usual: Sequence[Rows]) -> tuple[float, float]:
    """The share that ended, and the median length over the usual one."""
    length, usually = np.median([len(d) for d in drawn]), np.median([len(d) for d in usual])
    return float(np.mean([d.finished for d in drawn])), float(length / usually)


def _alike(items: Sequence[Any], lengths: Sequence[int], count: int, rng: Any) -> list[Any]:
    """Some of like length, at random: little padding."""
    if len(items) <= count:
        return list(items)
    order = np.argsort(np.asarray(lengths), kind="stable")
    # Wrapping around, so that the longest and the shortest come as often as others.
    first = int(rng.integers(len(order)))
    window = np.take(order, np.arange(first, first + 2 * count), mode="wrap")
    window = np.unique(window)
    return [items[i] for i in rng.choice(window, count, replace=False)]
