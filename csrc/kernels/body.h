// The one body behind every float32 kernel table: LSTM step, head, choice of component, placement.
//
// Included inside the anonymous namespace of each ISA file, after its vector type V, which has
//   kWidth    floats in a vector
//   kGateVecs vectors per gate in a panel (panel = kGateVecs * kWidth hidden units)
//   kStreams  sketches whose sums are kept in registers together in the step
//   kHeadRows, kHeadStreams  the same for the head's block
// The hot loop of the whole library is the k loop in step_group.

#include "math.h"

constexpr int kPanel = V::kGateVecs * V::kWidth;
constexpr int kGates = 4;
constexpr int kRowFloats = kGates * kPanel;  // weights of one k for one panel

// New cell and hidden state from the four gate sums (bias and the forget gate's +1 included):
//   c' = c·σ(f) + σ(i)·tanh(j),  h' = tanh(c')·σ(o)
// With E = exp(−gate) and t = exp(−2j) − 1, σ = 1/(1 + E) and tanh(j) = −t/(2 + t), the first line is
// one fraction and needs one division:
//   c' = (c·(1 + Ei)·(2 + t) − t·(1 + Ef)) / ((1 + Ef)·(1 + Ei)·(2 + t))
// Each factor is at most 1 + e^29, so that three of them stay below the largest float (e^88.7), and
// clamping there moves σ by e^-29 = 2.5e-13 and tanh by nothing that float32 can hold.
inline void cell(F i, F j, F f, F o, F& c, F& h) {
  const F one = constant(1.0f);
  const F two = constant(2.0f);
  const F zero = constant(0.0f);
  constexpr float limit = 29.0f;
  const Reduced ei = exp_parts(clamp(V::sub(zero, i), -limit, limit));
  const Reduced ef = exp_parts(clamp(V::sub(zero, f), -limit, limit));
  const Reduced eo = exp_parts(clamp(V::sub(zero, o), -limit, limit));
  const Reduced ej = exp_parts(clamp(V::mul(j, constant(-2.0f)), -limit, limit));
  const F di = V::add(one, V::fma(ei.scale, ei.p, ei.scale));
  const F df = V::add(one, V::fma(ef.scale, ef.p, ef.scale));
  const F dout = V::add(one, V::fma(eo.scale, eo.p, eo.scale));
  const F t = V::fma(ej.scale, ej.p, V::sub(ej.scale, one));
  const F dj = V::add(two, t);
  const F dij = V::mul(di, dj);
  const F numerator = V::sub(V::mul(c, dij), V::mul(t, df));
  c = V::div(numerator, V::mul(df, dij));
  const Reduced ec = exp_parts(clamp(V::mul(c, constant(-2.0f)), -limit, limit));
  const F tc = V::fma(ec.scale, ec.p, V::sub(ec.scale, one));
  h = V::div(V::sub(zero, tc), V::mul(V::add(two, tc), dout));
}

// One panel for `Streams` sketches: their 4·kPanel gate sums live in registers.
template <int Streams>
inline void step_group(const float* __restrict weights, const float* __restrict input_rows,
                       int hidden, const Input* input, const float* __restrict h_in, float* c,
                       float* h_out, size_t stride) {
  constexpr int vecs = kGates * V::kGateVecs;
  F total[Streams][vecs];
  for (int s = 0; s < Streams; ++s) {
    const float* bias = input_rows + static_cast<int>(input[s].pen) * kRowFloats;
    const float* wx = input_rows + 4 * kRowFloats;
    const float* wy = input_rows + 5 * kRowFloats;
    const F dx = V::set1(input[s].dx);
    const F dy = V::set1(input[s].dy);
    for (int v = 0; v < vecs; ++v) {
      const F with_x = V::fma(dx, V::load(wx + v * V::kWidth), V::load(bias + v * V::kWidth));
      total[s][v] = V::fma(dy, V::load(wy + v * V::kWidth), with_x);
    }
  }
  for (int first = 0; first < hidden; first += kBlock) {
    const int last = hidden - first < kBlock ? hidden : first + kBlock;
    F sum[Streams][vecs];
    for (int s = 0; s < Streams; ++s)
      for (int v = 0; v < vecs; ++v) sum[s][v] = V::set1(0.0f);
    for (int k = first; k < last; ++k) {
      const float* row = weights + static_cast<size_t>(k) * kRowFloats;
      V::prefetch(row + V::kPrefetchRows * kRowFloats, kRowFloats);
      F broadcast[Streams];
      for (int s = 0; s < Streams; ++s) broadcast[s] = V::set1(h_in[s * stride + k]);
      for (int v = 0; v < vecs; ++v) {
        const F w = V::load(row + v * V::kWidth);
        for (int s = 0; s < Streams; ++s) sum[s][v] = V::fma(broadcast[s], w, sum[s][v]);
      }
    }
    for (int s = 0; s < Streams; ++s)
      for (int v = 0; v < vecs; ++v) total[s][v] = V::add(total[s][v], sum[s][v]);
  }
  constexpr int g = V::kGateVecs;
  for (int s = 0; s < Streams; ++s) {
    for (int v = 0; v < g; ++v) {
      float* cell_state = c + s * stride + v * V::kWidth;
      F state = V::load(cell_state);
      F h;
      cell(total[s][v], total[s][g + v], total[s][2 * g + v], total[s][3 * g + v], state, h);
      V::store(cell_state, state);
      V::store(h_out + s * stride + v * V::kWidth, h);
    }
  }
}

