"""What the machine can do at this moment (probe.cpp), and what it is."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import sketchrnn

HERE = Path(__file__).parent


class Probe:
    """Compiled once; each call runs it on the given processors."""

    def __init__(self, processors: list[int]) -> None:
        self.processors = processors
        self._folder = tempfile.TemporaryDirectory()
        self._program = str(Path(self._folder.name) / "probe")
        source = str(HERE / "probe.cpp")
        command = ["c++", "-O2", "-std=c++17", "-pthread", source, "-o", self._program]
        subprocess.run(command, check=True)

    def __call__(self) -> dict[str, list[float]]:
        """Operations and bytes a second, for one thread and two: {"fma_f32": [one, two], …}."""
        # On all processors: its barrier between two threads would take minutes on one.
        command = ["taskset", "-c", ",".join(map(str, self.processors)), self._program]
        found: dict[str, list[float]] = json.loads(
            subprocess.run(command, capture_output=True, check=True).stdout
        )
        return found


def bounds(net: sketchrnn.Net, probed: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Per precision seconds a point for one stream (bytes over bandwidth), and points a second for
    many (operations over peak), for the recurrent product alone; 0 where nothing was probed."""
    # A point costs hidden · 4·hidden multiply-adds and their weights; the rest is a few percent.
    weights = net.hidden_size * 4 * net.hidden_size
    wide = net.info()["arrays"]["wh"]["dtype"] == "F32"
    # Vectors of 256 bits have a peak of their own for float32; for bytes theirs is not probed.
    narrow = net.isa in ("avx2", "avxvnni")
    fma = probed["fma_f32_avx2" if narrow else "fma_f32"]
    dot = 0.0 if narrow else probed.get("dot_i8", 0.0)
    bytes_peak = probed["tiles_i8"] if net.isa == "avx512amx" else dot
    return {
        # 16-bit weights stay so in memory, other nets' are float32.
        "f32": (
            4 * weights / probed["read_f32"] if wide else 2 * weights / probed["read_16bit"],
            fma / (2 * weights),
        ),
        "i16": (2 * weights / probed["read_16bit"], dot / (4 * weights)),
        "i8": (weights / probed["read_8bit"], bytes_peak / (2 * weights)),
    }


def machine() -> dict[str, object]:
    """CPU, processors, commit, and what sketchrnn says of its build."""
    cpu = ""
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    git = subprocess.run(
        ["git", "-C", str(HERE), "rev-parse", "HEAD"], capture_output=True, text=True
    )
    return {
        "cpu": cpu,
        "processors": len(os.sched_getaffinity(0)),
        "commit": git.stdout.strip(),
        **sketchrnn.build_info(),
    }
