// WebAssembly with relaxed SIMD: what an engine may round in several ways is used only as far as it
// is exact, or fuses here (isa.cpp asks once).
//
//   instruction                        is defined                       used for
//   f32x4.relaxed_madd                 rounded once or twice            fma, where it rounds once
//   i32x4.relaxed_dot_i8x16_i7x16_add  where one factor has 7 bits:     i8, the weights brought to
//                                      127 · 127 · 2 fits an int16      0 … 127
#include <stdint.h>
#include <wasm_simd128.h>

#include "kernels/kernels.h"

namespace sketchrnn {
namespace {

#include "wasm_vec.h"

struct V : Simd128 {
  static constexpr bool kSignedH = true;
  static void store_i8(uint8_t* p, I a) {
    const v128_t half = wasm_i16x8_narrow_i32x4(a, a);
    wasm_v128_store32_lane(p, wasm_i8x16_narrow_i16x8(half, half), 0);
  }
  static F fma(F a, F b, F c) { return wasm_f32x4_relaxed_madd(a, b, c); }
};

#include "body.h"

// The factor of 7 bits is the weight, packed with 64 added: 1 to 127. 64 · Σ q, which all sums of a
// sketch have too much then, is one more product with each word of h.
constexpr int kAdded = 64;

struct ElementI8Seven : ElementI8 {
  struct Shared {
    I excess = wasm_i32x4_splat(0);

    F meet(F h) {
      excess = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(h, wasm_i8x16_splat(kAdded), excess);
      return h;
    }
    Sum off(Sum sum) const { return V::sub_int(sum, excess); }
  };
  static Sum dot(Sum sum, F weights, F h) {
    return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(h, weights, sum);
  }
};

}  // namespace

const Kernels kWasmRelaxed = {"wasm_relaxed", kPanel, step_as<Itself, ElementI8Seven>, head, choose,
                              place,          kAdded};

}  // namespace sketchrnn
