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
    assert readme.count("<!-- figures: ") == readme.count("<!-- end -->") == 7
    assert "five times faster" not in readme


@pytest.mark.skipif(not (ROOT / "mkdocs.yml").is_file(), reason="an archive without the site")
def test_the_sites_warnings_are_counted():
    # mkdocs counts the warnings that it prints: with --quiet (-q) none, and --strict has no effect.
    command = next(
        line
        for line in (ROOT / "tools" / "docs").read_text("utf-8").splitlines()
        if "mkdocs build" in line
    )
    assert "--strict" in command
    assert not {"--quiet", "-q"} & set(command.split())
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    nav = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    assert [page for page in sorted(pages) if page not in nav] == []
