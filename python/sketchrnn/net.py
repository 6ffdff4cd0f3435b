"""A loaded net: draw, complete, predict, score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from . import _check, _core
from ._core import DeviceError
from .distribution import Distribution
from .sketch import Sketch, Sketches
from .state import State, empty_rows
from .strokes import Floats

Progress = Callable[[int, int], Any]


class Score:
    """Negative log-likelihoods of drawings under teacher forcing, in nats, in the net's units.

    Per row: −log Σ π·N(dx, dy) where p3 = 0, plus the cross-entropy of the pen state (Ha & Eck
    2017, eq. 9 and 10, without their division).

    Attributes
    ----------
    offset_nll, pen_nll
        (total,) float64, both terms of every row; ``offsets`` (n + 1,) tells whose they are.
    points
        (total,) their sum.
    per_drawing
        (n,) the sum over each drawing's rows.
    per_point
        float, the mean over all rows.
    r_loss
        float, the paper's figure as Magenta evaluates it, comparable with published values: per
        drawing the sum over rows before the end, divided by N_max (``net.max_len``), the offset's
        density floored with 1e-6, the pen's term left out at the end row; mean over drawings.
    """

    __slots__ = ("_end", "max_len", "offset_nll", "offsets", "pen_nll")

    def __init__(
        self,
        offset_nll: NDArray[np.float64],
        pen_nll: NDArray[np.float64],
        offsets: NDArray[np.int64],
        end: NDArray[np.bool_],
        max_len: int,
    ) -> None:
        self.offset_nll = offset_nll
        self.pen_nll = pen_nll
        self.offsets = offsets
        self.max_len = max_len
        self._end = end

    @property
    def points(self) -> NDArray[np.float64]:
        return self.offset_nll + self.pen_nll

    @property
    def per_drawing(self) -> NDArray[np.float64]:
        # np.add.reduceat misreads empty drawings, which score() does not let in.
        if len(self.offsets) < 2:
            return np.zeros(0)
        return np.add.reduceat(self.points, self.offsets[:-1])

    @property
    def per_point(self) -> float:
        return float(self.points.mean()) if len(self.points) else float("nan")

    @property
    def r_loss(self) -> float:
        # The floor is Magenta's: log(density + 1e-6).
        floored = -np.log(np.exp(-self.offset_nll) + 1e-6) + self.pen_nll
        drawings = len(self.offsets) - 1
        if drawings == 0:
            return float("nan")
        return float(floored[~self._end].sum() / self.max_len / drawings)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return (
            f"<Score of {len(self)} drawings: {self.per_point:.4f} nats per point, "
            f"r_loss {self.r_loss:.4f}>"
        )


class Net:
    """A Sketch-RNN decoder, immutable and shareable between threads. Made by :func:`load`."""

    __slots__ = ("_core", "_there")

    def __init__(self, core: _core.Net, device: int | None = None) -> None:
        self._core = core
        # The same net on GPU number `device`.
        self._there = None if device is None else _core.DeviceNet(core, device)

    @property
    def name(self) -> str:
        """What the net draws."""
        return self._core.name

    @property
    def hidden_size(self) -> int:
        """Units of the LSTM."""
        return self._core.hidden_size

    @property
    def mixtures(self) -> int:
        """Components of the output mixture."""
        return self._core.mixtures

    @property
    def scale_factor(self) -> float:
        """Data units per net unit: what drawings are divided by on their way in."""
        return self._core.scale_factor

    @property
    def max_len(self) -> int:
        """N_max, the longest drawing the net was trained on: draw's default limit."""
        return self._core.max_len

    @property
    def start_token(self) -> tuple[float, float, float, float, float]:
        """The first input, before any movement."""
        a, b, c, d, e = self._core.start_token
        return (a, b, c, d, e)

    @property
    def precision(self) -> str:
        """How the recurrent product is computed: "f32", "i16" or "i8" (see :func:`load`)."""
        return self._core.precision

    @property
    def device(self) -> str:
        """Where it runs: "cpu", "cuda:0", …"""
        return "cpu" if self._there is None else f"cuda:{self._there.ordinal}"

    @property
    def isa(self) -> str:
        """Instruction set of the kernels this net was packed for."""
        return self._core.isa

    @property
    def objects(self) -> tuple[str, ...]:
        """What the net can draw: its one object, or the many of ``load("everything")``."""
        return (self.name,)

    def of(self, object: str) -> Net:
        """Return the plain net of one of :attr:`objects`, which can be exported and saved alone.

        Raises ValueError for another object.
        """
        if object != self.name:
            raise ValueError(f"object: this net draws {self.name!r} alone, found {object!r}")
        return self

    def _for(self, object: str | None) -> Net:
        return self if object is None else self.of(object)

    @property
    def metadata(self) -> dict[str, str]:
        """What the container says of the net: units, licence, training record, …"""
        return self._core.metadata

    @overload
    def draw(
        self,
        n: None = None,
        *,
        temperature: float = ...,
        seed: int | None = ...,
        max_len: int | None = ...,
        threads: int | None = ...,
        softmax_temperature: float | None = ...,
        index: int = ...,
        progress: Progress | None = ...,
        object: str | None = ...,
    ) -> Sketch: ...
    @overload
    def draw(
        self,
        n: int,
        *,
        temperature: float = ...,
        seed: int | None = ...,
        max_len: int | None = ...,
        threads: int | None = ...,
        softmax_temperature: float | None = ...,
        index: int = ...,
        progress: Progress | None = ...,
        object: str | None = ...,
    ) -> Sketches: ...
    def draw(
        self,
        n: int | None = None,
        *,
        temperature: float = 0.4,
        seed: int | None = None,
        max_len: int | None = None,
        threads: int | None = None,
        softmax_temperature: float | None = None,
        index: int = 0,
        progress: Progress | None = None,
        object: str | None = None,
    ) -> Sketch | Sketches:
        """Draw one sketch, or `n` of them as a batch.

        Parameters
        ----------
        n
            How many; None for a single :class:`Sketch` instead of :class:`Sketches`.
        temperature
            τ of eq. 8 (Ha & Eck 2017), finite and at least 0; 0 always takes the likeliest.
        seed
            64-bit; sketch k of a seed is the same alone, in any batch, on any number of threads and
            any machine. None takes a fresh one.
        max_len
            Rows of a sketch at most; None for the net's own ``max_len``.
        threads
            None for all processors (one for a single sketch). Two or more divide each step of a
            single sketch between two threads that wait for each other by spinning: for processors
            that are free.
        softmax_temperature
            Overrides `temperature` for component and pen state (sketch-rnn-js: 0.5 + 0.5τ).
        index
            Number of the first sketch: ``draw(5, seed=s, index=10)`` is ``draw(15, seed=s)[10:]``.
        progress
            Called as progress(done, n) some 30 times a second while drawing.
        object
            What to draw, for a net of many objects (see :attr:`objects`).
        """
        return self._for(object)._generate(
            None,
            n,
            temperature=temperature,
            seed=seed,
            max_len=max_len,
            threads=threads,
            softmax_temperature=softmax_temperature,
            index=index,
            progress=progress,
        )

    @overload
    def complete(
        self,
        partial: Any,
        n: None = None,
        *,
        temperature: float = ...,
        seed: int | None = ...,
        max_len: int | None = ...,
        threads: int | None = ...,
        softmax_temperature: float | None = ...,
        index: int = ...,
        progress: Progress | None = ...,
        object: str | None = ...,
    ) -> Sketch: ...
    @overload
    def complete(
        self,
        partial: Any,
        n: int,
        *,
        temperature: float = ...,
        seed: int | None = ...,
        max_len: int | None = ...,
        threads: int | None = ...,
        softmax_temperature: float | None = ...,
        index: int = ...,
        progress: Progress | None = ...,
        object: str | None = ...,
    ) -> Sketches: ...
    def complete(
        self,
        partial: Any,
        n: int | None = None,
        *,
        temperature: float = 0.4,
        seed: int | None = None,
        max_len: int | None = None,
        threads: int | None = None,
        softmax_temperature: float | None = None,
        index: int = 0,
        progress: Progress | None = None,
        object: str | None = None,
    ) -> Sketch | Sketches:
        """Continue a started drawing, once or `n` ways; other parameters as in :meth:`draw`.

        `partial` is a Sketch, (k, 5) stroke-5 or (k, 3) stroke-3 array in data units that has not
        ended. Whole drawings are returned, the given part first and unchanged; `max_len` counts
        them whole (None: the net's own, or the given rows and as many again if they exceed it).
        """
        return self._for(object)._generate(
            _check.strokes("partial", partial),
            n,
            temperature=temperature,
            seed=seed,
            max_len=max_len,
            threads=threads,
            softmax_temperature=softmax_temperature,
            index=index,
            progress=progress,
        )

    def _generate(
        self,
        partial: Floats | None,
        n: int | None,
        *,
        temperature: float,
        seed: int | None,
        max_len: int | None,
        threads: int | None,
        softmax_temperature: float | None,
        index: int,
        progress: Progress | None,
    ) -> Sketch | Sketches:
        count = 1 if n is None else _check.integer("n", n, 0, _check.MOST)
        if progress is not None and not callable(progress):
            raise TypeError(f"progress: expected a function, found {progress!r}")
        prefix = empty_rows() if partial is None else partial
        if max_len is None:
            limit = self.max_len if len(prefix) < self.max_len else 2 * len(prefix)
        else:
            limit = _check.integer("max_len", max_len, 1, 2**32 - 1)
        seed = _check.seed(seed)
        index = _check.integer("index", index, 0, 2**64 - 1)
        stream = self._stream(seed, index)
        stream.feed(prefix)
        strokes, offsets = stream.generate(
            prefix,
            count,
            _check.temperature("temperature", temperature),
            _softmax(softmax_temperature),
            seed,
            index,
            limit,
            1 if threads is None and count == 1 else _check.threads(threads),
            0,
            None if progress is None else lambda done: progress(done, count),
        )
        sketches = Sketches(strokes, offsets, self.name)
        return sketches[0] if n is None else sketches

    def state(
        self,
        *,
        seed: int | None = None,
        index: int = 0,
        threads: int = 1,
        object: str | None = None,
    ) -> State:
        """Return a stream at the start of drawing `index` of `seed` (None: a fresh seed).

        With `threads` = 2 each step is divided with a helper thread of the state's own, which spins
        between steps and sleeps when there is none for some milliseconds; the results are the same.
        """
        net = self._for(object)
        index = _check.integer("index", index, 0, 2**64 - 1)
        return State(net, net._stream(_check.seed(seed), index, _check.threads(threads)))

    def _stream(self, seed: int, index: int, threads: int = 1) -> _core.Stream | _core.DeviceStream:
        if self._there is not None:
            return _core.DeviceStream(self._there, seed, index)
        return _core.Stream(self._core, seed, index, threads)

    def draw_on_device(
        self,
        n: int,
        *,
        temperature: float = 0.4,
        seed: int | None = None,
        max_len: int | None = None,
        softmax_temperature: float | None = None,
        index: int = 0,
        progress: Progress | None = None,
        object: str | None = None,
    ) -> tuple[_core.DeviceArray, _core.DeviceArray]:
        """Draw `n` sketches as :meth:`draw` does, and leave them in the GPU's memory.

        Returns strokes (total, 5) float32, data units, and offsets (n + 1,) int64: sketch k is
        ``strokes[offsets[k]:offsets[k + 1]]``. Both are there, finished, for who takes them without
        a copy by DLPack (``torch.from_dlpack``, ``cupy.from_dlpack``) or
        ``__cuda_array_interface__`` (``cupy.asarray``, Numba). All must fit at once.

        Raises DeviceError for a net that is not on a GPU, and when its memory does not suffice.
        """
        net = self._for(object)
        if net._there is None:
            raise DeviceError('draw_on_device: this net is on the processor; load(device="cuda")')
        seed = _check.seed(seed)
        index = _check.integer("index", index, 0, 2**64 - 1)
        count = _check.integer("n", n, 0, _check.MOST)
        limit = (
            self.max_len if max_len is None else _check.integer("max_len", max_len, 1, 2**32 - 1)
        )
        return _core.DeviceStream(net._there, seed, index).generate_there(
            empty_rows(),
            count,
            _check.temperature("temperature", temperature),
            _softmax(softmax_temperature),
            seed,
            index,
            limit,
            None if progress is None else lambda done: progress(done, count),
        )

    def predict(self, strokes: Any = (), *, object: str | None = None) -> Distribution:
        """Return the distribution of the movement after `strokes` (which may be empty)."""
        rows = _check.strokes("strokes", strokes)
        predicted = self.state(seed=0, object=object).feed(rows).predict()
        predicted.drawn = rows
        return predicted

    def score(
        self,
        sketches: Sketches | Sketch | Sequence[Any] | NDArray[Any],
        *,
        threads: int | None = None,
        progress: Progress | None = None,
        object: str | None = None,
    ) -> Score:
        """Return the negative log-likelihoods of drawings, teacher forcing.

        `sketches`: Sketches, one Sketch, or a sequence of drawings, each a Sketch, (n, 5) stroke-5
        or (n, 3) stroke-3 array in data units; a stroke-3 drawing is taken as finished, and end
        rows that only pad a drawing are ignored. Raises ValueError naming the drawing that is
        empty or malformed.
        """
        if isinstance(sketches, (Sketch, np.ndarray)):
            sketches = [sketches]
        if isinstance(sketches, Sketches):
            batch = sketches
            lengths = batch.lengths
            if len(batch) and lengths.min() == 0:
                raise ValueError(f"drawing {int(lengths.argmin())}: empty")
        else:
            batch = Sketches.of([_unpadded(i, d) for i, d in enumerate(sketches)])
        net = self._for(object)
        offset_nll, pen_nll = (net._there or net._core).score(
            np.ascontiguousarray(batch.strokes, np.float32),
            np.ascontiguousarray(batch.offsets, np.int64),
            _check.threads(threads),
            None if progress is None else lambda done: progress(done, len(batch)),
        )
        return Score(offset_nll, pen_nll, batch.offsets, batch.strokes[:, 4] == 1, self.max_len)

    def arrays(self) -> dict[str, Floats]:
        """Return copies of the weights: ``wx`` (5, 4H), ``wh`` (H, 4H), ``b`` (4H,), ``wo``
        (H, 3 + 6M), ``bo`` (3 + 6M,), gates i, j, f, o, without the forget gate's +1."""
        return self._core.arrays()

    def info(self) -> dict[str, Any]:
        """Return what the net is made of and how it runs.

        ``arrays``: per weight array shape, elements, storage type and bytes; ``total``: elements of
        all; ``layers``: layer types and their counts; ``hidden_size``, ``mixtures``, ``outputs``,
        ``scale_factor``, ``max_len``, ``start_token``; ``weight_bytes`` as stored, ``file_bytes``
        with the header, ``packed_bytes`` in memory as the kernels read them (16-bit weights are
        widened to float32 the first time that many are drawn together); ``precision``,
        ``device``, ``isa``; ``provenance``: source, licence and units where stated; ``training``:
        the training record, None if there is none; ``metadata``: all texts of the container.
        """
        from .info import info

        return info(self)

    def diagram(self, path: str | PathLike[str] | None = None) -> str:
        """Return a drawing of the net as SVG (layers and shapes, the unrolled step, the mixture it
        predicts first), and write it to `path` if one is given."""
        from .diagram import diagram

        text = diagram(self)
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return text

    @property
    def packed_bytes(self) -> int:
        """Bytes of the weights in memory, as the kernels read them."""
        return self._core.packed_bytes

    @property
    def container(self) -> bytes:
        """The net's safetensors file, in the storage type it was loaded with."""
        return self._core.container

    def save(self, path: str | PathLike[str]) -> None:
        """Write the net as .safetensors, in the storage type it was loaded with; load() reads it.

        An existing file is replaced only once the new one is complete.
        """
        from .container import write

        write(path, self.container)

    def export(
        self, path: str | PathLike[str], format: str | None = None, **options: Any
    ) -> dict[str, int]:
        """Write the net for another system; returns the files written and their bytes.

        Parameters
        ----------
        path
            The file to write.
        format
            None lets the path's suffix decide. "onnx" (``.onnx``), "mxnet" (``.json``
            and beside it ``.params``), "gen_json" (``.gen.json``, Magenta's own), "torch" (``.pt``,
            ``.pth``: a state_dict, see :meth:`to_torch`), "npz" (``.npz``: the arrays).
        options
            Those of the format; docs/export.md lists them.

        Raises ImportError that says what to install where a format needs a package that is not
        there, ValueError for an unknown format.
        """
        from .export import export

        return export(self, path, format, **options)

    def to_torch(self) -> dict[str, Any]:
        """Return the net as a PyTorch ``state_dict``, of ``lstm = nn.LSTM(5, H)`` and ``head =
        nn.Linear(H, 3 + 6M)``, in net units; :func:`sketchrnn.from_torch` is the way back."""
        from .export.torch import state_dict

        return state_dict(self)

    def __repr__(self) -> str:
        return (
            f"<Net {self.name}: {self.hidden_size} units, {self.mixtures} components, "
            f"{self.precision} on {self.isa if self._there is None else self.device}>"
        )


def _softmax(temperature: float | None) -> float | None:
    return None if temperature is None else _check.temperature("softmax_temperature", temperature)


def _unpadded(number: int, drawing: Any) -> Floats:
    """Return a drawing's rows up to its first end row; what follows must be end rows too."""
    rows = _check.strokes(f"drawing {number}", drawing, end=True)
    ends = np.flatnonzero(rows[:, 4] == 1)
    if ends.size:
        rest = rows[ends[0] + 1 :]
        if not (rest[:, 4] == 1).all():
            raise ValueError(f"drawing {number}: row {ends[0] + 1} follows its end")
        rows = rows[: ends[0] + 1]
    if len(rows) == 0:
        raise ValueError(f"drawing {number}: empty")
    return rows
