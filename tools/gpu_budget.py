"""Compiles the CUDA backend for every architecture and holds each kernel to its budget.

    python tools/gpu_budget.py [--nvcc PATH]

Machine code for sm_80 and sm_90a and PTX for what comes later, by the nvcc on the PATH or that of
`pip install -r tools/requirements-cuda.txt`. Fails when a kernel spills more bytes than its budget
says, or takes more registers than its block of threads may have. No GPU is needed.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Kernel -> (threads of a block, bytes of spill stores). What is spilled are pointers and counts
# that live through a whole step, read once or twice in it; weights and sums stay in registers,
# and c in cluster_kernel (whose warpgroups then share out its registers: 200, 200, 104 a thread).
BUDGET = {
    "few_kernel": (768, 160),
    "many_kernel<ScalarGates": (512, 16),
    "many_kernel<TensorGates": (256, 160),
    "cluster_kernel": (384, 32),
    "gather_kernel": (128, 0),
}
REGISTERS = 65536  # of a multiprocessor
CODE = {
    "sm_80": "arch=compute_80,code=sm_80",
    "sm_90a": "arch=compute_90a,code=sm_90a",
    "PTX": "arch=compute_90,code=compute_90",
}


def compiler(given: str | None) -> tuple[str, list[str]]:
    """The nvcc to use and where its headers are, if it does not know itself."""
    if found := given or shutil.which("nvcc"):
        return found, []
    spec = importlib.util.find_spec("nvidia")
    for root in spec.submodule_search_locations or [] if spec else []:
        for folder in sorted(Path(root).glob("cu*"), reverse=True):
            if (folder / "bin" / "nvcc").exists():
                headers = [f"-I{folder / 'include'}", f"-I{folder / 'include' / 'cccl'}"]
                return str(folder / "bin" / "nvcc"), headers
    sys.exit("no nvcc: neither on the PATH nor by `pip install -r tools/requirements-cuda.txt`")


def compiled(nvcc: str, headers: list[str]) -> str:
    """What ptxas says about every kernel."""
    with tempfile.TemporaryDirectory() as folder:
        command = [nvcc, *headers, "-std=c++17", "-fmad=false", "--expt-relaxed-constexpr"]
        command += ["-Xptxas=-v", "-Xcompiler=-Wall,-Wextra", f"-I{ROOT / 'csrc'}"]
        for code in CODE.values():
            command += ["-gencode", code]
        command += ["-c", str(ROOT / "csrc/cuda/backend.cu"), "-o", f"{folder}/backend.o"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    names = shutil.which("c++filt")
    if names is None:
        sys.exit("c++filt (binutils) is needed to read the kernels' names")
    return subprocess.run(
        [names], input=done.stdout + done.stderr, capture_output=True, text=True, check=True
    ).stdout


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--nvcc", help="the compiler (default: that of the PATH, or from PyPI)")
    text = compiled(*compiler(p.parse_args().nvcc))
    if re.search(r"\bwarning\b", text):
        sys.exit(text)
    text = text.replace("(anonymous namespace)::", "").replace("sketchrnn::cuda::", "")
    kernels = re.findall(
        r"Compiling entry function '(?:void )?([^(]+)\(.*' for '(sm_\w+)'\n.*\n"
        r".*?(\d+) bytes spill stores.*\n.*Used (\d+) registers",
        text,
    )
    over = 0
    seen = set()
    for name, code, stores, registers in sorted(kernels):
        key = next((k for k in BUDGET if name.startswith(k)), None)
        if key is None:
            sys.exit(f"{name}: no budget in {Path(__file__).name}")
        threads, most = BUDGET[key]
        wrong = int(stores) > most or int(registers) * threads > REGISTERS
        over += wrong
        seen.add((key, code))
        print(
            f"{code:7} {name:36} {int(registers):4} registers of {REGISTERS // threads:4}"
            f" {int(stores):5} bytes spilled of {most:4}{'  OVER' if wrong else ''}"
        )
    missing = {(k, c) for k in BUDGET for c in CODE if c != "PTX"} - seen
    if missing:
        sys.exit(f"not compiled: {sorted(missing)}")
    sys.exit(f"{over} kernels are over their budget" if over else 0)


if __name__ == "__main__":
    main()
