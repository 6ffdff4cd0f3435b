#include "isa.h"

#include <cstdlib>

#include "error.h"

#if defined(SKETCHRNN_HAS_AMX)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sketchrnn {
namespace {

#if defined(__x86_64__)
Isa usable_if(bool supported, const char* name, const Kernels& kernels, const char* needs) {
  return {name, &kernels, supported,
          supported ? "" : std::string("the processor or the system lacks ") + needs};
}
#endif

#if defined(SKETCHRNN_HAS_AMX)
// The processor's matrix unit, and Linux's leave to use it (since 5.16), which holds for the whole
// process: Documentation/arch/x86/xstate.rst.
bool amx_granted() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kTile = 1u << 24, kInt8 = 1u << 25;  // CPUID 7.0, EDX
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  if ((d & kTile) == 0 || (d & kInt8) == 0) return false;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#endif

std::vector<Isa> detect() {
  std::vector<Isa> all;
  all.push_back({"portable", &kPortable, true, ""});
#if defined(__x86_64__)
  // The compiler's run-time library asks CPUID and also XGETBV, that is whether the operating
  // system saves the wide registers.
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  all.push_back({"neon", nullptr, false, "not in this build: it is for 64-bit Arm"});
  all.push_back(usable_if(avx2, "avx2", kAvx2, "AVX2, FMA or F16C"));
  all.push_back(usable_if(avx512, "avx512", kAvx512, "AVX-512 F, BW, DQ or VL"));
  const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  all.push_back(usable_if(vnni, "avx512vnni", kAvx512Vnni, "AVX-512 F, BW, DQ, VL or VNNI"));
#if defined(SKETCHRNN_HAS_AMX)
  all.push_back(usable_if(vnni && amx_granted(), "avx512amx", kAvx512Amx, "AVX-512 VNNI or AMX"));
#else
  all.push_back({"avx512amx", nullptr, false, "not in this build: the compiler lacks AMX"});
#endif
#elif defined(__aarch64__)
  all.push_back({"avx2", nullptr, false, "not in this build: it is for x86-64"});
  all.push_back({"avx512", nullptr, false, "not in this build: it is for x86-64"});
  all.push_back({"avx512vnni", nullptr, false, "not in this build: it is for x86-64"});
  all.push_back({"avx512amx", nullptr, false, "not in this build: it is for x86-64"});
  all.push_back({"neon", &kNeon, true, ""});
#else
  for (const char* name : {"neon", "avx2", "avx512", "avx512vnni", "avx512amx"})
    all.push_back({name, nullptr, false, "not in this build: it is for other processors"});
#endif
  return all;
}

}  // namespace

const std::vector<Isa>& isas() {
  static const std::vector<Isa> all = detect();
  return all;
}

const Kernels& choose_kernels() {
  const char* forced = std::getenv("SKETCHRNN_ISA");
  const Isa* best = &isas().front();  // portable, which is always usable
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
  return *best->kernels;
}

}  // namespace sketchrnn
