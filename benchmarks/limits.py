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


def bounds(
    net: sketchrnn.Net, probed: dict[str, float], isa: str = ""
) -> dict[str, tuple[float, float]]:
    """Per precision seconds a point for one stream (bytes over bandwidth), and points a second for
    many (operations over the peak of the instructions that the net's kernels multiply with,
    or those of another instruction set), for the recurrent product alone."""
    # A point costs hidden · 4·hidden multiply-adds and their weights; the rest is a few percent.
    weights = net.hidden_size * 4 * net.hidden_size
    wide = net.info()["arrays"]["wh"]["dtype"] == "F32"
    isa = isa or net.isa
    wider = "avx512" if isa.startswith("avx512") else "avx2"
    words = probed[f"dot_i16_{wider}"]
    if isa in ("avxvnni", "avx512vnni", "avx512amx"):
        # One instruction for a vector of words, as for one of bytes, of which it has twice as many.
        words = probed["dot_i8_avxvnni" if wider == "avx2" else "dot_i8_avx512vnni"] / 2
    return {
        # 16-bit weights stay so in memory, other nets' are float32.
        "f32": (
            4 * weights / probed["read_f32"] if wide else 2 * weights / probed["read_16bit"],
            probed[f"fma_{wider}"] / (2 * weights),
        ),
        "i16": (2 * weights / probed["read_16bit"], words / (2 * weights)),
        "i8": (weights / probed["read_8bit"], probed[f"dot_i8_{isa}"] / (2 * weights)),
    }


def processor() -> str:
    """What the processor is called; by number too, since virtual machines name many alike."""
    said: dict[str, str] = {}
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            said.setdefault(key.strip(), value.strip())
    numbers = [f"{key} {said[key]}" for key in ("cpu family", "model") if key in said]
    return ", ".join(filter(None, [said.get("model name", ""), " ".join(numbers)]))


def machine() -> dict[str, object]:
    """CPU, processors, commit, and what sketchrnn says of its build."""
    git = subprocess.run(
        ["git", "-C", str(HERE), "rev-parse", "HEAD"], capture_output=True, text=True
    )
    return {
        "cpu": processor(),
        "processors": len(os.sched_getaffinity(0)),
        "commit": git.stdout.strip(),
        **sketchrnn.build_info(),
    }
