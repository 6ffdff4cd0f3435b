"""Teaches nets to draw what is recognised, and no longer than people do.

    python tools/nets/policy.py weights/duck.addition.safetensors … --corpus corpus.npz \\
        --teacher teacher.pt -o FOLDER

At low temperatures a net draws what is likeliest next, row by row, and that need not be a likely
drawing: a horse comes to be some animal on four legs. So, in rounds, the net draws, a classifier
(`judge.py`) says how sure it is of the object, and what made it surer becomes likelier: a policy
gradient, with the ratio of probabilities clipped (Schulman et al. 2017, arXiv 1707.06347), and each
row credited with how much surer it made a linear guess of the reward from the net's state (Schulman
et al. 2016, arXiv 1506.02438). It stops where the classifier is as sure as of real drawings that it
has not seen. What `sketchrnn.train.ending` has goes on: the same divergence holds the net to what
it was, the same pressure ends what is overdue. Stopped at any moment, the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import corpus
import judge
import making
import numpy as np
import recipe
import torch
from ends import object_of
from numpy.typing import NDArray
from ship import SUFFIX
from torch import Tensor

from sketchrnn import writing
from sketchrnn.nets import addition, safetensors
from sketchrnn.train import data, ending, export, lowrank, model
from sketchrnn.untrusted import read_limited

ENOUGH = 0.97
"""How sure the classifier must be, beside of real drawings, for a part of the lesson to be all that
is kept: it falls with the part, what was lost of real drawings with its square."""


@dataclass(frozen=True)
class Rewards:
    """What is drawn, and what it is worth."""

    drawings: tuple[tuple[float, int], ...] = ((0.1, 80), (0.2, 140), (0.3, 280), (0.4, 220))
    at: float = 0.3  # the temperature at which it is enough to be recognised as real ones are
    views: int = 2  # distorted copies of a drawing that the classifier sees: its mean is asked for
    too_long: float = 0.3  # what drawings lose that are longer than
    longest: float = 1.1  # so many times the median of real ones (a part of it may bring 1.15),
    from_median: float = 1.05  # at temperatures whose median is longer than so many times it
    weight: float = 0.35  # beside the divergence's
    clip: float = 0.2  # of the ratio to what drew: the paper's
    decay: float = 0.95  # of what a row is given of later rows' surprises
    ridge: float = 30.0  # of the regression that expects rewards, some 20,000 rows
    spread: float = 0.05  # of rewards, added: of drawings that are all alike nothing is learnt
    batch: int = 128


@dataclass
class _Drawn:
    """A drawing on policy: rows (n, 5), temperature, reward beside its round's, the state h (n, H)
    before each row, log π of each row then, and how much better than expected each turned out."""

    rows: NDArray[np.float32]
    temperature: float
    reward: float
    state: Tensor
    said: Tensor
    better: Tensor


def log_policy(z: Tensor, rows: Tensor, temperature: Tensor, pixel: float) -> Tensor:
    """log π(row) (N,) of head outputs (N, 3 + 6M), rows (N, 5) in the net's units and temperatures
    (N,): π and the pen to the power of 1/τ, covariances times τ, as the engine draws (the paper's
    eq. 8), and widened by `pixel`, the variance of a pixel, as in `ending.divergence`."""
    pen, pi, mx, my, lx, ly, r = model.split(z)
    t = temperature[:, None]
    a, b = torch.exp(2.0 * lx) * t, torch.exp(2.0 * ly) * t
    det = a * b * torch.exp(model.log_1m_tanh2(r)) + pixel * (a + b + pixel)
    c = torch.tanh(r) * torch.exp(lx + ly) * t
    dx, dy = rows[:, :1] - mx, rows[:, 1:2] - my
    square = (dx * dx * (b + pixel) + dy * dy * (a + pixel) - 2.0 * dx * dy * c) / det
    normal = -math.log(2.0 * math.pi) - 0.5 * (torch.log(det) + square)
    offset = torch.logsumexp(torch.log_softmax(pi / t, -1) + normal, -1)
    state = (torch.log_softmax(pen / t, -1) * rows[:, 2:]).sum(-1)
    return offset * (1.0 - rows[:, 4]) + state


class Policy(ending.Ending):
    """The rounds of `Ending`, and in each a lesson in being recognised."""

    def __init__(
        self,
        net: model.Net,
        metadata: dict[str, str],
        settings: ending.Settings,
        parts: dict[str, list[data.Drawing]],
        checkpoint: Path,
        teacher: judge.Judge,
        label: int,
        rewards: Rewards,
    ) -> None:
        self.teacher, self.label, self.rewards = teacher, label, rewards
        self.usual = float(np.median([len(d.rows) + 1 for d in parts["train"]]))
        held = [d.rows for d in parts["valid"] + parts["test"]]
        self.real = float(self._sure(held, np.random.default_rng(0)).mean())
        self.drawn: list[_Drawn] = []
        self.chosen: list[_Drawn] = []
        self.found: dict[float, tuple[float, float]] = {}
        self.sure: list[float] = []  # of each round, at `rewards.at`
        super().__init__(net, metadata, settings, real=parts["train"], checkpoint=checkpoint)

    def _fingerprint(self) -> str:
        return json.dumps([super()._fingerprint(), repr(self.rewards)])

    @torch.no_grad()
    def _sure(self, drawings: Sequence[NDArray[Any]], rng: np.random.Generator) -> judge.F32:
        """How sure the classifier is of the object, (n,), of stroke-3 drawings."""
        x = torch.from_numpy(np.stack([judge.raster(d, self.teacher.size) for d in drawings]))
        views = [judge.distorted(x[:, None], rng) for _ in range(self.rewards.views)]
        said = [torch.softmax(self.teacher(v), 1)[:, self.label] for v in views]
        return np.asarray(torch.stack(said).mean(0))

    def _draw(self) -> dict[float, tuple[int, int]]:
        ended = super()._draw()
        r, engine = self.rewards, self.engine()
        rng = np.random.default_rng([self.settings.seed, 5, self.round])
        self.drawn = []
        for t, count in r.drawings:
            seed = 1000 + self.round  # others than Ending's
            sketches = list(engine.draw(count, temperature=t, seed=seed, threads=1))
            lengths = np.array([len(s) for s in sketches])
            reward = np.zeros(count)
            shown = [i for i, s in enumerate(sketches) if s.finished and len(s) > 2]
            if shown:
                reward[shown] = self._sure([sketches[i].stroke3 for i in shown], rng)
            median = float(np.median(lengths)) / self.usual
            self.found[t] = (float(reward.mean()), median)
            if median > r.from_median:
                reward -= r.too_long * (lengths > r.longest * self.usual)
            reward = (reward - reward.mean()) / (reward.std() + r.spread)
            self.drawn += self._remembered(
                [sketches[i].strokes for i in shown], t, [float(reward[i]) for i in shown]
            )
        self._credit()
        self.drawn = [self.drawn[i] for i in rng.permutation(len(self.drawn))]
        self.sure.append(self.found[r.at][0])
        return ended

    @torch.no_grad()
    def _remembered(
        self, drawings: Sequence[NDArray[np.float32]], temperature: float, rewards: Sequence[float]
    ) -> list[_Drawn]:
        """Drawings with the states and densities of the net that drew them."""
        found: dict[int, _Drawn] = {}
        net, kind = self.average, model.products(self.settings.bfloat16)
        order = np.argsort([len(d) for d in drawings], kind="stable")  # little padding
        for first in range(0, len(order), 64):
            some = [int(i) for i in order[first : first + 64]]
            b, bo = net.biases(torch.tensor([self.known[0].word] * len(some)))
            x = self._inputs([drawings[i] for i in some])
            states = model.lstm(x, net.wx, net.wh, b, kind=kind)
            z = states @ net.wo + bo
            for k, i in enumerate(some):
                rows = drawings[i]
                said = self._log_policy(z[:, k], rows, temperature)
                state = states[: len(rows), k].clone()
                found[i] = _Drawn(rows, temperature, rewards[i], state, said, said)
        return [found[i] for i in range(len(drawings))]

    @torch.no_grad()
    def _credit(self) -> None:
        """How much better than expected each row turned out; unit variance over the round.

        What is expected of a drawing is what a regression of rewards on states, learnt from the
        other half of the drawings, says.
        """

        def facts(some: Sequence[_Drawn]) -> Tensor:
            parts = [
                torch.cat([d.state, torch.tensor([[d.temperature, 1.0]]).expand(len(d.rows), 2)], 1)
                for d in some
            ]
            return torch.cat(parts)

        for half in (0, 1):
            learnt, asked = self.drawn[half::2], self.drawn[1 - half :: 2]
            if not learnt or not asked:
                return
            x = facts(learnt)
            y = torch.cat([torch.full((len(d.rows),), d.reward) for d in learnt])
            w = torch.linalg.solve(x.T @ x + self.rewards.ridge * torch.eye(x.shape[1]), x.T @ y)
            for d, expected in zip(
                asked, (facts(asked) @ w).split([len(d.rows) for d in asked]), strict=True
            ):
                surprise = np.diff(expected.numpy(), append=d.reward)
                total = 0.0
                for i in range(len(surprise) - 1, -1, -1):
                    surprise[i] = total = surprise[i] + self.rewards.decay * total
                d.better = torch.from_numpy(surprise)
        spread = torch.cat([d.better for d in self.drawn]).std()
        for d in self.drawn:
            d.better = d.better / (spread + 1e-6)

    def _log_policy(self, z: Tensor, rows: NDArray[np.float32], temperature: float) -> Tensor:
        x = torch.from_numpy(rows.copy())
        x[:, :2] /= self.scale_factor
        t = torch.full((len(rows),), temperature)
        return log_policy(z[: len(rows)], x, t, self.pixel)

    def _done(self) -> bool:
        """Whether it is as sure as of real ones, twice, and no temperature's drawings too long."""
        short = all(length <= self.rewards.longest for _, length in self.found.values())
        return short and len(self.sure) > 1 and min(self.sure[-2:]) >= self.real

    def _others(self, step: int, taken: int) -> list[tuple[int, NDArray[np.float32]]]:
        room, count = self.rewards.batch - taken, len(self.drawn)
        some = range(step * room, (step + 1) * room) if count else range(0)
        self.chosen = [self.drawn[i % count] for i in some]
        return [(self.known[0].word, d.rows) for d in self.chosen]

    def _learnt(self, z: Tensor) -> Tensor:
        every = []
        for i, d in enumerate(self.chosen):
            now = self._log_policy(z[:, i], d.rows, d.temperature)
            ratio = torch.exp((now - d.said).clamp(-10.0, 10.0))  # else it may be infinite
            near = ratio.clamp(1.0 - self.rewards.clip, 1.0 + self.rewards.clip)
            every.append(torch.minimum(d.better * ratio, d.better * near))
        return -self.rewards.weight * torch.cat(every).mean()

    def _told_of_round(self) -> dict[str, Any]:
        told: dict[str, Any] = {f"{t:g}": [round(v, 2) for v in f] for t, f in self.found.items()}
        return {"real": self.real, **told}

    def _standing(self) -> Any:
        rng = np.random.default_rng([self.settings.seed, 6])
        options: dict[str, Any] = {"temperature": self.rewards.at, "seed": 999, "threads": 1}
        drawn = [s.stroke3 for s in self.engine().draw(400, **options) if len(s) > 2]
        return super()._standing(), float(self._sure(drawn, rng).mean())

    def _stands(self, part: Any, whole: Any) -> bool:
        (ends, sure), (all_end, surest) = part, whole
        return super()._stands(ends, all_end) and sure >= ENOUGH * min(self.real, surest)


