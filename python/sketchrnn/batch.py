"""Work on tables of drawings, for engines that divide it: Ray, Spark, Dask, a pool of processes.

>>> draw = sketchrnn.batch.Draw("cat", seed=7)
>>> draw(pyarrow.table({"index": range(1000)}))          # → index, object, strokes
>>> ray.data.range(10**6).rename_columns({"id": "index"}).map_batches(draw, batch_format="pyarrow")

Each callable takes an Arrow table or record batch and returns one, is picklable, and holds nothing
but its options: a process loads the net when it first needs it, and keeps the four last. Drawing k
of a seed depends on nothing but the net, the seed, k and the temperatures, so the rows are the same
however they are divided, ordered or repeated. Columns are those of
:meth:`Sketches.__arrow_c_array__`. Needs pyarrow (the extra ``arrow``).
"""

from __future__ import annotations

import functools
import os
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _check
from ._extras import need
from .sketch import Sketches, joined
from .strokes import Floats

if TYPE_CHECKING:
    from .net import Net

__all__ = ["Draw", "Encode", "Score"]


@functools.lru_cache(maxsize=4)
def _loaded(name: str, source: str | None, precision: str) -> Net:
    from .nets.load import load

    return load(name, source=source, precision=precision)


class _Work:
    """A net and how many threads it may take; what its callables share."""

    def __init__(
        self,
        net: Net | str | PathLike[str],
        *,
        source: str | None = None,
        precision: str = "f32",
        threads: int = 1,
    ) -> None:
        """
        Parameters
        ----------
        net
            A name or a file, as in :func:`sketchrnn.load`, which every process must find; or a net,
            which travels with the callable.
        source, precision
            As in :func:`sketchrnn.load`, where `net` is a name.
        threads
            Of one call. One, since engines run as many calls at a time as there are processors.
        """
        _check.precision(precision)
        self._net: Any = net
        if isinstance(net, (str, os.PathLike)):
            self._net = (os.fspath(net), source, precision)
        self._threads = _check.integer("threads", threads, 1, 4096)

    @property
    def net(self) -> Net:
        """The net, loaded if it was not."""
        found: Net = _loaded(*self._net) if isinstance(self._net, tuple) else self._net
        return found

    def __call__(self, batch: Any) -> Any:
        """Return the table for one; a record batch for a record batch."""
        pa = need("pyarrow", "arrow")
        table = batch if isinstance(batch, pa.Table) else pa.table(batch)
        made = self._made(pa, table)
        if not isinstance(batch, pa.RecordBatch):
            return made
        whole = made.combine_chunks().to_batches()
        return whole[0] if whole else pa.RecordBatch.from_pylist([], schema=made.schema)

    def _made(self, pa: Any, table: Any) -> Any:
        raise NotImplementedError


