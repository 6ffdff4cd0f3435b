"""pyarrow, polars and DuckDB take drawings and give them back; files of ours are read by each."""

import tempfile
from pathlib import Path

import duckdb
import polars
import pyarrow
import pyarrow.dataset
from expected import N, digest, drawings, net, same

import sketchrnn
from sketchrnn import Sketches, shards

many = drawings()
same(f"pyarrow {pyarrow.__version__}", pyarrow.table(many))
frame = polars.from_dataframe(many)
same(f"polars {polars.__version__}", frame)
shuffled = frame.sample(fraction=1.0, shuffle=True, seed=3)
same("polars, shuffled", shuffled)
found = Sketches.from_arrow(frame.filter(polars.col("strokes").list.len() > 80))
assert found == many[many.lengths > 80]
same(f"duckdb {duckdb.__version__}", duckdb.sql("select * from many order by hash(index)"))
relation = duckdb.sql(
    "select count(*), max(abs(r.dx)) from (select unnest(strokes) as r from many)"
)
[(rows, far)] = relation.fetchall()
assert rows == len(many.strokes), rows
assert far == abs(many.strokes[:, 0]).max(), far

with tempfile.TemporaryDirectory() as folder:
    recipe = shards.Recipe([net()], N, 7, [0.3])
    files = shards.draw(folder, recipe, shards=3)
    same("pyarrow.dataset", pyarrow.dataset.dataset(folder).to_table())
    same("polars.read_parquet", polars.read_parquet(f"{folder}/*.parquet"))
    same("duckdb, read_parquet", duckdb.sql(f"select * from '{folder}/*.parquet'"))
    # And what they write is read.
    there = Path(folder) / "other"
    there.mkdir()
    shuffled.sort("index").write_parquet(there / "polars.parquet")
    duckdb.sql("select * from many order by index").write_parquet(str(there / "duckdb.parquet"))
    for path in sorted(there.iterdir()):
        assert digest(sketchrnn.read(path)) == digest(many), path
        print(f"  {path.name}: read")
