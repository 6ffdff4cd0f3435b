"""Nets by name and as files: a module for each format, behind one table.

A module of the table has, where nets can be written in the format, ``write(net, path, **options)
-> list[str]``, which returns the files written, and the function that makes what it writes, for who
wants no file; and where they can be read from it ``read(path) -> bytes``, which returns our
container (safetensors.py), which the core checks. Each module is imported when it is asked for.
"""

from __future__ import annotations

import importlib
import os
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..net import Net


class Format(NamedTuple):
    """Which suffixes a format goes by; where those of two fit, the longer one counts."""

    suffixes: tuple[str, ...]
    makes: str | None
    reads: bool = False


FORMATS = {
    "safetensors": Format((".safetensors",), "contained", reads=True),
    "addition": Format((".addition.safetensors",), None, reads=True),
    "gen_json": Format((".gen.json",), "document", reads=True),
    "vae_json": Format((".vae.json",), "vae_document", reads=True),
    "mxnet": Format((".json",), "graph"),
    "npz": Format((".npz",), "arrays"),
    "onnx": Format((".onnx",), "model"),
    "torch": Format((".pt", ".pth"), "state_dict"),
    "c": Format((".h", ".o"), "c_header"),
    "standalone": Format((), "header"),
    "diagram": Format((".svg",), "diagram"),
}
"""By name, which is also that of the module."""

WRITTEN = {name: format for name, format in FORMATS.items() if format.makes is not None}
"""Those in which any net can be written."""


def format_of(path: str) -> str | None:
    """Return the format that a file's name speaks of, None if there is none."""
    fitting = [
        (len(suffix), name)
        for name, format in FORMATS.items()
        for suffix in format.suffixes
        if path.endswith(suffix)
    ]
    return max(fitting)[1] if fitting else None


def module_of(format: str) -> Any:
    """Return the module of a format."""
    return importlib.import_module(f"{__name__}.{format}")


def export(
    net: Net, path: str | PathLike[str] | None, format: str | None = None, **options: Any
) -> Any:
    """Write `net` to a file, or return what would be; :meth:`sketchrnn.Net.export` describes it."""
    target = None if path is None else os.fspath(path)
    if target is not None and not isinstance(target, str):
        raise TypeError(f"path: expected text, found {path!r}")
    chosen = format_of(target) if format is None and target is not None else format
    if chosen is None and target is not None:
        known = ", ".join(s for entry in WRITTEN.values() for s in entry.suffixes)
        raise ValueError(f"path: expected a name ending in one of {known}, found {target!r}")
    if chosen not in WRITTEN:
        raise ValueError(f"format: expected one of {', '.join(WRITTEN)}, found {chosen!r}")
    if target is None:
        return getattr(module_of(chosen), str(WRITTEN[chosen].makes))(net, **options)
    written: list[str] = module_of(chosen).write(net, target, **options)
    return {name: os.path.getsize(name) for name in written}
