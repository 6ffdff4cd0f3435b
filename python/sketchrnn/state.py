"""One drawing in the making."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import _check, _core
from .distribution import Distribution

if TYPE_CHECKING:
    from .net import Net
    from .strokes import Floats


class State:
    """A stream of pen movements: feed what was drawn, step to draw on.

    Made by :meth:`Net.state`. Stepping through a drawing with seed s and index k gives the very
    rows of drawing k of ``net.draw(seed=s)``. Not to be used from two threads at once; different
    states are independent.
    """

    __slots__ = ("_core", "_net")

    def __init__(self, net: Net, core: _core.Stream) -> None:
        self._net = net
        self._core = core

    def step(self, temperature: float = 0.4, softmax_temperature: float | None = None) -> Floats:
        """Draw the next movement, take it in and return it: (5,) float32, data units.

        `temperature` is eq. 8 of the paper, 0 takes the likeliest; `softmax_temperature` overrides
        it for component and pen. Raises ValueError once the drawing has ended, and for a
        temperature that is negative or not finite.
        """
        try:
            return self._core.step(temperature, softmax_temperature)
        except TypeError:  # looked at only now: a step takes microseconds
            if softmax_temperature is not None:
                softmax_temperature = _check.temperature("softmax_temperature", softmax_temperature)
            temperature = _check.temperature("temperature", temperature)
            return self._core.step(temperature, softmax_temperature)

    def feed(self, strokes: Any) -> State:
        """Take movements in as if they had been drawn (teacher forcing); returns the state.

        `strokes`: a Sketch, (n, 5) stroke-5 or (n, 3) stroke-3 array in data units, n may be 0. All
        of it is checked before the first row is taken; Ctrl-C keeps the rows taken until then.
        """
        self._core.feed(_check.strokes("strokes", strokes))
        return self

    def predict(self) -> Distribution:
        """Return the distribution of the next movement."""
        return Distribution(self._core.predict(), self._net.scale_factor)

    def copy(self) -> State:
        """Return an independent state at the same place: a copy of two vectors of hidden_size."""
        return State(self._net, self._core.copy())

    def reset(self, seed: int | None = None, index: int = 0) -> None:
        """Go back to the start of a drawing; with `seed`, of drawing `index` of that seed."""
        if seed is not None:
            self._core.reseed(_check.seed(seed), _check.integer("index", index, 0, 2**64 - 1))
        self._core.reset()

    @property
    def hidden(self) -> Floats:
        """(hidden_size,) float32, the LSTM's h."""
        return self._core.hidden_state()[0]

    @property
    def cell(self) -> Floats:
        """(hidden_size,) float32, the LSTM's c."""
        return self._core.hidden_state()[1]

    @property
    def position(self) -> int:
        """Number of movements so far."""
        return self._core.position

    @property
    def finished(self) -> bool:
        """Whether the last movement ended the drawing."""
        return self._core.finished

    @property
    def seed(self) -> int:
        """Seed of the random numbers."""
        return self._core.seed

    def __copy__(self) -> State:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> State:
        return self.copy()

    def __repr__(self) -> str:
        return f"<State of {self._net.name}: {self.position} movements>"


def empty_rows() -> Floats:
    """(0, 5) stroke-5 rows."""
    return np.zeros((0, 5), np.float32)
