"""Finished drawings: one (:class:`Sketch`) or a whole batch over one array (:class:`Sketches`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from .original import Original
from .strokes import (
    Floats,
    lines_to_stroke5,
    simplify,
    split_lines,
    stroke5_to_lines,
    stroke5_to_stroke3,
)
from .untrusted import printable

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .formats.options import SaveOptions


class Sketch:
    """A drawing as stroke-5 rows in data units.

    Parameters
    ----------
    strokes
        (n, 5) or (n, 3) array; rows are checked. A stroke-3 array is taken as finished.
    name
        What is drawn; None if unknown.
    """

    __slots__ = ("given", "name", "original", "strokes")

    strokes: Floats
    """(n, 5) float32: dx, dy, p1, p2, p3."""
    original: Original | None
    """The picture that it was read from, where it was one; a completion has its start's."""
    given: int
    """Rows at its beginning that :meth:`Net.complete` was given; 0 for any other drawing."""

    def __init__(self, strokes: Any, name: str | None = None) -> None:
        from ._check import strokes as check

        self.strokes = check("strokes", strokes, end=True)
        self.name = name
        self.original = None
        self.given = 0
        _check_rows(self.strokes)

    @classmethod
    def _from_core(
        cls, strokes: Floats, name: str | None, original: Original | None = None, given: int = 0
    ) -> Sketch:
        sketch = cls.__new__(cls)
        sketch.strokes = strokes
        sketch.name = name
        sketch.original = original
        sketch.given = given
        return sketch

    @classmethod
    def from_svg_path(cls, data: str, name: str | None = None) -> Sketch:
        """Make a drawing of the data of an SVG path, such as "M0 0L10 5C…", in its units.

        Curves are flattened to within a tenth of a unit. Needs svgpathtools (the extra ``svg``).
        Raises ValueError for what is no path.
        """
        from .formats.svg import lines_of_path

        return cls._from_core(lines_to_stroke5(lines_of_path(data)), name)

    @property
    def stroke3(self) -> Floats:
        """(m, 3) float32: dx, dy, pen lifts; without the end row."""
        return stroke5_to_stroke3(self.strokes)

    @property
    def finished(self) -> bool:
        """Whether the net ended the drawing (there is a row with p3 = 1)."""
        return bool(len(self.strokes) and self.strokes[-1, 4] == 1)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of all that is drawn, the origin at the first point."""
        lines = self.lines()
        if not lines:
            return (0.0, 0.0, 0.0, 0.0)
        points = np.concatenate(lines)
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        return (float(left), float(top), float(right), float(bottom))

    def lines(self, center: tuple[float, float] | None = None) -> list[Floats]:
        """Polylines as (k, 2) arrays of positions.

        The first starts at (0, 0), or where it must for the middle of the drawing's bounds to be at
        `center`; ``lines_in_original`` has them where they lie in the picture it was read from.
        """
        if center is None:
            return stroke5_to_lines(self.strokes)
        left, top, right, bottom = self.bounds
        start = (center[0] - (left + right) / 2, center[1] - (top + bottom) / 2)
        return stroke5_to_lines(self.strokes, start)

    def lines_in_original(self) -> tuple[list[Floats], list[Floats]]:
        """Polylines of the given part and those that were added, in the coordinates of the picture
        that the drawing was read from (of any other drawing the first starts at (0, 0))."""
        start = (0.0, 0.0) if self.original is None else self.original.start
        return split_lines(self.strokes, self.given, start)

    def simplify(self, epsilon: float, method: str = "rdp") -> Sketch:
        """Return the drawing with each stroke simplified; see :func:`sketchrnn.simplify`.

        `epsilon` in data units; the public nets and ours saw drawings simplified at 2 pixels.
        """
        lines = [simplify(line, epsilon, method) for line in self.lines()]
        rows = lines_to_stroke5(lines, end=self.finished)
        return Sketch._from_core(rows, self.name, self.original)

    def copy(self) -> Sketch:
        """Return the drawing with an array of its own."""
        return Sketch._from_core(self.strokes.copy(), self.name, self.original, self.given)

    def scaled(self, factor: float) -> Sketch:
        """Return the drawing `factor` times as large. Raises ValueError unless 0 < factor < ∞, and
        where offsets would become larger than float32 holds."""
        if not 0 < factor < float("inf"):
            raise ValueError(f"factor: expected a positive number, found {factor}")
        strokes = self.strokes.copy()
        within = factor < float(np.finfo(np.float32).max)
        with np.errstate(over="ignore"):
            strokes[:, :2] *= np.float32(factor) if within else np.float64(factor)
        if not np.isfinite(strokes[:, :2]).all():
            raise ValueError(f"factor: {factor} makes offsets larger than float32 holds")
        return Sketch._from_core(strokes, self.name)

    def fitted(self, width: float, height: float | None = None) -> Sketch:
        """Return the drawing scaled to just fit a box, its proportions kept.

        `height` None makes the box square: ``fitted(255)`` is QuickDraw's. A drawing without
        extent, such as a dot, is returned as it is.
        """
        for name, value in (("width", width), ("height", height)):
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"{name}: expected a positive number, found {value}")
        left, top, right, bottom = self.bounds
        sizes = ((width, right - left), (width if height is None else height, bottom - top))
        factor = min((room / size for room, size in sizes if size > 0), default=1.0)
        return self.scaled(factor)

    def svg_path(self) -> str:
        """The drawing as the data of one SVG path (absolute M and L), in data units."""
        from .formats.svg import path_data

        return path_data(self.lines())

    def save(self, path: str | PathLike[str], **options: Unpack[SaveOptions]) -> None:
        """Write the drawing; the format follows from the suffix: .svg, .png, .gif, .ndjson, …

        ``format=".svg"`` where the name does not say; other options are those of the format, listed
        in docs/formats.md. Raises ValueError for an unknown suffix or option, ImportError naming
        what to install where a library is needed.
        """
        from .formats import save

        save(path, self, **options)

    def _repr_svg_(self) -> str:
        from .formats.svg import to_svg

        return to_svg(self)

    def __len__(self) -> int:
        return len(self.strokes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sketch):
            return NotImplemented
        return np.array_equal(self.strokes, other.strokes)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        what = f" {printable(self.name)}" if self.name else ""
        state = "finished" if self.finished else "unfinished"
        return f"<Sketch{what}: {len(self)} rows, {state}>"


class Sketches(Sequence[Sketch]):
    """A batch of drawings over one array; indexing gives views, not copies.

    ``strokes`` is (total, 5) float32, ``offsets`` (n + 1,) int64: drawing i is
    ``strokes[offsets[i]:offsets[i + 1]]``.
    """

    __slots__ = ("_indices", "given", "name", "names", "offsets", "original", "strokes")

    def __init__(
        self,
        strokes: Floats,
        offsets: NDArray[np.int64],
        name: str | None = None,
        names: Sequence[str | None] | None = None,
        original: Original | None = None,
        given: int = 0,
        indices: NDArray[np.uint64] | None = None,
    ):
        self.strokes = strokes
        self.offsets = offsets
        self.name = name
        # What each drawing is, where they are not all the same.
        self.names = names
        # As of a Sketch; of all of them.
        self.original = original
        self.given = given
        self._indices = indices

    @property
    def indices(self) -> NDArray[np.uint64]:
        """(n,) which drawing of its seed each is, 0, 1, … where that is not known."""
        return np.arange(len(self), dtype=np.uint64) if self._indices is None else self._indices

    @property
    def numbered(self) -> bool:
        """Whether it is known which drawings of a seed they are."""
        return self._indices is not None

    @classmethod
    def from_arrow(cls, data: Any) -> Sketches:
        """Return the drawings of Arrow data: a table, record batch, array or stream of pyarrow,
        polars, duckdb or whatever else has the PyCapsule interface.

        Columns as :meth:`__arrow_c_array__` has them, of which ``strokes`` must be there; or an
        array of such strokes alone. Raises TypeError for other objects, ValueError naming the
        column or the drawing and row that do not fit.
        """
        from .arrow import drawings

        return drawings(data)

    @classmethod
    def of(cls, drawings: Sequence[Any], name: str | None = None) -> Sketches:
        """Gather drawings (each a Sketch, stroke-5 or stroke-3 array) into one batch.

        Each keeps its name, unless `name` is that of them all.
        """
        from ._check import strokes as check

        arrays = [check(f"drawing {i}", d, end=True) for i, d in enumerate(drawings)]
        offsets = np.zeros(len(arrays) + 1, np.int64)
        np.cumsum([len(a) for a in arrays], out=offsets[1:])
        rows = np.concatenate(arrays) if arrays else np.zeros((0, 5), np.float32)
        names = None
        if name is None:
            names = [getattr(d, "name", None) for d in drawings]
            if len(set(names)) <= 1:
                name, names = (names[0] if names else None), None
        of = [(getattr(d, "original", None), getattr(d, "given", 0)) for d in drawings]
        shared = of[0] if of and all(o[0] is of[0][0] and o[1] == of[0][1] for o in of) else None
        return cls(rows, offsets, name, names, *(shared or (None, 0)))

    @property
    def finished(self) -> NDArray[np.bool_]:
        """(n,) whether each drawing was ended by the net."""
        last = self.offsets[1:] - 1
        result = np.zeros(len(self), bool)
        filled = self.offsets[1:] > self.offsets[:-1]
        result[filled] = self.strokes[last[filled], 4] == 1
        return result

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(n,) rows of each drawing."""
        return np.diff(self.offsets)

    def save(self, path: str | PathLike[str], **options: Unpack[SaveOptions]) -> None:
        """Write all drawings, a picture showing them in a grid; else as :meth:`Sketch.save`."""
        from .formats import save

        save(path, self, **options)

    def simplify(self, epsilon: float, method: str = "rdp") -> Sketches:
        """Return the drawings simplified; see :meth:`Sketch.simplify`."""
        return Sketches.of([sketch.simplify(epsilon, method) for sketch in self])

    def __arrow_c_schema__(self) -> Any:
        """The type of :meth:`__arrow_c_array__`, as a PyCapsule."""
        from .arrow import schema

        return schema()

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        """The drawings as an Arrow array (PyCapsules, no pyarrow needed): a struct of ``index``
        uint64, ``object`` string and ``strokes``, list<struct<dx float32, dy float32, pen uint8>>
        with pen 0 (down), 1 (lifts) or 2 (end). ``pyarrow.table(sketches)`` and the like use it."""
        from .arrow import exported

        return exported(self)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The same as a stream, of several arrays where one has no room for all rows."""
        from .arrow import streamed

        return streamed(self)

    def copy(self) -> Self:
        """Return the drawings with arrays of their own."""
        return type(self)(
            self.strokes.copy(),
            self.offsets.copy(),
            self.name,
            self.names,
            self.original,
            self.given,
            self._indices,
        )

    def grid(self, columns: int | None = None, captions: Sequence[str] | None = None) -> Grid:
        """Return the drawings laid out as a picture, `columns` in a row (None: about square)."""
        return Grid(self, columns, captions)

    def _repr_svg_(self) -> str:
        return self[:64].grid()._repr_svg_()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> Sketch: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> Sketches: ...
    def __getitem__(self, index: int | slice | Sequence[int] | NDArray[Any]) -> Sketch | Sketches:
        """One drawing by its number; some, by a slice, numbers or a mask of as many bools (a slice
        without step is a view, others are copies)."""
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1 and stop >= start:
                offsets = self.offsets[start : stop + 1]
                rows = self.strokes[offsets[0] : offsets[-1]]
                return self._some(rows, offsets - offsets[0], slice(start, stop))
            return self._taken(np.arange(start, stop, step))
        if isinstance(index, (list, np.ndarray)) and np.ndim(index) == 1:
            return self._taken(np.arange(len(self))[np.asarray(index, None if len(index) else int)])
        i = range(len(self))[index]  # type: ignore[index]
        rows = self.strokes[self.offsets[i] : self.offsets[i + 1]]
        return Sketch._from_core(rows, self._name(i), self.original, self.given)

    def _name(self, i: int) -> str | None:
        return self.names[i] if self.names else self.name

    def _some(
        self, rows: Floats, offsets: NDArray[np.int64], chosen: slice | NDArray[np.int64]
    ) -> Sketches:
        names = None
        if self.names:
            numbers = range(len(self))[chosen] if isinstance(chosen, slice) else chosen.tolist()
            names = [self.names[i] for i in numbers]
        indices = None if self._indices is None else self._indices[chosen]
        return Sketches(rows, offsets, self.name, names, self.original, self.given, indices)

    def _taken(self, chosen: NDArray[np.int64]) -> Sketches:
        lengths = self.lengths[chosen]
        offsets = np.zeros(len(chosen) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[chosen] - offsets[:-1], lengths)
        return self._some(self.strokes[rows], offsets, chosen)

    def __iter__(self) -> Iterator[Sketch]:
        start = 0
        for i, end in enumerate(self.offsets[1:].tolist()):
            rows = self.strokes[start:end]
            yield Sketch._from_core(rows, self._name(i), self.original, self.given)
            start = end

    def __add__(self, other: Sketches) -> Sketches:
        """Both batches as one; each drawing keeps its name."""
        if not isinstance(other, Sketches):
            return NotImplemented
        return joined([self, other])

    def __eq__(self, other: object) -> bool:
        """Whether both are the same drawings, row by row; what they are called is not compared."""
        if not isinstance(other, Sketches):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(
            self.strokes, other.strokes
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        what = f" {printable(self.name)}" if self.name else ""
        return f"<Sketches{what}: {len(self)} drawings, {len(self.strokes)} rows>"


def joined(parts: Sequence[Sketches]) -> Sketches:
    """Return several batches as one; each drawing keeps its name and its number."""
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(len(part.strokes) for part in parts)])
    ends = [part.offsets[1:] + start for part, start in zip(parts, starts, strict=False)]
    names = None
    if any(part.names for part in parts) or len({part.name for part in parts}) > 1:
        names = [part._name(i) for part in parts for i in range(len(part))]
    numbered = any(part.numbered for part in parts)
    of = [(part.original, part.given) for part in parts]
    same = bool(of) and all(o[0] is of[0][0] and o[1] == of[0][1] for o in of)
    return Sketches(
        np.concatenate([np.zeros((0, 5), np.float32), *(part.strokes for part in parts)]),
        np.concatenate([np.zeros(1, np.int64), *ends]),
        parts[0].name if parts and names is None else None,
        names,
        *(of[0] if same else (None, 0)),
        np.concatenate([part.indices for part in parts]) if numbered else None,
    )


class Grid:
    """Drawings in rows and columns, with captions if wanted. Made by :meth:`Sketches.grid`."""

    def __init__(
        self, sketches: Sketches, columns: int | None, captions: Sequence[str] | None
    ) -> None:
        self.sketches = sketches
        self.columns = columns
        self.captions = captions

    def save(self, path: str | PathLike[str], **options: Unpack[SaveOptions]) -> None:
        """Write a picture; options as in :meth:`Sketch.save`, such as size, the width in pixels."""
        from .formats import save

        chosen: dict[str, Any] = {"columns": self.columns}
        if self.captions is not None:
            chosen["captions"] = self.captions
        save(path, self.sketches, **{**chosen, **options})

    def _repr_svg_(self) -> str:
        from .formats.svg import to_svg

        return to_svg(self.sketches, columns=self.columns, captions=self.captions)


def _check_rows(rows: Floats) -> None:
    """Raise ValueError naming the first row that is not stroke-5, or follows the end."""
    bad = np.flatnonzero(~np.isfinite(rows[:, :2]).all(axis=1))
    if bad.size:
        raise ValueError(f"strokes: row {bad[0]}: offsets must be finite, found {rows[bad[0], :2]}")
    pen = rows[:, 2:]
    bad = np.flatnonzero(~(((pen == 0) | (pen == 1)).all(axis=1) & (pen.sum(axis=1) == 1)))
    if bad.size:
        raise ValueError(
            f"strokes: row {bad[0]}: pen states must be one 1 and two 0, found {pen[bad[0]]}"
        )
    ends = np.flatnonzero(rows[:, 4] == 1)
    if ends.size and ends[0] != len(rows) - 1:
        raise ValueError(f"strokes: row {ends[0] + 1} follows the end of the drawing")
