"""Which of its objects a net shall draw: names, as people write them, to the core's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .nets.names import perhaps, plain

if TYPE_CHECKING:
    from .net import Net


def names_of(object: str | Sequence[str] | None) -> list[Any]:
    """Return what a caller names, one or several, as a list."""
    if object is None:
        return []
    several = isinstance(object, Sequence) and not isinstance(object, str)
    return list(object) if several else [object]


def numbers(
    net: Net, known: Sequence[str], alone: int | None, object: str | Sequence[str] | None
) -> NDArray[np.uint32] | None:
    """Return what the core is told: the objects' numbers, None for its default.

    `known` are the objects of the core's net, `alone` the one that `net` is for. Names are taken in
    any case, with "_" for a space. Raises ValueError for another.
    """
    names = names_of(object)
    if alone is None and known and object is not None:
        number = {plain(name): i for i, name in enumerate(known)}
        for name in names:
            if not isinstance(name, str) or plain(name) not in number:
                raise ValueError(
                    f"object: expected one of the {len(known)} in net.objects, found {name!r}"
                    + perhaps(str(name), known)
                )
        return np.array([number[plain(name)] for name in names], np.uint32)
    for name in names:
        if not isinstance(name, str) or plain(name) != plain(net.name):
            raise ValueError(f"object: this net draws {net.name!r} alone, found {name!r}")
    return None if alone is None else np.array([alone], np.uint32)
