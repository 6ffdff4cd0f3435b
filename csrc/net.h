// A net ready to run: weights packed for one instruction set, and the state after the start token.
//
// Immutable after construction and shared between threads; all that changes lives in Stream,
// generate() and score().
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "aligned.h"
#include "kernels/kernels.h"
#include "quantise.h"
#include "weights.h"

namespace sketchrnn {

class Net {
 public:
  Net(std::shared_ptr<const Weights> weights, const Kernels& kernels,
      Precision precision = Precision::f32);

  const Weights& weights() const { return *weights_; }
  const Kernels& kernels() const { return kernels_; }
  const Packed& packed() const { return packed_; }
  // The same for stepping several sketches together: float32 weights are widened for it, once, the
  // first time that it is asked for. Safe from any thread.
  const Packed& packed_for_many() const;
  Precision precision() const { return packed_.precision; }
  int hidden() const { return packed_.hidden; }
  int mixtures() const { return packed_.mixtures; }
  int outputs() const { return kPenStates + 6 * packed_.mixtures; }
  int choice_outputs() const { return kPenStates + packed_.mixtures; }
  float scale_factor() const { return weights_->scale_factor; }

  // Floats in one row of h or c. Its 16 floats beyond a multiple of kPad keep the rows of different
  // sketches from falling into the same cache sets.
  std::size_t state_stride() const { return state_stride_; }

  // h and c after the start token, with which every drawing begins: one row each.
  const float* start_h() const { return start_h_.data(); }
  const float* start_c() const { return start_c_.data(); }

  // Net units from data units; the only place where the scale factor divides.
  Input input_from_row(float dx, float dy, Pen pen) const {
    return {dx / scale_factor(), dy / scale_factor(), pen};
  }

  // Head output `index` in the order of the contract (pen, π, μx, μy, log σx, log σy, atanh ρ) is
  // row `kernel_row(index)` of the kernels' order.
  int kernel_row(int index) const;

  std::size_t packed_bytes() const;

 private:
  void pack(Precision precision);
  void pack_floats();
  void pack_scale(const std::vector<double>& column_scale);
  void pack_integers(const QuantisedRecurrent& quantised);
  void pack_head();

  std::shared_ptr<const Weights> weights_;
  const Kernels& kernels_;
  Packed packed_{};
  mutable std::once_flag widen_once_;
  mutable AlignedFloats wide_recurrent_;
  mutable Packed wide_{};
  mutable std::atomic<bool> widened_{false};
  std::size_t state_stride_ = 0;
  AlignedFloats input_, recurrent_, head_, start_h_, start_c_;
  AlignedFloats scale_, h_scale_;
  std::vector<std::int32_t> start_;  // i8
  std::vector<double> head_bias_;
};

inline std::size_t padded(std::size_t n) { return (n + kPad - 1) / kPad * kPad; }

}  // namespace sketchrnn