// Calls step_group for the largest group that fits, then for what remains.
template <int Streams>
inline void step_groups(const float* weights, const float* input_rows, int hidden, int n,
                        const Input* input, const float* h_in, float* c, float* h_out,
                        size_t stride) {
  for (; n >= Streams; n -= Streams) {
    step_group<Streams>(weights, input_rows, hidden, input, h_in, c, h_out, stride);
    input += Streams;
    h_in += Streams * stride;
    c += Streams * stride;
    h_out += Streams * stride;
  }
  if constexpr (Streams > 1) {
    if (n > 0)
      step_groups<Streams - 1>(weights, input_rows, hidden, n, input, h_in, c, h_out, stride);
  }
}

void step(const PackedF32& net, int first_panel, int last_panel, int n, const Input* input,
          const float* h_in, float* c, float* h_out, size_t stride) {
  for (int p = first_panel; p < last_panel; ++p) {
    const float* weights = net.recurrent + static_cast<size_t>(p) * net.hidden * kRowFloats;
    const float* input_rows = net.input + static_cast<size_t>(p) * kInputRows * kRowFloats;
    const size_t unit = static_cast<size_t>(p) * kPanel;
    step_groups<V::kStreams>(weights, input_rows, net.hidden, n, input, h_in, c + unit,
                             h_out + unit, stride);
  }
}

// The partial sums of a dot product as vectors, and how they are added: sum l and sum l + n/2, until
// sixteen are left, which V adds in the same manner.
constexpr int kDotVecs = kDotSums / V::kWidth;
constexpr int kLastVecs = kMaxWidth / V::kWidth;

inline float add_sums(F (&sum)[kDotVecs]) {
  for (int n = kDotVecs / 2; n >= kLastVecs; n /= 2)
    for (int v = 0; v < n; ++v) sum[v] = V::add(sum[v], sum[v + n]);
  F last[kLastVecs];
  for (int v = 0; v < kLastVecs; ++v) last[v] = sum[v];
  return V::sum_lanes(last);
}

