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
        ``precisions``; ``devices``, as from :func:`devices`.
    """
    info: dict[str, Any] = {"version": _core.version(), "compiler": _core.compiler()}
    try:
        info["isa"] = _core.running_isa()
    except ValueError as error:
        info["isa"] = None
        info["isa_error"] = str(error)
    info["isas"] = {
        name: {"compiled": compiled, "usable": usable, "reason": reason}
        for name, compiled, usable, reason in _core.isas()
    }
    info["precisions"] = _core.precisions()
    info["devices"] = devices()
    return info


def devices() -> dict[str, dict[str, Any]]:
    """Return what ``load(device=)`` can be given, asking the NVIDIA driver if there is one.

    Returns
    -------
    dict
        "cpu" and "cuda": whether they are ``compiled`` and ``usable``, and if not the ``reason``.
        Then "cuda:0", … for each GPU found: ``name``, ``compute_capability``, ``multiprocessors``,
        ``memory`` in bytes, ``usable``, ``reason``.
    """
    compiled, found, reason = _core.devices()
    usable = any(device["usable"] for device in found.values())
    if found and not usable:
        reason = next(iter(found.values()))["reason"]
    return {
        "cpu": {"compiled": True, "usable": True, "reason": ""},
        "cuda": {"compiled": compiled, "usable": usable, "reason": reason},
        **{f"cuda:{ordinal}": device for ordinal, device in found.items()},
    }
