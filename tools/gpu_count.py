"""Counts the instructions that cluster_kernel issues for a point, by phase, from its machine code.

    python tools/gpu_count.py [--nvcc PATH] [--lines]

Compiles for sm_90a, disassembles with line numbers and weighs each instruction: the warps that
execute it, times how often the loops around it turn in a step of a group of 64 sketches (512 units,
20 components, eight blocks), over the 8 points that a block makes in it. No GPU is needed;
nvcc and nvdisasm are those of the PATH or of `pip install -r tools/requirements-cuda.txt`. What is
not counted: waiting again and again, drawings that begin or end, cells whose divisions are not
ordinary. --lines lists the dearest lines of the source.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gpu_budget import ROOT, compiler

KERNEL = """#include "cuda/many_clusters.cuh"
namespace sketchrnn::cuda {
const void* kernel() { return reinterpret_cast<const void*>(&cluster_kernel<kClusterBlocks>); }
}
"""
POINTS = 8  # of a block in a step of a group
# How often a loop that is one in the machine code turns, by the text of its line.
LOOPS: dict[str, float] = {
    "while (ended == 0)": 1,
    "for (int row = warp_ * kRows": 3,  # 12 pairs of rows, four warps
    "for (int group = 0; group < own_lanes_": 1,
    "for (int task = warp_; task < own_lanes_ / 2": 1,  # 4 pairs of lanes, four warps
    "for (int m = 0; m < count": 20 / 4,
    "for (uint32_t step = 0;": 1,
    "for (uint32_t turn = 0;": 1,
    "for (int i = 0; i < blocks_": 8,
    "for (int i = 1; i < blocks_": 7,
}
# Warps that execute what stands under such a line, of the 8 that multiply or the 4 that sample.
WARPS = {
    "if (thread_ == 0) send(g)": 1,
    "if (in_group_ == 0)": 1,
    "if (in_group_ < blocks_)": 1,
    "arrive_there(&barriers_": 1,
    "uniforms = uniforms_of(": 1,
    "normals = box_muller(": 1,
    "choose<": 1,
    "tell(g, l, step + 1)": 1,
    "draw_point(lane(g, l), l, normals)": 1,
}
# What hardly ever happens, or is not the full cluster's.
NEVER = (
    "own.c[at]",
    "own.h[at]",
    "begin_drawing(",
    "atomicAdd(",
    "count_finished(",
)
# Nor what such a line leads to, up to where its branch goes.
NEVER_IF = ("if (!ordinary)",)


class Instruction:
    def __init__(self, text: str, frames: list[tuple[str, int]]):
        self.text = text
        self.frames = frames


def disassembler() -> str | None:
    spec = importlib.util.find_spec("nvidia")
    roots = spec.submodule_search_locations or [] if spec else []
    found = [str(path) for root in roots for path in Path(root).glob("cu*/bin/nvdisasm")]
    return shutil.which("nvdisasm") or next(iter(found), None)


def disassemble(nvcc: str, headers: list[str], nvdisasm: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source, code = Path(folder) / "kernel.cu", Path(folder) / "kernel.cubin"
        source.write_text(KERNEL)
        command = [nvcc, *headers, "-std=c++17", "-fmad=false", "--expt-relaxed-constexpr"]
        command += [f"-I{ROOT / 'csrc'}", "-lineinfo", "-arch=sm_90a", "-cubin"]
        for call in ([*command, str(source), "-o", str(code)], [nvdisasm, "-c", "-gi", str(code)]):
            done = subprocess.run(call, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(done.stdout + done.stderr)
    return done.stdout


def parsed(listing: str) -> tuple[list[Instruction], dict[str, int]]:
    instructions: list[Instruction] = []
    labels: dict[str, int] = {}
    frames: list[tuple[str, int]] = []
    fresh = True
    for line in listing.splitlines():
        if m := re.match(r'\s*//## File "([^"]+)", line (\d+)', line):
            if fresh:
                frames, fresh = [], False
            frames.append((m[1], int(m[2])))
        elif m := re.match(r"(\.L_x_\d+):", line):
            labels[m[1]] = len(instructions)
        elif m := re.match(r"\s*/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;", line):
            instructions.append(Instruction(m[1], frames))
            fresh = True
    return instructions, labels


class Source:
    def __init__(self) -> None:
        self.files: dict[str, list[str]] = {}

    def line(self, frame: tuple[str, int]) -> str:
        name, number = frame
        if name not in self.files:
            path = Path(name)
            self.files[name] = path.read_text().splitlines() if path.exists() else []
        lines = self.files[name]
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def function(self, frame: tuple[str, int]) -> str:
        self.line(frame)
        for text in reversed(self.files[frame[0]][: frame[1]]):
            if m := re.search(r"(?:SKETCHRNN_FN|__global__) .*?(\w+)\(", text):
                return m[1]
        return "?"


def ours(frame: tuple[str, int]) -> bool:
    return frame[0].startswith(str(ROOT))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--nvcc", help="the compiler (default: that of the PATH, or from PyPI)")
    p.add_argument("--nvdisasm", default=disassembler(), help="(default: as for nvcc)")
    p.add_argument("--lines", action="store_true", help="the dearest lines as well")
    given = p.parse_args()
    if given.nvdisasm is None:
        sys.exit("no nvdisasm: `pip install -r tools/requirements-cuda.txt`, or --nvdisasm PATH")
    nvcc, headers = compiler(given.nvcc)
    instructions, labels = parsed(disassemble(nvcc, headers, given.nvdisasm))
    source = Source()
    # Behind the last EXIT are the calls, and what waits once more.
    end = max(i for i, x in enumerate(instructions) if x.text.endswith("EXIT"))
    # Of the loops that one becomes, a long one and what is left over, the first is the one.
    turns: dict[tuple[str, ...], tuple[int, int, float]] = {}
    left_over: set[int] = set()
    unknown: list[str] = []
    for i, x in enumerate(instructions[:end]):
        m = re.search(r"BRA.*`\((\.L_x_\d+)\)", x.text)
        target = labels.get(m[1], end) if m else end
        lines = [source.line(f) for f in x.frames if ours(f)]
        inside = {source.function(f) for f in x.frames if ours(f)}
        if m is None or not inside & {"step_of", "points_of"} or ".U.ANY" in x.text:
            continue
        if target > i:
            if any(text in lines[0] for text in NEVER_IF):
                left_over.update(range(i + 1, target))
            continue
        if any(never in line for never in NEVER for line in lines):
            continue
        text = next((t for t in LOOPS if t in lines[0]), None)
        if text is None:
            text = next((t for line in lines for t in LOOPS if t in line), None)
        if text is None:
            unknown.append(f"{x.text}: {lines[:2]}")
            continue
        key = (text, *lines[1:])
        new = (target, i, LOOPS[text])
        old = turns.get(key)
        if old is None or text.startswith("while"):
            turns[key] = new
        else:
            longer, shorter = sorted((old, new), key=lambda t: t[0] - t[1])
            turns[key] = longer
            if not longer[0] <= shorter[0] <= longer[1]:
                left_over.update(range(shorter[0], shorter[1] + 1))
    if unknown:
        sys.exit("loops that LOOPS does not know:\n" + "\n".join(unknown))

    phases: defaultdict[str, float] = defaultdict(float)
    dearest: defaultdict[str, float] = defaultdict(float)
    for i, x in enumerate(instructions[:end]):
        lines = [source.line(f) for f in x.frames]
        text = " < ".join(lines)
        if i in left_over or any(never in text for never in NEVER):
            continue
        functions = [source.function(f) for f in x.frames if ours(f)]
        if "step_of" in functions:
            warps, who = 8.0 / 2, "multiply"  # each group has its own copy
        elif "points_of" in functions:
            warps, who = 4.0, "sample"
        else:
            continue
        for line in lines:
            for mark, few in WARPS.items():
                if mark in line:
                    warps = min(warps, few / 2 if who == "multiply" else few)
        for first, last, count in turns.values():
            if first <= i <= last:
                warps *= count
        inner = functions[: functions.index(who)]
        chain = inner[::-1]
        phase = next(iter(chain[1:] or chain), "steps")
        if phase == "cells_of" and len(chain) > 2:
            phase += ": " + chain[2]
        name = f"{who}: {phase}"
        phases[name] += warps / POINTS
        if re.search(r"\b(STL|LDL)", x.text):
            phases[f"{who}: (spilled)"] += warps / POINTS
        own = next(f for f in x.frames if ours(f))
        dearest[f"{who} {Path(own[0]).name}:{own[1]}: {source.line(own)}"] += warps / POINTS
    total = sum(n for name, n in phases.items() if "(spilled)" not in name)
    for name, n in sorted(phases.items()):
        print(f"{n:8.1f}  {name}" + (" of these" if "(spilled)" in name else ""))
    print(f"{total:8.1f}  instructions of a warp for a point")
    if given.lines:
        for name, n in sorted(dearest.items(), key=lambda x: -x[1])[:60]:
            print(f"{n:8.1f}  {name}")


if __name__ == "__main__":
    main()
