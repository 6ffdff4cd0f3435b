"""The command ``sketchrnn``: one module for each group of subcommands, behind one parser.

Exit status: 0 done, 1 failed (one line on standard error says why), 2 wrong usage, 130 interrupted.
Data goes to standard output, progress and messages to standard error.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from ..errors import PictureWarning
from ..untrusted import printable
from . import completion, drawings, latent, nets, pad, score, streams

_EXAMPLES = """\
examples:
  sketchrnn                                      a drawing in the terminal
  sketchrnn list                                 the nets
  sketchrnn draw pig -n 9 -t 0.3 -o pigs.svg     nine pigs (also .png, .gif, .ndjson, .npz, …)
  sketchrnn draw apple -n 1000 -o - --format .ndjson | head
  sketchrnn complete face started.svg -n 9 -o faces.svg
  sketchrnn animate duck --seed 3 -o duck.gif
  sketchrnn plot cactus -o cactus.gcode          for a pen plotter
  sketchrnn score pig drawings.ndjson --json     (several nets are ranked)
  sketchrnn dataset svgs/ -o mine.npz && sketchrnn train mine.npz --from pig -o mine.safetensors
  sketchrnn pad                                  draw together with a net in the browser
  sketchrnn interpolate net.vae.json cat.svg pig.svg -n 10 -o morph.gif
  sketchrnn embed pig -o pig.h                   the net as a C header

`sketchrnn COMMAND -h` says more.
"""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of examples."""


class _Command(argparse.ArgumentParser):
    """A subcommand, which takes options between names too: `score pig --json a.ndjson`. Argparse
    alone gives a list of names what stands before the first option, and finds no place for more."""

    _entered = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._entered:  # by what is called here
            return super().parse_known_args(args, namespace)
        self._entered = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._entered = False


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    from .. import __version__

    top = argparse.ArgumentParser(
        prog="sketchrnn",
        description="Draw with Sketch-RNN, the recurrent net that draws.",
        epilog=_EXAMPLES,
        formatter_class=_Formatter,
    )
    top.add_argument("--version", action="version", version=f"sketchrnn {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", title="commands", parser_class=_Command)
    for module in (drawings, latent, score, nets, pad, completion):
        module.add_to(commands, _Formatter)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    streams.prepare()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["train"]:  # has a parser of its own
        from ..train.cli import main as train

        return train(arguments[1:])
    options = parser().parse_args(arguments)
    run = getattr(options, "run", drawings.greet)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", PictureWarning)
            warnings.showwarning = streams.warn
            status: int = run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        streams.discard_output()  # the reader, such as head, has enough
        return 0
    except (OSError, ValueError, TypeError, ImportError, RuntimeError, MemoryError) as error:
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            streams.discard_output()
        # What the message quotes may be a stranger's.
        print(f"sketchrnn: {printable(error)}", file=sys.stderr)
        return 1
