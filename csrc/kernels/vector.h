// What the vector type V of an instruction set must have, and the names that all code over it uses.
//
// Included inside the anonymous namespace of each ISA file, after V. portable.cpp is V in plain
// C++: it fixes what each operation means, to the bit.
//
// Everywhere (functions.h, cell.h, mixture.h; the GPU's V, of one float, has just these):
//   kWidth                        floats in a vector; divides kMaxWidth
//   F, I, M                       kWidth float32; as many int32; as many truths
//   load, set1, set1_int          from memory on any address; one number everywhere
//   fma(a, b, c)                  a·b + c, rounded once
//   add sub mul div sqrt          IEEE 754, to nearest
//   min max                       the second operand where one is a NaN
//   less select select_int test   a < b; m ? a : b; whether a has the bit
//   as_int as_float to_float      the same bits; the same number
//   add_int sub_int and_int xor_int shift_left<N> shift_right<N>    int32 that wraps; the right
//                                 shift keeps the sign
// Where SKETCHRNN_V_SCALES is defined, in fewer instructions and to the same bits:
//   least_magnitude(a, b)         the number of lesser magnitude, b > 0, with the sign of a; −b for
//                                 the NaN that an operation without one returns
//   less_nearest(a)               a less the nearest integer, ties to even
//   times_exp2(a, n)              a · 2^n, n whole
// In the processors' step and head (body.h):
//   kGateVecs                     vectors per gate in a panel of kGateVecs · kWidth hidden units
//   kStreams                      sketches whose sums stand in registers together in the step
//   kHeadRows, kHeadStreams       the same for the head's block
//   store store_int load_int
//   load_i16 load_i8 load_f16     kWidth narrow numbers as float32, exactly
//   store_i16 store_i8            the low 16 or 8 bits of each int32
//   dot_i16(sum, w, h)            sum + both products of int16 in each 32-bit word
//   dot_i8(sum, w, h)             sum + four products of a signed byte of w, within ±63, and one of
//                                 h; exact: two of them fit int16
//   kSignedH                      bytes of h are signed, q; else unsigned, q + 128
//   sum_lanes                     adds sixteen sums pairwise: l and l + 8, l + 4, l + 2, l + 1
//   prefetch_l2, keep_in_register hints, which may do nothing

// How functions over V are declared; the GPU's kernels have their own word for it.
#if !defined(SKETCHRNN_FN)
#define SKETCHRNN_FN inline
#endif

static_assert(kMaxWidth % V::kWidth == 0, "buffers come in multiples of kMaxWidth");

using F = V::F;
using I = V::I;
using M = V::M;

SKETCHRNN_FN F constant(float x) { return V::set1(x); }
