"""Magenta's format of nets with an encoder, ``.vae.json``: a ``.gen.json`` of 17 blobs.

``[info, shapes, blobs]``, blobs in the order forward encoder Wx, Wh, b; backward encoder Wx, Wh, b;
Wμ, bμ; Wσ, bσ; Wz, bz; then the decoder's Wo, bo, Wx (5 + N_z rows), Wh, b. All sizes come from the
file. info.mode is 0, 1 or "vae"; files with info.version < 6 apply tanh to z before Wz.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .. import writing
from . import gen_json

if TYPE_CHECKING:
    from ..net import Net

read = gen_json.read


def vae_document(net: Net) -> list[Any]:
    """Return the net as the JSON document's value. See :func:`write`."""
    if net.latent_size == 0:
        raise ValueError(
            "a .vae.json is for a net with an encoder: this one is written as .gen.json"
        )
    return gen_json.document(net)


def write(net: Net, path: str) -> list[str]:
    """Write a ``.vae.json``, as :func:`sketchrnn.nets.gen_json.write` does a ``.gen.json``."""
    text = json.dumps(vae_document(net), separators=(",", ":"), allow_nan=False)
    writing.write(path, text)
    return [path]
