// The kernels' own polynomials against libm, and every instruction set against the portable one.

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "check.h"
#include "elementary.h"
#include "nets.h"

namespace elementary {

namespace {
std::map<std::string, Function>& all() {
  static std::map<std::string, Function> functions;
  return functions;
}
}  // namespace

void add(const char* isa, Function function) { all()[isa] = function; }

Function of(const char* isa) { return all().at(isa); }

}  // namespace elementary

namespace {

using namespace sketchrnn;

// Every float32 in [low, high] whose distance to the next tested one is 1/steps of the range, with
// low bits that vary, and the neighbourhoods of round numbers.
std::vector<float> dense(double low, double high, std::size_t steps) {
  std::vector<float> x;
  for (std::size_t i = 0; i <= steps; ++i)
    x.push_back(static_cast<float>(low + (high - low) * static_cast<double>(i) /
                                             static_cast<double>(steps)));
  for (const double at : {0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0, low, high}) {
    if (at < low || at > high) continue;
    float near = static_cast<float>(at);
    for (int i = 0; i < 1000; ++i) near = std::nextafterf(near, static_cast<float>(low));
    for (int i = 0; i < 2000; ++i, near = std::nextafterf(near, static_cast<float>(high)))
      if (near >= low && near <= high) x.push_back(near);
  }
  // Geometric, down to the smallest numbers.
  for (double m = 1e-44; m < std::max(std::fabs(low), std::fabs(high)); m *= 1.0001)
    for (const double signed_m : {m, -m})
      if (signed_m >= low && signed_m <= high) x.push_back(static_cast<float>(signed_m));
  while (x.size() % kMaxWidth != 0) x.push_back(static_cast<float>(low));
  return x;
}

std::vector<float> evaluate(const Kernels& kernels, int which, const std::vector<float>& x) {
  std::vector<float> y(x.size());
  elementary::of(kernels.isa)(which, static_cast<int>(x.size()), x.data(), y.data());
  return y;
}

std::vector<float> multiply_add(const Kernels& kernels, const std::vector<float>& a,
                                const std::vector<float>& b, const std::vector<float>& c) {
  std::vector<float> all = a;
  all.insert(all.end(), b.begin(), b.end());
  all.insert(all.end(), c.begin(), c.end());
  std::vector<float> y(a.size());
  elementary::of(kernels.isa)(7, static_cast<int>(a.size()), all.data(), y.data());
  return y;
}

double ulp(double exact) {
  const float f = static_cast<float>(std::fabs(exact));
  return std::max<double>(std::nextafterf(f, FLT_MAX) - f, FLT_TRUE_MIN);
}

// Every instruction set has the bits of `reference`, the portable one's.
void same_bits(const char* name, int which, const std::vector<float>& x,
               const std::vector<float>& reference) {
  for (const Kernels* kernels : nets::usable()) {
    const std::vector<float> y = evaluate(*kernels, which, x);
    for (std::size_t i = 0; i < x.size(); ++i)
      if (std::memcmp(&y[i], &reference[i], sizeof(float)) != 0)
        check::fail(__FILE__, __LINE__,
                    std::string(name) + "(" + check::text(x[i]) + ") on " + kernels->isa +
                        " has other bits than portable");
  }
}

// `bound` in units of the last place of the exact result, plus an absolute part.
void compare(const char* name, int which, const std::vector<float>& x, double bound,
             double absolute, const std::function<double(double)>& exact) {
  const std::vector<float> reference = evaluate(kPortable, which, x);
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = exact(x[i]);
    const double error = std::fabs(reference[i] - e);
    worst = std::max(worst, std::max(0.0, error - absolute) / ulp(e));
    if (!(error <= bound * ulp(e) + absolute))
      check::fail(__FILE__, __LINE__,
                  std::string(name) + "(" + check::text(x[i]) + ") is " +
                      check::text(reference[i]) + ", exactly " + check::text(e));
  }
  std::printf("       %-8s %zu arguments, largest error %.3f ulp (bound %.2f + %.1e)\n", name,
              x.size(), worst, bound, absolute);
  same_bits(name, which, x, reference);
}

