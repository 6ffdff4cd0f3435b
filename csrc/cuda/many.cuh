// Many sketches: every block of threads draws its own, and reads all weights at every step from L2.
//
// A block's sketches are its lanes; h stands in shared memory, c in memory that stays in L2. The
// moment a drawing ends its lane begins another, and rows go straight to where the host will find
// them. How the gates are summed is left to a policy: ScalarGates (this file) for f32, TensorGates
// (many_integer.cuh) for i16 and i8. All sums are those of kernels/body.h.
#pragma once

#include "cuda/thread.cuh"

namespace sketchrnn::cuda {
namespace {

// Sums by multiply-adds of single numbers: a thread has one hidden unit's four gates for 8 lanes.
struct ScalarGates {
  using Element = F32;
  static constexpr int kThreads = kScalarThreads;
  static constexpr bool kRounds = Element::kRounds;
  static constexpr int kLanesPerThread = 8;

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
        Element::Sum sum[kLanesPerThread][kGates] = {};
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

// A look at the host's memory costs a microsecond, a step some tens.
constexpr uint32_t kManyStepsBetweenStops = 8;

// kDraw: draws; otherwise follows given drawings and writes what the net predicts of them.
template <class Gates, bool kDraw>
class Many {
 public:
  SKETCHRNN_FN Many(const NetView& net, const ManyWork& work, char* memory)
      : net_(net),
        work_(work),
        s_(many_shared(net, Gates::kRounds, kDraw, work.lanes, memory)),
        lanes_(work.lanes),
        stride_(static_cast<size_t>(lane_stride(work.lanes))),
        c_(work.c + static_cast<size_t>(blockIdx.x) * net.units * work.lanes) {}

  SKETCHRNN_FN void begin() {
    for (size_t i = thread_; i < many_words(net_, lanes_); i += threads_) now_[i] = next_[i] = 0;
    if (Gates::kRounds)
      for (size_t i = thread_; i < net_.head_stride * stride_; i += threads_) s_.h[i] = 0.0f;
    for (size_t i = thread_; i < static_cast<size_t>(net_.units) * lanes_; i += threads_)
      c_[i] = 0.0f;
    if (thread_ < lanes_) {
      s_.lane[thread_] = Lane{};
      s_.lane[thread_].input.bias = work_.conditions.table;  // idle lanes are stepped too
    }
    __syncthreads();
  }

  // Gives idle lanes a drawing and its state; false when there is nothing left, or told to stop.
  SKETCHRNN_FN bool hand_out() {
    if (thread_ < lanes_) take_drawing(s_.lane[thread_]);
    const bool begins = thread_ < lanes_ && s_.lane[thread_].fresh;
    if (__syncthreads_or(begins)) put_starts();
    const bool goes_on = (thread_ < lanes_ && s_.lane[thread_].active) != 0;
    const bool asks = thread_ == 0 && step_ % kManyStepsBetweenStops == 0;
    const bool stop = asks && load_volatile(work_.control.stop) != 0;
    // Two questions in one: all lanes idle, or told to stop.
    const int idle = !__syncthreads_or(goes_on);
    return !(__syncthreads_or(stop) || idle);
  }

  // Head outputs, a thread for each lane: neighbours read neighbours.
  SKETCHRNN_FN void predict() {
    const int width = lanes_ < static_cast<int>(kWarp) ? lanes_ : static_cast<int>(kWarp);
    const int together = static_cast<int>(kWarp) / width;
    const int groups = lanes_ / width;
    const int outputs = kDraw ? net_.choices() : net_.outputs();
    for (int task = warp_; task < (outputs + together - 1) / together * groups; task += warps_) {
      const int l = task % groups * width + in_warp_ % width;
      const int o = task / groups * together + in_warp_ / width;
      const Lane& lane = s_.lane[l];
      if (o >= outputs || !lane.active) continue;
      float* const out = kDraw ? s_.logits + o * lanes_ + l
                               : work_.follow.z + lane.row * static_cast<uint64_t>(net_.outputs()) +
                                     contract_output(net_, o);
      *out = thread_head(net_, lane.own.head_bias, o, h() + l, stride_);
    }
    __syncthreads();
  }

