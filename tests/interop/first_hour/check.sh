#!/usr/bin/env bash
# The first hour of three kinds of user, from a wheel in a fresh environment: one who draws, one who
# builds, one who compares. Their scripts are typed: mypy --strict passes on them.
#
#   tests/interop/first_hour/check.sh     what ../common.sh says; WHEEL=<file> takes that wheel
#   STEPS=240 …                           fine-tunes for so long (72)
source "$(dirname "$0")/../common.sh"
say "A wheel in a fresh environment"
wheel=${WHEEL:-}
if [[ -z $wheel ]]; then
  "$python" -m pip wheel --quiet --disable-pip-version-check --no-deps -w "$work/wheel" "$root"
  wheel=$(echo "$work"/wheel/sketchrnn-*.whl)
fi
environment "$python" "$work/venv" -- "$wheel[svg,download]" mypy
fresh=$work/venv/bin/python
torch=$("$python" -c 'import torch, os; print(os.path.dirname(os.path.dirname(torch.__file__)))' 2>/dev/null || true)
if [[ -n $torch ]]; then # large, and no part of what is tried here: that of the other environment
  echo "$torch" >"$("$fresh" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zz_torch.pth"
else # that for processors alone; where only PyPI is reached, its own, which is larger
  install=("$fresh" -m pip install --quiet --disable-pip-version-check --retries 1 torch)
  "${install[@]}" --index-url https://download.pytorch.org/whl/cpu 2>/dev/null ||
    "${install[@]}" 2>/dev/null || skipped "PyTorch cannot be installed"
fi

say "Types: mypy --strict"
cp "$here"/*.py "$work"
(cd "$work" && "$fresh" -m mypy --strict --ignore-missing-imports hand.py draws.py builds.py compares.py)

say "One who draws"
cd "$work"
"$fresh" hand.py "$work/hand"
"$fresh" draws.py "$work/hand" "${STEPS:-72}"
say "One who builds"
"$fresh" builds.py "$work"
say "One who compares"
"$fresh" compares.py "$work"