class Alone:
    """A net for one object that stands alone, as `small.py` stores it."""

    def __init__(self, path: Path) -> None:
        self.file = read_limited(str(path), "weights")
        tensors, self.metadata = export.unpack(self.file)
        self.net = model.unfolded(tensors)

    def packed(self, net: model.Net, training: dict[str, Any]) -> bytes:
        """The file of what the net has become."""
        scale = float(self.metadata["scale_factor"])
        metadata = export.describe(self.metadata["name"], scale, recipe.LONGEST, training)
        return export.pack(model.tensors(net), metadata, "I8")

    def container(self, packed: bytes) -> bytes:
        """The whole net of that file."""
        return packed


class Added:
    """An addition to the net of all objects beside it, as `family.py` stores it."""

    def __init__(self, path: Path) -> None:
        beside = path.with_name("everything.safetensors")
        self.name = beside.stem
        self.common = addition.Base(read_limited(str(beside), "weights"), str(beside))
        self.file = read_limited(str(path), "weights")
        tensors, self.metadata = export.unpack(self.container(self.file))
        base = self.common.arrays(self.metadata["name"])
        assert base is not None  # merged() has found it
        self.base = base
        self.net = lowrank.resumed(base, tensors, recipe.RANK, recipe.HEAD_RANK)

    def packed(self, net: model.Net, training: dict[str, Any]) -> bytes:
        """The file of what the net has become."""
        facts = making.facts(self.common, self.name, self.metadata["name"], self.metadata)
        facts["training"] = making.told(training)
        return lowrank.stored(net, self.base, facts, recipe.LEVELS)

    def container(self, packed: bytes) -> bytes:
        """The whole net of that file."""
        return addition.merged(packed, self.common, self.name)


