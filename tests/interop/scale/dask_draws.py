"""Dask draws, a task for each part, in its local mode of processes."""

import dask
import pyarrow
from expected import NET, OPTIONS, N, same

from sketchrnn import batch

if __name__ == "__main__":
    draw = batch.Draw(NET, **OPTIONS)
    parts = [range(first, min(first + 130, N)) for first in range(0, N, 130)]
    tables = [dask.delayed(draw)(pyarrow.table({"index": list(part)})) for part in parts]
    done = dask.compute(*tables, scheduler="processes", num_workers=2)
    same(f"dask {dask.__version__}", pyarrow.concat_tables(done))
