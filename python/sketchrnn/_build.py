"""What was compiled, what the machine has, what runs."""

from __future__ import annotations

from typing import Any

from . import _core


def build_info() -> dict[str, Any]:
    """Describe this build and what of it runs here.

    Returns
    -------
    dict
        ``version``; ``compiler``; ``isa``, the instruction set that nets loaded now will use (None
        with ``isa_error`` if ``SKETCHRNN_ISA`` names one that cannot be used); ``isas``, for every
        known instruction set whether it is ``compiled`` and ``usable`` and, if not, the ``reason``;
        ``precisions``; ``devices``, for ``cpu`` and ``cuda`` in the same manner.
    """
    from . import __version__

    info: dict[str, Any] = {"version": __version__, "compiler": _core.compiler()}
    try:
        info["isa"] = _core.running_isa()
    except ValueError as error:
        info["isa"] = None
        info["isa_error"] = str(error)
    info["isas"] = {
        name: {"compiled": compiled, "usable": usable, "reason": reason}
        for name, compiled, usable, reason in _core.isas()
    }
    info["precisions"] = ["f32", "i16", "i8"]
    info["devices"] = {
        "cpu": {"compiled": True, "usable": True, "reason": ""},
        "cuda": {"compiled": False, "usable": False, "reason": "this build has no CUDA backend"},
    }
    return info
