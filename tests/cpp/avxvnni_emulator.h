// AVX-VNNI on processors without it, as they come to tests: its two instructions of 256 bits that our
// kernels use raise SIGILL there, and a handler does what they would have done, a microsecond each.
//
// The kernels run as they were compiled, but for those. Linux on x86-64 with AVX2 alone. Encoding and
// meaning by Intel's manual, volume 2: VPDPBUSD (VEX.256.66.0F38.W0 50 /r), VPDPWSSD (52 /r); where
// the kernel keeps a signal's registers by <asm/sigcontext.h> and volume 1, 13.4 (XSAVE, standard form).
#pragma once

#include "kernels/isa.h"

#if defined(__linux__) && defined(__x86_64__)

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace avxvnni {

struct Vector {
  unsigned char bytes[32];
};

// Both halves of a register: its low 128 bits in the area of FXSAVE, the others beyond the header.
class Registers {
 public:
  explicit Registers(const ucontext_t& context)
      : base_(reinterpret_cast<unsigned char*>(context.uc_mcontext.fpregs)) {}
  Vector get(int number) const {
    Vector v;
    std::memcpy(v.bytes, base_ + kLow + 16 * number, 16);
    std::memcpy(v.bytes + 16, base_ + kHigh + 16 * number, 16);
    return v;
  }
  void set(int number, const Vector& v) {
    std::memcpy(base_ + kLow + 16 * number, v.bytes, 16);
    std::memcpy(base_ + kHigh + 16 * number, v.bytes + 16, 16);
    base_[kHeader] |= 4;  // the state component of the high halves holds something
  }

 private:
  static constexpr int kLow = 160, kHeader = 512, kHigh = 576;
  unsigned char* base_;
};

inline long long general(const ucontext_t& context, int number) {
  static constexpr int kOrder[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                   REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                   REG_R12, REG_R13, REG_R14, REG_R15};
  return context.uc_mcontext.gregs[kOrder[number]];
}

template <class T>
T at(const unsigned char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline Vector dot(const Vector& sum, const Vector& left, const Vector& right, bool bytes) {
  Vector out;
  for (int word = 0; word < 32; word += 4) {
    auto total = at<std::uint32_t>(sum.bytes + word);  // unsigned: it wraps
    for (int k = word; k < word + 4; k += bytes ? 1 : 2) {
      const int product =
          bytes ? left.bytes[k] * at<std::int8_t>(right.bytes + k)
                : at<std::int16_t>(left.bytes + k) * at<std::int16_t>(right.bytes + k);
      total += static_cast<std::uint32_t>(product);
    }
    std::memcpy(out.bytes + word, &total, 4);
  }
  return out;
}

// Executes the instruction at the context's address and steps over it; false if it is another.
inline bool execute(ucontext_t& context) {
  auto& rip = context.uc_mcontext.gregs[REG_RIP];
  const auto* code = reinterpret_cast<const unsigned char*>(rip);
  constexpr int kVex3 = 0xC4, kMap0F38 = 2, kLong66 = 0x05;  // L = 1, pp = 66, W = 0
  const int opcode = code[3];
  if (code[0] != kVex3 || (code[1] & 0x1F) != kMap0F38 || (code[2] & 0x87) != kLong66 ||
      (opcode != 0x50 && opcode != 0x52))
    return false;
  const auto extended = [&](int bit) { return (code[1] >> bit & 1) != 0 ? 0 : 8; };  // inverted
  const int mode = code[4] >> 6;
  const int target = (code[4] >> 3 & 7) + extended(7);
  const int left = ~(code[2] >> 3) & 15;
  const int low = code[4] & 7;
  const unsigned char* rest = code + 5;
  Registers registers(context);
  Vector right;
  if (mode == 3) {
    right = registers.get(low + extended(5));
  } else {
    long long address = 0;
    int displacement = mode == 0 ? 0 : mode == 1 ? 1 : 4;
    bool from_rip = false;
    if (low == 4) {  // a scaled index
      const int sib = *rest++;
      const int index = (sib >> 3 & 7) + extended(6);
      if (index != 4) address += general(context, index) * (1LL << (sib >> 6));
      if (mode == 0 && (sib & 7) == 5)
        displacement = 4;
      else
        address += general(context, (sib & 7) + extended(5));
    } else if (mode == 0 && low == 5) {
      displacement = 4;
      from_rip = true;
    } else {
      address += general(context, low + extended(5));
    }
    if (displacement == 1) address += at<std::int8_t>(rest);
    if (displacement == 4) address += at<std::int32_t>(rest);
    rest += displacement;
    if (from_rip) address += reinterpret_cast<long long>(rest);
    std::memcpy(&right, reinterpret_cast<const void*>(address), sizeof right);
  }
  registers.set(target, dot(registers.get(target), registers.get(left), right, opcode == 0x50));
  rip = reinterpret_cast<long long>(rest);
  return true;
}

inline void illegal(int, siginfo_t*, void* context) {
  if (!execute(*static_cast<ucontext_t*>(context))) std::abort();
}

// The kernels for AVX-VNNI if they have to be emulated here, and can; then they run from now on.
inline const sketchrnn::Kernels* emulated() {
  const sketchrnn::Kernels* found = nullptr;
  bool avx2 = false;
  for (const sketchrnn::Isa& isa : sketchrnn::isas()) {
    if (isa.usable && std::string(isa.name) == "avx2") avx2 = true;
    if (!isa.usable && std::string(isa.name) == "avxvnni") found = isa.kernels;
  }
  if (!avx2 || found == nullptr) return nullptr;
  struct sigaction action = {};
  action.sa_sigaction = illegal;
  action.sa_flags = SA_SIGINFO;
  return sigaction(SIGILL, &action, nullptr) == 0 ? found : nullptr;
}

}  // namespace avxvnni

#else

namespace avxvnni {
inline const sketchrnn::Kernels* emulated() { return nullptr; }
}  // namespace avxvnni

#endif
