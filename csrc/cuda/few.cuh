// A few sketches on the whole GPU: the weights lie still, h goes round.
//
// Every block owns some hidden units, whose weights stay in its threads' registers; thread (block
// of words b, unit, gate) multiplies them with its part of h. Once a step the blocks exchange h
// through L2: each unit's value goes out in one 64-bit word with the step's number, and everybody
// waits for the words of all units. That is the only exchange, for every block then computes the
// same head and the same point for itself. Sketches may be up to kFewLanes; all sums are those of
// kernels/body.h.
#pragma once

#include "cuda/thread.cuh"

namespace sketchrnn::cuda {
namespace {

// A thread keeps kBlock weights, and a multiprocessor has 65,536 registers.
constexpr int kFewThreads = 512;

struct FewShared {
  float* h;         // [lanes][head_stride]
  uint32_t* words;  // [lanes][padded_words], h itself where it is not rounded
  float* sums;      // [blocks of words][units][gate][lanes]
  float* c;         // [units][lanes]
  float* logits;    // [choices][lanes]
  Lane* lane;       // [lanes]
  int* flags;       // [0] stop, [1] some lane is active
  size_t bytes;
};

template <class Element>
__host__ __device__ inline FewShared few_shared(const NetView& net, int lanes, int units,
                                                char* base) {
  Carver carve{base, 0};
  FewShared s{};
  const size_t n = static_cast<size_t>(lanes);
  const size_t blocks = static_cast<size_t>(net.padded_words / kBlock);
  s.h = carve.take<float>(n * net.head_stride);
  s.words = Element::kRounds ? carve.take<uint32_t>(n * net.padded_words)
                             : reinterpret_cast<uint32_t*>(s.h);
  s.sums = carve.take<float>(blocks * units * kGates * n);
  s.c = carve.take<float>(units * n);
  s.logits = carve.take<float>((kPenStates + net.mixtures) * n);
  s.lane = carve.take<Lane>(n);
  s.flags = carve.take<int>(2);
  s.bytes = carve.used;
  return s;
}

// Threads that the recurrent product has work for.
__host__ __device__ inline int few_items(const NetView& net, int units) {
  return net.padded_words / kBlock * units * kGates;
}

// One block of words for `Together` lanes, from registers or from memory.
template <class Element, int Together, class Weights>
SKETCHRNN_FN void few_sums(const Weights& weights, const uint32_t* h, size_t stride, float* sums) {
  typename Element::Sum sum[Together] = {};
#pragma unroll
  for (int k = 0; k < kBlock; k += 4) {
    uint4 x[Together];
#pragma unroll
    for (int l = 0; l < Together; ++l) x[l] = *reinterpret_cast<const uint4*>(h + l * stride + k);
#pragma unroll
    for (int l = 0; l < Together; ++l) {
      sum[l] = Element::dot(sum[l], weights[k], x[l].x);
      sum[l] = Element::dot(sum[l], weights[k + 1], x[l].y);
      sum[l] = Element::dot(sum[l], weights[k + 2], x[l].z);
      sum[l] = Element::dot(sum[l], weights[k + 3], x[l].w);
    }
  }
#pragma unroll
  for (int l = 0; l < Together; ++l) sums[l] = static_cast<float>(sum[l]);
}

template <class Element, class Weights>
SKETCHRNN_FN void few_item(const NetView& net, const FewShared& s, int lanes, int item, int columns,
                           const Weights& weights) {
  const uint32_t* h = s.words + item / columns * kBlock;
  const size_t stride = static_cast<size_t>(net.padded_words);
  float* sums = s.sums + item * lanes;
  int l = 0;
  for (; l + 4 <= lanes; l += 4) few_sums<Element, 4>(weights, h + l * stride, stride, sums + l);
  for (; l < lanes; ++l) few_sums<Element, 1>(weights, h + l * stride, stride, sums + l);
}

// kResident: no more items than threads, so that weights stay in registers.
template <class Element, bool kResident, bool kDraw>
__global__ void __launch_bounds__(kFewThreads) few_kernel(NetView net, FewWork work) {
  SKETCHRNN_SHARED_MEMORY(memory);
  const int lanes = work.lanes;
  const FewShared s = few_shared<Element>(net, lanes, work.units, memory);
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  const int warp = thread / static_cast<int>(kWarp);
  const int warps = threads / static_cast<int>(kWarp);
  const int first_unit = static_cast<int>(blockIdx.x) * work.units;
  const int own = net.hidden - first_unit < work.units ? net.hidden - first_unit : work.units;
  const int columns = work.units * kGates;
  const int items = few_items(net, work.units);
  const size_t padded = static_cast<size_t>(net.padded_words);

  const auto weights_of = [&](int item) {
    const int column = item % columns;
    const size_t row = static_cast<size_t>(first_unit + column / kGates) * kGates + column % kGates;
    return net.rows + row * padded + item / columns * kBlock;
  };
  const bool mine = thread < items && thread % columns / kGates < own;
  uint32_t kept[kResident ? kBlock : 1];
  if (kResident && mine) {
    const uint32_t* const weights = weights_of(thread);
#pragma unroll
    for (int k = 0; k < kBlock; ++k) kept[kResident ? k : 0] = weights[k];
  }

  const auto put_h = [&](int lane, int k, float value) {
    s.h[lane * net.head_stride + k] = value;
    if (Element::kRounds) Element::put(s.words + lane * padded, 1, k, value, net);
  };
  for (size_t i = thread; i < lanes * net.head_stride; i += threads) s.h[i] = 0.0f;
  if (Element::kRounds)
    for (size_t i = thread; i < lanes * padded; i += threads) s.words[i] = 0;
  __syncthreads();
  for (int l = 0; l < lanes; ++l) {
    for (int k = thread; k < net.hidden; k += threads) put_h(l, k, work.start.h[k]);
    for (int u = thread; u < own; u += threads) s.c[u * lanes + l] = work.start.c[first_unit + u];
  }
  if (thread < lanes) {
    Lane& lane = s.lane[thread];
    lane = Lane{};
    lane.drawing = static_cast<uint64_t>(thread);
    lane.point = work.draw.first_point;
    lane.active = !kDraw || lane.drawing < work.draw.count;
    lane.input = work.input;
  }
  if (thread == 0) s.flags[0] = 0;
  __syncthreads();

  uint64_t next = static_cast<uint64_t>(lanes);  // thread 0's: the next drawing to begin
  uint64_t followed = 0;
  uint32_t step = 0;
  bool take_in = kDraw ? work.pending : true;
  for (;;) {
    if (!kDraw) {
      if (followed == work.follow.count) break;
      if (thread == 0) {
        const Row row = work.follow.rows[followed];
        s.lane[0].input = {row.dx / net.scale_factor, row.dy / net.scale_factor, row.pen};
      }
      ++followed;
      __syncthreads();
    }
    if (take_in) {
      ++step;
      // Asked for now, needed only when the exchange goes out.
      const bool speaks = blockIdx.x == 0 && thread == 0;
      const int stop = speaks ? load_volatile(work.control.stop) : 0;
      if (kResident) {
        if (mine) few_item<Element>(net, s, lanes, thread, columns, kept);
      } else {
        for (int item = thread; item < items; item += threads)
          if (item % columns / kGates < own)
            few_item<Element>(net, s, lanes, item, columns, weights_of(item));
      }
      __syncthreads();
      unsigned long long* const exchange =
          work.exchange + static_cast<size_t>(step % 2) * lanes * net.units;
      for (int i = thread; i < own * lanes; i += threads) {
        const int u = i / lanes, l = i % lanes;
        const int unit = first_unit + u;
        float totals[kGates], scale[kGates];
        start_totals(net, unit, s.lane[l].input, totals);
        load_scale(net, unit, scale);
        for (int b = 0; b < net.padded_words / kBlock; ++b)
          for (int g = 0; g < kGates; ++g)
            totals[g] =
                fmaf(s.sums[(b * columns + u * kGates + g) * lanes + l], scale[g], totals[g]);
        const float h = update(totals, s.c[i]);
        if (s.lane[l].fresh) s.c[i] = work.start.c[unit];
        const uint32_t tag = (step & 0x7FFFFFFFu) | (i == 0 && stop != 0 ? 0x80000000u : 0u);
        store_volatile(exchange + static_cast<size_t>(l) * net.units + unit,
                       static_cast<unsigned long long>(tag) << 32 | bits_of(h));
      }
      for (int l = 0; l < lanes; ++l) {
        for (int k = thread; k < net.hidden; k += threads) {
          const unsigned long long* const word = exchange + static_cast<size_t>(l) * net.units + k;
          unsigned long long found = load_volatile(word);
          while (((found >> 32 ^ step) & 0x7FFFFFFFu) != 0) {
            wait_a_little();
            found = load_volatile(word);
          }
          if (found >> 63 != 0) s.flags[0] = 1;
          put_h(l, k, s.lane[l].fresh ? work.start.h[k] : float_of(static_cast<uint32_t>(found)));
        }
      }
      __syncthreads();
      if (s.flags[0] != 0) break;
    }
    if (!kDraw) continue;
    take_in = true;

    for (int o = warp; o < net.choices(); o += warps)
      for (int l = 0; l < lanes; ++l) {
        const float value = warp_head(net, o, s.h + l * net.head_stride, 1);
        if (thread % static_cast<int>(kWarp) == 0) s.logits[o * lanes + l] = value;
      }
    __syncthreads();
    for (int l = warp; l < lanes; l += warps) {
      if (!s.lane[l].active) continue;
      const PointUniforms u = uniforms_of(work.draw, s.lane[l]);
      const size_t stride = static_cast<size_t>(lanes);
      const int pen = warp_choose(s.logits + l, stride, kPenStates, work.draw.temperature, u.pen);
      const int component = warp_choose(s.logits + kPenStates * stride + l, stride, net.mixtures,
                                        work.draw.temperature, u.component);
      float params[kPlaceOutputs];
      for (int p = 0; p < kPlaceOutputs; ++p)
        params[p] = warp_head(net, net.choices() + component * kPlaceOutputs + p,
                              s.h + l * net.head_stride, 1);
      const Offset offset = place_point(params, 1, work.draw.temperature, u.radius, u.angle);
      __syncwarp();
      if (thread % static_cast<int>(kWarp) == 0 &&
          take_point(net, work.draw, work.control, s.lane[l], offset, pen, blockIdx.x == 0))
        s.lane[l].active = 0;
    }
    __syncthreads();
    // Every block hands out drawings in the same order, for all know the same.
    if (thread == 0) {
      s.flags[1] = 0;
      for (int l = 0; l < lanes; ++l) {
        Lane& lane = s.lane[l];
        lane.fresh = 0;
        if (!lane.active && next < work.draw.count) {
          lane.drawing = next++;
          lane.point = work.draw.first_point;
          lane.active = lane.fresh = 1;
        }
        s.flags[1] |= lane.active;
      }
    }
    __syncthreads();
    if (s.flags[1] == 0) break;
  }
  if (work.final_h == nullptr) return;
  if (blockIdx.x == 0)
    for (size_t k = thread; k < net.head_stride; k += threads) work.final_h[k] = s.h[k];
  for (int u = thread; u < own; u += threads) work.final_c[first_unit + u] = s.c[u * lanes];
}

}  // namespace
}  // namespace sketchrnn::cuda
