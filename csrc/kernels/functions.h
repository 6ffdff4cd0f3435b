// exp, log, tanh, σ, sin, cos as one set of polynomials over the vector type V of an ISA file.
//
// Included inside the anonymous namespace of each ISA file, after V. Only operations that IEEE 754
// defines to the last bit are used (+ − × ÷ √ fma, comparisons, integer operations on the bits), so
// every ISA returns the same bits. The coefficients are minimax fits (Remez exchange) made for the
// stated ranges; the stated errors are those of the polynomial before rounding to float32.

#include "vector.h"

// Brings x into [lo, hi]; a NaN (possible only with weights that overflow) becomes lo, so that no
// later step can meet one: V::max and V::min return the second operand when one is a NaN.
SKETCHRNN_FN F clamp(F x, float lo, float hi) {
  return V::min(V::max(x, constant(lo)), constant(hi));
}

// 1.5·2^23: adding it to |x| < 2^22 leaves round-to-nearest(x) in the low bits of the sum.
constexpr float kRound = 12582912.0f;

// Brings x into [−limit, limit]; a NaN as in clamp.
SKETCHRNN_FN F clamp_magnitude(F x, float limit) {
#if defined(SKETCHRNN_V_SCALES)
  return V::least_magnitude(x, constant(limit));
#else
  return clamp(x, -limit, limit);
#endif
}

// 2^r − 1 = r·q(r) = p for |r| ≤ ½, to a relative error of 1.1e-8. With n + r = x then
// 2^x − 1 = 2^n·p + (2^n − 1).
SKETCHRNN_FN F exp2_poly(F r) {
  F q = constant(0x1.4308fap-13f);
  q = V::fma(q, r, constant(0x1.5f07c8p-10f));
  q = V::fma(q, r, constant(0x1.3b2ba0p-7f));
  q = V::fma(q, r, constant(0x1.c6af6ep-5f));
  q = V::fma(q, r, constant(0x1.ebfbdep-3f));
  q = V::fma(q, r, constant(0x1.62e430p-1f));
  return V::mul(q, r);
}

#if defined(SKETCHRNN_V_SCALES)

SKETCHRNN_FN F exp2(F x) {
  const F r = V::less_nearest(x);
  // A product with 2^n commutes with rounding: the bits of fma(2^n, p, 2^n).
  return V::times_exp2(V::add(exp2_poly(r), constant(1.0f)), V::sub(x, r));
}

SKETCHRNN_FN F exp2m1(F x) {
  const F r = V::less_nearest(x);
  const F scale = V::times_exp2(constant(1.0f), V::sub(x, r));
  return V::fma(scale, exp2_poly(r), V::sub(scale, constant(1.0f)));
}

#else

// p, and 2^n in `scale`. |x| must stay below 126.
SKETCHRNN_FN F exp2_parts(F x, F& scale) {
  const F shifted = V::add(x, constant(kRound));
  scale = V::as_float(
      V::add_int(V::template shift_left<23>(V::as_int(shifted)), V::set1_int(0x3f800000)));
  return exp2_poly(V::sub(x, V::sub(shifted, constant(kRound))));
}

SKETCHRNN_FN F exp2(F x) {
  F scale;
  const F p = exp2_parts(x, scale);
  return V::fma(scale, p, scale);
}

// 2^x − 1 without cancellation near 0.
SKETCHRNN_FN F exp2m1(F x) {
  F scale;
  const F p = exp2_parts(x, scale);
  return V::fma(scale, p, V::sub(scale, constant(1.0f)));
}

#endif

struct Reduced {
  F scale;  // 2^n
  F p;      // exp(r) − 1, |r| ≤ ln 2 / 2
};

// exp(x) = 2^n · (1 + p). |x| must be below 87.3, else 2^n leaves the normal floats.
SKETCHRNN_FN Reduced exp_parts(F x) {
  const F shifted = V::fma(x, constant(1.44269504f), constant(kRound));
  const F n = V::sub(shifted, constant(kRound));
  // ln 2 in two parts, the first with 12 trailing zero bits so that n·ln2_hi is exact.
  F r = V::fma(n, constant(-0.693145752f), x);
  r = V::fma(n, constant(-1.42860677e-06f), r);
  // exp(r) − 1 = r + r²·q(r); relative error of the result 3.1e-9.
  F q = constant(0x1.6a2434p-10f);
  q = V::fma(q, r, constant(0x1.1239e2p-7f));
  q = V::fma(q, r, constant(0x1.5558f2p-5f));
  q = V::fma(q, r, constant(0x1.555492p-3f));
  q = V::fma(q, r, constant(0x1.fffffcp-2f));
  const F p = V::fma(V::mul(r, r), q, r);
  const F scale = V::as_float(
      V::add_int(V::template shift_left<23>(V::as_int(shifted)), V::set1_int(0x3f800000)));
  return {scale, p};
}

