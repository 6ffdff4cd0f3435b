"""docs/tour.md and the notebook: every line runs, and prints and draws what stands there."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_tour_says_what_happens():
    command = [sys.executable, str(ROOT / "tools/tour.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_notebook_runs_in_jupyter(tmp_path, monkeypatch):
    """In a real kernel, where pictures are what the front end would get."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))  # the home may be read-only
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(ROOT / "docs/tour.ipynb", as_version=4)
    nbformat.validate(notebook)
    kept = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, resources=resources, timeout=120).execute()
    cells = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    pictures = 0
    for before, after in zip(kept, cells, strict=True):
        shown, kept_ones = (
            [o.data["image/svg+xml"] for o in outs if "image/svg+xml" in o.get("data", {})]
            for outs in (after, before)
        )
        assert shown == kept_ones
        pictures += len(shown)
    assert pictures >= 8