constexpr double kTwoPi = 6.283185307179586476925;
constexpr std::size_t kSteps = 1'000'000;

// Bounds: half an ulp for the last operation and up to as much for each of the one to four before
// it whose rounding reaches the result undamped. What was measured is printed.
TEST(exp_over_its_range) {
  compare("exp", 0, dense(-87.0, 88.0, kSteps), 1.25, 0.0, [](double x) { return std::exp(x); });
}

TEST(exp_clamps_beyond) {
  const std::vector<float> x = {-1e30f, -100.0f, -87.5f, 88.5f, 100.0f, 1e30f, -INFINITY, INFINITY,
                                -0.0f,  0.0f,    NAN,    -NAN,  1.0f,   -1.0f, FLT_MAX,   -FLT_MAX};
  const float low = evaluate(kPortable, 0, std::vector<float>(16, -87.0f))[0];
  const float high = evaluate(kPortable, 0, std::vector<float>(16, 88.0f))[0];
  for (const Kernels* kernels : nets::usable()) {
    const std::vector<float> y = evaluate(*kernels, 0, x);
    for (const int i : {0, 1, 2, 6, 10, 11, 15}) CHECK_EQ(y[static_cast<std::size_t>(i)], low);
    for (const int i : {3, 4, 5, 7, 14}) CHECK_EQ(y[static_cast<std::size_t>(i)], high);
    CHECK_EQ(y[8], 1.0f);
    CHECK_EQ(y[9], 1.0f);
  }
}

TEST(expm1_near_and_far) {
  compare("expm1", 1, dense(-87.0, 88.0, kSteps), 1.5, 0.0, [](double x) { return std::expm1(x); });
  compare("expm1", 1, dense(-1.0, 1.0, kSteps), 1.5, 0.0, [](double x) { return std::expm1(x); });
}

TEST(exp2_in_the_cell) {
  const auto within = [](double x) { return std::clamp(x, -42.0, 42.0); };
  const auto exp2 = [&](double x) { return std::exp2(within(x)); };
  const auto exp2m1 = [&](double x) { return std::expm1(within(x) * 0.693147180559945309417); };
  for (const double range : {1.0, 43.0, 1e4}) {
    const std::vector<float> x = dense(-range, range, range == 1.0 ? kSteps : kSteps / 10);
    compare("exp2", 8, x, 1.25, 0.0, exp2);
    // Just above ½ the result, 2p + 1, is as large as p is, and p's last place counts twice.
    compare("exp2m1", 9, x, 2.5, 0.0, exp2m1);
  }
  // Halves, where the nearest integer is the even one; and no number at all, which a kernel can
  // meet only as the processor makes it, with its sign.
  std::vector<float> x = {INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, 0.0f, -0.0f};
  const volatile float zero = 0.0f;
  x.push_back(INFINITY * zero);
  for (float half = -42.5f; half < 43.0f; half += 1.0f) x.push_back(half);
  while (x.size() % kMaxWidth != 0) x.push_back(0.0f);
  same_bits("exp2", 8, x, evaluate(kPortable, 8, x));
  same_bits("exp2m1", 9, x, evaluate(kPortable, 9, x));
}

TEST(log_of_uniforms) {
  // What the sampler asks for: radii from 2^-33 to 1.
  compare("log", 2, dense(0x1p-33, 1.0, kSteps), 1.0, 0.0, [](double x) { return std::log(x); });
  compare("log", 2, dense(0.5, 2.0, kSteps), 1.0, 0.0, [](double x) { return std::log(x); });
  std::vector<float> wide;
  for (double x = FLT_MIN; x < FLT_MAX; x *= 1.0001) wide.push_back(static_cast<float>(x));
  while (wide.size() % kMaxWidth != 0) wide.push_back(1.0f);
  compare("log", 2, wide, 1.0, 0.0, [](double x) { return std::log(x); });
}

TEST(tanh_everywhere) {
  compare("tanh", 3, dense(-10.0, 10.0, kSteps), 2.5, 0.0, [](double x) { return std::tanh(x); });
  compare("tanh", 3, dense(-100.0, 100.0, kSteps / 10), 2.5, 0.0,
          [](double x) { return std::tanh(x); });
}