class Draw(_Work):
    """Draws: a table with the column ``index`` to one of drawings.

    Further columns that the table may have hold for each drawing instead of the option: ``object``
    (text), ``temperature`` (numbers), ``z`` (lists of N_z numbers). Numbers that follow each other
    are drawn together, side by side; others cost up to ten times as much.

    Parameters
    ----------
    net, source, precision, threads
        As in :class:`Score`.
    seed
        64-bit.
    temperature, softmax_temperature, max_len, object
        As in :meth:`Net.draw`.
    signed
        Gives ``index`` as int64 and ``pen`` as int8, for engines without unsigned types (Spark).
    """

    def __init__(
        self,
        net: Net | str | PathLike[str],
        *,
        seed: int,
        temperature: float = 0.4,
        softmax_temperature: float | None = None,
        max_len: int | None = None,
        object: str | None = None,
        signed: bool = False,
        source: str | None = None,
        precision: str = "f32",
        threads: int = 1,
    ) -> None:
        super().__init__(net, source=source, precision=precision, threads=threads)
        self._seed = _check.integer("seed", seed, 0, 2**64 - 1)
        self._temperature = _check.temperature("temperature", temperature)
        self._options = {
            "softmax_temperature": softmax_temperature,
            "max_len": max_len,
        }
        self._object = object
        self._signed = signed

    @property
    def schema(self) -> Any:
        """The pyarrow.Schema of what is returned, for engines that want to know it before."""
        pa = need("pyarrow", "arrow")
        if not self._signed:
            return pa.schema(Sketches.of([]))
        row = pa.struct([("dx", pa.float32()), ("dy", pa.float32()), ("pen", pa.int8())])
        fields = [("index", pa.int64()), ("object", pa.string()), ("strokes", pa.list_(row))]
        return pa.schema(fields)

    def _made(self, pa: Any, table: Any) -> Any:
        numbers = _index(pa, table)
        objects = table["object"].to_pylist() if "object" in table.column_names else None
        taus = np.full(len(numbers), self._temperature)
        if "temperature" in table.column_names:
            taus = table["temperature"].to_numpy().astype(np.float64)
        z = _vectors(table["z"]) if "z" in table.column_names else None
        order = np.lexsort((numbers, taus))
        # Runs of one temperature whose numbers follow each other.
        follows = (np.diff(numbers[order]) == 1) & (np.diff(taus[order]) == 0)
        cuts = np.flatnonzero(~follows) + 1
        runs = np.split(order, cuts) if len(order) else []
        drawn = joined([self._run(run, numbers, objects, taus, z) for run in runs])
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        if not np.array_equal(back, np.arange(len(back))):
            drawn = drawn[back]
        made = pa.table(drawn)
        return made.cast(self.schema) if self._signed else made

    def _run(
        self,
        part: NDArray[np.int64],
        numbers: NDArray[np.uint64],
        objects: list[str] | None,
        taus: NDArray[np.float64],
        z: Floats | None,
    ) -> Sketches:
        drawn: Sketches = self.net.draw(
            len(part),
            seed=self._seed,
            index=int(numbers[part[0]]),
            temperature=float(taus[part[0]]),
            object=self._object if objects is None else [objects[i] for i in part.tolist()],
            z=None if z is None else z[part],
            threads=self._threads,
            **self._options,  # type: ignore[arg-type]
        )
        return drawn


class Score(_Work):
    """Scores: a table with the column ``strokes`` to the same with three others in its place, the
    negative log-likelihood of each drawing in nats, in net units: ``points`` (rows), ``offset_nll``
    and ``pen_nll`` (sums over them). See :class:`sketchrnn.Score`."""

    def _made(self, pa: Any, table: Any) -> Any:
        drawings = Sketches.from_arrow(table)
        score = self.net.score(drawings, threads=self._threads)
        return _instead(
            table,
            points=pa.array(drawings.lengths, pa.int64()),
            offset_nll=pa.array(score.sums(score.offset_nll)),
            pen_nll=pa.array(score.sums(score.pen_nll)),
        )


class Encode(_Work):
    """Encodes: a table with the column ``strokes`` to the same with ``mu`` and ``sigma`` in its
    place, lists of N_z float32. See :meth:`Net.posterior`."""

    def _made(self, pa: Any, table: Any) -> Any:
        drawings = Sketches.from_arrow(table)
        width = self.net.latent_size
        columns = {
            name: pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), max(width, 1))
            for name, values in zip(
                ("mu", "sigma"),
                self.net.posterior(drawings, threads=self._threads),
                strict=True,
            )
        }
        return _instead(table, **columns)


def _instead(table: Any, **columns: Any) -> Any:
    """Return a table with other columns in the place of the drawings."""
    table = table.drop_columns(["strokes"])
    for name, values in columns.items():
        table = table.append_column(name, values)
    return table


def _index(pa: Any, table: Any) -> NDArray[np.uint64]:
    if "index" not in table.column_names:
        raise ValueError(
            f"column 'index': there is none, only {', '.join(table.column_names) or 'no columns'}"
        )
    column = table["index"]
    if not pa.types.is_integer(column.type) or column.null_count:
        raise ValueError(
            f"column 'index': expected whole numbers, found {column.type} with "
            f"{column.null_count} nulls"
        )
    numbers = column.to_numpy()
    if len(numbers) and numbers.min() < 0:
        raise ValueError(f"column 'index': expected numbers from 0, found {numbers.min()}")
    result: NDArray[np.uint64] = numbers.astype(np.uint64)
    return result


def _vectors(column: Any) -> Floats:
    rows = column.to_pylist()
    try:
        return np.array(rows, np.float32).reshape(len(rows), -1)
    except (ValueError, TypeError):
        raise ValueError("column 'z': expected lists of as many numbers each") from None
