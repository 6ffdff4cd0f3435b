"""`python -m sketchrnn.train`: the same as `sketchrnn train`."""

import sys

from .cli import main

sys.exit(main())
