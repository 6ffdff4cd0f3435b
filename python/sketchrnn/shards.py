"""Many drawings as files: one for each part of the work, which goes on where it was stopped.

Part i of m holds the rows [⌊i·r/m⌋, ⌊(i+1)·r/m⌋) of r in all: `n` drawings of each net at each
temperature, numbers 0 to n − 1 of the seed. A file appears when it is whole, so whatever ends the
process leaves whole files alone. What it holds is stated in its footer, with a digest of the
drawings: a part that is there is read once more and kept, one of another recipe is refused.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _check, _core
from .sketch import Sketches
from .writing import open_for_writing

if TYPE_CHECKING:
    from concurrent.futures import Future

    from .net import Net

Told = Callable[[int, int, "int | None"], Any]
"""told(done, of, points): drawings that are there, how many there shall be (0: not known), rows
that have become known of those made last; None where they were there before."""


class _Hashes:
    """SHA-256 of some streams of bytes, each in whatever pieces: that of their digests."""

    def __init__(self, count: int) -> None:
        self._parts = [hashlib.sha256() for _ in range(count)]

    def take(self, *pieces: bytes | memoryview) -> None:
        for part, piece in zip(self._parts, pieces, strict=True):
            part.update(piece)

    def hexdigest(self) -> str:
        return hashlib.sha256(b"".join(part.digest() for part in self._parts)).hexdigest()


class Digest(_Hashes):
    """SHA-256 of drawings in their order, however they are divided into batches: that of the four
    digests of their numbers, names, lengths and rows, each as it lies in memory (uint64, text with
    a zero behind, int64, float32, little-endian)."""

    def __init__(self) -> None:
        super().__init__(4)

    def update(self, drawings: Sketches) -> None:
        """Go on with a batch."""
        names = drawings.names or [drawings.name] * len(drawings)
        told = "".join(f"{name or ''}\0" for name in names)
        self.take(
            _bytes(drawings.indices, "<u8"),
            told.encode("utf-8", "surrogatepass"),
            _bytes(drawings.lengths, "<i8"),
            _bytes(drawings.strokes, "<f4"),
        )


class _ScoreDigest(_Hashes):
    """The same of figures: of the three columns of numbers."""

    def __init__(self) -> None:
        super().__init__(len(_FIGURES))

    def update(self, columns: Mapping[str, Any]) -> None:
        self.take(*(_bytes(np.asarray(columns[name]), "<f8") for name in _FIGURES))

    @staticmethod
    def of(path: str) -> str | None:
        """That of a file of scores."""
        from .formats.parquet import tables

        return _digested(_ScoreDigest(), tables(path, *_FIGURES))


_FIGURES = ("points", "offset_nll", "pen_nll")


def _bytes(array: NDArray[Any], dtype: str) -> memoryview:
    return np.ascontiguousarray(array, dtype).reshape(-1).view(np.uint8).data


class Recipe(NamedTuple):
    """What is drawn: for each net in turn, at each temperature in turn, numbers 0 to n − 1."""

    nets: Sequence[Net]
    n: int
    seed: int
    temperatures: Sequence[float] = (0.4,)
    softmax_temperature: float | None = None
    max_len: int | None = None
    compact: bool = False

    @property
    def rows(self) -> int:
        return self.n * len(self.nets) * len(self.temperatures)

    def facts(self, first: int, last: int) -> dict[str, Any]:
        """What a file of the rows [first, last) says of itself."""
        return {
            "version": _core.version(),
            "nets": _nets(self.nets),
            "precision": self.nets[0].precision,
            "n": self.n,
            "seed": self.seed,
            "temperatures": list(self.temperatures),
            "softmax_temperature": self.softmax_temperature,
            "max_len": self.max_len,
            "compact": self.compact,
            "rows": [first, last],
        }

    def pieces(self, first: int, last: int, size: int) -> Iterator[tuple[Net, float, int, int]]:
        """Yield net, temperature, number of the first drawing and how many, for the rows
        [first, last): at most `size` at a time, of one kind each."""
        while first < last:
            kind, index = divmod(first, self.n)
            count = min(size, self.n - index, last - first)
            net = self.nets[kind // len(self.temperatures)]
            yield net, self.temperatures[kind % len(self.temperatures)], index, count
            first += count


def _nets(nets: Sequence[Net]) -> list[dict[str, str]]:
    return [{"name": net.name, "sha256": _hash(net)} for net in nets]


@functools.lru_cache(maxsize=8)
def _hash(net: Net) -> str:
    return hashlib.sha256(net.container).hexdigest()


def bounds(rows: int, shard: int, shards: int) -> tuple[int, int]:
    """Return the rows [first, last) of part `shard` of `shards`."""
    return shard * rows // shards, (shard + 1) * rows // shards


def draw_file(
    path: str | PathLike[str],
    recipe: Recipe,
    *,
    shard: int = 0,
    shards: int = 1,
    threads: int | None = None,
    told: Told | None = None,
) -> None:
    """Write a part of a recipe's drawings as one Parquet file, a row group at a time."""
    from concurrent.futures import ThreadPoolExecutor

    from .formats.parquet import ROW_GROUP, Writer

    first, last = bounds(recipe.rows, shard, shards)
    several = len(recipe.temperatures) > 1
    digest = Digest()
    done = 0
    extra = {"temperature": "float64"} if several else {}
    with (
        open_for_writing(path, sync=True) as file,
        Writer(file, compact=recipe.compact, extra=extra) as writer,
        # What was drawn is packed while what follows is being drawn: 0.07 of the time for 128
        # units on two processors, 0.01 for 512.
        ThreadPoolExecutor(1) as pool,
    ):

        def put(drawn: Sketches, columns: dict[str, Any]) -> None:
            digest.update(writer.write(drawn, **columns))

        written: Future[None] | None = None
        for net, temperature, index, count in recipe.pieces(first, last, ROW_GROUP):

            def progress(now: int, _: int, before: int = done) -> None:
                if told is not None:
                    told(before + now, last - first, 0)

            drawn = net.draw(
                count,
                seed=recipe.seed,
                index=index,
                temperature=temperature,
                softmax_temperature=recipe.softmax_temperature,
                max_len=recipe.max_len,
                threads=threads,
                progress=progress,
            )
            if written is not None:
                written.result()
            columns = {"temperature": [temperature] * count} if several else {}
            written = pool.submit(put, drawn, columns)
            done += count
            if told is not None:
                told(done, last - first, len(drawn.strokes))
        if written is not None:
            written.result()
        writer.facts = {**recipe.facts(first, last), "digest": digest.hexdigest()}


