#!/usr/bin/env bash
# A net as one C header, on processors without an operating system: boards with Cortex-M3 (no DSP
# extension), M4, M7 and M55 (MVE) and a 32-bit RISC-V under QEMU, and compilers of the host; every row
# of each equals Python's in precision i8. Then what it takes: flash, RAM, stack, instructions a point.
#
#   tests/interop/chip/check.sh [NET …]     what ../common.sh says; NET as sketchrnn.load takes it
source "$(dirname "$0")/../common.sh"
board=$root/examples/cortex_m
boards='M3 mps2-an385 -mcpu=cortex-m3
M4 mps2-an386 -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16
M7 mps2-an500 -mcpu=cortex-m7 -mfloat-abi=hard -mfpu=fpv5-d16
M55 mps3-an547 -mcpu=cortex-m55 -mfloat-abi=hard'

say "nets"
"$python" "$here/nets.py" "$work" "$@"

same() { # what, output: its first rows are Python's
  local rows
  rows=$(wc -l <"$net/rows.txt")
  head -n "$rows" "$2" | cmp - "$net/rows.txt" || { echo "$suite: $1: rows differ from Python's" >&2; exit 1; }
}

for net in "$work"/net-*; do
  say "$(basename "$net") on the host"
  for compiler in "gcc -std=c99 -O2" "gcc -std=gnu99 -O3 -march=native" "clang -std=c99 -O2" "tcc" \
    "g++ -x c++ -std=c++11 -O2" "gcc -std=c99 -O1 -fsanitize=address,undefined -fno-sanitize-recover"; do
    set -- $compiler
    command -v "$1" >/dev/null || { skipped "$1 is not installed"; continue; }
    warnings=(-Wall -Wextra -pedantic -Werror)
    [[ $1 == tcc ]] && warnings=(-Wall)
    "$@" "${warnings[@]}" -DHOST -I"$net" "$here/rows.c" -o "$net/host"
    "$net/host" >"$net/host.txt"
    same "$compiler" "$net/host.txt"
    echo "  $compiler: the same rows"
  done
done

say "bare Cortex-M under QEMU"
if have arm-none-eabi-gcc qemu-system-arm; then
  printf '  %-14s %-4s %12s %8s %8s %8s\n' net core instructions/pt flash RAM stack
  for net in "$work"/net-*; do
    while read -r core machine flags; do
      # 512 KB of flash: the boards of link.ld.
      arm-none-eabi-gcc -std=c99 -O2 $flags -Wall -Wextra -pedantic -Werror -I"$net" -I"$board" "$here/rows.c" \
        "$board/board.c" -T "$board/link.ld" -nostartfiles --specs=nano.specs \
        -Wl,--no-warn-rwx-segments -o "$net/$core.elf"
      timeout 300 qemu-system-arm -M "$machine" -nographic -icount shift=0 \
        -semihosting-config enable=on,target=native -kernel "$net/$core.elf" </dev/null >"$net/$core.txt" 2>&1
      same "$core" "$net/$core.txt"
      read -r instructions stack ram < <(tail -n 1 "$net/$core.txt")
      printf '  %-14s %-4s %12d %8d %8d %8d\n' "$(basename "$net")" "$core" $((16#$instructions)) \
        "$(arm-none-eabi-size "$net/$core.elf" | awk 'NR == 2 { print $1 + $2 }')" $((16#$ram)) $((16#$stack))
    done <<<"$boards"
  done
  say "written plainly, in float with the C library: net-pig-128 or the first"
  net=$work/net-pig-128
  [[ -d $net ]] || net=$(ls -d "$work"/net-* | head -n 1)
  while read -r core machine flags; do
    if arm-none-eabi-gcc -std=c99 -O2 $flags -I"$net" -I"$board" "$here/plain.c" "$board/board.c" \
      -T "$board/link.ld" -nostartfiles --specs=nano.specs -Wl,--no-warn-rwx-segments -lm \
      -o "$work/plain.elf" 2>"$work/plain.log"; then
      timeout 300 qemu-system-arm -M "$machine" -nographic -icount shift=0 \
        -semihosting-config enable=on,target=native -kernel "$work/plain.elf" </dev/null >"$work/plain.txt" 2>&1
      printf '  %-14s %-4s %12d %8d\n' "$(basename "$net")" "$core" "$((10#$(cat "$work/plain.txt")))" \
        "$(arm-none-eabi-size "$work/plain.elf" | awk 'NR == 2 { print $1 + $2 }')"
    else
      echo "  $core: does not fit: $(grep -o 'overflowed by.*' "$work/plain.log" | head -n 1)"
    fi
  done <<<"$boards"
  say "the SVG of examples/cortex_m"
  net=$(ls -d "$work"/net-* | head -n 1)
  arm-none-eabi-gcc -std=c99 -O2 -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16 -I"$net" -I"$board" "$board/draw.c" \
    "$board/board.c" -T "$board/link.ld" -nostartfiles --specs=nano.specs -Wl,--no-warn-rwx-segments -o "$work/draw.elf"
  timeout 60 qemu-system-arm -M mps2-an386 -nographic -semihosting-config enable=on,target=native \
    -kernel "$work/draw.elf" </dev/null >"$work/drawing.svg" 2>&1
  "$python" "$here/svg.py" "$net" "$work/drawing.svg"
fi

say "32-bit RISC-V under QEMU"
if have riscv64-unknown-elf-gcc qemu-system-riscv32; then
  for net in "$work"/net-*; do
    for isa in "rv32imac -mabi=ilp32" "rv32imafc -mabi=ilp32f"; do
      # picolibc brings the start, the memory map and semihosting.
      riscv64-unknown-elf-gcc --specs=picolibc.specs --oslib=semihost --crt0=hosted -std=c99 -O2 \
        -march=$isa -DHOST -I"$net" "$here/rows.c" -Wl,--defsym=__flash=0x80000000 \
        -Wl,--defsym=__flash_size=0x00200000 -Wl,--defsym=__ram=0x80200000 \
        -Wl,--defsym=__ram_size=0x00200000 -Tpicolibc.ld -o "$net/riscv.elf"
      timeout 300 qemu-system-riscv32 -M virt -cpu rv32 -bios none -nographic \
        -semihosting-config enable=on,target=native -kernel "$net/riscv.elf" </dev/null >"$net/riscv.txt" 2>&1
      same "$isa" "$net/riscv.txt"
      echo "  $(basename "$net") ${isa%% *}: the same rows"
    done
  done
fi

say "the plotter of examples/arduino, compiled with a stand-in for the board"
net=$(ls -d "$work"/net-* | head -n 1)
g++ -std=c++11 -O2 -Wall -Wextra -I"$here" -I"$net" -I"$root/examples/arduino/sketch" "$here/plotter.cpp" -o "$work/plotter"
"$work/plotter"
