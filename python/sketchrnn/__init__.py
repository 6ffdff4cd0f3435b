"""The fastest and most faithful way to run Sketch-RNN, the recurrent net that draws.

>>> import sketchrnn
>>> net = sketchrnn.load("pig")
>>> net.draw(temperature=0.3, seed=7).save("pig.svg")

Start at :func:`load`, which returns a :class:`Net`.
"""

from ._build import build_info, devices
from ._core import DeviceError, WeightsError
from .catalog import CatalogEntry, catalog
from .distribution import Distribution
from .errors import DownloadError
from .export.npz import from_arrays
from .export.torch import from_torch
from .formats import FormatError, read, scan
from .loading import load
from .net import Net, Score
from .sketch import Grid, Sketch, Sketches
from .state import State
from .strokes import (
    lines_to_stroke5,
    resample,
    simplify,
    stroke3_to_stroke5,
    stroke5_to_lines,
    stroke5_to_stroke3,
)

__version__ = "0.1.0"

__all__ = [
    "CatalogEntry",
    "DeviceError",
    "Distribution",
    "DownloadError",
    "FormatError",
    "Grid",
    "Net",
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
    "stroke5_to_stroke3",
]
