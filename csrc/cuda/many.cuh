// Many sketches: every block of threads draws its own, and reads all weights at every step from L2.
//
// A block's sketches are its lanes; h stands in shared memory, c in memory that stays in L2. The
// moment a drawing ends its lane begins another, and rows go straight to where the host will find
// them. How the gates are summed is left to a policy: ScalarGates (this file) for f32 and i16,
// TensorGates (many_i8.cuh) for i8. All sums are those of kernels/body.h.
#pragma once

#include "cuda/thread.cuh"

namespace sketchrnn::cuda {
namespace {

// Floats from one k to the next in [k][lane] arrays: rows start in different banks, and stay on 16
// bytes.
__host__ __device__ constexpr int lane_stride(int lanes) { return lanes + 4; }

struct ManyShared {
  uint32_t* words[2];  // h as the recurrent product reads it, now and after the step
  float* h;        // [head_stride][lane_stride]: words[0] and words[1] themselves in turn for f32
  float* logits;   // [choices][lanes]
  Lane* lane;      // [lanes]
  int* component;  // [lanes]
  int* pen;        // [lanes]
  size_t bytes;
};

template <class Gates>
__host__ __device__ inline ManyShared many_shared(const NetView& net, int lanes, bool draw,
                                                  char* base) {
  Carver carve{base, 0};
  ManyShared s{};
  const size_t n = static_cast<size_t>(lanes);
  for (uint32_t*& words : s.words) words = carve.take<uint32_t>(Gates::buffer_words(net, lanes));
  s.h = Gates::kRounds ? carve.take<float>(net.head_stride * lane_stride(lanes))
                       : reinterpret_cast<float*>(s.words[0]);
  s.logits = carve.take<float>(draw ? (kPenStates + net.mixtures) * n : 0);
  s.lane = carve.take<Lane>(n);
  s.component = carve.take<int>(n);
  s.pen = carve.take<int>(n);
  s.bytes = carve.used;
  return s;
}

// Sums by multiply-adds of single numbers: a thread has one hidden unit's four gates for 8 lanes.
template <class Element>
struct ScalarGates {
  static constexpr int kThreads = 512;
  static constexpr bool kRounds = Element::kRounds;
  static constexpr int kLanesPerThread = 8;

  __host__ __device__ static size_t buffer_words(const NetView& net, int lanes) {
    return static_cast<size_t>(net.padded_words) * lane_stride(lanes);
  }
  // Where c of a unit and lane stands in the block's part.
  SKETCHRNN_FN static size_t cell_at(const NetView&, int lanes, int unit, int lane) {
    return static_cast<size_t>(unit) * lanes + lane;
  }
  SKETCHRNN_FN static void put(const NetView& net, uint32_t* words, int lanes, int lane, int k,
                               float h) {
    Element::put(words + lane, static_cast<size_t>(lane_stride(lanes)), k, h, net);
  }

