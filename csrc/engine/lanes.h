// The drawings that one thread advances together, and how many of them there are.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "aligned.h"
#include "model/net.h"

namespace sketchrnn {

// Up to so many lanes wait rather for the weights than for arithmetic, so that reading them narrow
// is faster (measured, 512 units, AVX-512: see docs/design.md).
constexpr std::size_t kFew = 12;

// Lane i's h and c are row i; active lanes are always the first ones.
class Lanes {
 public:
  Lanes(const Net& net, std::size_t capacity)
      : net_(net),
        stride_(net.state_stride()),
        h_(capacity * stride_),
        h_next_(capacity * stride_),
        c_(capacity * stride_),
        rounded_(net.precision() == Precision::f32 ? 0 : capacity * stride_),
        inputs_(capacity),
        conditions_(capacity),
        head_bias_(capacity) {}

  std::size_t active() const { return active_; }
  const float* h(std::size_t lane) const { return h_.data() + lane * stride_; }

  // A new lane behind the active ones, where drawings of this condition start.
  void start(ConditionPtr condition) {
    std::memcpy(h_.data() + active_ * stride_, condition->h.data(), stride_ * sizeof(float));
    std::memcpy(c_.data() + active_ * stride_, condition->c.data(), stride_ * sizeof(float));
    head_bias_[active_] = condition->head_bias.data();
    conditions_[active_++] = std::move(condition);
  }

  // The last active lane takes this one's place.
  void remove(std::size_t lane) {
    --active_;
    if (lane != active_) {
      std::memcpy(h_.data() + lane * stride_, h(active_), stride_ * sizeof(float));
      std::memcpy(c_.data() + lane * stride_, c_.data() + active_ * stride_,
                  stride_ * sizeof(float));
      inputs_[lane] = inputs_[active_];
      head_bias_[lane] = head_bias_[active_];
      std::swap(conditions_[lane], conditions_[active_]);
    }
    conditions_[active_].reset();
  }

  // What the lane takes in at the next step.
  void feed(std::size_t lane, const Row& row) {
    inputs_[lane] = net_.input_from_row(row, *conditions_[lane]);
  }

  // All active lanes take in their input.
  void step() {
    if (active_ == 0) return;
    const Packed& packed = active_ <= kFew ? net_.packed() : net_.packed_for_many();
    backwards_ = !backwards_;
    net_.kernels().step(packed, 0, packed.panels, backwards_, static_cast<int>(active_),
                        inputs_.data(), h_.data(), c_.data(), h_next_.data(), stride_,
                        rounded_.data());
    std::swap(h_, h_next_);
  }

  // Head outputs [first, first + count) of all active lanes: out[(row - first) * column + lane].
  void head(int first, int count, float* out, std::size_t column) const {
    net_.kernels().head(net_.packed(), first, count, static_cast<int>(active_), head_bias_.data(),
                        h_.data(), stride_, out, column);
  }

  // The same of one lane: out[(row - first) * column].
  void head_of(std::size_t lane, int first, int count, float* out, std::size_t column) const {
    net_.kernels().head(net_.packed(), first, count, 1, head_bias_.data() + lane, h(lane), stride_,
                        out, column);
  }

 private:
  const Net& net_;
  std::size_t stride_;
  AlignedFloats h_, h_next_, c_, rounded_;
  std::vector<Input> inputs_;
  std::vector<ConditionPtr> conditions_;
  std::vector<const double*> head_bias_;
  std::size_t active_ = 0;
  bool backwards_ = false;
};

struct LanePlan {
  std::size_t threads;
  std::size_t lanes;
};

// 48 is a whole number of every kernel's groups (6, 3, 2); past it the weights' way from L3, which
// all lanes share, no longer shows in the time per point.
constexpr std::size_t kLanes = 48;

inline LanePlan plan_lanes(std::size_t count, int threads, int lanes) {
  LanePlan plan{};
  plan.threads = std::max<std::size_t>(1, std::min<std::size_t>(count, threads));
  const std::size_t share = (count + plan.threads - 1) / plan.threads;
  plan.lanes = std::max<std::size_t>(1, std::min(lanes > 0 ? std::size_t(lanes) : kLanes, share));
  return plan;
}

}  // namespace sketchrnn