constexpr float kExpMin = -87.0f;  // exp(−87) = 1.6e-38 is still a normal float
constexpr float kExpMax = 88.0f;   // exp(88) = 1.7e38 is still finite

SKETCHRNN_FN F exp(F x) {
  const Reduced e = exp_parts(clamp(x, kExpMin, kExpMax));
  return V::fma(e.scale, e.p, e.scale);
}

// exp(x) − 1 without cancellation near 0.
SKETCHRNN_FN F expm1(F x) {
  const Reduced e = exp_parts(clamp(x, kExpMin, kExpMax));
  return V::fma(e.scale, e.p, V::sub(e.scale, constant(1.0f)));
}

// Beyond ±17 tanh rounds to ±1 in float32 (1 − tanh(9.1) is already below 2^-25).
SKETCHRNN_FN F tanh(F x) {
  const F t = expm1(clamp(V::mul(x, constant(-2.0f)), -34.0f, 34.0f));
  return V::div(V::sub(constant(0.0f), t), V::add(t, constant(2.0f)));
}

SKETCHRNN_FN F sigmoid(F x) {
  const F e = exp(V::sub(constant(0.0f), x));
  return V::div(constant(1.0f), V::add(constant(1.0f), e));
}

// Natural logarithm of a positive normal float.
SKETCHRNN_FN F log(F x) {
  const I bits = V::as_int(x);
  // Exponent such that the mantissa lies in [√½, √2): 0x3f3504f3 are the bits of √½.
  const I e = V::template shift_right<23>(V::add_int(bits, V::set1_int(-0x3f3504f3)));
  const F m = V::as_float(V::sub_int(bits, V::template shift_left<23>(e)));
  const F f = V::sub(m, constant(1.0f));
  // log(1 + f) = f − f²/2 + f³·q(f); relative error 7.5e-10.
  F q = constant(0x1.145796p-4f);
  q = V::fma(q, f, constant(-0x1.de3c04p-4f));
  q = V::fma(q, f, constant(0x1.e6f06ap-4f));
  q = V::fma(q, f, constant(-0x1.fc220ap-4f));
  q = V::fma(q, f, constant(0x1.233768p-3f));
  q = V::fma(q, f, constant(-0x1.555c4ep-3f));
  q = V::fma(q, f, constant(0x1.99a4b6p-3f));
  q = V::fma(q, f, constant(-0x1.000006p-2f));
  q = V::fma(q, f, constant(0x1.555548p-2f));
  const F square = V::mul(f, f);
  F tail = V::fma(V::mul(square, f), q, V::mul(square, constant(-0.5f)));
  const F n = V::to_float(e);
  tail = V::fma(n, constant(1.42860677e-06f), tail);
  return V::fma(n, constant(0.693145752f), V::add(f, tail));
}

// sin and cos of 2πx for x in [0, 1]: turns, so that the reduction to an eighth of a turn is exact.
SKETCHRNN_FN void sincos_turns(F x, F& sine, F& cosine) {
  const F shifted = V::fma(x, constant(4.0f), constant(kRound));
  const F r = V::fma(V::sub(shifted, constant(kRound)), constant(-0.25f), x);
  const F r2 = V::mul(r, r);
  F s = constant(-0x1.2d92e0p+6f);  // relative error 3.2e-9
  s = V::fma(s, r2, constant(0x1.465e92p+6f));
  s = V::fma(s, r2, constant(-0x1.4abbb8p+5f));
  s = V::fma(s, r2, constant(0x1.921fb6p+2f));
  s = V::mul(s, r);
  F c = constant(0x1.d9c330p+5f);  // absolute error 4.7e-11
  c = V::fma(c, r2, constant(-0x1.55c57ap+6f));
  c = V::fma(c, r2, constant(0x1.03c1dcp+6f));
  c = V::fma(c, r2, constant(-0x1.3bd3ccp+4f));
  c = V::fma(c, r2, constant(1.0f));
  // Quadrant q in the low two bits: q odd swaps sine and cosine; signs (+,+) (+,−) (−,−) (−,+).
  const I quadrant = V::as_int(shifted);
  const M odd = V::test(quadrant, V::set1_int(1));
  const I sign_s = V::template shift_left<30>(V::and_int(quadrant, V::set1_int(2)));
  const I sign_c =
      V::template shift_left<30>(V::and_int(V::add_int(quadrant, V::set1_int(1)), V::set1_int(2)));
  sine = V::as_float(V::xor_int(V::as_int(V::select(odd, c, s)), sign_s));
  cosine = V::as_float(V::xor_int(V::as_int(V::select(odd, s, c)), sign_c));
}
