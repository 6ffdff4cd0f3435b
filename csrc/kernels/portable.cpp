// Plain C++ for any machine: vectors of four floats as arrays, which a compiler may or may not turn
// into SIMD instructions. It fixes the meaning of every operation for the other ISA files.

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

#if FLT_EVAL_METHOD != 0
#error "float and double must be computed as such; on 32-bit x86 compile with -msse2 -mfpmath=sse"
#endif

namespace sketchrnn {
namespace {

// Correctly rounded a·b + c in float32 on machines without the instruction. In double the product
// is exact; the sum is rounded to odd (Boldo & Melquiond 2008), after which rounding to float32
// gives the same as one rounding of the exact value.
inline float fused(float a, float b, float c) {
#if defined(__GNUC__) && \
    (defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__) || defined(__riscv_f))
  return __builtin_fmaf(a, b, c);
#else
  const double product = static_cast<double>(a) * b;
  const double addend = c;
  double sum = product + addend;
  const double virtual_addend = sum - product;
  const double error = (product - (sum - virtual_addend)) + (addend - virtual_addend);
  int64_t bits;
  memcpy(&bits, &sum, sizeof bits);
  const int64_t inexact = error > 0.0 || error < 0.0;
  const int64_t even = ~bits & 1;
  const int64_t away = (error > 0.0) == (sum > 0.0) ? 1 : -1;
  bits += inexact & even ? away : 0;
  memcpy(&sum, &bits, sizeof bits);
  return static_cast<float>(sum);
#endif
}

struct V {
  static constexpr int kWidth = 4;
  static constexpr int kGateVecs = 2;
  static constexpr int kStreams = 2;
  static constexpr int kHeadRows = 1;
  static constexpr int kHeadStreams = 1;
  static constexpr bool kSignedH = false;
  struct F {
    float v[kWidth];
  };
  struct I {
    int32_t v[kWidth];
  };
  struct M {
    bool v[kWidth];
  };

  template <class R, class Op>
  static R map(Op op) {
    R r;
    for (int i = 0; i < kWidth; ++i) r.v[i] = op(i);
    return r;
  }
  // Integer arithmetic wraps, as in the SIMD instructions.
  static int32_t wrap(uint32_t x) {
    int32_t r;
    memcpy(&r, &x, sizeof r);
    return r;
  }

