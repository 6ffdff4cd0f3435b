"""Libraries that only some features need, which come with the package's extras."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def need(module: str, extra: str) -> Any:
    """Import a library of an extra, or raise ImportError that says what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        name = {"PIL": "Pillow", "fpdf": "fpdf2", "av": "PyAV", "torch": "PyTorch"}.get(
            package, package
        )
        raise ImportError(
            f"this needs {name}: pip install 'sketchrnn[{extra}]' ({error})"
        ) from None
