// exp and tanh in float64 of nothing but + − × ÷ and powers of two: the same bits on every machine,
// which the system's libraries do not promise. Good for float32 results: tests/cpp/latent.cpp.
#pragma once

#include <cmath>

namespace sketchrnn {

// 0 below −745 and infinite beyond 710, as the exact value is when it is rounded.
inline double exact_exp(double x) {
  if (!(x > -745.0)) return std::isnan(x) ? x : 0.0;
  if (x > 710.0) return HUGE_VAL;
  constexpr double log2e = 1.4426950408889634;
  // ln 2 in two parts, the first of 33 bits, so that k times it is exact (Cody & Waite 1980).
  constexpr double ln2_high = 0.693147180369123816490;
  constexpr double ln2_low = 1.90821492927058770002e-10;
  const double k = std::floor(x * log2e + 0.5);
  const double r = (x - k * ln2_high) - k * ln2_low;  // within ± ln 2 / 2
  // Taylor: the next term, r^14 / 14!, is 4e-18.
  double sum = 1.0;
  for (int n = 13; n > 0; --n) sum = 1.0 + sum * r / n;
  return std::ldexp(sum, static_cast<int>(k));
}

inline double exact_tanh(double x) {
  const double a = std::fabs(x);
  // tanh x = x − x³/3 + … is x to the last bit of float32; above it what cancels in 1 − … is less
  // than float32 can tell.
  if (a < 1e-5) return x;
  const double t = a > 20.0 ? 1.0 : 1.0 - 2.0 / (exact_exp(2.0 * a) + 1.0);
  return x < 0.0 ? -t : t;
}

}  // namespace sketchrnn
