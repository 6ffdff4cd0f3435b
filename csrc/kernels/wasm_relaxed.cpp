// WebAssembly with relaxed SIMD: what an engine may round in several ways is used only as far as it
// is exact, or fuses here (isa.cpp asks once).
//
//   instruction                        is defined                       used for
//   f32x4.relaxed_madd                 rounded once or twice            fma, where it rounds once
//   i32x4.relaxed_dot_i8x16_i7x16_add  where one factor has 7 bits:     i8, h in two halves of 7
//                                      127 · 127 · 2 fits an int16      bits each
#include <stdint.h>
#include <wasm_simd128.h>

#include "kernels/kernels.h"

namespace sketchrnn {
namespace {

#include "wasm_vec.h"

struct V : Simd128 {
  static F fma(F a, F b, F c) { return wasm_f32x4_relaxed_madd(a, b, c); }
};

#include "body.h"

// h arrives as the unsigned byte q + 128 with |q| ≤ 127. One less is two halves of at most 127;
// `start`, −128 · Σ weights, becomes −127 · Σ weights.
struct ElementI8Halves : ElementI8 {
  static Sum start(const int32_t* correction, int at) {
    const I sum = V::load_int(correction + at);
    return V::sub_int(sum, V::shift_right<7>(sum));
  }
  static Sum dot(Sum sum, F weights, F h) {
    const v128_t q = wasm_i8x16_sub(h, wasm_i8x16_splat(1));
    const v128_t half = wasm_u8x16_shr(q, 1);
    const v128_t rest = wasm_i8x16_sub(q, half);
    sum = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(weights, half, sum);
    return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(weights, rest, sum);
  }
};

void step_relaxed(const Packed& net, int first_panel, int last_panel, bool backwards, int n,
                  const Input* input, const float* h_in, float* c, float* h_out, size_t stride,
                  float* rounded) {
  if (net.precision != Precision::i8)
    return step(net, first_panel, last_panel, backwards, n, input, h_in, c, h_out, stride, rounded);
  round_hidden(net, n, h_in, stride, rounded);
  step_panels<ElementI8Halves>(net, first_panel, last_panel, backwards, n, input, rounded, c, h_out,
                               stride);
}

}  // namespace

const Kernels kWasmRelaxed = {"wasm_relaxed", kPanel, step_relaxed, head, choose, place};

}  // namespace sketchrnn
