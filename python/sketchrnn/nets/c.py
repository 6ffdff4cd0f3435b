"""A net compiled into a program: its container as a C array in a header.

``sketchrnn embed pig -o pig.h`` writes a header that C99 and C++ compilers read;
``sketchrnn_net_open_memory`` opens the array without copying it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

from .. import writing

if TYPE_CHECKING:
    from ..net import Net

_PER_LINE = 24


def c_header(net: Net, symbol: str = "net") -> str:
    """Return a C header that defines ``static const unsigned char symbol[]``, the net's container.

    `symbol` must be a C identifier. The numbers are stored as the net was loaded (a ``.gen.json``
    as int16, so half the size of float32).
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", symbol):
        raise ValueError(f"symbol: expected a C identifier, found {symbol!r}")
    data = net.container
    guard = f"SKETCHRNN_NET_{symbol.upper()}_H"
    title = comment(net.name)
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


def write(net: Net, path: str, symbol: str | None = None) -> list[str]:
    """Write a header (``.h``), or an object file for this machine and a header beside it (``.o``).

    The symbol is made from the file's name if none is given. An object file declares
    ``const unsigned char symbol[]`` and ``const size_t symbol_size``; it is for build systems that
    compile a header of megabytes slowly, and needs a C compiler: the one that the environment
    variable CC names, else cc, gcc or clang. Raises FileNotFoundError where there is none,
    RuntimeError with its message where it fails.
    """
    name = symbol or symbol_of(path)
    if path.endswith(".o"):
        return _write_object(net, path, name)
    if not path.endswith(".h"):
        raise ValueError(f"path: expected a name ending in .h or .o, found {path!r}")
    writing.write(path, c_header(net, name))
    return [path]


def _write_object(net: Net, target: str, symbol: str) -> list[str]:
    names = (os.environ.get("CC"), "cc", "gcc", "clang")
    compiler = next((found for name in names if name and (found := shutil.which(name))), None)
    if compiler is None:
        raise FileNotFoundError("an object file needs a C compiler: none of $CC, cc, gcc, clang")
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "net.c")
        array = c_header(net, symbol).replace("static const", "const", 1)
        with open(source, "w", encoding="ascii") as file:
            file.write(
                f"#include <stddef.h>\n{array}const size_t {symbol}_size = sizeof {symbol};\n"
            )
        made = os.path.join(folder, "net.o")
        command = [compiler, "-c", source, "-o", made]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{compiler} failed: {done.stderr.strip()}")
        with open(made, "rb") as file:
            data = file.read()
    guard = f"SKETCHRNN_NET_{symbol.upper()}_H"
    header = f"{target[:-2]}.h"
    writing.write(target, data)
    writing.write(
        header,
        f"/* What {comment(os.path.basename(target))} holds. Written by `sketchrnn embed`. */\n"
        f"#ifndef {guard}\n#define {guard}\n#include <stddef.h>\n"
        f'#ifdef __cplusplus\nextern "C" {{\n#endif\n'
        f"extern const unsigned char {symbol}[];\nextern const size_t {symbol}_size;\n"
        f"#ifdef __cplusplus\n}}\n#endif\n#endif /* {guard} */\n",
    )
    return [target, header]


def comment(text: str) -> str:
    """Return what a comment may hold: nothing that ends it early or starts a trigraph."""
    text = text.replace("\N{COPYRIGHT SIGN}", "(c)")
    return re.sub(r"[^A-Za-z0-9 _.,:;!/()-]", "_", text)


def symbol_of(target: str) -> str:
    """Return a C identifier for a file or a net."""
    stem = re.sub(r"[^A-Za-z0-9_]", "_", os.path.splitext(os.path.basename(target))[0])
    return stem if re.match(r"[A-Za-z_]", stem) else f"net_{stem}"
