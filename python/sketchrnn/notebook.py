"""The pad in a notebook: what is drawn there arrives in Python, and Python can draw there."""

from __future__ import annotations

import anywidget
import numpy as np
import traitlets

from . import pad
from ._check import seed as check_seed
from ._check import strokes as check_strokes
from .net import Net
from .nets.names import perhaps
from .sketch import Sketch, _check_rows
from .strokes import Floats

DEFAULT = "cat"
"""Of a net of many objects, the one that is drawn first, as the page has it (web/pad/pad.js)."""


class Pad(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """The pad over a net, as :meth:`Net.pad` returns it; shown where a cell ends with it.

    ``temperature`` and ``object`` (its name, of a net of many) can be read, set and observed.
    """

    _esm = traitlets.Unicode("").tag(sync=True)
    _files = traitlets.Dict().tag(sync=True)
    _net = traitlets.Bytes().tag(sync=True)
    # What comes is a view of a message.
    _rows = traitlets.Bytes().tag(sync=True, from_json=lambda view, _: bytes(view))
    _seed = traitlets.Unicode("0").tag(sync=True)
    temperature = traitlets.Float(0.3, min=0.0, max=pad.HOTTEST).tag(sync=True)
    object = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        net: Net,
        *,
        temperature: float = 0.3,
        seed: int | None = None,
        object: str | None = None,
    ) -> None:
        files = pad.site(net)
        self._of = net
        super().__init__(
            _esm=files["pad/notebook.js"].decode(),
            _files={name: data for name, data in files.items() if name != pad.NET},
            _net=files[pad.NET],
            temperature=temperature,
            object=_known(net, object),
        )
        self.seed = seed

    @traitlets.validate("object")  # type: ignore[untyped-decorator,unused-ignore]
    def _check_object(self, proposal: dict[str, str]) -> str:
        return _known(self._of, proposal["value"] or None)

    @property
    def net(self) -> Net:
        """The net that goes on with what is drawn; another one can be set."""
        return self._of

    @net.setter
    def net(self, net: Net) -> None:
        data, before = pad.packed(net), self.object
        self._of = net
        self.object = _known(net, before if before in net.objects else None)
        self._net = data

    @property
    def seed(self) -> int:
        """The seed of the net's ideas."""
        return int(self._seed)

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self._seed = str(check_seed(seed))

    @property
    def sketch(self) -> Sketch:
        """The drawing, without a row that ends it; what is set (strokes of any kind) is drawn in
        the middle of the paper."""
        rows = np.frombuffer(self._rows, "<f4").astype(np.float32).reshape(-1, 5)
        return Sketch(rows, name=self.object or self._of.name)

    @sketch.setter
    def sketch(self, drawing: Sketch | Floats) -> None:
        rows = check_strokes("sketch", drawing, end=True)
        _check_rows(rows)
        if len(rows) and rows[-1, 4] == 1:
            rows = rows[:-1].copy()
            if len(rows):
                rows[-1, 2:] = (0, 1, 0)  # the pen is up where the next line begins
        self._rows = np.ascontiguousarray(rows, "<f4").tobytes()

    def __repr__(self) -> str:
        return f"<Pad of {self._of!r}: {len(self.sketch)} rows>"


def _known(net: Net, object: str | None) -> str:
    """The object to begin with; "" for a net of one, which has none to choose."""
    if object is not None and object not in net.objects:
        raise ValueError(
            f"object: {object!r} is none of what this net draws{perhaps(object, net.objects)}"
        )
    if len(net.objects) == 1:
        return ""
    return object or (DEFAULT if DEFAULT in net.objects else net.objects[0])
