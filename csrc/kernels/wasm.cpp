// WebAssembly's SIMD (simd128), which has no fused multiply-add: it is made of float64, exactly.
//
// In float64 the product is exact and the sum rounded to 53 bits; rounding that to float32 gives
// what one rounding of the exact value gives, unless the first rounding met a tie of the second
// (the 29 bits that float32 drops are 1000…) or the result is no normal float32, whose ties lie
// elsewhere. Those lanes, about one vector in 10^8, are rounded to odd first (Boldo & Melquiond
// 2008), as portable.cpp does for all.
#include <stdint.h>
#include <wasm_simd128.h>

#include "kernels/kernels.h"

namespace sketchrnn {
namespace {

// Constants that an engine shall load: V8 makes a v128.const anew at each use, in four instructions.
struct Constants {
  v128_t dropped = wasm_i32x4_splat(0x1FFFFFFF);  // the bits that float32 drops, of the lower word
  v128_t tie = wasm_i32x4_splat(0x10000000);
  v128_t magnitude = wasm_i32x4_splat(0x7FFFFFFF);
  // Below it: upper words of |x| from the smallest float64 above 0 to 2^-126, magnitude added.
  v128_t smallest = wasm_i32x4_splat(static_cast<int32_t>(0x80000000u + ((1023 - 126) << 20) - 1));
};

inline const Constants& constants() {
  static Constants held;
  const Constants* opaque = &held;
  asm("" : "+r"(opaque));  // or the compiler would know them, and make constants of them again
  return *opaque;
}

#include "wasm_vec.h"

struct V : Simd128 {
  // Two of the four sums a·b + c in float64.
  struct Wide {
    v128_t product, addend, sum;
  };
  static Wide low(F a, F b, F c) {
    const v128_t product =
        wasm_f64x2_mul(wasm_f64x2_promote_low_f32x4(a), wasm_f64x2_promote_low_f32x4(b));
    const v128_t addend = wasm_f64x2_promote_low_f32x4(c);
    return {product, addend, wasm_f64x2_add(product, addend)};
  }
  static v128_t upper(F a) { return wasm_i64x2_shuffle(a, a, 1, 1); }

  // Whether one of four float64 may round to another float32 than the exact values they stand for.
  static v128_t doubtful(v128_t low, v128_t high) {
    const v128_t bits_low = wasm_i32x4_shuffle(low, high, 0, 2, 4, 6);
    const v128_t bits_high = wasm_i32x4_shuffle(low, high, 1, 3, 5, 7);
    const Constants& known = constants();
    const v128_t tie = wasm_i32x4_eq(wasm_v128_and(bits_low, known.dropped), known.tie);
    // The magnitude added moves 0 to the largest, and the rest to where comparisons order it.
    const v128_t moved = wasm_i32x4_add(wasm_v128_and(bits_high, known.magnitude), known.magnitude);
    const v128_t small = wasm_i32x4_lt(moved, known.smallest);
    return wasm_v128_or(tie, small);
  }

  // The sum rounded to odd: where it is not exact and even, one up or down towards what is missing.
  static v128_t to_odd(const Wide& x) {
    const v128_t virtual_addend = wasm_f64x2_sub(x.sum, x.product);
    const v128_t error =
        wasm_f64x2_add(wasm_f64x2_sub(x.product, wasm_f64x2_sub(x.sum, virtual_addend)),
                       wasm_f64x2_sub(x.addend, virtual_addend));
    const v128_t zero = wasm_f64x2_splat(0.0);
    const v128_t one = wasm_i64x2_splat(1);
    // True is −1. NaN and infinity have errors that are NaN: neither above 0 nor below.
    const v128_t inexact = wasm_v128_or(wasm_f64x2_gt(error, zero), wasm_f64x2_lt(error, zero));
    const v128_t odd = wasm_i64x2_eq(wasm_v128_and(x.sum, one), one);
    const v128_t towards_zero =
        wasm_v128_xor(wasm_f64x2_gt(error, zero), wasm_f64x2_gt(x.sum, zero));
    const v128_t away = wasm_v128_or(towards_zero, one);  // −1 or 1
    return wasm_i64x2_add(x.sum, wasm_v128_and(wasm_v128_andnot(inexact, odd), away));
  }

