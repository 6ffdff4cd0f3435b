#!/usr/bin/env bash
# Exports nets as .gen.json and runs them in the real @magenta/sketch 0.2.0 under Node. With
# SKETCHRNN_SHARED a public net is checked too, on a drawing by a person.
#
#   tests/interop/magenta/check.sh     NODE_FOLDER=<npm folder, kept>, and what ../common.sh says
source "$(dirname "$0")/../common.sh"
node=${NODE_FOLDER:-$work/node}

have node || exit 0
if [[ ! -d $node/node_modules/@magenta/sketch ]]; then
  have npm || exit 0
  mkdir -p "$node"
  npm install --prefix "$node" --no-audit --no-fund @magenta/sketch@0.2.0 >"$work/npm.log" 2>&1 ||
    skip "@magenta/sketch cannot be installed: $(grep -m 1 -i error "$work/npm.log" || true)"
fi
"$python" "$here/prepare.py" "$work"
NODE_PATH=$node/node_modules node "$here/verify.js" "$work"
echo "@magenta/sketch: all checks passed"
