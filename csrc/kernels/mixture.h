// From head outputs to a point: choice of component and pen state, Box–Muller.
//
// Included after V and functions.h, by the processors' kernels (body.h) and by the GPU's, so that
// both draw the same points.

// Index of the category that a uniform number falls into: the first whose cumulated weight exceeds
// u times the total. Rounding can bring u·total up to the total itself; the likeliest category is
// taken then, never one that may have probability 0. `largest` is where the maximum stands.
SKETCHRNN_FN I choose_category(const float* logits, size_t stride, int count,
                               Temperature temperature, F uniform) {
  F largest = V::load(logits);
  I argmax = V::set1_int(0);
  for (int m = 1; m < count; ++m) {
    const F x = V::load(logits + m * stride);
    const M greater = V::less(largest, x);
    largest = V::select(greater, x, largest);
    argmax = V::select_int(greater, V::set1_int(m), argmax);
  }
  if (temperature.greedy) return argmax;
  const F scale = constant(temperature.inverse_softmax);
  F total = constant(0.0f);
  for (int m = 0; m < count; ++m)
    total = V::add(total, exp(V::mul(V::sub(V::load(logits + m * stride), largest), scale)));
  const F threshold = V::mul(uniform, total);
  // Second pass instead of a table of exponentials: it keeps the kernel free of a size limit on M.
  F cumulated = constant(0.0f);
  I index = V::set1_int(0);
  for (int m = 0; m < count; ++m) {
    cumulated =
        V::add(cumulated, exp(V::mul(V::sub(V::load(logits + m * stride), largest), scale)));
    const M passed = V::less(threshold, cumulated);
    index = V::select_int(passed, index, V::set1_int(m + 1));
  }
  return V::select_int(V::less(threshold, cumulated), index, argmax);
}

struct Offset {
  F dx, dy;
};

// Two independent standard normals from two uniforms by Box–Muller.
struct Normals {
  F n1, n2;
};

SKETCHRNN_FN Normals box_muller(F radius, F angle) {
  const F r = V::sqrt(V::mul(constant(-2.0f), log(radius)));
  F sine, cosine;
  sincos_turns(angle, sine, cosine);
  return {V::mul(r, cosine), V::mul(r, sine)};
}

//   dx = μx + √τ·σx·n1,  dy = μy + √τ·σy·(ρ·n1 + √(1 − ρ²)·n2).
// `params`: μx, μy, log σx, log σy, atanh ρ, `stride` floats apart. In the net's units.
SKETCHRNN_FN Offset place_normals(const float* params, size_t stride, Temperature temperature,
                                  Normals normals) {
  const F mu_x = V::load(params);
  const F mu_y = V::load(params + stride);
  if (temperature.sqrt_spread == 0.0f) return {mu_x, mu_y};
  const F spread = constant(temperature.sqrt_spread);
  const F sigma_x = V::mul(exp(V::load(params + 2 * stride)), spread);
  const F sigma_y = V::mul(exp(V::load(params + 3 * stride)), spread);
  // 1 − ρ² = 1 − tanh²(a) = 4e^(−2|a|) / (1 + e^(−2|a|))², written so that nothing cancels when
  // |ρ| is near 1: √(1 − ρ²) = 2e^(−|a|) / (1 + e^(−2|a|)).
  const F a = V::load(params + 4 * stride);
  const F magnitude = V::max(a, V::sub(constant(0.0f), a));
  const F e = exp(V::sub(constant(0.0f), magnitude));
  const F root = V::div(V::mul(constant(2.0f), e), V::fma(e, e, constant(1.0f)));
  const F rho = tanh(a);
  return {V::fma(sigma_x, normals.n1, mu_x),
          V::fma(sigma_y, V::fma(rho, normals.n1, V::mul(root, normals.n2)), mu_y)};
}

SKETCHRNN_FN Offset place_point(const float* params, size_t stride, Temperature temperature,
                                F radius, F angle) {
  return place_normals(params, stride, temperature, box_muller(radius, angle));
}
