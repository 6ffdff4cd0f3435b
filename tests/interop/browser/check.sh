#!/usr/bin/env bash
# The npm package under Node, the pad in Chromium and Firefox, and in a notebook of JupyterLab in both,
# each against the bytes that Python draws. With SKETCHRNN_SHARED the public nets too.
#
#   tests/interop/browser/check.sh     NODE_FOLDER=<npm folder, kept>, and what ../common.sh says
source "$(dirname "$0")/../common.sh"
export NODE_FOLDER=${NODE_FOLDER:-$work/node}
puppeteer=puppeteer-core@24.43.1
axe=axe-core@4.14.1

have node npm || exit 0
if [[ ! -d $NODE_FOLDER/node_modules/puppeteer-core ]]; then
  mkdir -p "$NODE_FOLDER"
  npm install --prefix "$NODE_FOLDER" --no-audit --no-fund --ignore-scripts "$puppeteer" "$axe" \
    >"$work/npm.log" 2>&1 || skip "npm cannot install: $(grep -m 1 -i error "$work/npm.log" || true)"
fi

say "The package under Node: Python's bytes, the core's messages"
package=$("$python" -c 'import sketchrnn.pad as p; print(p._ROOT)')
for name in sketchrnn sketchrnn_relaxed; do # what a page has to fetch
  size=$(node -p "require('zlib').brotliCompressSync(require('fs').readFileSync('$package/$name.wasm')).length")
  echo "  $name.wasm: $size bytes by brotli"
  ((size <= 80 * 1024)) || { echo "$name.wasm: expected at most 80 KiB by brotli" >&2; exit 1; }
done
"$python" "$here/prepare.py" "$work"
if newer=$("$root/tools/node24" "$NODE_FOLDER" 2>"$work/node24.log"); then
  "$newer" "$here/bits.mjs" "$work" "$package"
else # without relaxed SIMD: the other module alone
  skipped "the package with relaxed SIMD: $(cat "$work/node24.log")"
  node "$here/bits.mjs" "$work" "$package"
fi

say "The pad, served by the command"
"$python" -m sketchrnn pad --no-browser >"$work/address" &
server=$!
"$python" -m sketchrnn pad morph --no-browser >"$work/latent.address" &
latent=$!
trap 'kill $server $latent 2>/dev/null; [[ -n ${WORK:-} ]] || rm -rf "$work"' EXIT
for _ in $(seq 100); do [[ -s $work/address && -s $work/latent.address ]] && break || sleep 0.2; done
address=$(cat "$work/address")

say "JupyterLab, for net.pad()"
notebook=$work/notebook
mkdir -p "$notebook"
"$python" "$here/notebook.py" "$notebook"
lab=
if environment "$python" "$work/jupyter" -- jupyterlab anywidget; then
  # With the package and all that it has, beside the environment that has it.
  "$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
    >"$("$work/jupyter/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/outer.pth"
  port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  (cd "$notebook" && JUPYTER_CONFIG_DIR=$work/config JUPYTER_DATA_DIR=$work/data exec "$work/jupyter/bin/python" \
    -m jupyterlab --allow-root --no-browser --ServerApp.port="$port" --IdentityProvider.token= \
    --ServerApp.disable_check_xsrf=True --LabApp.expose_app_in_browser=True >"$work/lab.log" 2>&1) &
  lab=$!
  for _ in $(seq 100); do grep -q 'Jupyter Server .* is running' "$work/lab.log" && break || sleep 0.3; done
fi
trap 'kill $server $latent $lab 2>/dev/null; [[ -n ${WORK:-} ]] || rm -rf "$work"' EXIT
for browser in chrome firefox; do
  if [[ $browser == chrome ]]; then
    program=$(command -v chromium || command -v google-chrome || true)
  else
    program=$(command -v firefox-esr || command -v firefox || true)
  fi
  [[ -n $program ]] || { skipped "$browser is not installed"; continue; }
  node "$here/pad.mjs" "$browser" "$program" "$address" "$work" "$(cat "$work/latent.address")"
  "$python" "$here/pad_verify.py" "$work" "$browser"
  [[ -z $lab ]] || node "$here/notebook.mjs" "$browser" "$program" \
    "http://127.0.0.1:$port/lab/tree/pad.ipynb?reset" "$notebook"
done
