#!/usr/bin/env bash
# Our files as others read them: SVG, still and moving, in headless Chromium; HP-GL in hp2xx (Debian:
# chromium, hp2xx). Needs sketchrnn with Pillow.
#
#   tests/interop/readers/check.sh     what ../common.sh says
source "$(dirname "$0")/../common.sh"
"$python" -c 'import PIL' 2>/dev/null || skip "$python has no Pillow"
for part in browser:chromium plotter:hp2xx; do
  if have "${part#*:}"; then "$python" "$here/verify.py" "${part%:*}"; fi
done