def is_whole(path: str, recipe: Recipe, *, shard: int, shards: int) -> bool:
    """Whether a file is there and holds what it says, and that is this part of the recipe.

    False where there is none, or its digest is not that of its drawings. Raises ValueError naming
    what differs for a part of another recipe.
    """
    from .formats import FormatError
    from .formats.parquet import batches, facts

    if not os.path.exists(path):
        return False
    try:
        there = facts(path)
    except FormatError:
        return False
    if there is None or "digest" not in there:
        raise ValueError(f"{path}: is there already, and not as a part of such work")
    wanted = recipe.facts(*bounds(recipe.rows, shard, shards))
    for name, value in wanted.items():
        if there.get(name) != value:
            raise ValueError(
                f"{path}: is of other work: {name}: wanted {value}, there {there.get(name)}; "
                "remove the files there, or take another folder"
            )
    return bool(_digested(Digest(), batches(path)) == there["digest"])


def _digested(digest: Digest | _ScoreDigest, parts: Iterable[Any]) -> str | None:
    """The digest of what a file holds; None where it cannot be read to its end."""
    try:
        for part in parts:
            digest.update(part)
    except ValueError:
        return None
    return digest.hexdigest()


_PART = re.compile(r"part-(\d+)-of-(\d+)\.parquet")


def name_of(shard: int, shards: int) -> str:
    """Return the file name of a part."""
    width = max(5, len(str(shards)))
    return f"part-{shard:0{width}}-of-{shards:0{width}}.parquet"


