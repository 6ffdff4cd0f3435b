#!/usr/bin/env bash
# The recipe for Conan: the package made, and the C example over it, which draws.
#
#   tests/interop/conan/check.sh     what ../common.sh says
source "$(dirname "$0")/../common.sh"

have cmake c++ || exit 0
environment "$python" "$work/conan" -- 'conan>=2'
export CONAN_HOME=$work/home SKETCHRNN_ROOT=$root
mkdir -p "$work/test" && cp "$here/conanfile.py" "$work/test/"
conan=$work/conan/bin/conan

say "conan create, and the C example over the package"
{ "$conan" profile detect && "$conan" create "$root" --test-folder "$work/test"; } >"$work/conan.log" 2>&1 ||
  { tail -n 50 "$work/conan.log" >&2; exit 1; }
grep -q '</svg>' "$work/conan.log" || { echo "the example drew nothing" >&2; exit 1; }
grep -oE "Package '[0-9a-f]+' created" "$work/conan.log" | sed 's/^/  /'
"$python" - "$("$conan" inspect "$root" --format json)" <<'PYTHON'
import json, sys
import sketchrnn
assert json.loads(sys.argv[1])["version"] == sketchrnn.__version__
PYTHON
