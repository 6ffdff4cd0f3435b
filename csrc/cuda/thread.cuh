// One thread of the GPU as a vector of one float: the operations that functions.h, cell.h and
// mixture.h are written in, and what the kernels share.
//
// Compiled with -fmad=false, so that only what is written as fmaf is fused; divisions, square roots
// and subnormals are IEEE 754 by nvcc's defaults. Hence the bits of every processor's kernels.
// Without nvcc, tests/cpp/cuda_emulator.h gives the words of CUDA a meaning on the host.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cuda/shared.h"
#include "engine/philox.h"

#define SKETCHRNN_FN __device__ __forceinline__

#if defined(__CUDACC__)
#define SKETCHRNN_SHARED_MEMORY(name)  \
  extern __shared__ uint4 name##_at[]; \
  char* const name = reinterpret_cast<char*>(name##_at)
#endif

namespace sketchrnn::cuda {
namespace {

#if defined(__CUDACC__)
// Words that other blocks, or the host, write meanwhile.
template <class T>
SKETCHRNN_FN T load_volatile(const T* p) {
  return *static_cast<const volatile T*>(p);
}
template <class T>
SKETCHRNN_FN void store_volatile(T* p, T x) {
  *static_cast<volatile T*>(p) = x;
}
SKETCHRNN_FN void wait_a_little() {}

// 1 / x to an ulp, and 0 for what would be subnormal.
SKETCHRNN_FN float reciprocal_estimate(float x) {
  float r;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
}

// sum + a · b of 16 × 32 bytes by 32 × 8, by a whole warp (PTX ISA, mma.m16n8k32).
#define SKETCHRNN_MMA(a_type, b_type)                                       \
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32." a_type "." b_type   \
               ".s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};" \
               : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])     \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))
template <bool kSignedA, bool kSignedB>
SKETCHRNN_FN void mma_bytes(int32_t (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  if constexpr (kSignedA && kSignedB) SKETCHRNN_MMA("s8", "s8");
  if constexpr (!kSignedA && kSignedB) SKETCHRNN_MMA("u8", "s8");
  if constexpr (kSignedA && !kSignedB) SKETCHRNN_MMA("s8", "u8");
  if constexpr (!kSignedA && !kSignedB) SKETCHRNN_MMA("u8", "u8");
}

// sum + both int16 of a times the bytes 0 and 1 of b (without sign), or 2 and 3 (with it).
SKETCHRNN_FN int32_t dp2a_low(uint32_t a, uint32_t b, int32_t sum) {
  asm("dp2a.lo.s32.u32 %0, %1, %2, %0;" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}
SKETCHRNN_FN int32_t dp2a_high(uint32_t a, uint32_t b, int32_t sum) {
  asm("dp2a.hi.s32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}
#endif

struct V {
  static constexpr int kWidth = 1;
  using F = float;
  using I = int32_t;
  using M = bool;

  SKETCHRNN_FN static F load(const float* p) { return *p; }
  SKETCHRNN_FN static F set1(float x) { return x; }
  SKETCHRNN_FN static I set1_int(int32_t x) { return x; }
  SKETCHRNN_FN static F fma(F a, F b, F c) { return fmaf(a, b, c); }
  SKETCHRNN_FN static F add(F a, F b) { return a + b; }
  SKETCHRNN_FN static F sub(F a, F b) { return a - b; }
  SKETCHRNN_FN static F mul(F a, F b) { return a * b; }
  SKETCHRNN_FN static F div(F a, F b) { return a / b; }
  SKETCHRNN_FN static F sqrt(F a) { return sqrtf(a); }
  SKETCHRNN_FN static M less(F a, F b) { return a < b; }
  SKETCHRNN_FN static F select(M m, F a, F b) { return m ? a : b; }
  SKETCHRNN_FN static I select_int(M m, I a, I b) { return m ? a : b; }
  // The second operand when one is a NaN, as on x86.
  SKETCHRNN_FN static F min(F a, F b) { return a < b ? a : b; }
  SKETCHRNN_FN static F max(F a, F b) { return b < a ? a : b; }
  SKETCHRNN_FN static M test(I a, I bit) { return (a & bit) != 0; }
  SKETCHRNN_FN static I as_int(F a) {
    I r;
    memcpy(&r, &a, sizeof r);
    return r;
  }
  SKETCHRNN_FN static F as_float(I a) {
    F r;
    memcpy(&r, &a, sizeof r);
    return r;
  }
  SKETCHRNN_FN static F to_float(I a) { return static_cast<float>(a); }
  SKETCHRNN_FN static I add_int(I a, I b) {
    return static_cast<I>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
  }
  SKETCHRNN_FN static I sub_int(I a, I b) {
    return static_cast<I>(static_cast<uint32_t>(a) - static_cast<uint32_t>(b));
  }
  SKETCHRNN_FN static I and_int(I a, I b) { return a & b; }
  SKETCHRNN_FN static I xor_int(I a, I b) { return a ^ b; }
  template <int N>
  SKETCHRNN_FN static I shift_left(I a) {
    return static_cast<I>(static_cast<uint32_t>(a) << N);
  }
  template <int N>
  SKETCHRNN_FN static I shift_right(I a) {
    return a >> N;
  }
};

#include "kernels/functions.h"
// What follows builds on it.
#include "kernels/cell.h"
#include "kernels/mixture.h"

constexpr unsigned kWarp = 32;
constexpr unsigned kWholeWarp = 0xFFFFFFFFu;

SKETCHRNN_FN uint32_t bits_of(float x) { return static_cast<uint32_t>(V::as_int(x)); }
SKETCHRNN_FN float float_of(uint32_t x) { return V::as_float(static_cast<int32_t>(x)); }

// Four words from a place on 16 bytes, in one load. (memcpy would be done byte by byte.)
SKETCHRNN_FN void load_words(const uint32_t* from, uint32_t* to) {
  const uint4 words = *reinterpret_cast<const uint4*>(from);
  to[0] = words.x;
  to[1] = words.y;
  to[2] = words.z;
  to[3] = words.w;
}

// How the kernel for few multiplies one 32-bit word of h with one of weights in each precision, and
// what a block's sum is as a number: the same as in kernels/body.h.
struct F32 {
  using Sum = float;
  static constexpr bool kRounds = false;
  SKETCHRNN_FN static Sum dot(Sum sum, uint32_t weights, uint32_t h) {
    return fmaf(float_of(h), float_of(weights), sum);
  }
  // Writes element k of a lane whose word w is words[w · stride].
  SKETCHRNN_FN static void put(uint32_t* words, size_t stride, int k, float h, const NetView&) {
    words[k * stride] = bits_of(h);
  }
};

// Weights are two bytes each here, low ones first (layout.cpp): taking words apart into int16 costs
// more instructions than multiplying.
struct I16 {
  static constexpr int kPerWord = 2;
  struct Sum {
    int32_t low, high;
    SKETCHRNN_FN explicit operator float() const {
      return static_cast<float>(
          static_cast<int32_t>(static_cast<uint32_t>(high) * 256u + static_cast<uint32_t>(low)));
    }
  };
  static constexpr bool kRounds = true;
  SKETCHRNN_FN static Sum dot(Sum sum, uint32_t weights, uint32_t h) {
    return {dp2a_low(h, weights, sum.low), dp2a_high(h, weights, sum.high)};
  }
  SKETCHRNN_FN static void put(uint32_t* words, size_t stride, int k, float h, const NetView& net) {
    const int32_t q = rounded_integer(h, net.h_scale[k], net.h_limit);
    reinterpret_cast<int16_t*>(words + (k / 2) * stride)[k % 2] = static_cast<int16_t>(q);
  }
};

struct I8 {
  static constexpr int kPerWord = 4;
  using Sum = int32_t;
  static constexpr bool kRounds = true;
  SKETCHRNN_FN static Sum dot(Sum sum, uint32_t weights, uint32_t h) {
    return __dp4a(static_cast<int>(weights), static_cast<int>(h), sum);
  }
  SKETCHRNN_FN static void put(uint32_t* words, size_t stride, int k, float h, const NetView& net) {
    const int32_t q = rounded_integer(h, net.h_scale[k], net.h_limit);
    reinterpret_cast<int8_t*>(words + (k / 4) * stride)[k % 4] = static_cast<int8_t>(q);
  }
};

// The four gate sums of one hidden unit before the recurrent part: bias with the pen's weights,
// then dx, then dy.
SKETCHRNN_FN void start_totals(const NetView& net, int unit, const Input& input, float* totals) {
  const auto row = [&](const float* rows, int i) {
    return reinterpret_cast<const float4*>(rows)[i * net.units + unit];
  };
  const float4 bias = row(input.bias, static_cast<int>(input.pen));
  const float4 wx = row(net.offsets, 0), wy = row(net.offsets, 1);
  totals[0] = fmaf(input.dy, wy.x, fmaf(input.dx, wx.x, bias.x));
  totals[1] = fmaf(input.dy, wy.y, fmaf(input.dx, wx.y, bias.y));
  totals[2] = fmaf(input.dy, wy.z, fmaf(input.dx, wx.z, bias.z));
  totals[3] = fmaf(input.dy, wy.w, fmaf(input.dx, wx.w, bias.w));
}

// What a unit's block sums are multiplied with before they go into its totals.
SKETCHRNN_FN void load_scale(const NetView& net, int unit, float (&scale)[kGates]) {
  const float4 s = reinterpret_cast<const float4*>(net.scale)[unit];
  scale[0] = s.x;
  scale[1] = s.y;
  scale[2] = s.z;
  scale[3] = s.w;
}

// c' and h' of one unit from its gate sums.
SKETCHRNN_FN float update(const float* totals, float& c) {
  c = new_cell(totals[0], totals[1], totals[2], c);
  return new_hidden(output_denominator(totals[3]), c);
}

// The quotient to the last bit where nothing on the way leaves the normal floats: what nvcc makes
// of a division, without the check (FCHK, a branch, a place to meet again) that it is such a case.
// (An estimate within an ulp makes r the nearest to 1 / d, unless d's mantissa is all ones; there
// nvcc counts on the GPU, and so does this.)
SKETCHRNN_FN float divide_normal(float numerator, float denominator) {
  const float estimate = reciprocal_estimate(denominator);
  const float r = fmaf(estimate, fmaf(-denominator, estimate, 1.0f), estimate);
  const float quotient = numerator * r;
  return fmaf(r, fmaf(-denominator, quotient, numerator), quotient);
}

// update() of N cells with one look at whether their divisions are ordinary. They are where
// |c'| ≥ 2^-60: denominators lie in [1, 2^126], so the numerator is no smaller than that, nor is
// tanh(c'), and the remainders of both quotients are exact. A numerator that is infinite makes a
// NaN, which is not ≥ either.
template <int N>
SKETCHRNN_FN void update_together(const float (&totals)[N][kGates], float (&c)[N], float (&h)[N]) {
  float next[N];
  bool ordinary = true;
#pragma unroll
  for (int i = 0; i < N; ++i) {
    const Fraction cell = cell_fraction(totals[i][0], totals[i][1], totals[i][2], c[i]);
    next[i] = divide_normal(cell.numerator, cell.denominator);
    ordinary &= fabsf(next[i]) >= 0x1p-60f;
    const Fraction hidden = negative_hidden_fraction(output_denominator(totals[i][3]), next[i]);
    h[i] = divide_normal(-hidden.numerator, hidden.denominator);
  }
  if (!ordinary) {
#pragma unroll
    for (int i = 0; i < N; ++i) {
      next[i] = c[i];
      h[i] = update(totals[i], next[i]);
    }
  }
#pragma unroll
  for (int i = 0; i < N; ++i) c[i] = next[i];
}

// Where the kernels' head output `row` (by component) stands in the contract's order (by
// parameter).
SKETCHRNN_FN int contract_output(const NetView& net, int row) {
  const int place = row - net.choices();
  if (place < 0) return row;
  return net.choices() + place % kPlaceOutputs * net.mixtures + place / kPlaceOutputs;
}

SKETCHRNN_FN float head_output(const NetView& net, double bias, float sum) {
  return static_cast<float>(bias + net.head_scale * static_cast<double>(sum));
}
SKETCHRNN_FN float head_output(const NetView& net, const double* bias, int row, float sum) {
  return head_output(net, bias[row], sum);
}

// N sums of head weights times h by a whole warp, every thread of which gets all. Element k of an h
// is h[k % 64 · stride + k / 64 · block]. Thread l has the partial sums l and l + 32 of the 64 that
// kernels.h speaks of; N of them at once hide each other's latency.
template <int N>
SKETCHRNN_FN void warp_sums(const NetView& net, const float* const (&weights)[N],
                            const float* const (&h)[N], size_t stride, size_t block,
                            float (&sum)[N]) {
  const size_t first = threadIdx.x % kWarp;
  float low[N] = {}, high[N] = {};
  size_t at = first * stride;
  for (size_t k = first; k < net.head_stride; k += kDotSums, at += block) {
#pragma unroll
    for (int n = 0; n < N; ++n) {
      low[n] = fmaf(h[n][at], weights[n][k], low[n]);
      high[n] = fmaf(h[n][at + kWarp * stride], weights[n][k + kWarp], high[n]);
    }
  }
#pragma unroll
  for (int n = 0; n < N; ++n) sum[n] = low[n] + high[n];
#pragma unroll
  for (unsigned apart = kWarp / 2; apart > 0; apart /= 2)
#pragma unroll
    for (int n = 0; n < N; ++n) sum[n] += __shfl_xor_sync(kWholeWarp, sum[n], apart);
}

// Head output `row` by a whole warp; element k of h is h[k · stride]. Every thread returns it.
SKETCHRNN_FN float warp_head(const NetView& net, const double* bias, int row, const float* h,
                             size_t stride) {
  float sum[1];
  warp_sums<1>(net, {net.head + row * net.head_stride}, {h}, stride, kDotSums * stride, sum);
  return head_output(net, bias, row, sum[0]);
}

// Sum j and sum j + N, until one is left. (A template: in a loop over N the sums would not all stay
// in registers.)
template <int N>
SKETCHRNN_FN void add_pairs(float* sum) {
#pragma unroll
  for (int j = 0; j < N; ++j) sum[j] += sum[j + N];
  if constexpr (N > 1) add_pairs<N / 2>(sum);
}

// Head output `row` by one thread.
SKETCHRNN_FN float thread_head(const NetView& net, const double* bias, int row, const float* h,
                               size_t stride) {
  const float* weights = net.head + row * net.head_stride;
  float sum[kDotSums];
#pragma unroll
  for (int j = 0; j < kDotSums; ++j) sum[j] = 0.0f;
  for (size_t k = 0; k < net.head_stride; k += kDotSums) {
#pragma unroll
    for (int j = 0; j < kDotSums; ++j) sum[j] = fmaf(h[(k + j) * stride], weights[k + j], sum[j]);
  }
  add_pairs<kDotSums / 2>(sum);
  return head_output(net, bias, row, sum[0]);
}

// choose_category by a whole warp, all threads of which return the index: the exponentials side by
// side, their sums in the same order.
SKETCHRNN_FN int warp_choose(const float* logits, size_t stride, int count, Temperature temperature,
                             float uniform) {
  const unsigned lane = threadIdx.x % kWarp;
  if (count > static_cast<int>(kWarp))
    return choose_category(logits, stride, count, temperature, uniform);
  const bool mine = static_cast<int>(lane) < count;
  const float x = mine ? logits[lane * stride] : -INFINITY;
  float largest = x;
  for (unsigned apart = kWarp / 2; apart > 0; apart /= 2)
    largest = V::max(largest, __shfl_xor_sync(kWholeWarp, largest, apart));
  const int first = __ffs(static_cast<int>(__ballot_sync(kWholeWarp, x == largest))) - 1;
  const int argmax = first < 0 ? 0 : first;  // below 0: nothing but NaNs
  if (temperature.greedy) return argmax;
  const float e = mine ? exp(V::mul(V::sub(x, largest), temperature.inverse_softmax)) : 0.0f;
  // One after another, as on the processor; eight at a time are fetched, beyond `count` zeros.
  constexpr int kTogether = 8;
  float total = 0.0f, cumulated = 0.0f;
  for (int m = 0; m < count; m += kTogether) {
    float next[kTogether];
#pragma unroll
    for (int i = 0; i < kTogether; ++i) next[i] = __shfl_sync(kWholeWarp, e, m + i);
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      total += next[i];
      if (m + i == static_cast<int>(lane)) cumulated = total;
    }
  }
  const float threshold = uniform * total;
  if (!(threshold < total)) return argmax;
  // The sums only rise, so the first that exceeds the threshold comes after all that do not.
  return __popc(__ballot_sync(kWholeWarp, mine && !(threshold < cumulated)));
}

// What a row in data units is to its lane's next step.
SKETCHRNN_FN Input input_of(const NetView& net, const Lane& lane, const Row& row) {
  return {row.dx / net.scale_factor, row.dy / net.scale_factor, row.pen, lane.own.bias};
}

// A lane gets a drawing, whose state is yet to be put there.
SKETCHRNN_FN void begin_drawing(const NetView& net, const ConditionsView& conditions, Lane& lane,
                                uint64_t drawing, uint32_t point) {
  lane.drawing = drawing;
  lane.point = point;
  lane.own = condition_at(net, conditions, drawing);
  lane.active = lane.fresh = 1;
}

// A drawing has ended.
SKETCHRNN_FN void count_finished(const Control& control) {
  store_volatile(control.reported, atomicAdd(control.finished, 1u) + 1);
}

// A drawn point's row goes out and becomes the next input. True when the drawing has ended.
SKETCHRNN_FN bool take_point(const NetView& net, const Draw& draw, const Control& control,
                             Lane& lane, Offset offset, int pen, bool write) {
  const Row row{offset.dx * net.scale_factor, offset.dy * net.scale_factor, static_cast<Pen>(pen)};
  const uint32_t at = lane.point - draw.first_point;
  const bool finite = isfinite(row.dx) && isfinite(row.dy);
  if (write) {
    draw.rows[lane.drawing * draw.row_stride + at] = row;
    if (!finite) *control.bad = lane.point + 1;
  }
  lane.input = input_of(net, lane, row);
  ++lane.point;
  if (finite && row.pen != Pen::end && lane.point < draw.limit) return false;
  if (write) {
    draw.lengths[lane.drawing] = at + 1;
    count_finished(control);
  }
  return true;
}

SKETCHRNN_FN PointUniforms uniforms_of(const Draw& draw, const Lane& lane) {
  return point_uniforms(draw.seed, draw.index + lane.drawing, lane.point, RandomStream::draw);
}

}  // namespace
}  // namespace sketchrnn::cuda
