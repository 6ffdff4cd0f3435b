"""A net as one C header: the rows of precision i8, bit for bit, by the compilers at hand."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import drawing_net
from latent_nets import latent_net, some_drawings

import sketchrnn
from sketchrnn.nets.safetensors import rebuilt

ROOT = Path(__file__).resolve().parents[1]
KERNELS = ROOT / "csrc" / "kernels"
TEMPLATE = ROOT / "python" / "sketchrnn" / "nets" / "standalone.h.in"
ROWS = ROOT / "tests" / "interop" / "chip" / "rows.c"
CC = next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), None)
needs_cc = pytest.mark.skipif(CC is None, reason="no C compiler: none of cc, gcc, clang")
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]


def rows_by_c(header: str, folder: Path, *flags: str, compiler: str | None = CC) -> list[str]:
    (folder / "net.h").write_text(header)
    program = folder / "rows"
    source = ["-x", "c++", "-std=c++11"] if compiler == "c++" else ["-std=c99"]
    subprocess.run(
        [str(compiler), *source, *WARNINGS, *flags, "-DHOST", f"-I{folder}", str(ROWS), "-o",
         str(program)],
        check=True,
    )  # fmt: skip
    done = subprocess.run([program], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.split("\n")[:-1]


def rows_by_core(net: sketchrnn.Net, temperature: float) -> list[str]:
    return [
        "".join(f"{word:08x} " for word in row)
        for n in range(3)
        for row in net.draw(
            temperature=float(np.float32(temperature)), seed=7, index=n << 31
        ).strokes.view(np.uint32)
    ]


def header(net: sketchrnn.Net, **options) -> str:
    return net.export(None, "standalone", symbol="net", **options)


@needs_cc
@pytest.mark.parametrize(("hidden", "mixtures"), [(1, 1), (7, 3), (33, 20), (64, 20), (300, 5)])
def test_any_size(hidden, mixtures, tmp_path):
    net = drawing_net(hidden, mixtures, seed=hidden, precision="i8")
    assert rows_by_c(header(net), tmp_path, "-O2") == rows_by_core(net, 0.4)


@needs_cc
@pytest.mark.parametrize("temperature", [0.0, 1e-30, 0.4, 1.0, 7.5])
def test_temperatures(temperature, tmp_path):
    net = drawing_net(17, 4, precision="i8")
    flags = ["-O1", f"-DTEMPERATURE={temperature:.9g}f" if temperature % 1 else
             f"-DTEMPERATURE={temperature:.1f}f"]  # fmt: skip
    assert rows_by_c(header(net), tmp_path, *flags) == rows_by_core(net, temperature)


@needs_cc
def test_fixed_temperatures(tmp_path):
    net = drawing_net(17, 4, precision="i8")
    assert rows_by_c(header(net, temperature=0.25), tmp_path) == rows_by_core(net, 0.25)
    greedy = header(net, greedy=True)
    assert rows_by_c(greedy, tmp_path) == rows_by_core(net, 0.0)


@needs_cc
@pytest.mark.parametrize("flags", [("-O0",), ("-O3", "-march=native"), ("-O2", "-ffp-contract=fast",
                                   "-march=native")])  # fmt: skip
def test_flags_change_no_bit(flags, tmp_path):
    net = drawing_net(40, 6, precision="i8")
    assert rows_by_c(header(net), tmp_path, *flags) == rows_by_core(net, 0.4)


@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler called c++")
def test_as_cpp(tmp_path):
    net = drawing_net(40, 6, precision="i8")
    assert rows_by_c(header(net), tmp_path, "-O1", compiler="c++") == rows_by_core(net, 0.4)


@needs_cc
def test_bundled_nets_and_objects(tmp_path):
    for name, options in (("pig", {}), ("everything", {"object": "whale"})):
        net = sketchrnn.load(name, precision="i8")
        net = net.of(options["object"]) if options else net
        assert rows_by_c(header(net), tmp_path, "-O1") == rows_by_core(net, 0.4)


@needs_cc
def test_the_licence(tmp_path):
    text = header(sketchrnn.load("pig-64", precision="i8"))
    said = "Apache-2.0. Trained on drawings of the Quick, Draw! dataset, (c) Google, CC BY 4.0"
    assert f" * Licence of the numbers: {said}" in text
    # A stranger's ends no comment early.
    net = drawing_net(8, 2, precision="i8")
    hostile = "*/ int x; /* // ??/\n*\\\n/ \u2028 net_ */"
    changed = rebuilt(net.container, {}, metadata={"licence": hostile, "name": hostile})
    named = sketchrnn.Net(sketchrnn._core.Net.from_bytes(changed, "hostile", "i8"))
    text = header(named)
    assert rows_by_c(text, tmp_path, "-O1") == rows_by_core(net, 0.4)


@needs_cc
def test_latent_vectors(tmp_path):
    """What a drawing has of its own, its start and biases, is in the header."""
    net = latent_net("i8")
    one, other = net.encode(some_drawings(2))
    drawn = []
    for z in (one, other):
        rows = [
            "".join(f"{word:08x} " for word in row)
            for n in range(3)
            for row in net.draw(
                z=z, temperature=float(np.float32(0.4)), seed=7, index=n << 31
            ).strokes.view(np.uint32)
        ]
        assert rows_by_c(header(net, z=z), tmp_path, "-O1") == rows
        drawn.append(rows)
    assert drawn[0] != drawn[1]
    with pytest.raises(ValueError, match=r"z: expected the latent vector to draw, \(16,\)"):
        header(net)
    with pytest.raises(ValueError, match="z: expected one latent vector, found 2"):
        header(net, z=np.stack([one, other]))
    with pytest.raises(ValueError, match="z: this net has no encoder"):
        header(drawing_net(8, 2, precision="i8"), z=one)


@needs_cc
def test_a_public_net(shared, tmp_path):
    """int16 in the head, a scale of its own, another start token."""
    net = sketchrnn.load(shared / "official" / "ant.gen.json", precision="i8")
    assert rows_by_c(header(net), tmp_path, "-O2") == rows_by_core(net, 0.4)


def constants(text: str) -> list[float]:
    """float32 numbers as written, hexadecimal or not, in their order."""
    text = re.sub(r"//.*|/\*.*?\*/", "", text, flags=re.DOTALL if "/*" in text else 0)
    found = re.findall(r"(?<![\w.])-?(?:0x1\.[0-9a-f]+p[+-]\d+|\d+\.\d+(?:e-?\d+)?)(?=f)", text)
    return [float(np.float32(float.fromhex(x) if "x" in x else float(x))) for x in found]


def body(text: str, name: str) -> str:
    """A function's text."""
    start = re.search(rf"\b{name}\([^;{{]*\) \{{", text)
    assert start, name
    depth = 1
    at = start.end()
    while depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return text[start.end() : at]


