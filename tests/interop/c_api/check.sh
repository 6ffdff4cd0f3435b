#!/usr/bin/env bash
# The C library as its users meet it: configured, built, installed, then linked in every way from the
# installed tree alone; the examples run; bits compared between instruction sets, with Python, and
# with a 64-bit Arm build under qemu-user.
#
#   tests/interop/c_api/check.sh [net.safetensors …]     what ../common.sh says
#
# Without nets it makes small ones, and takes some of those in weights/.
source "$(dirname "$0")/../common.sh"

say "configure, build, install"
build "$root" "$work/lib" -DCMAKE_INSTALL_PREFIX="$work/first"
cmake --install "$work/lib" >/dev/null
# The tree must work wherever it is moved.
rm -rf "$work/prefix" && mv "$work/first" "$work/prefix"
prefix=$work/prefix
find "$prefix" -type f -o -type l | sed "s|$prefix|  |" | sort

say "nets"
nets=("$@")
if [ ${#nets[@]} = 0 ]; then
  "$python" - "$work" <<'PYTHON'
import sys
import sketchrnn
from sketchrnn.nets.safetensors import pack
from sketchrnn.writing import write
for hidden, mixtures in ((33, 3), (256, 20)):
    net = sketchrnn.load(trained=False, hidden_size=hidden, mixtures=mixtures, seed=hidden)
    arrays = net.arrays()
    arrays["bo"][2] = -5  # drawings that do not end at once
    data = pack(arrays, name=f"check{hidden}", scale_factor=20.0, max_len=100)
    write(f"{sys.argv[1]}/net{hidden}.safetensors", data)
for name in ("butterfly", "pig", "suitcase"):  # additions to others too: as nets that stand alone
    sketchrnn.load(name, source="bundled").save(f"{sys.argv[1]}/{name}.safetensors")
PYTHON
  nets=("$work"/net*.safetensors "$root/weights/everything.safetensors")
  # The last one goes into programs and on to qemu; "everything" knows many objects.
  for name in butterfly pig suitcase; do nets+=("$work/$name.safetensors"); done
fi
printf '  %s\n' "${nets[@]}"
last=${nets[-1]}
everything=$root/weights/everything.safetensors

say "the shared library shows the C functions and nothing else, and needs the C++ runtime alone"
library=$(find "$prefix" -name 'libsketchrnn.so.*.*.*')
declared=$(grep -oE '\bsketchrnn_[a-z_]+\(' "$prefix/include/sketchrnn/sketchrnn.h" | tr -d '(' | sort -u)
shown=$(nm -D --defined-only "$library" | awk '$2 == "T" {sub("@.*", "", $3); print $3}' | sort -u)
# Names in comments of the header are declared too: the two lists must be the same.
diff <(echo "$declared") <(echo "$shown")
! nm -D --defined-only "$library" | awk '$2 != "T" && $2 != "A"' | grep . || exit 1
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
echo "$needed" | sed 's/^/  needs /'
! echo "$needed" | grep -vE '^(libstdc\+\+|libgcc_s|libm|libc|libpthread|ld-linux.*)\.so' || exit 1

say "the header in C99 and in C++"
echo '#include <sketchrnn/sketchrnn.h>
int main(void) { sketchrnn_draw_options o = SKETCHRNN_DRAW_OPTIONS_INIT; return o.threads - 1; }' \
  >"$work/header.c"
cc -std=c99 -Wall -Wextra -pedantic -Werror -I"$prefix/include" -c "$work/header.c" -o /dev/null
c++ -std=c++11 -x c++ -Wall -Wextra -pedantic -Werror -I"$prefix/include" -c "$work/header.c" -o /dev/null

say "a net compiled in"
mkdir -p "$work/header"
"$python" -m sketchrnn embed \
  "$last" -o "$work/header/net.h" --symbol net

for link in shared static; do
  say "$link, found by CMake's find_package"
  build "$here" "$work/tests-$link" -DCMAKE_PREFIX_PATH="$prefix" -DLINK=$link
  build "$root/examples" "$work/examples-$link" -DCMAKE_PREFIX_PATH="$prefix" -DLINK=$link \
    -DNET_HEADER="$work/header"
  for net in "${nets[@]}"; do "$work/tests-$link/test_c_api" "$net"; done
  "$work/examples-$link/draw_svg" "$last" 7 >"$work/$link.svg"
  "$python" -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' "$work/$link.svg"
  for precision in f32 i16 i8; do "$work/examples-$link/steady" "$last" 60 30 $precision; done
  "$work/examples-$link/embedded" >"$work/$link.embedded"
done
cmp "$work/shared.svg" "$work/static.svg"
cmp "$work/shared.embedded" "$work/static.embedded"

say "the embedded net draws what the file does"
same_as_python() { # net, output of examples/embedded.c
  "$python" - "$@" <<'PYTHON'
import sys
import numpy as np
import sketchrnn
expected = sketchrnn.load(sys.argv[1]).draw(temperature=0.4, seed=7).strokes
found = np.loadtxt(sys.argv[2], dtype=np.float32, ndmin=2)
assert np.array_equal(expected, found), (expected, found)
PYTHON
}
same_as_python "$last" "$work/shared.embedded"

say "a net of many objects compiled in"
mkdir -p "$work/header-everything"
"$python" -m sketchrnn embed everything -o "$work/header-everything/net.h" --symbol net
build "$root/examples" "$work/examples-everything" -DCMAKE_PREFIX_PATH="$prefix" -DLINK=static \
  -DNET_HEADER="$work/header-everything"
"$work/examples-everything/embedded" >"$work/everything.embedded"
same_as_python "$everything" "$work/everything.embedded"

libdir=$(dirname "$(find "$prefix" -name libsketchrnn.a)")
if have pkg-config; then
  say "pkg-config: the lines of docs/c_api.md as they are printed"
  mkdir -p "$work/lines" && ln -sfn "$root/examples" "$root/weights" "$work/lines/"
  sed -n 's/^    //p' "$root/docs/c_api.md" | grep -E '^(export PKG_CONFIG_PATH=|cc |\./draw_svg )' |
    sed "s|/opt/sketchrnn/lib|$libdir|g" >"$work/lines/run"
  [ "$(grep -c '^cc ' "$work/lines/run")" = 2 ]
  (cd "$work/lines" && bash -eu run && ./draw_svg_static weights/chips/pig-256.safetensors 7 | cmp - pig.svg)
  "$work/examples-shared/draw_svg" "$root/weights/chips/pig-256.safetensors" 7 | cmp - "$work/lines/pig.svg"
fi

if have abidiff; then
  say "the binary interface, told apart from one that is not it"
  "$root/tools/abi" "$library" "$library"
  # One function less: the check must see it.
  fewer=$work/fewer
  mkdir -p "$fewer"
  sed 's/sketchrnn_\*;/sketchrnn_net_*;/' "$root/cmake/sketchrnn.map" >"$fewer/map"
  c++ -shared -o "$fewer/libsketchrnn.so" -Wl,--whole-archive "$libdir/libsketchrnn.a" \
    -Wl,--no-whole-archive -pthread -Wl,--version-script="$fewer/map" -Wl,-soname,"$(basename "${library%.*}")"
  ! "$root/tools/abi" "$library" "$fewer/libsketchrnn.so" >/dev/null || exit 1
fi

say "bits: every instruction set of this machine, and Python"
isas=$("$python" -c 'import sketchrnn
print(*[n for n, i in sketchrnn.build_info()["isas"].items() if i["usable"]])')
for net in "${nets[@]}"; do
  name=$(basename "$net" .safetensors)
  for precision in f32 i16 i8; do
    bits=$work/$name.$precision.bits
    "$python" "$here/bits.py" "$net" $precision >"$bits"
    for isa in $isas; do
      SKETCHRNN_ISA=$isa "$work/tests-static/bits" "$net" $precision | cmp - "$bits"
    done
    echo "  $name, $precision: $(wc -l <"$bits") numbers identical on" $isas
  done
done

say "bits: objects of a net of many, and Python"
"$python" - "$everything" >"$work/objects" <<'PYTHON'
import sys
import sketchrnn
objects = sketchrnn.load(sys.argv[1]).objects
print(*objects[:: len(objects) // 4], sep="\n")
PYTHON
for precision in f32 i16 i8; do
  while read -r object; do
    "$python" "$here/bits.py" "$everything" $precision "$object" >"$work/object.bits"
    "$work/tests-shared/bits" "$everything" $precision "$object" | cmp - "$work/object.bits"
    echo "  $object, $precision: $(wc -l <"$work/object.bits") numbers identical"
  done <"$work/objects"
done

say "bits: a net with an encoder, and Python"
(cd "$root/tests" && "$python" -c 'import sys
import latent_nets
latent_nets.latent_net(hidden=40, mixtures=20).save(sys.argv[1])' "$work/latent.safetensors")
for precision in f32 i16 i8; do
  "$python" "$here/bits.py" "$work/latent.safetensors" $precision >"$work/latent.bits"
  "$work/tests-shared/bits" "$work/latent.safetensors" $precision | cmp - "$work/latent.bits"
  echo "  $precision: $(wc -l <"$work/latent.bits") numbers identical"
done

if have aarch64-linux-gnu-g++ qemu-aarch64; then
  say "64-bit Arm: cross build, run under qemu-user"
  toolchain=(-DCMAKE_TOOLCHAIN_FILE="$root/cmake/cross.cmake" -DSKETCHRNN_TARGET=aarch64-linux-gnu)
  build "$root" "$work/arm-lib" "${toolchain[@]}" -DCMAKE_INSTALL_PREFIX="$work/arm"
  cmake --install "$work/arm-lib" >/dev/null
  build "$here" "$work/arm-tests" "${toolchain[@]}" -DLINK=static -Dsketchrnn_DIR="$work/arm/lib/cmake/sketchrnn"
  arm() { qemu-aarch64 -L /usr/aarch64-linux-gnu "$@"; }
  # Emulation is slow, of the portable kernels above all: the smallest net shows them.
  smallest=$(ls -Sr "${nets[@]}" | head -n 1)
  arm "$work/arm-tests/test_c_api" "$smallest"
  for net in "$smallest" "$last"; do
    name=$(basename "$net" .safetensors)
    arm_isas=neon
    [ "$net" != "$smallest" ] || arm_isas="portable neon"
    for precision in f32 i16 i8; do
      for isa in $arm_isas; do
        SKETCHRNN_ISA=$isa arm "$work/arm-tests/bits" "$net" $precision |
          cmp - "$work/$name.$precision.bits"
      done
      echo "  $name, $precision: identical with x86 on $arm_isas"
    done
  done
fi

say "a processor with 256 KiB of L2: a net of 256 units in i8"
small=$(for net in "${nets[@]}"; do case $net in */net256.safetensors) echo "$net" ;; esac; done)
[ -z "$small" ] || "$work/examples-static/steady" "$small" 60 60 i8

say "sizes, stripped"
size_of() { strip -o "$work/stripped" "$1" && stat -c %s "$work/stripped"; }
echo "  shared library                           $(size_of "$library") bytes"
echo "  program with the static library          $(size_of "$work/examples-static/draw_svg") bytes"
echo "  the same with its net inside             $(size_of "$work/examples-static/embedded") bytes, of which net $(stat -c %s "$last")"
echo
echo "C library: all checks passed"
