#!/usr/bin/env bash
# Drawings as tables in the programs that people have for them: Ray Data, PySpark and Dask divide the
# work, each in its local mode; pyarrow, polars and DuckDB read it. One digest of what was drawn.
#
#   tests/interop/scale/check.sh     what ../common.sh says; Spark needs Java
source "$(dirname "$0")/../common.sh"
environment "$python" "$work/venv" -- 'pyarrow>=16' 'ray[data]>=2.40' 'pyspark>=4' 'dask>=2024.10' \
  'polars>=1.20' 'duckdb>=1.2' 'pandas>=2.2,<3' 'numpy>=1.24'
site=$("$python" -c 'import os, sketchrnn; print(os.path.dirname(os.path.dirname(sketchrnn.__file__)))')
ln -sfn "$site/sketchrnn" "$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sketchrnn"
for program in tables ray spark dask; do
  if [[ $program == spark ]] && ! command -v java >/dev/null; then
    skipped "Spark needs Java"
    continue
  fi
  "$work/venv/bin/python" "$here/$program"_*.py
done
