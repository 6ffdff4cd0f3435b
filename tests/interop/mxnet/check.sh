#!/usr/bin/env bash
# Exports nets and loads them in a real MXNet 1.9.1, in a virtual environment of its own.
#
#   tests/interop/mxnet/check.sh     MXNET_VENV=<folder, kept>, and what ../common.sh says
source "$(dirname "$0")/../common.sh"
venv=${MXNET_VENV:-$work/venv}

if ! "$venv/bin/python" -c 'import mxnet' 2>/dev/null; then
  # NumPy 1.23.5, the last one MXNet works with, has no wheels for later Pythons.
  for candidate in python3.11 python3.10 python3.9 "$python"; do
    command -v "$candidate" >/dev/null || continue
    "$candidate" -c 'import sys; sys.exit(not (3, 8) <= sys.version_info < (3, 12))' || continue
    old=$candidate
    break
  done
  [[ -n ${old:-} ]] || skip "MXNet needs a Python from 3.8 to 3.11"
  environment "$old" "$venv" -- numpy==1.23.5 mxnet==1.9.1
fi
"$python" "$here/prepare.py" "$work"
"$venv/bin/python" "$here/verify.py" "$work"
echo "MXNet: all checks passed"
