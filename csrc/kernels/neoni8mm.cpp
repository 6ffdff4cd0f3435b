// 64-bit Arm with the matrix products of bytes (i8mm: Neoverse V1 and Apple M2, 2022; Snapdragon 8
// Gen 1): in i8 one instruction is two sketches' sums of two columns, thirty-two products.
//
// SMMLA takes eight bytes of k for each of two rows. Two words of a column therefore lie side by side
// (Kernels::i8_pairs), and a vector of weights is two words of two columns. One sketch alone meets them
// by the dot product, each word of a column in a sum of its own.
//
//   sketches together   sums in registers   a pass over
//   6                   3 pairs × 8         half a panel
//   4                   2 pairs × 8         half a panel
//   2                   1 pair × 16         a panel
//   1                   16                  a panel

#include <arm_neon.h>
#include <string.h>

#include "kernels/kernels.h"
#include "platform.h"

namespace sketchrnn {
namespace {

#define SKETCHRNN_NEON_DOT
#include "neon_vec.h"

#include "body.h"

// Sketches whose sums are made together: how h comes to two words of two columns, and how the sums of
// four columns come out of two vectors of sums.
struct Alone {
  static constexpr int kSketches = 1;
  static int8x16_t load(const float* const* h, int k) {
    double words;
    memcpy(&words, h[0] + k, sizeof words);
    return vreinterpretq_s8_f64(vdupq_n_f64(words));
  }
  static I dot(I sum, int8x16_t w, int8x16_t h) { return vdotq_s32(sum, w, h); }
  static void split(I first, I second, I (&out)[1]) { out[0] = vpaddq_s32(first, second); }
};

struct Two {
  static constexpr int kSketches = 2;
  static int8x16_t load(const float* const* h, int k) {
    return vreinterpretq_s8_f32(vcombine_f32(vld1_f32(h[0] + k), vld1_f32(h[1] + k)));
  }
  static I dot(I sum, int8x16_t w, int8x16_t h) { return vmmlaq_s32(sum, h, w); }
  static void split(I first, I second, I (&out)[2]) {
    const int64x2_t a = vreinterpretq_s64_s32(first);
    const int64x2_t b = vreinterpretq_s64_s32(second);
    out[0] = vreinterpretq_s32_s64(vzip1q_s64(a, b));
    out[1] = vreinterpretq_s32_s64(vzip2q_s64(a, b));
  }
};

// One block for `count` sketches, `Groups` groups of them, or one fewer than fill those: the last one's
// sums are made twice then.
template <class Group, int Groups>
inline void sum_groups(const Block<float>& block, int count, const float* h, size_t stride,
                       float* totals, Ahead& ahead) {
  constexpr int kRows = Groups * Group::kSketches;
  constexpr int kSums = 2 * kVecs / (Groups == 1 ? 1 : 2);  // of two columns each
  const float* rows[kRows];
  for (int s = 0; s < kRows; ++s) rows[s] = h + (s < count ? s : count - 1) * stride;
  for (int at = 0; at < kRowFloats; at += 2 * kSums) {
    ahead.fetch();
    I sum[Groups][kSums];
    for (int g = 0; g < Groups; ++g)
      for (int v = 0; v < kSums; ++v) sum[g][v] = V::set1_int(0);
    const auto add = [&](int k, const auto& weights) {
      int8x16_t words[Groups];
      for (int g = 0; g < Groups; ++g) words[g] = Group::load(rows + g * Group::kSketches, k);
      for (int v = 0; v < kSums; ++v) {
        F w = weights(v);
        V::keep_in_register(w);
        for (int g = 0; g < Groups; ++g)
          sum[g][v] = Group::dot(sum[g][v], vreinterpretq_s8_f32(w), words[g]);
      }
    };
    int k = 0;
    for (; k + 2 <= block.count; k += 2) {
      const float* const pair = block.weights + k * kRowFloats + 2 * at;
      add(k, [&](int v) { return V::load(pair + v * V::kWidth); });
    }
    if (k < block.count) {  // a last word without a second: weights of 0 stand for that
      const float* const lone = block.weights + k * kRowFloats + at;
      add(k, [&](int v) {
        const F four = V::load(lone + v / 2 * V::kWidth);
        const F none = V::set1(0.0f);
        return v % 2 == 0 ? vzip1q_f32(four, none) : vzip2q_f32(four, none);
      });
    }
    for (int g = 0; g < Groups; ++g) {
      for (int v = 0; v < kSums; v += 2) {
        I whole[Group::kSketches];
        Group::split(sum[g][v], sum[g][v + 1], whole);
        const int column = at + 2 * v;
        const F scale = V::load(block.scale + column);
        for (int r = 0; r < Group::kSketches; ++r) {
          const int s = g * Group::kSketches + r;
          if (s >= count) break;
          float* const total = totals + s * kRowFloats + column;
          V::store(total, V::fma(V::to_float(whole[r]), scale, V::load(total)));
        }
      }
    }
  }
}

struct ElementI8Pairs : ElementI8 {};

// What body.h's step calls for one block and all sketches.
inline void sum_sketches(ElementI8Pairs, const Block<float>& block, int n, const float* h,
                         size_t stride, float* totals, Ahead& ahead) {
  while (n > 0) {
    const int count = n < 6 ? n : 6;
    if (count > 4)
      sum_groups<Two, 3>(block, count, h, stride, totals, ahead);
    else if (count > 2)
      sum_groups<Two, 2>(block, count, h, stride, totals, ahead);
    else if (count == 2)
      sum_groups<Two, 1>(block, count, h, stride, totals, ahead);
    else
      sum_groups<Alone, 1>(block, count, h, stride, totals, ahead);
    n -= count;
    h += count * stride;
    totals += count * kRowFloats;
  }
}

}  // namespace

const Kernels kNeonI8mm = {"neoni8mm", kPanel, step_as<Itself, ElementI8Pairs>, head, choose, place,
                           0,          true};

}  // namespace sketchrnn