def _folder(path: str | PathLike[str]) -> str:
    """The path of a folder, made if it is not there."""
    where = os.fspath(path)
    try:
        os.makedirs(where, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(
            f"{where}: expected a folder, found that {error.filename} is a file"
        ) from None
    return where


def draw(
    folder: str | PathLike[str],
    recipe: Recipe,
    *,
    shards: int,
    shard: int | None = None,
    threads: int | None = None,
    told: Told | None = None,
) -> list[str]:
    """Write all parts of a recipe into a folder, or `shard` alone (0 to shards − 1); those that are
    there and whole are kept. Returns the names of the files, all of which are there then."""
    _check.integer("shards", shards, 1, 10**6)
    _check.integer("n", recipe.n, 1, _check.MOST)
    if shard is not None:
        _check.integer("shard", shard, 0, shards - 1)
    where = _folder(folder)
    for name in sorted(os.listdir(where)):
        found = _PART.fullmatch(name)
        if found and int(found[2]) != shards:
            raise ValueError(f"{where}: holds {name}, a part of {int(found[2])}, not of {shards}")
    wanted = range(shards) if shard is None else [shard]
    ends = [bounds(recipe.rows, i, shards) for i in wanted]
    total = sum(last - first for first, last in ends)
    done = 0
    files = []
    for i, (first, last) in zip(wanted, ends, strict=True):
        path = os.path.join(where, name_of(i, shards))
        files.append(path)
        if not is_whole(path, recipe, shard=i, shards=shards):

            def progress(now: int, _: int, points: int | None, before: int = done) -> None:
                if told is not None:
                    told(before + now, total, points)

            draw_file(path, recipe, shard=i, shards=shards, threads=threads, told=progress)
        elif told is not None:
            told(done + last - first, total, None)
        done += last - first
    return files


def score_file(
    path: str | PathLike[str],
    nets: Sequence[Net],
    sources: Sequence[str],
    *,
    fit: bool = False,
    threads: int | None = None,
    told: Told | None = None,
) -> None:
    """Write what nets make of the drawings of files, of any size, as one Parquet file: a row for
    each drawing and net.

    Columns: ``file``, ``drawing`` (its number there), ``index`` (null where the file has none),
    ``object``, ``net``, ``points`` (rows), ``offset_nll`` and ``pen_nll``: sums over the rows, in
    nats, in net units (see :class:`sketchrnn.Score`). With `fit` each net sees each drawing in its
    own size, and ``scale`` says how many times as large that was.
    """
    from ._extras import need
    from .formats import batches
    from .formats.parquet import ROW_GROUP

    pa, parquet = need("pyarrow", "arrow"), need("pyarrow.parquet", "arrow")
    text = pa.dictionary(pa.int32(), pa.string())
    fields = [
        *(("file", text), ("drawing", pa.int64()), ("index", pa.uint64()), ("object", text)),
        *(("net", text), ("points", pa.int64())),
        *(("offset_nll", pa.float64()), ("pen_nll", pa.float64())),
    ]
    schema = pa.schema(fields + ([("scale", pa.float64())] if fit else []))
    done = 0
    digest = _ScoreDigest()
    with (
        open_for_writing(path, sync=True) as file,
        parquet.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        for source in sources:
            number = 0
            for drawings in batches(source, size=ROW_GROUP):
                for net in nets:
                    columns = _scored(net, drawings, fit, threads)
                    columns |= {
                        "file": [source] * len(drawings),
                        "drawing": np.arange(number, number + len(drawings)),
                        "index": drawings.indices if drawings.numbered else [None] * len(drawings),
                        "object": drawings.names or [drawings.name] * len(drawings),
                        "net": [net.name] * len(drawings),
                    }
                    arrays = [pa.array(columns[f.name], f.type) for f in schema]
                    writer.write_table(pa.table(arrays, schema=schema))
                    digest.update(columns)
                number += len(drawings)
                done += len(drawings)
                if told is not None:
                    told(done, 0, len(drawings.strokes))
        facts = {**_score_facts(nets, sources, fit), "digest": digest.hexdigest()}
        writer.add_key_value_metadata({"sketchrnn": json.dumps(facts, sort_keys=True)})


def _scored(net: Net, drawings: Sketches, fit: bool, threads: int | None) -> dict[str, Any]:
    """The columns of a net's figures."""
    from .completion import in_size, known_size

    scales = np.ones(len(drawings))
    if fit:
        drawings, scales = in_size(drawings, known_size(net))
    score = net.score(drawings, threads=threads)
    return {
        "points": drawings.lengths,
        "offset_nll": score.sums(score.offset_nll),
        "pen_nll": score.sums(score.pen_nll),
        "scale": scales,
    }


def _score_facts(nets: Sequence[Net], sources: Sequence[str], fit: bool) -> dict[str, Any]:
    """What a file of scores says of itself: of which nets, and of which files as they were."""
    files = []
    for source in sources:
        facts = os.stat(source)
        files.append({"name": source, "bytes": facts.st_size, "changed": facts.st_mtime_ns})
    return {
        "version": _core.version(),
        "nets": _nets(nets),
        "precision": nets[0].precision,
        "fit": fit,
        "files": files,
    }


def score(
    folder: str | PathLike[str],
    nets: Sequence[Net],
    sources: Sequence[str],
    *,
    fit: bool = False,
    threads: int | None = None,
    told: Told | None = None,
) -> list[str]:
    """Write a file of scores for each file of drawings into a folder; those that are there, whole,
    of the same nets and of files that have not changed, are kept. Returns their names."""
    where = _folder(folder)
    files: list[str] = []
    done = 0
    for source in sources:
        path = os.path.join(where, f"{os.path.basename(source)}.scores.parquet")
        if path in files:
            raise ValueError(f"{source}: two files of that name cannot be scored into one folder")
        files.append(path)
        if os.path.exists(path) and _scores_stand(path, _score_facts(nets, [source], fit)):
            continue

        def progress(now: int, of: int, points: int | None, before: int = done) -> None:
            nonlocal done
            done = before + now
            if told is not None:
                told(done, of, points)

        score_file(path, nets, [source], fit=fit, threads=threads, told=progress)
    return files


def _scores_stand(path: str, wanted: dict[str, Any]) -> bool:
    """Whether a file holds the scores that are wanted. ValueError where it is of other nets."""
    from .formats import FormatError
    from .formats.parquet import facts

    try:
        there = facts(path)
    except FormatError:
        return False
    if there is None or there.get("nets") != wanted["nets"]:
        raise ValueError(f"{path}: is there already, of another net")
    return there == {**wanted, "digest": _ScoreDigest.of(path)}