TEST(sigmoid_everywhere) {
  compare("sigmoid", 4, dense(-87.0, 87.0, kSteps), 2.5, 0.0,
          [](double x) { return 1.0 / (1.0 + std::exp(-x)); });
}

// Near their zeros sine and cosine are exact to an absolute error only, that of the argument.
TEST(sine_and_cosine_of_turns) {
  compare("sin", 5, dense(0.0, 1.0, kSteps), 2.0, 1e-10,
          [](double x) { return std::sin(kTwoPi * x); });
  compare("cos", 6, dense(0.0, 1.0, kSteps), 2.0, 1e-10,
          [](double x) { return std::cos(kTwoPi * x); });
}

// What a·b + c is, rounded once. wasi-libc's fmaf wants a rounding mode that WebAssembly has not;
// the portable kernels' stands in for it there, which other machines hold against libm.
std::vector<float> fused(const std::vector<float>& a, const std::vector<float>& b,
                         const std::vector<float>& c) {
#if defined(__wasm__)
  return multiply_add(*nets::usable().front(), a, b, c);
#else
  std::vector<float> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = std::fma(a[i], b[i], c[i]);
  return out;
#endif
}

// In software where the instruction is missing.
TEST(fused_multiply_add) {
  std::vector<float> x = dense(-4.0, 4.0, kSteps);
  for (std::uint32_t i = 0; i < 2'000'000; ++i) {  // all bit patterns, subnormal and huge
    const std::uint32_t bits = philox4x32_10({i, 0, 0, 0}, {7, 7})[0];
    float value = 0.0f;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value) && std::fabs(value) < 1e19f) x.push_back(value);
  }
  // Adversarial: x² − 1 lands halfway between two floats up to bits far below, the case that two
  // roundings get wrong: x = 1 + k·2^-e has x² = 1 + 2k·2^-e + k²·2^-2e.
  for (int e = 1; e <= 23; ++e)
    for (int k = 1; k < 4096; ++k)
      for (const float sign : {1.0f, -1.0f})
        x.push_back(sign * (1.0f + static_cast<float>(k) * std::ldexp(1.0f, -e)));
  std::vector<float> a = x, b = x, c(x.size(), -1.0f);
  // Ties of float32 that a tiny addend decides, and sums that are subnormal.
  const auto add = [&](float first, float second, float third) {
    a.push_back(first);
    b.push_back(second);
    c.push_back(third);
  };
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    const Words4 random = philox4x32_10({i, 1, 0, 0}, {7, 7});
    // An odd number of 25 bits is a tie; 2^-40 to 2^-100 of it breaks it.
    const float odd = static_cast<float>((random[0] >> 20 | 0x800u) * 2 + 1);
    const float other = static_cast<float>((random[1] >> 20 | 0x800u) * 2 + 1);
    const float sign = (random[2] & 1) != 0 ? 1.0f : -1.0f;
    add(odd, other, sign * std::ldexp(1.0f, -static_cast<int>(random[2] >> 8) % 100));
    const int down = -static_cast<int>(random[3] % 100);
    add(std::ldexp(odd, -85), std::ldexp(other, down),
        sign * std::ldexp(static_cast<float>(random[1] >> 8), -149));
  }
  while (a.size() % kMaxWidth != 0) add(1.0f, 1.0f, 1.0f);
  const std::vector<float> expected = fused(a, b, c);
  for (const Kernels* kernels : nets::usable()) {
    const std::vector<float> y = multiply_add(*kernels, a, b, c);
    for (std::size_t i = 0; i < a.size(); ++i)
      if (std::memcmp(&y[i], &expected[i], sizeof y[i]) != 0)
        check::fail(__FILE__, __LINE__,
                    std::string("fma on ") + kernels->isa + " of " + check::text(a[i]) + ", " +
                        check::text(b[i]) + ", " + check::text(c[i]) + ": " + check::text(y[i]) +
                        ", expected " + check::text(expected[i]));
  }
}

}  // namespace
