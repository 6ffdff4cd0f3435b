// A few sketches on the whole GPU: the weights lie still, h goes round.
//
// Every block owns some hidden units, whose weights stay in its threads' registers; thread (block
// of words b, unit, gate) multiplies them with its part of h. Once a step the blocks exchange h
// through L2: each unit's value goes out in one 64-bit word with the step's number, and everybody
// waits for the words of all units. That is the only exchange, for every block then computes the
// same head and the same point for itself: the logits a warp each, component and pen in two warps
// (behind which the next step's product is made, which needs no point), the five parameters in
// five. What is random is computed before the wait. Sketches may be up to kFewLanes; all sums are
// those of kernels/body.h.
#pragma once

#include <type_traits>

#include "cuda/thread.cuh"

namespace sketchrnn::cuda {
namespace {

// An answer takes some ten polls; a look at the host's memory costs a microsecond.
constexpr int kPollsBetweenStops = 4096;
constexpr uint32_t kFewStepsBetweenStops = 64;

// One block of words for `Together` lanes. Weights in registers (an array) want the loop unrolled
// whole; of those in memory no more may be on their way than registers are free.
template <class Element, int Together, class Weights>
SKETCHRNN_FN void few_sums(const Weights& weights, const uint32_t* h, size_t stride, float* sums) {
  typename Element::Sum sum[Together] = {};
#pragma unroll(std::is_array_v<Weights> ? kBlock / 4 : 2)
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

// kResident: no more items than threads, so that weights stay in registers.
template <class Element, bool kResident>
class Few {
 public:
  SKETCHRNN_FN Few(const NetView& net, const FewWork& work, char* memory)
      : net_(net),
        work_(work),
        s_(few_shared(net, Element::kRounds, work.lanes, work.units, memory)),
        first_unit_(static_cast<int>(blockIdx.x) * work.units),
        own_(net.hidden - first_unit_ < work.units ? net.hidden - first_unit_ : work.units),
        items_(few_items(net, work.units)),
        next_(static_cast<uint64_t>(work.lanes)) {}

  SKETCHRNN_FN void begin() {
    if (kResident && has_unit(thread_) && thread_ < items_) {
      const uint32_t* const weights = weights_of(thread_);
#pragma unroll
      for (int k = 0; k < kBlock; ++k) kept_[kResident ? k : 0] = weights[k];
    }
    if (thread_ < work_.lanes) {
      s_.lane[thread_] = Lane{};
      const uint64_t drawing = static_cast<uint64_t>(thread_);
      if (drawing < work_.draw.count)
        begin_drawing(net_, work_.conditions, s_.lane[thread_], drawing, work_.draw.first_point);
    }
    if (thread_ == 0) s_.flags[0] = 0;
    const size_t lanes = static_cast<size_t>(work_.lanes);
    for (size_t i = thread_; i < lanes * net_.head_stride; i += threads_) s_.h[i] = 0.0f;
    if (Element::kRounds)
      for (size_t i = thread_; i < lanes * padded(); i += threads_) s_.words[i] = 0;
    __syncthreads();
    for (int l = 0; l < work_.lanes; ++l) {
      if (!s_.lane[l].active) continue;
      for (int k = thread_; k < net_.hidden; k += threads_) put_h(l, k, s_.lane[l].own.h[k]);
      for (int u = thread_; u < own_; u += threads_)
        s_.c[u * work_.lanes + l] = s_.lane[l].own.c[first_unit_ + u];
    }
    toss();
    __syncthreads();
  }

  // One point of every lane, and the product of the step that takes it in.
  SKETCHRNN_FN void draw_points() {
    const int lanes = work_.lanes, choices = net_.choices();
    for_each_task(choices * lanes, [&](int task) {
      const int o = task / lanes, l = task % lanes;
      if (!s_.lane[l].active) return;
      const float value = warp_head(net_, s_.lane[l].own.head_bias, o, h_of(l), 1);
      if (in_warp_ == 0) s_.logits[o * lanes + l] = value;
    });
    __syncthreads();
    for_each_task(2 * lanes, [&](int task) { choose(task / 2, task % 2 == 0); });
    multiply();
    __syncthreads();
    for_each_task(kPlaceOutputs * lanes, [&](int task) {
      const int l = task / kPlaceOutputs, p = task % kPlaceOutputs;
      if (!s_.lane[l].active) return;
      const float value = warp_head(net_, s_.lane[l].own.head_bias,
                                    choices + s_.component[l] * kPlaceOutputs + p, h_of(l), 1);
      if (in_warp_ == 0) s_.params[task] = value;
    });
    __syncthreads();
    if (thread_ < lanes && s_.lane[thread_].active) place(thread_);
    __syncthreads();
  }

  // Gives lanes whose drawing has ended another; false when there is nothing left to draw. Every
  // block does so in the same order, for all know the same.
  SKETCHRNN_FN bool hand_out() {
    if (thread_ == 0) {
      s_.flags[1] = 0;
      for (int l = 0; l < work_.lanes; ++l) {
        Lane& lane = s_.lane[l];
        lane.fresh = 0;
        if (!lane.active && next_ < work_.draw.count)
          begin_drawing(net_, work_.conditions, lane, next_++, work_.draw.first_point);
        s_.flags[1] |= lane.active;
      }
    }
    __syncthreads();
    return s_.flags[1] != 0;
  }

  // One step of all lanes; false when told to stop.
  SKETCHRNN_FN bool take_in() {
    const bool asks = blockIdx.x == 0 && thread_ == 0 && step_ % kFewStepsBetweenStops == 0;
    const int stop = asks ? load_volatile(work_.control.stop) : 0;
    ++step_;
    unsigned long long* const exchange =
        work_.exchange + static_cast<size_t>(step_ % 2) * work_.lanes * net_.units;
    update_units(exchange, stop);
    toss();
    gather(exchange);
    __syncthreads();
    return s_.flags[0] == 0;
  }

 private:
  SKETCHRNN_FN size_t padded() const { return static_cast<size_t>(net_.padded_words); }
  SKETCHRNN_FN int columns() const { return work_.units * kGates; }
  SKETCHRNN_FN bool has_unit(int item) const { return item % columns() / kGates < own_; }
  SKETCHRNN_FN float* h_of(int lane) const { return s_.h + lane * net_.head_stride; }
  SKETCHRNN_FN const uint32_t* weights_of(int item) const {
    const int column = item % columns();
    const size_t unit = static_cast<size_t>(first_unit_ + column / kGates);
    return net_.rows + (unit * kGates + column % kGates) * padded() + item / columns() * kBlock;
  }
  SKETCHRNN_FN void put_h(int lane, int k, float value) {
    h_of(lane)[k] = value;
    if (Element::kRounds) Element::put(s_.words + lane * padded(), 1, k, value, net_);
  }

  // run(task) by whole warps, from the last one on: the first ones have the weights.
  template <class Run>
  SKETCHRNN_FN void for_each_task(int count, Run run) {
    for (int task = warps_ - 1 - warp_; task < count; task += warps_) run(task);
  }

  // What the lanes' next points need of chance, by the last warp.
  SKETCHRNN_FN void toss() {
    if (warp_ != warps_ - 1 || in_warp_ >= work_.lanes) return;
    const PointUniforms u = uniforms_of(work_.draw, s_.lane[in_warp_]);
    const Normals normals = box_muller(u.radius, u.angle);
    s_.chance[in_warp_] = {u.component, u.pen, normals.n1, normals.n2};
  }

  // Component or pen of a lane, by a whole warp.
  SKETCHRNN_FN void choose(int l, bool component) {
    if (!s_.lane[l].active) return;
    const size_t stride = static_cast<size_t>(work_.lanes);
    const int first = component ? kPenStates : 0;
    const int found =
        warp_choose(s_.logits + first * stride + l, stride, component ? net_.mixtures : kPenStates,
                    work_.draw.temperature, component ? s_.chance[l].component : s_.chance[l].pen);
    if (in_warp_ == 0) (component ? s_.component : s_.pen)[l] = found;
  }

  SKETCHRNN_FN void place(int l) {
    Lane& lane = s_.lane[l];
    const Offset offset = place_normals(s_.params + l * kPlaceOutputs, 1, work_.draw.temperature,
                                        {s_.chance[l].n1, s_.chance[l].n2});
    if (take_point(net_, work_.draw, work_.control, lane, offset, s_.pen[l], blockIdx.x == 0))
      lane.active = 0;
  }

  // The recurrent sums.
  SKETCHRNN_FN void multiply() {
    if (kResident) {
      if (thread_ < items_ && has_unit(thread_)) multiply_item(thread_, kept_);
    } else {
      for (int item = thread_; item < items_; item += threads_)
        if (has_unit(item)) multiply_item(item, weights_of(item));
    }
  }

  template <class Weights>
  SKETCHRNN_FN void multiply_item(int item, const Weights& weights) {
    const int lanes = work_.lanes;
    const uint32_t* const h = s_.words + item / columns() * kBlock;
    float* const sums = s_.sums + item * lanes;
    int l = 0;
    for (; l + 4 <= lanes; l += 4)
      few_sums<Element, 4>(weights, h + l * padded(), padded(), sums + l);
    for (; l < lanes; ++l) few_sums<Element, 1>(weights, h + l * padded(), padded(), sums + l);
  }

  // The block's own c and h, which go out.
  SKETCHRNN_FN void update_units(unsigned long long* exchange, int stop) {
    const int lanes = work_.lanes;
    for (int i = thread_; i < own_ * lanes; i += threads_) {
      const int u = i / lanes, l = i % lanes, unit = first_unit_ + u;
      const Lane& lane = s_.lane[l];
      float h = 0.0f;
      if (lane.fresh) {
        s_.c[i] = lane.own.c[unit];
      } else if (lane.active) {
        float totals[kGates], scale[kGates];
        start_totals(net_, unit, lane.input, totals);
        load_scale(net_, unit, scale);
        for (int b = 0; b < net_.padded_words / kBlock; ++b)
          for (int g = 0; g < kGates; ++g)
            totals[g] =
                fmaf(s_.sums[(b * columns() + u * kGates + g) * lanes + l], scale[g], totals[g]);
        h = update(totals, s_.c[i]);
      }
      const uint32_t tag = (step_ & 0x7FFFFFFFu) | (i == 0 && stop != 0 ? 0x80000000u : 0u);
      store_volatile(exchange + static_cast<size_t>(l) * net_.units + unit,
                     static_cast<unsigned long long>(tag) << 32 | bits_of(h));
    }
  }

  // Everybody's h.
  SKETCHRNN_FN void gather(const unsigned long long* exchange) {
    for (int l = 0; l < work_.lanes; ++l)
      for (int k = thread_; k < net_.hidden; k += threads_) {
        const unsigned long long* const word = exchange + static_cast<size_t>(l) * net_.units + k;
        unsigned long long found = load_volatile(word);
        for (int polls = 1; ((found >> 32 ^ step_) & 0x7FFFFFFFu) != 0; ++polls) {
          // A block that never answers must not keep the others for ever.
          if (polls % kPollsBetweenStops == 0 && load_volatile(work_.control.stop) != 0) {
            s_.flags[0] = 1;
            return;
          }
          wait_a_little();
          found = load_volatile(word);
        }
        if (found >> 63 != 0) s_.flags[0] = 1;
        const Lane& lane = s_.lane[l];
        put_h(l, k, lane.fresh ? lane.own.h[k] : float_of(static_cast<uint32_t>(found)));
      }
  }

  const int thread_ = static_cast<int>(threadIdx.x), threads_ = static_cast<int>(blockDim.x);
  const int warp_ = thread_ / static_cast<int>(kWarp), in_warp_ = thread_ % static_cast<int>(kWarp);
  const int warps_ = threads_ / static_cast<int>(kWarp);
  const NetView& net_;
  const FewWork& work_;
  const FewShared s_;
  const int first_unit_, own_, items_;
  uint64_t next_;  // thread 0's: the next drawing to begin
  uint32_t step_ = 0;
  uint32_t kept_[kResident ? kBlock : 1];
};

template <class Element, bool kResident>
__global__ void __launch_bounds__(kFewThreads)
    few_kernel(const __grid_constant__ NetView net, const __grid_constant__ FewWork work) {
  SKETCHRNN_SHARED_MEMORY(memory);
  Few<Element, kResident> few(net, work, memory);
  few.begin();
  do few.draw_points();
  while (few.hand_out() && few.take_in());
}

}  // namespace
}  // namespace sketchrnn::cuda
