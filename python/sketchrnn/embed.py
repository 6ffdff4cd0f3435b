"""A net compiled into a program: its container as a C array in a header.

``sketchrnn embed pig -o pig.h`` writes a header that C99 and C++ compilers read;
``sketchrnn_net_open_memory`` opens the array without copying it.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from os import PathLike

from .loading import load
from .net import Net

_PER_LINE = 24


def c_header(net: Net, symbol: str) -> str:
    """Return a C header that defines ``static const unsigned char symbol[]``, the net's container.

    `symbol` must be a C identifier. The numbers are stored as the net was loaded (a ``.gen.json``
    as int16, so half the size of float32).
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", symbol):
        raise ValueError(f"symbol: expected a C identifier, found {symbol!r}")
    data = net.container
    guard = f"SKETCHRNN_NET_{symbol.upper()}_H"
    # A comment may hold nothing that ends it early or starts a trigraph.
    title = re.sub(r"[^A-Za-z0-9 _.,-]", "_", net.name)
    lines = [
        f"/* The net {title}: {net.hidden_size} units, {net.mixtures} components,",
        f" * {len(data)} bytes.",
        f" *   sketchrnn_net_open_memory({symbol}, sizeof {symbol}, NULL, &net, &error);",
        " * Written by `sketchrnn embed`. Include it in one source file. */",
        f"#ifndef {guard}",
        f"#define {guard}",
        f"static const unsigned char {symbol}[{len(data)}] = {{",
    ]
    numbers = [str(byte) for byte in range(256)]
    for at in range(0, len(data), _PER_LINE):
        lines.append(",".join([numbers[byte] for byte in data[at : at + _PER_LINE]]) + ",")
    lines += ["};", f"#endif /* {guard} */", ""]
    return "\n".join(lines)


def write_header(net: Net, path: str | PathLike[str], symbol: str | None = None) -> None:
    """Write :func:`c_header`; the symbol is made from the file's name if none is given."""
    target = os.fspath(path)
    if not target.endswith(".h"):
        raise ValueError(f"path: expected a name ending in .h, found {target!r}")
    if symbol is None:
        stem = re.sub(r"[^A-Za-z0-9_]", "_", os.path.splitext(os.path.basename(target))[0])
        symbol = stem if re.match(r"[A-Za-z_]", stem) else f"net_{stem}"
    text = c_header(net, symbol)
    with open(target, "w", encoding="ascii") as file:
        file.write(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``sketchrnn embed``; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="sketchrnn embed", description="Write a net as a C header, to be compiled in."
    )
    parser.add_argument("net", help="name of a net, or a .safetensors or .gen.json file")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.h")
    parser.add_argument("--symbol", help="name of the array (default: the file's name)")
    options = parser.parse_args(argv)
    try:
        write_header(load(options.net), options.output, options.symbol)
    except (OSError, ValueError) as error:
        print(f"sketchrnn embed: {error}", file=sys.stderr)
        return 1
    return 0