template <int Rows, int Streams>
inline void head_block(const float* __restrict weights, const double* bias, double scale,
                       size_t length, const float* __restrict h, size_t stride, float* out,
                       size_t out_stride) {
  F sum[Rows][Streams][kDotVecs];
  for (int r = 0; r < Rows; ++r)
    for (int s = 0; s < Streams; ++s)
      for (int v = 0; v < kDotVecs; ++v) sum[r][s][v] = V::set1(0.0f);
  for (size_t k = 0; k < length; k += kDotSums) {
    for (int v = 0; v < kDotVecs; ++v) {
      F w[Rows];
      for (int r = 0; r < Rows; ++r) w[r] = V::load(weights + r * length + k + v * V::kWidth);
      for (int s = 0; s < Streams; ++s) {
        const F x = V::load(h + s * stride + k + v * V::kWidth);
        for (int r = 0; r < Rows; ++r) sum[r][s][v] = V::fma(x, w[r], sum[r][s][v]);
      }
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int s = 0; s < Streams; ++s)
      out[r * out_stride + s] =
          static_cast<float>(bias[r] + scale * static_cast<double>(add_sums(sum[r][s])));
}

template <int Rows>
inline void head_rows(const PackedF32& net, int first, int n, const float* h, size_t stride,
                      float* out, size_t out_stride) {
  const float* weights = net.head + static_cast<size_t>(first) * net.head_stride;
  const double* bias = net.head_bias + first;
  int s = 0;
  for (; s + V::kHeadStreams <= n; s += V::kHeadStreams)
    head_block<Rows, V::kHeadStreams>(weights, bias, net.head_scale, net.head_stride,
                                      h + s * stride, stride, out + s, out_stride);
  for (; s < n; ++s)
    head_block<Rows, 1>(weights, bias, net.head_scale, net.head_stride, h + s * stride, stride,
                        out + s, out_stride);
}

void head(const PackedF32& net, int first, int count, int n, const float* h, size_t stride,
          float* out, size_t out_stride) {
  int r = 0;
  for (; r + V::kHeadRows <= count; r += V::kHeadRows)
    head_rows<V::kHeadRows>(net, first + r, n, h, stride, out + r * out_stride, out_stride);
  for (; r < count; ++r)
    head_rows<1>(net, first + r, n, h, stride, out + r * out_stride, out_stride);
}

// Index of the category that a uniform number falls into: the first whose cumulated weight exceeds
// u times the total. Rounding can bring u·total up to the total itself; the likeliest category is
// taken then, never one that may have probability 0. `largest` is where the maximum stands.
inline I choose_category(const float* logits, size_t stride, int count, Temperature temperature,
                         F uniform) {
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

void choose(const float* logits, size_t stride, int n, int mixtures, Temperature temperature,
            const float* uniform_component, const float* uniform_pen, int32_t* component,
            int32_t* pen) {
  for (int s = 0; s < n; s += V::kWidth) {
    V::store_int(pen + s, choose_category(logits + s, stride, kPenStates, temperature,
                                          V::load(uniform_pen + s)));
    V::store_int(component + s,
                 choose_category(logits + kPenStates * stride + s, stride, mixtures, temperature,
                                 V::load(uniform_component + s)));
  }
}

// Box–Muller turns two uniforms into independent standard normals n1, n2; then
//   dx = μx + √τ·σx·n1,  dy = μy + √τ·σy·(ρ·n1 + √(1 − ρ²)·n2).
void place(const float* params, size_t stride, int n, Temperature temperature, const float* radius,
           const float* angle, float* dx, float* dy) {
  const F spread = constant(temperature.sqrt_spread);
  const bool on_mean = temperature.sqrt_spread == 0.0f;
  for (int s = 0; s < n; s += V::kWidth) {
    const F mu_x = V::load(params + s);
    const F mu_y = V::load(params + stride + s);
    if (on_mean) {
      V::store(dx + s, mu_x);
      V::store(dy + s, mu_y);
      continue;
    }
    const F sigma_x = V::mul(exp(V::load(params + 2 * stride + s)), spread);
    const F sigma_y = V::mul(exp(V::load(params + 3 * stride + s)), spread);
    // 1 − ρ² = 1 − tanh²(a) = 4e^(−2|a|) / (1 + e^(−2|a|))², written so that nothing cancels when |ρ|
    // is near 1: √(1 − ρ²) = 2e^(−|a|) / (1 + e^(−2|a|)).
    const F a = V::load(params + 4 * stride + s);
    const F magnitude = max_or_second(a, V::sub(constant(0.0f), a));
    const F e = exp(V::sub(constant(0.0f), magnitude));
    const F root = V::div(V::mul(constant(2.0f), e), V::fma(e, e, constant(1.0f)));
    const F rho = tanh(a);
    const F r = V::sqrt(V::mul(constant(-2.0f), log(V::load(radius + s))));
    F sine, cosine;
    sincos_turns(V::load(angle + s), sine, cosine);
    const F n1 = V::mul(r, cosine);
    const F n2 = V::mul(r, sine);
    V::store(dx + s, V::fma(sigma_x, n1, mu_x));
    V::store(dy + s, V::fma(sigma_y, V::fma(rho, n1, V::mul(root, n2)), mu_y));
  }
}

void elementary(int which, int n, const float* x, float* y) {
  for (int s = 0; s < n; s += V::kWidth) {
    const F a = V::load(x + s);
    F sine = a, cosine = a;
    if (which == 5 || which == 6) sincos_turns(a, sine, cosine);
    F r = a;
    if (which == 0) r = exp(a);
    if (which == 1) r = expm1(a);
    if (which == 2) r = log(a);
    if (which == 3) r = tanh(a);
    if (which == 4) r = sigmoid(a);
    if (which == 5) r = sine;
    if (which == 6) r = cosine;
    if (which == 7) r = V::fma(a, a, constant(-1.0f));
    V::store(y + s, r);
  }
}
