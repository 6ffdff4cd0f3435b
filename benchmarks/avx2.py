"""What holds us and the others to AVX2, before any of them is imported; and what nothing holds.

Found by timing products with and without each on a Zen 5 with AVX-512 VNNI: NumPy 2.4,
PyTorch 2.13, JAX 0.10, OpenVINO 2026 (which tells what it chose).
"""

from __future__ import annotations

import os
import subprocess
import sys

SWITCHES = {
    "SKETCHRNN_ISA": "avx2",
    "OPENBLAS_CORETYPE": "Haswell",  # NumPy's products
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own kernels, and those that it compiles
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # PyTorch's bfloat16, OpenVINO
    "FBGEMM_ENABLE_INSTRUCTIONS": "AVX2",  # PyTorch's int8
    # PyTorch's float32 products, on Intel's processors; on AMD's MKL uses AVX2 unasked.
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
# XLA's own code; and its products, which YNNPACK otherwise makes with what the processor has.
XLA = ("--xla_cpu_max_isa=AVX2", "--xla_cpu_experimental_ynn_fusion_type=")

FREE = [
    "ONNX Runtime (no switch: its kernels take what the processor has)",
    "PyTorch compiled (vectors of 256 bits, but the compiler is told -march=native)",
]


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def hold() -> list[str]:
    """Set every switch; return what goes on as it likes."""
    free = list(FREE)
    os.environ.update(SWITCHES)
    # NumPy's loops: what its build has beyond AVX2, by the names of its version.
    wide = _python(
        "from numpy._core._multiarray_umath import __cpu_dispatch__ as names\n"
        "print(*(name for name in names if 'AVX512' in name or name == 'X86_V4'))"
    )
    os.environ["NPY_DISABLE_CPU_FEATURES"] = wide.stdout.strip()
    given = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = " ".join([given, *XLA]).strip()
    # XLA ends the process at a flag that its version does not know.
    known = _python(
        "try: import jax\nexcept ImportError: raise SystemExit\njax.devices()",
    )
    if known.returncode != 0:
        os.environ["XLA_FLAGS"] = f"{given} {XLA[0]}".strip()
        free.append("JAX's products (this version does not know the switch)")
    return free
