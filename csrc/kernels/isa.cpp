// The table of instruction sets: a line for each, best last.
#include "kernels/isa.h"

#include <cstdlib>

#include "error.h"
#include "platform.h"

#if defined(SKETCHRNN_X86_64)
#include "kernels/x86.h"
#endif
#if defined(SKETCHRNN_HAS_AMX)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(SKETCHRNN_HAS_NEON_DOT) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(SKETCHRNN_HAS_NEON_DOT) && defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(SKETCHRNN_HAS_NEON_DOT) && defined(_WIN32)
#include <windows.h>
#endif

namespace sketchrnn {
namespace {

#if defined(SKETCHRNN_NO_PORTABLE)
#define SKETCHRNN_PLAIN(x) nullptr
#else
#define SKETCHRNN_PLAIN(x) x
#endif
#if defined(SKETCHRNN_X86_64)
#define SKETCHRNN_X86(x) x
#else
#define SKETCHRNN_X86(x) nullptr
#endif
#if defined(SKETCHRNN_HAS_AVX_VNNI)
#define SKETCHRNN_VNNI(x) x
#else
#define SKETCHRNN_VNNI(x) nullptr
#endif
#if defined(SKETCHRNN_HAS_AMX)
#define SKETCHRNN_AMX(x) x
#else
#define SKETCHRNN_AMX(x) nullptr
#endif
#if defined(SKETCHRNN_ARM_64)
#define SKETCHRNN_ARM64(x) x
#else
#define SKETCHRNN_ARM64(x) nullptr
#endif
#if defined(SKETCHRNN_HAS_NEON_DOT)
#define SKETCHRNN_DOT(x) x
#else
#define SKETCHRNN_DOT(x) nullptr
#endif
#if defined(SKETCHRNN_HAS_NEON_I8MM)
#define SKETCHRNN_I8MM(x) x
#else
#define SKETCHRNN_I8MM(x) nullptr
#endif
#if defined(__wasm__)
#define SKETCHRNN_WASM(x) x
#else
#define SKETCHRNN_WASM(x) nullptr
#endif
#if defined(SKETCHRNN_HAS_RELAXED_SIMD)
#define SKETCHRNN_RELAXED(x) x
#else
#define SKETCHRNN_RELAXED(x) nullptr
#endif

#if defined(SKETCHRNN_X86_64)
bool has_avx2() { return x86_has(kX86Avx2); }
bool has_avx512() { return x86_has(kX86Avx512); }
bool has_avx512_vnni() { return x86_has(kX86Avx512Vnni); }
#endif

#if defined(SKETCHRNN_HAS_AVX_VNNI)
bool has_avx_vnni() { return x86_has(kX86AvxVnni); }
#endif

#if defined(SKETCHRNN_HAS_AMX)
// The processor's matrix unit, and Linux's leave to use it (since 5.16), which holds for the whole
// process: Documentation/arch/x86/xstate.rst.
bool has_amx() {
  if (!x86_has(kX86Amx)) return false;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#endif

#if defined(SKETCHRNN_HAS_NEON_DOT)
// Whether the system knows the processor to have what each names in its own way; where numbers stand,
// for headers older than those.
#if defined(__linux__)  // Documentation/arch/arm64/elf_hwcaps.rst
bool has_dot() { return (getauxval(AT_HWCAP) & 1ul << 20) != 0; }    // HWCAP_ASIMDDP
bool has_i8mm() { return (getauxval(AT_HWCAP2) & 1ul << 13) != 0; }  // HWCAP2_I8MM
#elif defined(__APPLE__)
bool told(const char* feature) {
  int has = 0;
  std::size_t size = sizeof has;
  return sysctlbyname(feature, &has, &size, nullptr, 0) == 0 && has != 0;
}
bool has_dot() { return told("hw.optional.arm.FEAT_DotProd"); }
bool has_i8mm() { return told("hw.optional.arm.FEAT_I8MM"); }
#elif defined(_WIN32)
bool has_dot() { return IsProcessorFeaturePresent(43) != 0; }   // PF_ARM_V82_DP_…
bool has_i8mm() { return IsProcessorFeaturePresent(66) != 0; }  // PF_ARM_V82_I8MM_…
#else
bool has_dot() { return false; }
bool has_i8mm() { return false; }
#endif
[[maybe_unused]] bool has_dot_and_i8mm() { return has_dot() && has_i8mm(); }
#endif

#if defined(SKETCHRNN_HAS_RELAXED_SIMD)
// Whether f32x4.relaxed_madd rounds once: the engine decides, and the kernels themselves are asked.
// (1 + 2^-12)² − (1 + 2^-11) is 2^-24; of a product rounded by itself nothing is left.
bool relaxed_madd_fuses() {
  float h[2 * kDotSums] = {};
  float weights[2 * kDotSums] = {};
  h[0] = 1.0f;
  weights[0] = -(1.0f + 0x1p-11f);
  h[kDotSums] = weights[kDotSums] = 1.0f + 0x1p-12f;
  Packed net{};
  net.head_stride = 2 * kDotSums;
  net.head = weights;
  net.head_scale = 1.0;
  const double zero = 0.0;
  const double* const bias = &zero;
  float out = 0.0f;
  kWasmRelaxed.head(net, 0, 1, 1, &bias, h, net.head_stride, &out, 1);
  return out == 0x1p-24f;
}
#endif

struct Known {
  const char* name;
  const char* needs;
  const char* elsewhere;   // why a build may not have it
  const Kernels* kernels;  // null: not in this build
  bool (*supported)();     // null: wherever it is built
};

constexpr const char* kX86 = "it is for x86-64";
constexpr const char* kArm64 = "it is for 64-bit Arm";
constexpr const char* kBrowser = "it is for WebAssembly";

const Known kKnown[] = {
    {"portable", "", "it was left out", SKETCHRNN_PLAIN(&kPortable), nullptr},
    {"neon", "Advanced SIMD", kArm64, SKETCHRNN_ARM64(&kNeon), nullptr},
    {"neondot", "the dot-product extension", kArm64, SKETCHRNN_DOT(&kNeonDot),
     SKETCHRNN_DOT(has_dot)},
    {"neoni8mm", "the dot-product extension or matrix products of bytes", kArm64,
     SKETCHRNN_I8MM(&kNeonI8mm), SKETCHRNN_I8MM(has_dot_and_i8mm)},
    {"avx2", "AVX2, FMA or F16C", kX86, SKETCHRNN_X86(&kAvx2), SKETCHRNN_X86(has_avx2)},
    {"avxvnni", "AVX2, FMA, F16C or AVX-VNNI", "it is for x86-64 and compilers that know AVX-VNNI",
     SKETCHRNN_VNNI(&kAvxVnni), SKETCHRNN_VNNI(has_avx_vnni)},
    {"avx512", "AVX-512 F, BW, DQ or VL", kX86, SKETCHRNN_X86(&kAvx512), SKETCHRNN_X86(has_avx512)},
    {"avx512vnni", "AVX-512 F, BW, DQ, VL or VNNI", kX86, SKETCHRNN_X86(&kAvx512Vnni),
     SKETCHRNN_X86(has_avx512_vnni)},
    {"avx512amx", "AVX-512 VNNI or AMX", "it is for x86-64, Linux and compilers that know AMX",
     SKETCHRNN_AMX(&kAvx512Amx), SKETCHRNN_AMX(has_amx)},
    {"wasm", "", kBrowser, SKETCHRNN_WASM(&kWasm), nullptr},
    {"wasm_relaxed", "a relaxed multiply-add that rounds once", kBrowser,
     SKETCHRNN_RELAXED(&kWasmRelaxed), SKETCHRNN_RELAXED(relaxed_madd_fuses)},
};

std::vector<Isa> detect() {
  std::vector<Isa> all;
  for (const Known& isa : kKnown) {
    if (isa.kernels == nullptr)
      all.push_back({isa.name, nullptr, false, std::string("not in this build: ") + isa.elsewhere});
    else if (isa.supported != nullptr && !isa.supported())
      all.push_back({isa.name, isa.kernels, false,
                     std::string("the processor or the system lacks ") + isa.needs});
    else
      all.push_back({isa.name, isa.kernels, true, ""});
  }
  return all;
}

}  // namespace

const std::vector<Isa>& isas() {
  static const std::vector<Isa> all = detect();
  return all;
}

const Kernels& choose_kernels() {
  const char* forced = std::getenv("SKETCHRNN_ISA");
  const Isa* best = nullptr;  // there is one: every build has an instruction set without conditions
  std::string working;
  std::string why = "unknown";
  for (const Isa& isa : isas()) {
    if (isa.usable) {
      working += (working.empty() ? "" : ", ") + std::string(isa.name);
      best = &isa;
    }
    if (forced != nullptr && std::string(forced) == isa.name) {
      if (isa.usable) return *isa.kernels;
      why = isa.reason;
    }
  }
  if (forced != nullptr && *forced != '\0')
    throw ArgumentError("SKETCHRNN_ISA: expected one of " + working + ", found \"" +
                        std::string(forced) + "\" (" + why + ")");
  // There is a usable one. NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
  return *best->kernels;
}

}  // namespace sketchrnn
