"""A net as one C99 header that needs nothing: no heap, no threads, no C library beyond memcpy.

``sketchrnn embed pig --standalone -o pig.h``. The header holds the numbers with which the core runs
the net in precision i8 and standalone.h.in, the arithmetic; its rows are those of
``load("pig", precision="i8")``, bit for bit.
"""

from __future__ import annotations

import math
import os
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import writing
from ..latent import latents
from .c import comment, symbol_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ..net import Net

_WIDTH = 100


def header(
    net: Net,
    symbol: str | None = None,
    *,
    temperature: float | None = None,
    greedy: bool = False,
    z: Any = None,
) -> str:
    """Return the header's text.

    Parameters
    ----------
    net
        Loaded with ``precision="i8"``; of a net of many objects the one that ``net.of()`` names.
    symbol
        A C identifier, which all its names begin with (default: the net's name).
    temperature
        Fixes the temperature: what `step` is given no longer counts.
    greedy
        The same as a temperature of 0, without the code that draws random numbers.
    z
        Of a net with an encoder, the latent vector (N_z,) that it draws.

    Raises ValueError for a net of another precision, a symbol that is none, a temperature that is
    not a finite number of at least 0.
    """
    if net.precision != "i8":
        raise ValueError(f'net: expected one loaded with precision="i8", found {net.precision!r}')
    name = symbol_of(net.name) if symbol is None else symbol
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(f"symbol: expected a C identifier, found {name!r}")
    if greedy and temperature:
        raise ValueError(f"temperature: a greedy net has 0, found {temperature!r}")
    fixed = 0.0 if greedy else temperature
    if fixed is not None and not 0.0 <= fixed < math.inf:
        raise ValueError(f"temperature: expected a finite number of at least 0, found {fixed!r}")
    if z is not None:
        z = latents("z", z, net.latent_size)
        if len(z) != 1:
            raise ValueError(f"z: expected one latent vector, found {len(z)}")
    elif net.latent_size:
        raise ValueError(f"z: expected the latent vector to draw, ({net.latent_size},), found none")
    text = _text(net, fixed, z)
    # The template is C as it stands, for a net called "net".
    return re.sub(r"\bnet_", f"{name}_", re.sub(r"\bNET_", f"{name.upper()}_", text))


def write(net: Net, path: str, **options: Any) -> list[str]:
    """Write the header; the symbol is made from the file's name if none is given."""
    options.setdefault("symbol", symbol_of(os.path.basename(path).removesuffix(".h")))
    writing.write(path, header(net, **options))
    return [path]


