"""A loaded net: draw, complete, predict, score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from . import _check, _core
from .distribution import Distribution
from .latent import LatentMethods, count_of, latents
from .objects import numbers
from .score import Score, to_score
from .sketch import Sketch, Sketches
from .state import State, empty_rows
from .strokes import Floats
from .untrusted import printable

Progress = Callable[[int, int], Any]

if TYPE_CHECKING:
    from typing_extensions import TypedDict, Unpack

    from .notebook import Pad

    class DrawArguments(TypedDict, total=False):
        """What draw() and complete() take by name; :meth:`Net.draw` describes it."""

        temperature: float
        seed: int | None
        max_len: int | None
        threads: int | None
        softmax_temperature: float | None
        index: int
        progress: Progress | None
        object: str | Sequence[str] | None
        z: Any

    class CompleteArguments(DrawArguments, total=False):
        """And complete() alone."""

        fit: bool | float | None


class Net(LatentMethods):
    """A Sketch-RNN, immutable and shareable between threads. Made by :func:`load`."""

    __slots__ = ("_core", "_object")

    def __init__(self, core: _core.Net, object: int | None = None) -> None:
        self._core = core
        # Of a net of many objects, the number of the one that this net draws alone.
        self._object = object

    @property
    def name(self) -> str:
        """What the net draws; of many objects the one it draws when none is named."""
        return self._core.name if self._object is None else self._core.objects[self._object]

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
        return self._core.device

    @property
    def isa(self) -> str:
        """Instruction set of the kernels this net was packed for."""
        return self._core.isa

    @property
    def objects(self) -> tuple[str, ...]:
        """What the net can draw: its one object, or the many of ``load("everything")``."""
        several = self._object is None and self._core.objects
        return tuple(self._core.objects) if several else (self.name,)

    def of(self, object: str) -> Net:
        """Return the plain net of one of :attr:`objects`, which can be exported and saved alone.

        It shares this net's memory. Raises ValueError for another object.
        """
        chosen = self._numbers(object)
        return (
            self if chosen is None or self._object is not None else Net(self._core, int(chosen[0]))
        )

    def _numbers(self, object: str | Sequence[str] | None) -> NDArray[np.uint32] | None:
        """What the core is told of the objects to draw: their numbers, None for its default."""
        return numbers(self, self._core.objects, self._object, object)

    @property
    def metadata(self) -> dict[str, str]:
        """What the container says of the net: units, licence, training record, …"""
        metadata = self._core.metadata
        if self._object is not None:
            from .nets.safetensors import OBJECTS

            metadata = {k: v for k, v in metadata.items() if k not in OBJECTS}
        return metadata

    @overload
    def draw(self, n: None = None, **options: Unpack[DrawArguments]) -> Sketch: ...
    @overload
    def draw(self, n: int, **options: Unpack[DrawArguments]) -> Sketches: ...
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
        object: str | Sequence[str] | None = None,
        z: Any = None,
        on_device: bool = False,
    ) -> Any:
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
            What to draw, for a net of many objects (see :attr:`objects`): one for all sketches, or
            a list with one for each (`n` may be left out then).
        z
            Latent vectors, for a net with an encoder (see :meth:`encode`): one (N_z,) for all
            sketches, or (n, N_z) with one for each (`n` may be left out then). None: sketch k has
            one of its own from N(0, I), by `seed` and k.
        on_device
            Leaves the sketches in the GPU's memory and returns strokes (total, 5) float32, data
            units, and offsets (n + 1,) int64: sketch k is ``strokes[offsets[k]:offsets[k + 1]]``.
            Both can be taken without a copy by DLPack (``torch.from_dlpack``, ``cupy.from_dlpack``)
            or ``__cuda_array_interface__``. Raises DeviceError for a net that is not on a GPU, and
            when its memory does not suffice.
        """
        return self._drawn(
            empty_rows(),
            n,
            object,
            progress,
            on_device,
            z=z,
            temperature=temperature,
            softmax_temperature=softmax_temperature,
            seed=seed,
            index=index,
            max_len=max_len,
            threads=threads,
        )

    @overload
    def complete(
        self, partial: Any, n: None = None, **options: Unpack[CompleteArguments]
    ) -> Sketch: ...
    @overload
    def complete(self, partial: Any, n: int, **options: Unpack[CompleteArguments]) -> Sketches: ...
    def complete(
        self,
        partial: Any,
        n: int | None = None,
        *,
        fit: bool | float | None = None,
        object: str | Sequence[str] | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Any:
        """Continue a started drawing, once or `n` ways; other parameters as in :meth:`draw`.

        `partial` is a Sketch, (k, 5) stroke-5 or (k, 3) stroke-3 array, or Arrow data of one
        drawing, that has not ended; the end row that a Sketch has is left out. Whole drawings are
        returned, the given part first and unchanged, ``given`` rows of them; `max_len` counts them
        whole (None: the net's own, or the given rows and as many again if they exceed it).

        `fit` True shows the start to the net simplified and in the size at which the net finds it
        likeliest, and brings what is added back; a number is the size in data units that its larger
        side shall have instead; False takes the start as it is, in data units. None fits drawings
        that were read from a picture, such as an SVG: ``sketchrnn.read("start.svg")[0]``. Of these
        the completion keeps the page: saved as .svg it lies over the picture, in its own layer.
        """
        from .completion import complete

        options = {"object": object, "progress": progress, **options}
        return complete(self, partial, n, fit, **options)

    def _drawn(
        self,
        prefix: Floats,
        n: int | None,
        object: str | Sequence[str] | None,
        progress: Progress | None,
        on_device: bool = False,
        *,
        z: Any = None,
        temperature: float = 0.4,
        seed: int | None = None,
        max_len: int | None = None,
        threads: int | None = None,
        softmax_temperature: float | None = None,
        index: int = 0,
    ) -> Any:
        chosen = self._numbers(object)
        known = self._core.objects
        names = [self.name] if chosen is None else [known[i] for i in chosen]
        several = object is not None and not isinstance(object, str)
        vectors = self._latents(z)
        if n is None:
            n = count_of(z)
        if n is None:
            count = len(object) if several else 1  # type: ignore[arg-type]
        else:
            count = _check.integer("n", n, 0, _check.MOST)
        if progress is not None and not callable(progress):
            raise TypeError(f"progress: expected a function, found {progress!r}")
        report = None if progress is None else lambda done: progress(done, count)
        wanted = _check.draw_options(
            count,
            temperature=temperature,
            softmax_temperature=softmax_temperature,
            seed=seed,
            index=index,
            max_len=max_len,
            threads=threads,
        )
        if on_device:
            return self._core.draw_there(wanted, prefix, report, chosen, vectors)
        strokes, offsets = self._core.draw(wanted, prefix, report, chosen, vectors)
        numbers = np.arange(count, dtype=np.uint64) + np.uint64(index)
        if several:
            each = names if len(names) == count else names * count
            return Sketches(strokes, offsets, None, each, indices=numbers)
        sketches = Sketches(strokes, offsets, names[0], indices=numbers)
        return sketches[0] if n is None else sketches

    def state(
        self,
        *,
        seed: int | None = None,
        index: int = 0,
        threads: int = 1,
        object: str | None = None,
        z: Any = None,
    ) -> State:
        """Return a stream at the start of drawing `index` of `seed` (None: a fresh seed).

        `z` is a latent vector (N_z,); without one the drawing has that of (seed, index).

        With `threads` = 2 each step is divided with a helper thread of the state's own, which spins
        between steps and sleeps when there is none for some milliseconds; the results are the same.
        A state of a net on a GPU runs on the processor, which gives the same bits.
        """
        index = _check.integer("index", index, 0, 2**64 - 1)
        told = self._numbers(object), self._latents(z)
        return State(
            self,
            _core.Stream(self._core, _check.seed(seed), index, _check.threads(threads), *told),
        )

    def _latents(self, z: Any) -> Floats | None:
        return None if z is None else latents("z", z, self.latent_size)

    def predict(
        self, strokes: Any = (), *, object: str | None = None, z: Any = None
    ) -> Distribution:
        """Return the distribution of the movement after `strokes` (which may be empty).

        `z` is a latent vector (N_z,); a net with an encoder takes without one that of seed 0.
        """
        rows = _check.strokes("strokes", strokes)
        predicted = self.state(seed=0, object=object, z=z).feed(rows).predict()
        predicted.drawn = rows
        return predicted

    def score(
        self,
        sketches: Sketches | Sketch | Sequence[Any] | NDArray[Any],
        *,
        threads: int | None = None,
        progress: Progress | None = None,
        object: str | Sequence[str] | None = None,
        z: Any = None,
    ) -> Score:
        """Return the negative log-likelihoods of drawings, teacher forcing.

        `sketches`: Sketches, one Sketch, or a sequence of drawings, each a Sketch, (n, 5) stroke-5
        or (n, 3) stroke-3 array in data units, or Arrow data (see :meth:`Sketches.from_arrow`); a
        stroke-3 drawing is taken as finished, and end rows that only pad a drawing are ignored.
        `object`: as what they are scored, one for all or one for each. `z`: latent vectors in the
        same way; a net with an encoder takes without them each drawing's own, μ. Raises ValueError
        naming the drawing that is empty or malformed.
        """
        batch = to_score(sketches)
        if z is None and self.latent_size and len(batch):
            z = self.encode(batch, threads=threads)
        offset_nll, pen_nll = self._core.score(
            np.ascontiguousarray(batch.strokes, np.float32),
            np.ascontiguousarray(batch.offsets, np.int64),
            _check.threads(threads),
            None if progress is None else lambda done: progress(done, len(batch)),
            self._numbers(object),
            self._latents(z),
        )
        ended = batch.strokes[:, 4] == 1
        return Score(offset_nll, pen_nll, batch.offsets, ended, self.max_len, self.scale_factor)

    def arrays(self) -> dict[str, Floats]:
        """Return copies of the weights: ``wx`` (5, 4H), ``wh`` (H, 4H), ``b`` (4H,), ``wo``
        (H, 3 + 6M), ``bo`` (3 + 6M,), gates i, j, f, o, without the forget gate's +1; of a net of
        many objects those of the one it draws when none is named. Of a net with an encoder ``wx``
        is (5 + N_z, 4H), and there are ``fw.wx`` (5, 4E), ``fw.wh`` (E, 4E), ``fw.b`` (4E,), the
        same for ``bw``, ``mu.w`` (2E, N_z), ``mu.b`` (N_z,), ``sigma.w``, ``sigma.b``, ``z.w``
        (N_z, 2H), ``z.b`` (2H,): those of the ``.vae.json`` format."""
        return self._core.arrays(self._object)

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
        from .nets.info import info

        return info(self)

    def __reduce__(self) -> tuple[Any, ...]:
        from .nets.reopen import reopened

        return reopened, (self._core.container, self.precision, self.device, self._object)

    def __copy__(self) -> Net:
        return self  # it never changes

    def __deepcopy__(self, memo: Any) -> Net:
        return self

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same numbers, draw the same object, in the same precision on the
        same device."""
        return self is other or (isinstance(other, Net) and self.__reduce__() == other.__reduce__())

    def __hash__(self) -> int:
        return hash((self.name, self.hidden_size, self.scale_factor, self.precision))

    @property
    def container(self) -> bytes:
        """The net's safetensors file, in the storage type it was loaded with."""
        whole = self._core.container
        if self._object is None:
            return whole
        from .nets.safetensors import plain

        arrays = self._core.arrays(self._object)
        return plain(whole, self.name, arrays["b"], arrays["bo"])

    def pad(
        self, *, temperature: float = 0.3, seed: int | None = None, object: str | None = None
    ) -> Pad:
        """Return a page to draw on together with the net, for a notebook (``[notebook]``).

        A cell that ends with it shows it; nothing is fetched from anywhere, the net runs in the
        browser in precision "i8", the same bits as here. ``pad.sketch`` is the drawing, a
        :class:`Sketch`; it, ``pad.net``, ``pad.temperature``, ``pad.seed`` and ``pad.object`` can
        be set.

        Parameters
        ----------
        temperature
            0 to 1.2.
        seed
            of the net's ideas; None draws one.
        object
            of a net of many, its name.

        Raises
        ------
        ImportError
            Says what to install.
        ValueError
            For an object that it cannot draw.
        """
        from ._extras import need

        need("anywidget", "notebook")
        from .notebook import Pad

        return Pad(self, temperature=temperature, seed=seed, object=object)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the net as .safetensors, in the storage type it was loaded with; load() reads it.

        An existing file is replaced only once the new one is complete.
        """
        from .nets import export

        export(self, path, "safetensors")

    def export(
        self, path: str | PathLike[str] | None = None, format: str | None = None, **options: Any
    ) -> Any:
        """Write the net for another system; returns the files written and their bytes.

        Parameters
        ----------
        path
            The file to write. None returns what would be written: a PyTorch ``state_dict``, an ONNX
            ``ModelProto``, the text of a diagram or a header, …
        format
            None lets the path's suffix decide. "onnx" (``.onnx``), "mxnet" (``.json`` and beside it
            ``.params``), "gen_json" (``.gen.json``, Magenta's own), "torch" (``.pt``, ``.pth``: the
            ``state_dict`` of ``lstm = nn.LSTM(5, H)`` and ``head = nn.Linear(H, 3 + 6M)``, in net
            units), "npz" (``.npz``: the arrays), "c" (``.h``, ``.o``: the container as a C array),
            "standalone" (no suffix of its own: a C header that draws by itself),
            "diagram" (``.svg``: a drawing of the net), "safetensors" (as :meth:`save`).
        options
            Those of the format; docs/export.md lists them.

        Raises
        ------
        ImportError
            Says what to install, where a format needs a package that is not there.
        ValueError
            For an unknown format.
        """
        from .nets import export

        return export(self, path, format, **options)

    def __repr__(self) -> str:
        return (
            f"<Net {printable(self.name)}: {self.hidden_size} units, {self.mixtures} components, "
            f"{self.precision} on {self.isa if self.device == 'cpu' else self.device}>"
        )
