// What an x86-64 processor has and its system lets programs use: CPUID for the instructions,
// XGETBV for the registers that the system saves. A line for each instruction set; bits by Intel's
// manual, volume 1, chapters 13 and 14, and volume 2, CPUID.
//
// Asked by hand: __builtin_cpu_supports is GCC's and Clang's alone and learns names late.
#pragma once

#include <cstdint>

#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

namespace sketchrnn {

struct X86Needs {
  std::uint32_t leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf7_edx;
  std::uint32_t state;          // of XCR0
  std::uint32_t leaf7_1_eax{};  // subleaf 1
};

constexpr std::uint32_t x86_bit(int number) { return std::uint32_t{1} << number; }

constexpr std::uint32_t kOsXsave = x86_bit(27);
constexpr std::uint32_t kYmm = x86_bit(1) | x86_bit(2);
#if defined(__APPLE__)
// The system begins to save the upper registers when a program first uses them.
constexpr std::uint32_t kZmm = kYmm;
#else
constexpr std::uint32_t kZmm = kYmm | x86_bit(5) | x86_bit(6) | x86_bit(7);
#endif

// FMA, AVX, F16C; AVX2.
constexpr X86Needs kX86Avx2{kOsXsave | x86_bit(12) | x86_bit(28) | x86_bit(29), x86_bit(5), 0, 0,
                            kYmm};
// And AVX-VNNI.
constexpr X86Needs kX86AvxVnni{kX86Avx2.leaf1_ecx, kX86Avx2.leaf7_ebx, 0, 0, kYmm, x86_bit(4)};
// AVX2's and F, DQ, BW, VL.
constexpr X86Needs kX86Avx512{
    kX86Avx2.leaf1_ecx, kX86Avx2.leaf7_ebx | x86_bit(16) | x86_bit(17) | x86_bit(30) | x86_bit(31),
    0, 0, kZmm};
// And VNNI.
constexpr X86Needs kX86Avx512Vnni{kX86Avx512.leaf1_ecx, kX86Avx512.leaf7_ebx, x86_bit(11), 0, kZmm};
// And AMX-TILE, AMX-INT8; the system gives leave for the tiles' state on request.
constexpr X86Needs kX86Amx{kX86Avx512Vnni.leaf1_ecx, kX86Avx512Vnni.leaf7_ebx,
                           kX86Avx512Vnni.leaf7_ecx, x86_bit(24) | x86_bit(25), kZmm};

struct CpuidLeaf {
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
};

// Zeros where the processor has no such leaf.
inline CpuidLeaf cpuid(std::uint32_t number, std::uint32_t subleaf = 0) {
  CpuidLeaf leaf;
#if defined(_MSC_VER)
  int registers[4];
  __cpuid(registers, 0);
  if (static_cast<std::uint32_t>(registers[0]) < number) return leaf;
  __cpuidex(registers, static_cast<int>(number), static_cast<int>(subleaf));
  leaf.a = static_cast<std::uint32_t>(registers[0]);
  leaf.b = static_cast<std::uint32_t>(registers[1]);
  leaf.c = static_cast<std::uint32_t>(registers[2]);
  leaf.d = static_cast<std::uint32_t>(registers[3]);
#else
  (void)__get_cpuid_count(number, subleaf, &leaf.a, &leaf.b, &leaf.c, &leaf.d);
#endif
  return leaf;
}

// The low half of XCR0; only where CPUID says OSXSAVE.
inline std::uint32_t saved_state() {
#if defined(_MSC_VER)
  return static_cast<std::uint32_t>(_xgetbv(0));
#else
  // Not _xgetbv(): GCC and Clang have it in files with -mxsave alone.
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
#endif
}

inline bool x86_has(const X86Needs& needs) {
  const auto all = [](std::uint32_t found, std::uint32_t needed) {
    return (found & needed) == needed;
  };
  const CpuidLeaf one = cpuid(1);
  const CpuidLeaf seven = cpuid(7);  // a: its last subleaf
  const CpuidLeaf more = seven.a >= 1 ? cpuid(7, 1) : CpuidLeaf{};
  return all(one.c, needs.leaf1_ecx) && all(seven.b, needs.leaf7_ebx) &&
         all(seven.c, needs.leaf7_ecx) && all(seven.d, needs.leaf7_edx) &&
         all(more.a, needs.leaf7_1_eax) && all(saved_state(), needs.state);
}

}  // namespace sketchrnn