def taught(
    given: Alone | Added,
    teacher: judge.Asked,
    drawings: Sequence[data.Drawing],
    counts: corpus.Counts,
    output: Path,
) -> None:
    """Write what a net becomes."""
    name, scale = given.metadata["name"], float(given.metadata["scale_factor"])
    word = object_of(name)
    parts = making.split([d for d in drawings if d.word == word])
    checkpoint = output.with_suffix(".policy.ckpt")
    lesson = Policy(
        given.net,
        export.describe(word, scale, recipe.LONGEST, {}),
        recipe.POLICY,
        parts,
        checkpoint,
        teacher[0],
        teacher[1].index(word),
        Rewards(),
    )
    lesson.go(making.report(name))
    training = json.loads(given.metadata["training"])
    training["left_out"] = counts.get(word, {})
    training["before_policy"] = training["losses"]
    training["policy"] = asdict(recipe.POLICY) | {"rewards": asdict(Rewards())}
    training["policy"] |= {"real": lesson.real, "sure": lesson.sure, "part": lesson.part}
    if lesson.part > 0.0:
        # Packed once to be measured as it is stored, and again with what that gave.
        stored = given.container(given.packed(lesson.average, training))
        net = model.unfolded(export.unpack(stored)[0])
        training["losses"] = making.losses(net, parts, {}, scale)
        made = given.packed(lesson.average, training)
    else:  # the very same numbers: products taken apart again would be rounded anew
        made = safetensors.rebuilt(given.file, {}, metadata={"training": making.told(training)})
    writing.write(output, made, sync=True)
    checkpoint.unlink()
    print(f"wrote {output}: {training['before_policy']} -> {training['losses']}", flush=True)


def lessons(
    nets: Sequence[Path],
    drawings: Sequence[data.Drawing],
    counts: corpus.Counts,
    teacher: judge.Asked,
    folder: Path,
) -> None:
    """Teach those of which there is nothing in the folder yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in nets:
        output = folder / path.name
        if not output.exists():
            given = Added(path) if path.name.endswith(SUFFIX) else Alone(path)
            taught(given, teacher, drawings, counts, output)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("nets", nargs="+", type=Path, help="additions, or nets of few units")
    p.add_argument("--corpus", type=Path, required=True, help="what corpus.py wrote")
    p.add_argument("--teacher", type=Path, required=True, help="what judge.py wrote")
    p.add_argument("-o", "--output", type=Path, required=True, help="folder for what they become")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    making.heap()
    torch.set_num_threads(args.threads)
    model.compile_cells()
    drawings, counts = data.load_cache(args.corpus), corpus.counted(args.corpus)
    lessons(args.nets, drawings, counts, judge.load(args.teacher), args.output)


if __name__ == "__main__":
    main()
