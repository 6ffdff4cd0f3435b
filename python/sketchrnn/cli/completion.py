"""``sketchrnn completion bash|zsh|fish``: what a shell needs to complete the command."""

from __future__ import annotations

import argparse
from typing import Any

_BASH = """\
_sketchrnn() {{
  local word=${{COMP_WORDS[COMP_CWORD]}}
  if [[ $COMP_CWORD == 1 ]]; then COMPREPLY=($(compgen -W "{commands}" -- "$word")); return; fi
  case ${{COMP_WORDS[1]}} in
{cases}
  esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$word"))
  else COMPREPLY=($(compgen -W "{nets}" -- "$word") $(compgen -f -- "$word")); fi
}}
complete -o filenames -F _sketchrnn sketchrnn
"""


def add_to(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the subcommand."""
    p = commands.add_parser(
        "completion",
        help="print a shell's completion script",
        description="Print a shell's completion script.",
        epilog="example: sketchrnn completion bash >> ~/.bashrc",
        formatter_class=formatter,
    )
    p.add_argument("shell", choices=("bash", "zsh", "fish"))
    p.set_defaults(run=_completion)


def _completion(options: argparse.Namespace) -> int:
    from ..nets.catalog import catalog
    from . import parser

    known = _options(parser())
    # A shell word cannot hold a space without quoting; those names are left to be typed.
    nets = sorted({net.name for net in catalog() if net.available and " " not in net.name})
    if options.shell == "fish":
        print("complete -c sketchrnn -n __fish_use_subcommand -a '" + " ".join(known) + "'")
        print("complete -c sketchrnn -n 'not __fish_use_subcommand' -a '" + " ".join(nets) + "'")
        for command, flags in known.items():
            for flag in flags:
                form = f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
                print(f"complete -c sketchrnn -n '__fish_seen_subcommand_from {command}' {form}")
        return 0
    if options.shell == "zsh":
        print("autoload -U +X bashcompinit && bashcompinit")
    cases = "\n".join(
        f'    {command}) local options="{" ".join(flags)}" ;;' for command, flags in known.items()
    )
    print(_BASH.format(commands=" ".join(known), cases=cases, nets=" ".join(nets)), end="")
    return 0


def _options(top: argparse.ArgumentParser) -> dict[str, list[str]]:
    """Every subcommand's flags."""
    # argparse has no public way to walk a parser.
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {
                name: [flag for a in sub._actions for flag in a.option_strings]
                for name, sub in action.choices.items()
            }
    raise AssertionError("no subcommands")