@pytest.mark.parametrize("name", ["exp2_poly", "exp_parts", "tanh", "log", "sincos_turns"])
def test_the_kernels_constants(name):
    """The polynomials stand in the kernels; what the template has of them is the same."""
    kernels = re.sub(r"//.*", "", (KERNELS / "functions.h").read_text())
    mine = constants(body(TEMPLATE.read_text(), f"net_{name}"))
    theirs = constants(body(kernels, name))
    assert len(theirs) >= 3
    assert sorted(mine) == sorted(theirs)


def test_the_kernels_limits():
    kernels = "".join((KERNELS / f).read_text() for f in ("functions.h", "cell.h", "kernels.h"))
    named = dict(re.findall(r"constexpr float (k\w+) = (-?[\d.]+)f", kernels))
    template = TEMPLATE.read_text()
    assert f"-{named['kExponentLimit']}f, {named['kExponentLimit']}f" in template
    assert f"{named['kExpMin']}f, {named['kExpMax']}f" in template
    assert f"#define NET_ROUND {named['kRound']}f" in template
    gates = re.search(r"kGateScale\[4\] = \{([^}]*)\}", kernels)
    assert gates
    assert gates[1].split(", ")[1] in body(template, "net_new_hidden")
    assert re.search(r"constexpr int kBlock = 64;", kernels)
    assert "#define NET_BLOCK 256 " in template  # bytes: four in a word


def test_what_is_refused():
    with pytest.raises(ValueError, match="precision=\"i8\", found 'f32'"):
        drawing_net(8, 2).export(None, "standalone")
    net = drawing_net(8, 2, precision="i8")
    with pytest.raises(ValueError, match="symbol: expected a C identifier, found '1x'"):
        net.export(None, "standalone", symbol="1x")
    with pytest.raises(ValueError, match=r"greedy net has 0, found 0\.5"):
        net.export(None, "standalone", greedy=True, temperature=0.5)
    with pytest.raises(ValueError, match="finite number of at least 0, found nan"):
        net.export(None, "standalone", temperature=float("nan"))


@needs_cc
def test_what_steps_return(tmp_path):
    net = drawing_net(8, 2, precision="i8")
    (tmp_path / "net.h").write_text(header(net))
    (tmp_path / "t.c").write_text("""
#include "net.h"
static int pens;
static void pen(void *user, float x, float y, int down) {
  pens += down;
  (void)user, (void)x, (void)y;
}
int main(void) {
  net_stream s, other;
  float row[5];
  int n = 0, more;
  net_start(&s, 7, 0);
  if (net_step(&s, -1.0f, row) != -1 || net_step(&s, 0.0f / 1.0f - 0.5f, row) != -1) return 1;
  if (net_step(&s, 1e39, row) != -1) return 2;
  while ((more = net_step(&s, 1.0f, row)) == 1) ++n;
  if (more != 0 || net_step(&s, 1.0f, row) != 0) return 3;
  if (n > NET_MAX_LEN || (n < NET_MAX_LEN) != (row[4] == 1.0f)) return 4;
  if (net_draw(&other, 7, 0, 1.0f, pen, 0) != n) return 5;
  return pens == 0 ? 6 : 0;
}
""")
    subprocess.run([str(CC), "-std=c99", "-w", str(tmp_path / "t.c"), "-o", str(tmp_path / "t")],
                   check=True)  # fmt: skip
    assert subprocess.run([tmp_path / "t"], timeout=60).returncode == 0