def _text(net: Net, temperature: float | None, z: NDArray[np.float32] | None) -> str:
    units = net._core.units(net._numbers(None), z)
    weights, head = units["weights"], units["head"]
    hidden = len(weights)
    depth = -(-hidden // 16) * 16
    table = np.concatenate(
        [*units["offsets"], units["scale"], *units["bias"][:2]], axis=1, dtype=np.float32
    )
    more = depth - hidden
    words, type_of_words = _narrow(np.pad(head, ((0, 0), (0, more))))
    h_scale = np.pad(units["h_scale"], (0, more))
    packed = _packed(weights, depth)
    constant = (
        packed.nbytes
        + table.nbytes
        + words.nbytes
        + units["head_bias"].nbytes
        + h_scale.nbytes
        + units["h"].nbytes
        + units["c"].nbytes
    )
    products = 4 * hidden * hidden + (3 + net.mixtures + 5) * hidden
    ram = 32 + 4 * hidden + 5 * depth
    limit = "" if temperature is None else f"#define NET_TEMPERATURE {_number(temperature)}\n"
    return f"""\
/* The net {comment(net.name)}, as a program: {hidden} units, {net.mixtures} components.
 *
 *   net_stream s;
 *   float row[5];
 *   net_start(&s, seed, index);
 *   while (net_step(&s, temperature, row) == 1) ...
 *
 * C99, also C++. No heap, no threads, no libm. The rows are those of sketchrnn's precision i8, bit
 * for bit, with optimisation or without. Include it in one source file.
 *
 * Constants (flash)   {constant} bytes, and 6 to 12 KB of code
 * A stream (RAM)      {ram} bytes ({ram + depth} with the DSP extension), 0.7 KB of stack
 * Multiply-adds       {products} a point
 * Licence of the numbers: {comment(net.metadata.get("licence", "not stated"))}
 * Written by `sketchrnn embed --standalone`. */
#ifndef NET_STANDALONE_H
#define NET_STANDALONE_H
#include <stdint.h>

#define NET_HIDDEN {hidden}
#define NET_DEPTH {depth} /* padded */
#define NET_MIXTURES {net.mixtures}
#define NET_MAX_LEN {net.max_len}
#define NET_SCALE {_number(net.scale_factor)}
#define NET_HEAD_SCALE {units["head_scale"]!r}
#define NET_GREEDY {int(temperature == 0)}
{limit}\
#if defined(__GNUC__)
#define NET_ALIGNED __attribute__((aligned(16)))
#else
#define NET_ALIGNED
#endif

/* Recurrent weights [unit][k / 4][gate i, j, f, o][k % 4], those of even k with 128 added. */
static const uint8_t net_weights[{hidden}][{4 * depth}] NET_ALIGNED = {_rows(packed)};
/* By unit and gate: weights of dx, of dy, scale of the recurrent sums, bias after pen down, up. */
static const float net_unit[{hidden}][20] = {_rows(table)};
static const float net_h_scale[{depth}] = {_list(h_scale)};
/* The state after the start token. */
static const float net_first_h[{hidden}] = {_list(units["h"])};
static const float net_first_c[{hidden}] = {_list(units["c"])};
/* Pen, pi, then by component mu x, mu y, log sigma x, log sigma y, atanh rho. */
typedef {type_of_words} net_head_word;
static const net_head_word net_head[{len(head)}][{depth}] = {_rows(words)};
static const double net_head_bias[{len(head)}] = {_list(units["head_bias"])};

{files(__package__).joinpath("standalone.h.in").read_text("ascii")}
#endif /* NET_STANDALONE_H */
"""


def _packed(weights: NDArray[np.int8], depth: int) -> NDArray[np.uint8]:
    """(unit, gate, k) as the header has them."""
    hidden = len(weights)
    wide = np.zeros((hidden, 4, depth), np.int16)
    wide[:, :, :hidden] = weights
    wide[:, :, 0::2] += 128
    by_four = wide.reshape(hidden, 4, depth // 4, 4).transpose(0, 2, 1, 3)
    return (by_four & 255).astype(np.uint8).reshape(hidden, 4 * depth)


def _narrow(head: NDArray[np.float32]) -> tuple[NDArray[Any], str]:
    """The head's weights in the smallest type that holds them exactly."""
    for kind, name in ((np.int8, "int8_t"), (np.int16, "int16_t")):
        limits = np.iinfo(kind)
        if ((head == np.rint(head)) & (head >= limits.min) & (head <= limits.max)).all():
            return head.astype(kind), name
    return head, "float"


def _number(x: Any) -> str:
    """A number whose type C cannot mistake; nine digits bring back any float32."""
    if isinstance(x, np.float64):
        return repr(float(x))
    if isinstance(x, (float, np.floating)):
        text = f"{float(np.float32(x)):.9g}"
        return f"{text}f" if "." in text or "e" in text else f"{text}.0f"
    return str(int(x))


def _list(numbers: Iterable[Any]) -> str:
    lines, line = [], ""
    for text in map(_number, numbers):
        if len(line) + len(text) > _WIDTH:
            lines.append(line)
            line = ""
        line += f"{text},"
    return "{\n" + "\n".join([*lines, line]) + "}"


def _rows(array: NDArray[Any]) -> str:
    return "{\n" + ",\n".join(_list(row) for row in array) + "}"
