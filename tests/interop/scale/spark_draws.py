"""PySpark draws by mapInArrow, in its local mode. It has no unsigned numbers: ``signed=True``."""

import os
import sys

os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")

import pyspark
from expected import NET, OPTIONS, N, same
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from sketchrnn import batch

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
try:
    draw = batch.Draw(NET, **OPTIONS, signed=True)
    numbers = spark.range(0, N, 1, numPartitions=4).withColumnRenamed("id", "index")
    drawn = numbers.mapInArrow(lambda batches: map(draw, batches), from_arrow_schema(draw.schema))
    same(f"pyspark {pyspark.__version__}", drawn.toArrow())
finally:
    spark.stop()
