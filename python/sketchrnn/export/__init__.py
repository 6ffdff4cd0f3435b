"""Nets in the formats of other systems: one file per format, imported when it is asked for.

The way back, where there is one, stands in the same file.
"""

from __future__ import annotations

import importlib
import os
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..net import Net

_FORMATS = {
    "gen_json": (".gen.json",),
    "mxnet": (".json",),
    "npz": (".npz",),
    "onnx": (".onnx",),
    "torch": (".pt", ".pth"),
}
"""Format, which is also the module that writes it, and the suffixes it goes by; where two suffixes
fit, the longer one counts."""


def export(
    net: Net, path: str | PathLike[str], format: str | None = None, **options: Any
) -> dict[str, int]:
    """Write `net` for another system; :meth:`sketchrnn.Net.export` describes it."""
    target = os.fspath(path)
    if not isinstance(target, str):
        raise TypeError(f"path: expected text, found {path!r}")
    if format is None:
        fitting = [
            (len(s), name) for name, all_ in _FORMATS.items() for s in all_ if target.endswith(s)
        ]
        if not fitting:
            known = ", ".join(s for all_ in _FORMATS.values() for s in all_)
            raise ValueError(f"path: expected a name ending in one of {known}, found {target!r}")
        format = max(fitting)[1]
    if format not in _FORMATS:
        raise ValueError(f"format: expected one of {', '.join(_FORMATS)}, found {format!r}")
    module = importlib.import_module(f"{__name__}.{format}")
    written: list[str] = module.write(net, target, **options)
    return {name: os.path.getsize(name) for name in written}


def require(package: str, extra: str) -> Any:
    """Import a package that only an export needs, or say what to install."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f"this needs the package {package!r}: pip install 'sketchrnn[{extra}]'"
        ) from error
