"""Training of nets: `sketchrnn train`, with PyTorch (`pip install 'sketchrnn[train]'`).

data      drawings from QuickDraw's files, one recipe, split by key
batches   buckets by length, augmentation
model     the net in PyTorch, its loss, and the fold into a plain net
latent    the same with an encoder and the KL term
evaluate  held-out losses
loop      the resumable training loop
ending    teaches a net to end its drawings; `latent_ending` one with an encoder
export    the weights container
cli       the command

Only `model`, `latent`, `evaluate`, `loop`, `ending` and `latent_ending` import PyTorch; importing
this package does not.
"""

from .cli import main

__all__ = ["main"]
