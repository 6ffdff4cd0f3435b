"""Standard streams as the command needs them, however it was started.

A shell can close them (``>&-``), point them at a full disk, or at a terminal that has only ASCII.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Any

from ..untrusted import printable


class _Closed(io.TextIOBase):
    """Stands in for a standard output that there is none of: whoever writes is told."""

    @property
    def buffer(self) -> Any:
        return self

    def write(self, _: Any) -> int:
        raise OSError(errno.EBADF, "standard output is closed")


def prepare() -> None:
    """Make sys.stdout and sys.stderr something that can be written to or says why not."""
    for descriptor in range(3):
        # No file of ours may come to stand where messages go.
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if descriptor != 2 else os.O_WRONLY)
    if sys.stdout is None:
        sys.stdout = _Closed()
    elif isinstance(sys.stdout, io.TextIOWrapper):
        # A letter that the terminal does not have is no reason to fail.
        sys.stdout.reconfigure(errors="replace")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def discard_output() -> None:
    """Drop what standard output has not taken: Python would try once more when it ends."""
    with contextlib.suppress(OSError, ValueError):
        target = os.open(os.devnull, os.O_WRONLY)
        os.dup2(target, sys.stdout.fileno())
        os.close(target)


def shows_braille() -> bool:
    """Whether standard output has the letters that drawings are made of."""
    try:
        "\u28ff".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """Show a warning as a line of the command's; what it quotes may be a stranger's."""
    print(f"sketchrnn: {printable(message)}", file=sys.stderr)