  static F load(const float* p) {
    return map<F>([&](int i) { return p[i]; });
  }
  static F load_i16(const int16_t* p) {
    return map<F>([&](int i) { return static_cast<float>(p[i]); });
  }
  static F load_i8(const int8_t* p) {
    return map<F>([&](int i) { return static_cast<float>(p[i]); });
  }
  // Exponent and mantissa moved into place, subnormals too, then the exponent's bias corrected.
  static F load_f16(const uint16_t* p) {
    const auto magnitude = as_float(map<I>([&](int i) { return (p[i] & 0x7FFF) << 13; }));
    const F correct = mul(magnitude, set1(0x1p112f));
    return as_float(map<I>([&](int i) {
      return as_int(correct).v[i] | wrap(static_cast<uint32_t>(p[i] & 0x8000) << 16);
    }));
  }
  static void store(float* p, F a) { memcpy(p, a.v, sizeof a.v); }
  static void store_int(int32_t* p, I a) { memcpy(p, a.v, sizeof a.v); }
  static I load_int(const int32_t* p) {
    return map<I>([&](int i) { return p[i]; });
  }
  static void store_i16(int16_t* p, I a) {
    for (int i = 0; i < kWidth; ++i) p[i] = static_cast<int16_t>(a.v[i]);
  }
  static void store_i8(uint8_t* p, I a) {
    for (int i = 0; i < kWidth; ++i) p[i] = static_cast<uint8_t>(a.v[i]);
  }
  // sum + two products of int16 in each 32-bit word.
  static I dot_i16(I sum, I a, I b) {
    int16_t x[2 * kWidth], y[2 * kWidth];
    memcpy(x, a.v, sizeof x);
    memcpy(y, b.v, sizeof y);
    return map<I>(
        [&](int i) { return sum.v[i] + x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1]; });
  }
  // sum + four products of a signed byte of a with an unsigned one of b.
  static I dot_i8(I sum, I a, I b) {
    int8_t x[4 * kWidth];
    uint8_t y[4 * kWidth];
    memcpy(x, a.v, sizeof x);
    memcpy(y, b.v, sizeof y);
    return map<I>([&](int i) {
      int32_t total = sum.v[i];
      for (int k = 4 * i; k < 4 * i + 4; ++k) total += x[k] * y[k];
      return total;
    });
  }
  static void prefetch_l2(const char*) {}
  static void keep_in_register(F&) {}
  static F set1(float x) {
    return map<F>([&](int) { return x; });
  }
  static I set1_int(int32_t x) {
    return map<I>([&](int) { return x; });
  }
  static F fma(F a, F b, F c) {
    return map<F>([&](int i) { return fused(a.v[i], b.v[i], c.v[i]); });
  }
  static F add(F a, F b) {
    return map<F>([&](int i) { return a.v[i] + b.v[i]; });
  }
  static F sub(F a, F b) {
    return map<F>([&](int i) { return a.v[i] - b.v[i]; });
  }
  static F mul(F a, F b) {
    return map<F>([&](int i) { return a.v[i] * b.v[i]; });
  }
  static F div(F a, F b) {
    return map<F>([&](int i) { return a.v[i] / b.v[i]; });
  }
  static F sqrt(F a) {
    return map<F>([&](int i) { return ::sqrtf(a.v[i]); });
  }
  static M less(F a, F b) {
    return map<M>([&](int i) { return a.v[i] < b.v[i]; });
  }
  static F select(M m, F a, F b) {
    return map<F>([&](int i) { return m.v[i] ? a.v[i] : b.v[i]; });
  }
  static F min(F a, F b) { return select(less(a, b), a, b); }
  static F max(F a, F b) { return select(less(b, a), a, b); }
  static I select_int(M m, I a, I b) {
    return map<I>([&](int i) { return m.v[i] ? a.v[i] : b.v[i]; });
  }
  static M test(I a, I bit) {
    return map<M>([&](int i) { return (a.v[i] & bit.v[i]) != 0; });
  }
  static I as_int(F a) {
    I r;
    memcpy(r.v, a.v, sizeof r.v);
    return r;
  }
  static F as_float(I a) {
    F r;
    memcpy(r.v, a.v, sizeof r.v);
    return r;
  }
  static F to_float(I a) {
    return map<F>([&](int i) { return static_cast<float>(a.v[i]); });
  }
  static I add_int(I a, I b) {
    return map<I>(
        [&](int i) { return wrap(static_cast<uint32_t>(a.v[i]) + static_cast<uint32_t>(b.v[i])); });
  }
  static I sub_int(I a, I b) {
    return map<I>(
        [&](int i) { return wrap(static_cast<uint32_t>(a.v[i]) - static_cast<uint32_t>(b.v[i])); });
  }
  static I and_int(I a, I b) {
    return map<I>([&](int i) { return a.v[i] & b.v[i]; });
  }
  static I xor_int(I a, I b) {
    return map<I>([&](int i) { return a.v[i] ^ b.v[i]; });
  }
  template <int N>
  static I shift_left(I a) {
    return map<I>([&](int i) { return wrap(static_cast<uint32_t>(a.v[i]) << N); });
  }
  // Arithmetic shift, spelt without the implementation-defined >> of negative numbers.
  template <int N>
  static I shift_right(I a) {
    return map<I>([&](int i) {
      const uint32_t x = static_cast<uint32_t>(a.v[i]);
      return wrap(a.v[i] < 0 ? ~(~x >> N) : x >> N);
    });
  }
  static float sum_lanes(const F (&a)[kMaxWidth / kWidth]) {
    const F b = add(add(a[0], a[2]), add(a[1], a[3]));
    return (b.v[0] + b.v[2]) + (b.v[1] + b.v[3]);
  }
};

#include "body.h"

}  // namespace

const Kernels kPortable = {"portable", kPanel, step, head, choose, place};

}  // namespace sketchrnn
