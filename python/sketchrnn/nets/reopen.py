"""A net that comes out of a pickle, as in a pool of processes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..net import Net


@functools.lru_cache(maxsize=4)
def reopened(container: bytes, precision: str, device: str, object: int | None) -> Net:
    """Return the net of a container, the same as before where a process is given it again: each
    task of a pool brings it. Four, so that a process which goes through many does not keep all."""
    from ..net import Net
    from .load import opened

    return Net(opened(container, "pickled net", precision, device)._core, object)
