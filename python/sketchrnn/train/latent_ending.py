"""Teaches a net with a latent vector to end: `ending`, where each drawing has a vector of its own.

Half of the vectors come from N(0, I), as of drawings that nobody asked for, half are those of real
drawings (μ), if there are any. The encoder stays as it is, and so do they.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..strokes import stroke3_to_stroke5
from .data import Drawing
from .ending import Ending, Limits, Rows, Settings, _Known
from .latent import LatentNet
from .model import Net


class LatentEnding(Ending):
    """The rounds; what `Ending` has of an object, this has of a vector: one drawing, no more."""

    net: LatentNet

    def __init__(
        self, net: LatentNet, metadata: dict[str, str], settings: Settings, *args: Any, **more: Any
    ) -> None:
        if metadata.get("latent_tanh") == "true":
            raise ValueError(
                "latent_tanh: expected a net that takes z as it is, found an older one"
            )
        # As many vectors in a round as there are to be drawings.
        super().__init__(net, metadata, replace(settings, objects=settings.drawings), *args, **more)

    def _look(self, real: Sequence[Drawing]) -> list[_Known]:
        s, engine = self.settings, self.engine()
        rng = np.random.default_rng([s.seed, 3])
        z = rng.standard_normal((s.own, self.net.latent), np.float32)
        drawn = engine.draw(len(z), z=z, temperature=1.0, seed=s.seed, threads=1)
        some = [i for i, d in enumerate(drawn) if d.finished and len(d) > 1]
        own, vectors = [drawn[i].strokes for i in some], [z[some]]
        if real:
            order = rng.permutation(len(real))[: s.real]
            rows = [stroke3_to_stroke5(real[i].rows.astype(np.float32)) for i in order]
            own += rows
            vectors.append(engine.encode(rows, threads=1))
        if not own:
            raise ValueError("no drawing ends at temperature 1")
        self.z = torch.from_numpy(np.concatenate(vectors))
        limits, known = Limits.of(own, s), []
        with torch.no_grad():
            for first in range(0, len(own), 64):
                chosen = own[first : first + 64]
                words = list(range(first, first + len(chosen)))
                outputs = self._follow(self.average, chosen, words)
                for i, rows_ in enumerate(chosen):
                    said = outputs[: len(rows_), i].clone()
                    known.append(_Known(first + i, [rows_], [said], limits))
        return known

    def _follow(
        self, net: Net, drawings: Sequence[Rows], words: Sequence[int], **how: Any
    ) -> Tensor:
        assert isinstance(net, LatentNet)
        return net.decode(self._inputs(drawings), self.z[list(words)], **how)

    def _told(self, known: _Known) -> dict[str, Any]:
        return {"z": self.z[known.word].numpy()}

    def _endings(self) -> Iterator[tuple[float, float]]:
        s, engine = self.settings, self.engine()
        rng = np.random.default_rng([s.seed, 4])
        some = rng.permutation(len(self.known))[: s.checked]
        usual = np.median([len(self.known[i].own[0]) for i in some])
        z = self.z[some].numpy()
        for t in sorted(s.temperatures):
            options: dict[str, Any] = {"temperature": t, "seed": s.rounds + 1, "threads": 1}
            drawn = list(engine.draw(len(z), z=z, **options))
            length = np.median([len(d) for d in drawn])
            yield float(np.mean([d.finished for d in drawn])), float(length / usual)
