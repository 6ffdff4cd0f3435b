#!/usr/bin/env bash
# The core and the C library built by mingw-w64, run under Wine: the bits and the pictures of Linux.
#
#   tests/interop/windows/check.sh     what ../common.sh says
source "$(dirname "$0")/../common.sh"

have cmake c++ x86_64-w64-mingw32-g++ || exit 0
wine=$(command -v wine64 || command -v wine) || skip "wine is not installed"
export WINEPREFIX=$work/wine WINEDEBUG=-all
cross=(-DCMAKE_TOOLCHAIN_FILE="$root/cmake/cross.cmake" -DSKETCHRNN_TARGET=x86_64-w64-mingw32)

say "Every instruction set in every precision: the numbers of this system"
targets=(core_hash sketchrnn_shared sketchrnn_static)
build "$root" "$work/here" -DSKETCHRNN_TESTS=ON -DCMAKE_INSTALL_PREFIX="$work/prefix"
build "$root" "$work/there" -DSKETCHRNN_TESTS=ON -DCMAKE_INSTALL_PREFIX="$work/windows" "${cross[@]}"
cmake --install "$work/here" >/dev/null
cmake --install "$work/there" >/dev/null
"$work/here/tests/cpp/core_hash" 2>/dev/null >"$work/hash.here"
"$wine" "$work/there/tests/cpp/core_hash.exe" 2>"$work/isas" | tr -d '\r' | diff "$work/hash.here" -
echo "  $(awk '/^precision/ {print $7}' "$work/isas" | tr -d '\r' | sort -u | paste -sd ' ')"

say "The C example, with the shared and with the static library: the picture of this system"
targets=(draw_svg)
net=$root/weights/chips/pig-256.safetensors
build "$root/examples" "$work/linux" -DCMAKE_PREFIX_PATH="$work/prefix"
"$work/linux/draw_svg" "$net" 7 >"$work/linux.svg"
for link in shared static; do
  build "$root/examples" "$work/$link" -DCMAKE_PREFIX_PATH="$work/windows" -DLINK=$link "${cross[@]}"
  cp "$work/windows/bin/libsketchrnn.dll" "$work/$link/"
  [[ $link == shared ]] || rm "$work/$link/libsketchrnn.dll"
  "$wine" "$work/$link/draw_svg.exe" "$net" 7 | tr -d '\r' | cmp - "$work/linux.svg"
  echo "  $link: $(wc -c <"$work/linux.svg") bytes"
done
