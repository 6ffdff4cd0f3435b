"""What the subcommands share: how one is added, and how the net that it is about is named."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from .. import _core
from ..nets.catalog import SOURCES

if TYPE_CHECKING:
    from ..net import Net


def add_command(
    commands: Any,
    formatter: type[argparse.HelpFormatter],
    name: str,
    run: Any,
    text: str,
    example: str,
) -> argparse.ArgumentParser:
    """Add a subcommand with its description and an example; `run` is called with its options."""
    p: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example: sketchrnn {example}",
        formatter_class=formatter,
    )
    p.set_defaults(run=run)
    return p


def net_options(p: argparse.ArgumentParser) -> None:
    """Add what load() is told beside the name."""
    p.add_argument("--precision", default="f32", choices=_core.precisions())
    p.add_argument("--device", default="cpu", help="cpu (the default), cuda, cuda:1, …")
    p.add_argument(
        "--source",
        choices=SOURCES,
        help="whose net of that name (default: bundled if there is one, else official)",
    )
    p.add_argument("--object", help="what to draw, for the net that knows many: everything")


def is_net_file(name: str) -> bool:
    """Whether a name is that of a net's file, not of drawings."""
    return name.lower().endswith((".safetensors", ".gen.json", ".vae.json"))


def load_net(options: argparse.Namespace, name: str | None) -> Net:
    """Return the net of a name, None for the default, as the other options say."""
    from ..nets.load import load

    net = load(name, precision=options.precision, device=options.device, source=options.source)
    return net if options.object is None else net.of(options.object)
