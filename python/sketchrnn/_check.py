"""Arguments from users to what the core takes, with one clear error each."""

from __future__ import annotations

import operator
import secrets

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from .strokes import stroke3_to_stroke5

MOST = 2**40
"""Drawings or points asked for at once: the core's limit, far beyond any memory."""


def integer(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return an int in [low, high], or raise TypeError / ValueError naming the argument."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name}: expected an integer, found {value!r}") from None
    if number < low or (high is not None and number > high):
        span = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name}: expected an integer {span}, found {number}")
    return number


def temperature(name: str, value: object) -> float:
    """Return a finite float of at least 0."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{name}: expected a number, found {value!r}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, found {value!r}") from None
    except OverflowError:
        number = float("inf")
    if not 0.0 <= number < float("inf"):
        raise ValueError(f"{name}: expected a finite number of at least 0, found {number}")
    return number


def seed(value: object) -> int:
    """Return a 64-bit seed; None draws a fresh one from the system."""
    if value is None:
        return secrets.randbits(64)
    return integer("seed", value, 0, 2**64 - 1)


def threads(value: object) -> int:
    """Return a thread count; 0, for None, means every processor this process may use."""
    if value is None:
        return 0
    return integer("threads", value, 1, 4096)


# Under other names too: arguments are called the same.
_temperature, _seed, _threads = temperature, seed, threads


def precision(value: object) -> None:
    """Raise ValueError for what is no precision."""
    known = _core.precisions()
    if value not in known:
        raise ValueError(f"precision: expected one of {', '.join(known)}, found {value!r}")


def draw_options(
    count: int,
    *,
    temperature: object,
    softmax_temperature: object,
    seed: object,
    index: object,
    max_len: object,
    threads: object,
) -> _core.DrawOptions:
    """Return what draw() and complete() are told, as the core takes it."""
    limit = 0 if max_len is None else integer("max_len", max_len, 1, 2**32 - 1)
    return _core.DrawOptions(
        count=count,
        temperature=_temperature("temperature", temperature),
        softmax_temperature=None
        if softmax_temperature is None
        else _temperature("softmax_temperature", softmax_temperature),
        seed=_seed(seed),
        index=integer("index", index, 0, 2**64 - 1),
        max_len=limit,
        threads=_threads(threads),
    )


def numeric(name: str, value: ArrayLike) -> NDArray[np.float32]:
    """Return a float32 array of real numbers; a number beyond float32 becomes infinite."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected a rectangular array of numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected an array of real numbers, found dtype {array.dtype}")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32)


def strokes(name: str, value: object, *, end: bool = False) -> NDArray[np.float32]:
    """Return stroke-5 rows (n, 5) from a Sketch, stroke-5 or stroke-3 array.

    A stroke-3 array says nothing of the drawing's end: with `end` one is added, as Magenta's
    evaluation does. The core checks the rows themselves.
    """
    value = getattr(value, "strokes", value)
    array = numeric(name, value)  # type: ignore[arg-type]
    if array.ndim == 1 and array.size == 0:
        array = array.reshape(0, 5)
    if array.ndim != 2 or array.shape[1] not in (3, 5):
        raise ValueError(
            f"{name}: expected an array of shape (n, 5) or (n, 3), found {array.shape}"
        )
    if array.shape[1] == 3:
        try:
            return stroke3_to_stroke5(array, end=end)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return array


def device(value: str) -> int:
    """Return the number of the GPU that `value` names, -1 for the processor."""
    if value == "cpu":
        return -1
    kind, colon, number = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind != "cuda" or (colon and not (number.isascii() and number.isdigit())):
        raise ValueError(f'device: expected "cpu", "cuda" or "cuda:0", found {value!r}')
    ordinal = int(number or 0)
    if ordinal >= 2**31:
        raise _core.DeviceError(f"device: there is no {value}")
    return ordinal
