"""Ray Data draws, scores and encodes by map_batches, in its local mode."""

import os

os.environ.update(RAY_AIR_NEW_OUTPUT="0", RAY_DATA_DISABLE_PROGRESS_BARS="1")

import logging

import numpy as np
import pyarrow
import ray
from expected import NET, OPTIONS, N, drawings, net, same

from sketchrnn import batch

ray.init(num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
ray.data.DataContext.get_current().enable_progress_bars = False
try:
    draw = batch.Draw(NET, **OPTIONS)
    numbers = ray.data.range(N, override_num_blocks=9).rename_columns({"id": "index"})
    drawn = numbers.random_shuffle(seed=1).map_batches(draw, batch_format="pyarrow", batch_size=64)
    table = pyarrow.concat_tables(ray.get(drawn.to_arrow_refs()))
    same(f"ray {ray.__version__}", table)
    scored = drawn.map_batches(batch.Score(NET, precision="i8"), batch_format="pyarrow")
    scores = pyarrow.concat_tables(ray.get(scored.to_arrow_refs())).sort_by("index")
    total = np.array(scores["offset_nll"]) + np.array(scores["pen_nll"])
    np.testing.assert_allclose(total, net().score(drawings()).per_drawing, rtol=1e-12)
    print(f"  ray, scored: {total.mean():.3f} nats a drawing")
finally:
    ray.shutdown()
