#!/usr/bin/env bash
# The vpype plugin in a real vpype: `vpype sketchrnn pig`, and what it drew compared with ours. Makes
# an environment of its own.
#
#   tests/interop/vpype/check.sh     what ../common.sh says
source "$(dirname "$0")/../common.sh"
environment "$python" "$work/venv" --system-site-packages -- 'vpype>=1.14'
# Seen from an environment inside another one: packages of the outer one.
site=$("$python" -c 'import os, sketchrnn; print(os.path.dirname(os.path.dirname(sketchrnn.__file__)))')
echo "$site" >"$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/outer.pth"
"$work/venv/bin/vpype" sketchrnn -n 4 --seed 7 -t 0.3 --size 100mm pig write "$work/pigs.svg"
said=$("$work/venv/bin/vpype" sketchrnn no-such-net stat 2>&1) && exit 1
grep -q "Error: no net named 'no-such-net'" <<<"$said"
"$work/venv/bin/python" - "$work/pigs.svg" <<'PYTHON'
import sys

import numpy as np
import sketchrnn
import vpype
from sketchrnn.formats.page import lay_out

lines, _, _ = vpype.read_svg(sys.argv[1], quantization=0.1)
pigs = sketchrnn.load("pig").draw(4, seed=7, temperature=0.3)
side = 100 / 25.4 * 96  # millimetres in CSS pixels
ours = [line for drawing in lay_out(pigs, width=side).drawings for line in drawing]


def segments(lines):
    """(n, 2, 2): vpype's reader may cut a line in two, which leaves its segments."""
    arrays = [line if len(line) > 1 else line.repeat(2, axis=0) for line in lines]
    return np.concatenate([np.stack([a[:-1], a[1:]], axis=1) for a in arrays])


theirs = segments([np.stack([line.real, line.imag], axis=1) for line in lines])
ours = segments(ours)
assert theirs.shape == ours.shape, (theirs.shape, ours.shape)
# vpype lays the drawing on the page as it likes.
low = [part.reshape(-1, 2).min(axis=0) for part in (theirs, ours)]
np.testing.assert_allclose(theirs - low[0], ours - low[1], atol=0.01)
print(f"  vpype {vpype.__version__}: 4 pigs, {len(ours)} segments, as ours")
PYTHON
