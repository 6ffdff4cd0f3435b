"""The fastest and most faithful way to run Sketch-RNN, the recurrent net that draws.

>>> import sketchrnn
>>> net = sketchrnn.load("pig")
>>> net.draw(temperature=0.3, seed=7).save("pig.svg")

Start at :func:`load`, which returns a :class:`Net`.
"""

from . import _interpreter as _interpreter  # before anything else
from . import batch as batch
from ._build import build_info, devices
from ._core import DeviceError, WeightsError
from ._core import version as _version
from .distribution import Distribution
from .errors import DownloadError, PictureWarning
from .formats import FormatError, read, scan
from .net import Net
from .nets.catalog import catalog
from .nets.load import load
from .nets.npz import from_arrays
from .nets.torch import from_torch
from .score import Score
from .sketch import Sketch, Sketches
from .state import State
from .strokes import (
    lines_to_stroke5,
    resample,
    simplify,
    stroke3_to_stroke5,
    stroke5_to_lines,
)

__version__ = _version()

__all__ = [
    "DeviceError",
    "Distribution",
    "DownloadError",
    "FormatError",
    "Net",
    "PictureWarning",
    "Score",
    "Sketch",
    "Sketches",
    "State",
    "WeightsError",
    "__version__",
    "build_info",
    "catalog",
    "devices",
    "from_arrays",
    "from_torch",
    "lines_to_stroke5",
    "load",
    "read",
    "resample",
    "scan",
    "simplify",
    "stroke3_to_stroke5",
    "stroke5_to_lines",
]
