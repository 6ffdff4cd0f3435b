#!/bin/bash
# Exports nets and loads them in a real MXNet 1.9.1, in a virtual environment of its own.
#
#   tests/mxnet/check.sh     PYTHON=<one that has sketchrnn>  MXNET_VENV=<folder, kept>
#
# Skipped, with the reason, where MXNet cannot be installed; REQUIRE_ALL=1 makes that a failure.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${MXNET_VENV:-$work/venv}

skip() {
  [ "${REQUIRE_ALL:-0}" = 0 ] || { echo "failed: $1" >&2; exit 1; }
  echo "skipped: $1"
  exit 0
}

if ! "$venv/bin/python" -c 'import mxnet' 2>/dev/null; then
  # NumPy 1.23.5, the last one MXNet works with, has no wheels for later Pythons.
  for candidate in python3.11 python3.10 python3.9 "$python"; do
    command -v "$candidate" >/dev/null || continue
    "$candidate" -c 'import sys; sys.exit(not (3, 8) <= sys.version_info < (3, 12))' || continue
    old=$candidate
    break
  done
  [ -n "${old:-}" ] || skip "MXNet needs a Python from 3.8 to 3.11"
  "$old" -m venv "$venv"
  "$venv/bin/pip" install --quiet numpy==1.23.5 mxnet==1.9.1 >"$work/pip.log" 2>&1 ||
    skip "MXNet 1.9.1 cannot be installed: $(tail -n 1 "$work/pip.log")"
fi
"$python" "$here/prepare.py" "$work"
"$venv/bin/python" "$here/verify.py" "$work"
echo "MXNet: all checks passed"
