# What the suites of tests/interop share; sourced by each check.sh, not run.
#
# Each puts what we write before another program, or another program before what we are, and says
# why it is skipped where that program cannot be had; REQUIRE_ALL=1 makes that a failure. For all:
#
#   PYTHON=<one that has sketchrnn>   python3 if not given
#   WORK=<folder>                     where to build; kept. One that is thrown away if not given
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
suite=$(basename "$here")
python=${PYTHON:-python3}
if [[ -n ${WORK:-} ]]; then
  work=$WORK
  mkdir -p "$work"
else
  work=$(mktemp -d "${TMPDIR:-/tmp}/sketchrnn-$suite.XXXXXX")
  trap 'rm -rf "$work"' EXIT
fi
# Not from the root of the tree, where python/ is not yet built.
(cd "$work" && "$python" -c 'import sketchrnn') ||
  { echo "$suite: $python has no sketchrnn; install it, or set PYTHON" >&2; exit 1; }

say() { printf '\n== %s\n' "$*"; }

# A part that cannot be done here.
skipped() {
  [[ ${REQUIRE_ALL:-0} == 0 ]] || { echo "$suite: failed: $*" >&2; exit 1; }
  echo "SKIPPED $suite: $*"
}
# The whole suite.
skip() { skipped "$@"; exit 0; }

# Whether these programs are here.
have() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || { skipped "$program is not installed"; return 1; }
  done
}

# Configured and built by CMake, quiet unless it fails: build SOURCE FOLDER [CMake's options]. What the
# array `targets` names, everything where there is none.
build() {
  local source=$1 folder=$2
  shift 2
  { cmake -S "$source" -B "$folder" -DCMAKE_BUILD_TYPE=Release "$@" &&
    cmake --build "$folder" --parallel "${JOBS:-2}" ${targets[@]+--target "${targets[@]}"}; } \
    >"$folder.log" 2>&1 || { cat "$folder.log" >&2; exit 1; }
}

# A virtual environment with packages from PyPI: environment PYTHON FOLDER [venv's options] -- PACKAGE…
environment() {
  local python=$1 folder=$2 options=()
  shift 2
  while [[ $1 != -- ]]; do options+=("$1"); shift; done
  shift
  { "$python" -m venv ${options[@]+"${options[@]}"} "$folder" &&
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; } \
    >"$work/environment.log" 2>&1 ||
    skip "$* cannot be installed: $(tail -n 1 "$work/environment.log")"
}
