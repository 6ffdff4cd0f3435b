"""Subcommands of nets with an encoder: interpolate, encode, reconstruct."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _check
from ..writing import open_for_writing
from .common import add_command, load_net, net_options
from .drawings import _arguments, _drawing_options, _simplified, _simplify_options
from .pictures import put

if TYPE_CHECKING:
    from ..sketch import Sketches

_FILMS = (".gif", ".apng", ".mp4")
_PAGES = (".svg", ".png", ".pdf")


def add_to(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Add the subcommands of this module."""
    text = "draw the way from one drawing to another (nets with an encoder)"
    example = "interpolate morph cat.svg pig.svg -n 10 -o morph.gif"
    p = add_command(commands, formatter, "interpolate", _interpolate, text, example)
    p.add_argument("net", metavar="NET")
    p.add_argument("a", metavar="FROM", help="file with a drawing (its first one)")
    p.add_argument("b", metavar="TO", help="the same")
    p.add_argument("--linear", action="store_true", help="straight, not at an even angle")
    p.add_argument("--fps", type=float, default=8.0, help=f"drawings a second in {_FILMS} (8)")
    _simplify_options(p)
    _drawing_options(p)
    p.set_defaults(n=10, temperature=0.2)

    text = "latent vectors of drawings (nets with an encoder)"
    p = add_command(
        commands, formatter, "encode", _encode, text, "encode morph cats.ndjson -o z.npy"
    )
    p.add_argument("net", metavar="NET")
    p.add_argument("drawings", metavar="FILE", help=".ndjson, .npz, .bin, .json, .svg")
    p.add_argument("-o", "--output", metavar="FILE.npy", help="(n, N_z) float32; else JSON lines")
    p.add_argument("-t", "--temperature", type=float, default=0.0, help="τ of N(μ, τ²σ²) (0: μ)")
    p.add_argument("--seed", type=int)
    p.add_argument("--limit", type=int, help="drawings at most")
    p.add_argument("--threads", type=int)
    _simplify_options(p)
    net_options(p)

    text = "draw drawings anew from their latent vectors (nets with an encoder)"
    example = "reconstruct morph cats.ndjson -n 9 -o again.svg"
    p = add_command(commands, formatter, "reconstruct", _reconstruct, text, example)
    p.add_argument("net", metavar="NET")
    p.add_argument("drawings", metavar="FILE", help=".ndjson, .npz, .bin, .json, .svg")
    _simplify_options(p)
    _drawing_options(p)
    p.set_defaults(temperature=0.2)


def _read(path: str, limit: int | None, options: argparse.Namespace) -> Sketches:
    from ..formats import read

    sketches = read(path, limit=limit)
    if len(sketches) == 0:
        raise ValueError(f"{path}: no drawing in it")
    return _simplified(sketches, options)


def _interpolate(options: argparse.Namespace) -> int:
    a, b = (_read(path, 1, options)[0] for path in (options.a, options.b))
    method = "linear" if options.linear else "spherical"
    net = load_net(options, options.net)
    sketches = net.interpolate(a, b, options.n, method=method, **_arguments(options))
    name = (options.format or options.output or "").lower()
    if name.endswith(_FILMS):
        return put(sketches, options, one_by_one=True, fps=options.fps)
    if name.endswith(_PAGES) and options.columns is None:
        options.columns = options.n  # one row
    return put(sketches, options)


def _encode(options: argparse.Namespace) -> int:
    sketches = _read(options.drawings, options.limit, options)
    told = {key: getattr(options, key) for key in ("temperature", "seed", "threads")}
    z = load_net(options, options.net).encode(sketches, **told)
    if options.output is None:
        for row in z:
            print(json.dumps([float(str(x)) for x in row]))
        return 0
    if not options.output.endswith(".npy"):
        raise ValueError(f"-o: expected a name ending in .npy, found {options.output!r}")
    with open_for_writing(options.output) as file:
        np.save(file, z)
    return 0


def _reconstruct(options: argparse.Namespace) -> int:
    limit = _check.integer("n", options.n, 1)
    sketches = _read(options.drawings, limit, options)
    return put(load_net(options, options.net).reconstruct(sketches, **_arguments(options)), options)