  static F narrow(v128_t low, v128_t high) {
    return wasm_i64x2_shuffle(wasm_f32x4_demote_f64x2_zero(low), wasm_f32x4_demote_f64x2_zero(high),
                              0, 2);
  }

  [[gnu::noinline]] static F exactly(F a, F b, F c) {
    return narrow(to_odd(low(a, b, c)), to_odd(low(upper(a), upper(b), upper(c))));
  }

  static F fma(F a, F b, F c) {
    const v128_t first = low(a, b, c).sum;
    const v128_t second = low(upper(a), upper(b), upper(c)).sum;
    if (__builtin_expect(wasm_v128_any_true(doubtful(first, second)), 0)) return exactly(a, b, c);
    return narrow(first, second);
  }
};

#include "body.h"

// The recurrent sums of f32 in float64, one vector of a gate after another; whether a rounding was in
// doubt is asked once a block, and its sums are made again exactly then.
template <class Exact>
struct Hopeful : Exact {};

// What is added to the sum of the vector at `at`; false where a rounding was in doubt.
template <class Exact>
inline bool sum_vectors(const Block<typename Exact::Word>& block, const float* h, int at,
                        v128_t (&low)[2], v128_t (&high)[2]) {
  for (int v = 0; v < 2; ++v) low[v] = high[v] = wasm_f64x2_splat(0.0);
  v128_t doubt = wasm_i32x4_splat(0);
  const auto* weights = block.weights + at;
  for (int k = 0; k < block.count; ++k, weights += kRowFloats) {
    const v128_t x = wasm_f64x2_splat(static_cast<double>(h[k]));
    for (int v = 0; v < 2; ++v) {
      const F w = Exact::load(weights + v * V::kWidth);
      const v128_t first =
          wasm_f64x2_add(wasm_f64x2_mul(x, wasm_f64x2_promote_low_f32x4(w)), low[v]);
      const v128_t second =
          wasm_f64x2_add(wasm_f64x2_mul(x, wasm_f64x2_promote_low_f32x4(V::upper(w))), high[v]);
      doubt = wasm_v128_or(doubt, V::doubtful(first, second));
      low[v] = wasm_f64x2_promote_low_f32x4(wasm_f32x4_demote_f64x2_zero(first));
      high[v] = wasm_f64x2_promote_low_f32x4(wasm_f32x4_demote_f64x2_zero(second));
    }
  }
  return !wasm_v128_any_true(doubt);
}

template <class Exact>
inline void sum_sketches(Hopeful<Exact>, const Block<typename Exact::Word>& block, int n,
                         const float* h, size_t stride, float* totals, Ahead&) {
  for (int s = 0; s < n; ++s, h += stride, totals += kRowFloats) {
    for (int v = 0; v < kVecs; v += 2) {
      v128_t low[2], high[2];
      const bool sure = sum_vectors<Exact>(block, h, v * V::kWidth, low, high);
      for (int i = 0; i < 2; ++i) {
        const int at = (v + i) * V::kWidth;
        F sum = V::narrow(low[i], high[i]);
        if (!sure) {
          sum = V::set1(0.0f);
          for (int k = 0; k < block.count; ++k)
            sum = V::exactly(V::set1(h[k]), Exact::load(block.weights + k * kRowFloats + at), sum);
        }
        V::store(totals + at, V::fma(sum, V::load(block.scale + at), V::load(totals + at)));
      }
    }
  }
}

}  // namespace

const Kernels kWasm = {"wasm", kPanel, step_as<Hopeful>, head, choose, place};

}  // namespace sketchrnn
