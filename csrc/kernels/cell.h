// What happens to one vector of hidden units once its gate sums are there, and how h is rounded.
//
// Included after V and functions.h, by the processors' kernels (body.h) and by the GPU's, so that
// both return the same bits.

// New cell and hidden state from the four gate sums (bias and the forget gate's +1 included):
//   c' = c·σ(f) + σ(i)·tanh(j),  h' = tanh(c')·σ(o)
// The sums come with the factors of kGateScale, so that with E = 2^sum and t = 2^sum − 1 simply
// σ = 1/(1 + E) and tanh(j) = −t/(2 + t); the first line is one fraction then, with one division:
//   c' = (c·(1 + Ei)·(2 + t) − t·(1 + Ef)) / ((1 + Ef)·(1 + Ei)·(2 + t))
// Each factor is at most 1 + 2^42, so that three of them stay below the largest float (2^128), and
// clamping there moves σ by 2^-42 = 2e-13 and tanh by nothing that float32 can hold.
constexpr float kExponentLimit = 42.0f;
constexpr float kTanhScale = kGateScale[1];

SKETCHRNN_FN F clamped(F sum) { return clamp_magnitude(sum, kExponentLimit); }

struct Fraction {
  F numerator, denominator;
};

SKETCHRNN_FN Fraction cell_fraction(F i, F j, F f, F c) {
  const F one = constant(1.0f);
  const F di = V::add(one, exp2(clamped(i)));
  const F t = exp2m1(clamped(j));
  const F df = V::add(one, exp2(clamped(f)));
  const F dij = V::mul(di, V::add(constant(2.0f), t));
  const F numerator = V::sub(V::mul(c, dij), V::mul(t, df));
  return {numerator, V::mul(df, dij)};
}

SKETCHRNN_FN F new_cell(F i, F j, F f, F c) {
  const Fraction cell = cell_fraction(i, j, f, c);
  return V::div(cell.numerator, cell.denominator);
}

// 1 + Eo, the denominator of σ(o).
SKETCHRNN_FN F output_denominator(F o) { return V::add(constant(1.0f), exp2(clamped(o))); }

// −h', so that who divides knows best how to change its sign.
SKETCHRNN_FN Fraction negative_hidden_fraction(F denominator, F c) {
  const F t = exp2m1(clamped(V::mul(c, constant(kTanhScale))));
  return {t, V::mul(V::add(constant(2.0f), t), denominator)};
}

SKETCHRNN_FN F new_hidden(F denominator, F c) {
  const Fraction hidden = negative_hidden_fraction(denominator, c);
  return V::div(V::sub(constant(0.0f), hidden.numerator), hidden.denominator);
}

// h as the integer that the integer precisions multiply, in the low 16 bits.
SKETCHRNN_FN I rounded_bits(F h, F scale, float limit) {
  const F most = constant(limit);
  const F bounded = V::min(V::max(V::mul(h, scale), V::sub(constant(0.0f), most)), most);
  // Adding 1.5·2^23 rounds to the nearest integer, which the low bits then hold.
  return V::as_int(V::add(bounded, constant(kRound)));
}

SKETCHRNN_FN I rounded_integer(F h, F scale, float limit) {
  return V::sub_int(rounded_bits(h, scale, limit), V::as_int(constant(kRound)));
}
