"""The subcommand pad: the page that draws with you."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .common import add_command


def add_to(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the subcommand of this module."""
    p = add_command(
        commands, formatter, "pad", _pad, "draw together with a net in the browser", "pad"
    )
    p.add_argument(
        "net", metavar="NET", nargs="?", default="everything", help="everything if not given"
    )
    p.add_argument("--port", type=int, default=0, help="on 127.0.0.1 (default: a free one)")
    p.add_argument("--no-browser", action="store_true", help="only say the address")
    p.add_argument("--export", metavar="DIR", help="write the page there instead: a static site")


def _pad(options: argparse.Namespace) -> int:
    from .. import pad
    from ..nets.load import load

    net = load(options.net, precision="i8")
    if options.export is not None:
        size = pad.export(net, options.export)
        print(f"{options.export}: {size / 1e6:.1f} MB", file=sys.stderr)
        return 0

    def ready(address: str) -> None:
        print(address, flush=True)

    pad.serve(net, options.port, browser=not options.no_browser, ready=ready)
    return 0
