"""What all of these must come to: the drawings of one net and seed, drawn by the net alone."""

from __future__ import annotations

import sketchrnn
from sketchrnn import Sketches
from sketchrnn.shards import Digest

NET, SEED, N = "pig-64", 7, 1000
OPTIONS = {"seed": SEED, "temperature": 0.3, "precision": "i8"}


def net() -> sketchrnn.Net:
    return sketchrnn.load(NET, precision="i8")


def drawings() -> Sketches:
    return net().draw(N, seed=SEED, temperature=0.3)


def digest(*parts: Sketches) -> str:
    found = Digest()
    for part in parts:
        found.update(part)
    return found.hexdigest()


def same(program: str, table: object) -> None:
    """That a table has each drawing once, in whatever order, and its bits."""
    found = Sketches.from_arrow(table)
    assert sorted(found.indices.tolist()) == list(range(N)), (program, len(found))
    ordered = found[found.indices.argsort()]
    assert digest(ordered) == digest(drawings()), program
    print(f"  {program}: {N} drawings, digest {digest(ordered)[:16]}")
