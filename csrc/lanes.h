// The states of the drawings that one thread advances together, and how many of them there are.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "aligned.h"
#include "net.h"

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
        column_(padded(capacity)),
        h_(capacity * stride_),
        h_next_(capacity * stride_),
        c_(capacity * stride_),
        rounded_(net.precision() == Precision::f32 ? 0 : capacity * stride_),
        inputs_(capacity) {}

  std::size_t active() const { return active_; }
  std::size_t stride() const { return stride_; }
  // Length of a buffer that holds one number per lane, for the kernels.
  std::size_t column() const { return column_; }
  const float* h(std::size_t lane) const { return h_.data() + lane * stride_; }
  Input& input(std::size_t lane) { return inputs_[lane]; }

  // A new lane behind the active ones, in the given state.
  void start(const float* h, const float* c) {
    std::memcpy(h_.data() + active_ * stride_, h, stride_ * sizeof(float));
    std::memcpy(c_.data() + active_ * stride_, c, stride_ * sizeof(float));
    ++active_;
  }

  // The last active lane takes this one's place.
  void remove(std::size_t lane) {
    --active_;
    if (lane == active_) return;
    std::memcpy(h_.data() + lane * stride_, h(active_), stride_ * sizeof(float));
    std::memcpy(c_.data() + lane * stride_, c_.data() + active_ * stride_, stride_ * sizeof(float));
    inputs_[lane] = inputs_[active_];
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

 private:
  const Net& net_;
  std::size_t stride_;
  std::size_t column_;
  AlignedFloats h_, h_next_, c_, rounded_;
  std::vector<Input> inputs_;
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