  // What every lane takes in next: a point that is drawn, or the row that is given.
  SKETCHRNN_FN void go_on() {
    if (kDraw) {
      if (thread_ < lanes_ && s_.lane[thread_].active) choose(thread_);
      __syncthreads();
      for (int l = warp_; l < lanes_; l += warps_)
        if (s_.lane[l].active) place(l);
    } else if (thread_ < lanes_ && s_.lane[thread_].active) {
      Lane& lane = s_.lane[thread_];
      lane.input = input_of(net_, lane, work_.follow.rows[lane.row]);
      if (lane.row++ == lane.last) {
        lane.active = 0;
        count_finished(work_.control);
      }
    }
    __syncthreads();
  }

  SKETCHRNN_FN void step() {
    Gates::step(net_, s_.lane, lanes_, now_, next_, s_.h, c_);
    uint32_t* const before = now_;
    now_ = next_;
    next_ = before;
    ++step_;
    __syncthreads();
  }

 private:
  SKETCHRNN_FN float* h() const { return Gates::kRounds ? s_.h : reinterpret_cast<float*>(now_); }

  SKETCHRNN_FN void take_drawing(Lane& lane) {
    lane.fresh = 0;
    while (!lane.active) {
      const unsigned long long drawing = atomicAdd(work_.control.next, 1ull);
      if (drawing >= (kDraw ? work_.draw.count : work_.follow.count)) return;
      if (!kDraw) {
        lane.row = static_cast<uint64_t>(work_.follow.offsets[drawing]);
        lane.last = static_cast<uint64_t>(work_.follow.offsets[drawing + 1]);
        if (lane.row == lane.last) continue;  // no rows
        --lane.last;
      }
      begin_drawing(net_, work_.conditions, lane, drawing, work_.draw.first_point);
    }
  }

  SKETCHRNN_FN void put_starts() {
    for (int i = thread_; i < net_.hidden * lanes_; i += threads_) {
      const int l = i % lanes_, k = i / lanes_;
      if (!s_.lane[l].fresh) continue;
      const ConditionView& own = s_.lane[l].own;
      if (Gates::kRounds) h()[k * stride_ + l] = own.h[k];
      Gates::put(net_, now_, lanes_, l, k, own.h[k]);
      c_[Gates::cell_at(net_, lanes_, k, l)] = own.c[k];
    }
  }

  SKETCHRNN_FN void choose(int l) {
    const PointUniforms u = uniforms_of(work_.draw, s_.lane[l]);
    const size_t n = static_cast<size_t>(lanes_);
    const Temperature temperature = work_.draw.temperature;
    s_.pen[l] = choose_category(s_.logits + l, n, kPenStates, temperature, u.pen);
    s_.component[l] =
        choose_category(s_.logits + kPenStates * n + l, n, net_.mixtures, temperature, u.component);
  }

  // By a whole warp.
  SKETCHRNN_FN void place(int l) {
    Lane& lane = s_.lane[l];
    float params[kPlaceOutputs];
    for (int p = 0; p < kPlaceOutputs; ++p)
      params[p] = warp_head(net_, lane.own.head_bias,
                            net_.choices() + s_.component[l] * kPlaceOutputs + p, h() + l, stride_);
    const PointUniforms u = uniforms_of(work_.draw, lane);
    const Offset offset = place_point(params, 1, work_.draw.temperature, u.radius, u.angle);
    __syncwarp();
    if (in_warp_ == 0 && take_point(net_, work_.draw, work_.control, lane, offset, s_.pen[l], true))
      lane.active = 0;
  }

  const int thread_ = static_cast<int>(threadIdx.x), threads_ = static_cast<int>(blockDim.x);
  const int warp_ = thread_ / static_cast<int>(kWarp), in_warp_ = thread_ % static_cast<int>(kWarp);
  const int warps_ = threads_ / static_cast<int>(kWarp);
  const NetView& net_;
  const ManyWork& work_;
  const ManyShared s_;
  const int lanes_;
  const size_t stride_;
  float* const c_;
  uint32_t *now_ = s_.words[0], *next_ = s_.words[1];  // h, and h after the step
  uint32_t step_ = 0;
};

template <class Gates, bool kDraw>
__global__ void __launch_bounds__(Gates::kThreads)
    many_kernel(const __grid_constant__ NetView net, const __grid_constant__ ManyWork work) {
  SKETCHRNN_SHARED_MEMORY(memory);
  Many<Gates, kDraw> many(net, work, memory);
  many.begin();
  while (many.hand_out()) {
    many.predict();
    many.go_on();
    many.step();
  }
}

}  // namespace
}  // namespace sketchrnn::cuda
