#!/bin/bash
# Exports nets as .gen.json and runs them in the real @magenta/sketch 0.2.0 under Node.
#
#   tests/magenta/check.sh     PYTHON=<one that has sketchrnn>  NODE_FOLDER=<npm folder, kept>
#
# Skipped, with the reason, where Node or the package cannot be had; REQUIRE_ALL=1 makes that a
# failure. With SKETCHRNN_SHARED a public net is checked too, on a drawing by a person.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
node=${NODE_FOLDER:-$work/node}

skip() {
  [ "${REQUIRE_ALL:-0}" = 0 ] || { echo "failed: $1" >&2; exit 1; }
  echo "skipped: $1"
  exit 0
}

command -v node >/dev/null || skip "node is not installed"
if [ ! -d "$node/node_modules/@magenta/sketch" ]; then
  command -v npm >/dev/null || skip "npm is not installed"
  mkdir -p "$node"
  npm install --prefix "$node" --no-audit --no-fund @magenta/sketch@0.2.0 >"$work/npm.log" 2>&1 ||
    skip "@magenta/sketch cannot be installed: $(grep -m 1 -i error "$work/npm.log" || true)"
fi
"$python" "$here/prepare.py" "$work"
NODE_PATH=$node/node_modules node "$here/verify.js" "$work"
echo "@magenta/sketch: all checks passed"