  // One step of all lanes: `from` is read, `to` and h are written, c is updated.
  SKETCHRNN_FN static void step(const NetView& net, const Lane* lane, int lanes,
                                const uint32_t* from, uint32_t* to, float* h, float* c) {
    const int warp = static_cast<int>(threadIdx.x / kWarp);
    const int groups = lanes / kLanesPerThread;
    const int first = warp % groups * kLanesPerThread;
    const int in_parallel = static_cast<int>(blockDim.x / kWarp) / groups;
    const int stride = lane_stride(lanes);
    for (int tile = warp / groups; tile < net.units / kUnitPad; tile += in_parallel) {
      const int unit = tile * kUnitPad + static_cast<int>(threadIdx.x % kWarp);
      float totals[kLanesPerThread][kGates], scale[kGates];
      load_scale(net, unit, scale);
#pragma unroll
      for (int l = 0; l < kLanesPerThread; ++l)
        start_totals(net, unit, lane[first + l].input, totals[l]);
      const uint4* weights = reinterpret_cast<const uint4*>(net.tiles) +
                             static_cast<size_t>(tile) * net.words * kUnitPad + threadIdx.x % kWarp;
      const uint32_t* words = from + first;
      for (int k = 0; k < net.words; k += kBlock) {
        const int count = net.words - k < kBlock ? net.words - k : kBlock;
        typename Element::Sum sum[kLanesPerThread][kGates] = {};
#pragma unroll 4
        for (int i = 0; i < count; ++i) {
          const uint4 w = *weights;
          weights += kUnitPad;
          uint32_t x[kLanesPerThread];
          load_words(words, x);
          load_words(words + 4, x + 4);
          words += stride;
#pragma unroll
          for (int l = 0; l < kLanesPerThread; ++l) {
            sum[l][0] = Element::dot(sum[l][0], w.x, x[l]);
            sum[l][1] = Element::dot(sum[l][1], w.y, x[l]);
            sum[l][2] = Element::dot(sum[l][2], w.z, x[l]);
            sum[l][3] = Element::dot(sum[l][3], w.w, x[l]);
          }
        }
#pragma unroll
        for (int l = 0; l < kLanesPerThread; ++l)
#pragma unroll
          for (int g = 0; g < kGates; ++g)
            totals[l][g] = fmaf(static_cast<float>(sum[l][g]), scale[g], totals[l][g]);
      }
      if (unit >= net.hidden) continue;
#pragma unroll
      for (int l = 0; l < kLanesPerThread; ++l) {
        const float value = update(totals[l], c[cell_at(net, lanes, unit, first + l)]);
        if (kRounds) h[static_cast<size_t>(unit) * stride + first + l] = value;
        put(net, to, lanes, first + l, unit, value);
      }
    }
  }
};

// kDraw: draws; otherwise follows given drawings and writes what the net predicts of them.
template <class Gates, bool kDraw>
__global__ void __launch_bounds__(Gates::kThreads) many_kernel(NetView net, ManyWork work) {
  SKETCHRNN_SHARED_MEMORY(memory);
  const int lanes = work.lanes;
  ManyShared s = many_shared<Gates>(net, lanes, kDraw, memory);
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  const int warp = thread / static_cast<int>(kWarp);
  const int warps = threads / static_cast<int>(kWarp);
  const int in_warp = thread % static_cast<int>(kWarp);
  const size_t stride = static_cast<size_t>(lane_stride(lanes));
  float* const c = work.c + static_cast<size_t>(blockIdx.x) * net.units * lanes;
  const uint64_t count = kDraw ? work.draw.count : work.follow.count;

  for (uint32_t* words : s.words)
    for (size_t i = thread; i < Gates::buffer_words(net, lanes); i += threads) words[i] = 0;
  if (Gates::kRounds)
    for (size_t i = thread; i < net.head_stride * stride; i += threads) s.h[i] = 0.0f;
  for (size_t i = thread; i < static_cast<size_t>(net.units) * lanes; i += threads) c[i] = 0.0f;
  if (thread < lanes) s.lane[thread] = Lane{};
  __syncthreads();

  for (int now = 0;; now ^= 1) {
    float* const h = Gates::kRounds ? s.h : reinterpret_cast<float*>(s.words[now]);

    if (thread < lanes) {
      Lane& lane = s.lane[thread];
      lane.fresh = 0;
      while (!lane.active) {
        const unsigned long long drawing = atomicAdd(work.control.next, 1ull);
        if (drawing >= count) break;
        lane.drawing = drawing;
        if (kDraw) {
          lane.point = work.draw.first_point;
        } else {
          lane.row = static_cast<uint64_t>(work.follow.offsets[drawing]);
          lane.last = static_cast<uint64_t>(work.follow.offsets[drawing + 1]);
          if (lane.row == lane.last) continue;  // no rows
          --lane.last;
        }
        lane.active = lane.fresh = 1;
      }
    }
    const bool begins = thread < lanes && s.lane[thread].fresh;
    if (__syncthreads_or(begins)) {
      for (int i = thread; i < net.hidden * lanes; i += threads) {
        const int l = i % lanes, k = i / lanes;
        if (!s.lane[l].fresh) continue;
        const float value = work.start.h[k];
        if (Gates::kRounds) h[k * stride + l] = value;
        Gates::put(net, s.words[now], lanes, l, k, value);
        c[Gates::cell_at(net, lanes, k, l)] = work.start.c[k];
      }
    }
    const bool goes_on = (thread < lanes && s.lane[thread].active) != 0;
    const bool stop = thread == 0 && load_volatile(work.control.stop) != 0;
    // Two questions in one: all lanes idle, or told to stop.
    const int idle = !__syncthreads_or(goes_on);
    if (__syncthreads_or(stop) || idle) break;

    // Head outputs, a thread for each lane: neighbours read neighbours.
    const int width = lanes < static_cast<int>(kWarp) ? lanes : static_cast<int>(kWarp);
    const int together = static_cast<int>(kWarp) / width;
    const int groups = lanes / width;
    const int outputs = kDraw ? net.choices() : net.outputs();
    for (int task = warp; task < (outputs + together - 1) / together * groups; task += warps) {
      const int l = task % groups * width + in_warp % width;
      const int o = task / groups * together + in_warp / width;
      if (o >= outputs || !s.lane[l].active) continue;
      const float value = thread_head(net, o, h + l, stride);
      if (kDraw) {
        s.logits[o * lanes + l] = value;
      } else {
        work.follow
            .z[s.lane[l].row * static_cast<uint64_t>(net.outputs()) + contract_output(net, o)] =
            value;
      }
    }
    __syncthreads();

    if (kDraw) {
      if (thread < lanes && s.lane[thread].active) {
        const PointUniforms u = uniforms_of(work.draw, s.lane[thread]);
        const size_t n = static_cast<size_t>(lanes);
        s.pen[thread] =
            choose_category(s.logits + thread, n, kPenStates, work.draw.temperature, u.pen);
        s.component[thread] = choose_category(s.logits + kPenStates * n + thread, n, net.mixtures,
                                              work.draw.temperature, u.component);
      }
      __syncthreads();
      for (int l = warp; l < lanes; l += warps) {
        if (!s.lane[l].active) continue;
        float params[kPlaceOutputs];
        for (int p = 0; p < kPlaceOutputs; ++p)
          params[p] =
              warp_head(net, net.choices() + s.component[l] * kPlaceOutputs + p, h + l, stride);
        const PointUniforms u = uniforms_of(work.draw, s.lane[l]);
        const Offset offset = place_point(params, 1, work.draw.temperature, u.radius, u.angle);
        __syncwarp();
        if (in_warp == 0 &&
            take_point(net, work.draw, work.control, s.lane[l], offset, s.pen[l], true))
          s.lane[l].active = 0;
      }
    } else if (thread < lanes && s.lane[thread].active) {
      Lane& lane = s.lane[thread];
      const Row row = work.follow.rows[lane.row];
      lane.input = {row.dx / net.scale_factor, row.dy / net.scale_factor, row.pen};
      if (lane.row++ == lane.last) {
        lane.active = 0;
        atomicAdd(work.control.finished, 1u);
      }
    }
    __syncthreads();
    Gates::step(net, s.lane, lanes, s.words[now], s.words[now ^ 1], s.h, c);
    __syncthreads();
  }
}

}  // namespace
}  // namespace sketchrnn::cuda
