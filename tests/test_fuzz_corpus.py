"""The Python fuzzers' seeds, and what fuzzing found once, through their targets, without a fuzzer.

Those of the core are replayed by ctest. `tools/fuzz SECONDS` looks for more.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent / "fuzz"
sys.path.insert(0, str(FUZZ))
from harness import GROUPS, NEEDS  # noqa: E402


@pytest.mark.parametrize("group", GROUPS)
def test_nothing_is_found_again(group):
    targets = [t for t in GROUPS[group] if t not in NEEDS or find_spec(NEEDS[t])]
    # In a process of its own: what is found may be a crash, and targets set their own cache folder.
    command = [sys.executable, str(FUZZ / "harness.py"), "--check", *targets]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == targets


def test_each_kept_input_belongs_to_a_target():
    core = {"json", "container", "simplify", "sampler", "net", "c_api"}
    known = core.union(*GROUPS.values())
    assert {folder.name for folder in (FUZZ / "corpus").iterdir()} <= known
