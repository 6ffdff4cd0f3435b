"""The command ``sketchrnn`` of vpype (https://vpype.readthedocs.io):
``vpype sketchrnn -n 4 --seed 1 pig linesort write pigs.svg``.

vpype finds it by the entry point ``vpype.plugins`` of this package; only vpype imports this file.
"""

from __future__ import annotations

import click
import vpype
import vpype_cli

from .formats.page import lay_out
from .nets.load import load


@click.command()
@click.argument("net")
@click.option("-n", default=1, show_default=True, help="How many sketches, in a grid.")
@click.option("-t", "--temperature", default=0.4, show_default=True, help="0 and more.")
@click.option("--seed", type=int, help="The same seed gives the same sketches.")
@click.option("--size", type=vpype_cli.LengthType(), default="10cm", help="Width of the whole.")
@click.option("--columns", type=int, help="Sketches in a row.")
@vpype_cli.generator  # type: ignore[untyped-decorator]
def sketchrnn(
    net: str, n: int, temperature: float, seed: int | None, size: float, columns: int | None
) -> vpype.LineCollection:
    """Draw with NET, a name that `sketchrnn list` shows or a file. Options come before it."""
    try:
        drawings = load(net).draw(n, temperature=temperature, seed=seed)
        page = lay_out(drawings, width=size, columns=columns)
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from None
    lines = vpype.LineCollection()
    for polylines in page.drawings:
        for line in polylines:
            # vpype drops lines of fewer than two points.
            points = line if len(line) > 1 else line.repeat(2, axis=0)
            lines.append(points[:, 0] + 1j * points[:, 1])
    return lines


sketchrnn.help_group = "Plugins"  # type: ignore[attr-defined]
