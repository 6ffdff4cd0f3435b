"""Training of nets: `sketchrnn train`, with PyTorch (`pip install 'sketchrnn[train]'`).

data      drawings from QuickDraw's files, one recipe, split by key
batches   buckets by length, augmentation
model     the net in PyTorch, its loss, and the fold into a plain net
evaluate  held-out losses
loop      the resumable training loop
export    the weights container
cli       the command

Only `model`, `evaluate` and `loop` import PyTorch; importing this package does not.
"""

from .cli import main

__all__ = ["main"]
