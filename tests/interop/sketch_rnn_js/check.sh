#!/usr/bin/env bash
# Writes nets with an encoder as .vae.json and runs them in the real sketch-rnn-js (Magenta's
# demonstration, sketch_rnn.js): mu, sigma, first state and mixture parameters. That file is on no
# package registry: SKETCH_RNN_JS says where it is.
#
#   tests/interop/sketch_rnn_js/check.sh   SKETCH_RNN_JS=<file> NODE_FOLDER=<npm folder, kept>, and
#                                          what ../common.sh says
source "$(dirname "$0")/../common.sh"
node=${NODE_FOLDER:-$work/node}

have node || exit 0
[[ -f ${SKETCH_RNN_JS:-} ]] || skip "SKETCH_RNN_JS names no sketch_rnn.js"
if [[ ! -d $node/node_modules/numjs ]]; then
  have npm || exit 0
  mkdir -p "$node"
  npm install --ignore-scripts --prefix "$node" --no-audit --no-fund numjs@0.16.1 >"$work/npm.log" 2>&1 ||
    skip "numjs cannot be installed: $(grep -m 1 -i error "$work/npm.log" || true)"
fi
PYTHONPATH="$root/tests" "$python" "$here/prepare.py" "$work"
NODE_PATH=$node/node_modules node "$here/verify.js" "$SKETCH_RNN_JS" "$work"
echo "sketch-rnn-js: all checks passed"
