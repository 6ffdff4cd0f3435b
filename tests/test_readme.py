"""The README's numbers are those of the benchmarks' JSON and of the package."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(
    not (ROOT / "benchmarks" / "figures").is_dir(), reason="a source archive has no benchmarks"
)
def test_every_figure_is_measured():
    tool = ROOT / "tools" / "readme_figures.py"
    done = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    readme = (ROOT / "README.md").read_text("utf-8")
    # A figure that stands outside its marks would be one that nobody checks.
    assert readme.count("<!-- figures: ") == readme.count("<!-- end -->") == 6
    assert "five times faster" not in readme
