// A net ready to run: weights packed for one instruction set.
//
// Immutable after construction and shared between threads; all that changes lives in Stream, draw()
// and score(). engine/open.h makes one.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "aligned.h"
#include "kernels/kernels.h"
#include "model/condition.h"
#include "model/dense.h"
#include "model/quantise.h"
#include "model/weights.h"
#include "progress.h"
#include "sync.h"

namespace sketchrnn {

struct Encoder;

class Net {
 public:
  // `integers` are the recurrent weights for Precision::i16 and i8, null for f32; `encoder` is that
  // of a net with a latent vector. Throws Cancelled when `progress` says so.
  Net(std::shared_ptr<const Weights> weights, const Kernels& kernels, Precision precision,
      const QuantisedRecurrent* integers, const Progress& progress = {},
      std::shared_ptr<const Encoder> encoder = nullptr);

  const Weights& weights() const { return *weights_; }
  const Kernels& kernels() const { return kernels_; }
  const Packed& packed() const { return packed_; }
  // The same for stepping several sketches together: float32 weights are widened for it, once, the
  // first time that it is asked for. Safe from any thread.
  const Packed& packed_for_many() const;
  Precision precision() const { return packed_.precision; }
  int hidden() const { return packed_.hidden; }
  int mixtures() const { return packed_.mixtures; }
  int outputs() const { return outputs_of(packed_.mixtures); }
  int choice_outputs() const { return kPenStates + packed_.mixtures; }
  float scale_factor() const { return weights_->scale_factor; }
  // N_z; 0 for a net without an encoder.
  std::size_t latent() const { return weights_->latent(); }
  const Encoder& encoder() const { return *encoder_; }  // of a net with a latent vector

  // The biases with which number `object` of weights().objects is drawn; of any other net its own.
  // Throws WeightsError where they overflow float32.
  Biases biases(std::size_t object) const;

  // What drawings of number `object` of weights().objects have of their own; of any other net, and
  // by default, there is one condition for all. Kept while it is used, and some while after.
  ConditionPtr condition(std::size_t object) const;
  const ConditionPtr& condition() const { return default_condition_; }

  // What drawings of latent vector z, latent() numbers, have of their own; of a net that has one.
  // Throws ArgumentError where its biases overflow float32.
  ConditionPtr condition(const float* z) const;
  // The h, hidden() numbers, that such drawings have before the start token.
  AlignedFloats first_h(const float* z) const;

  // Floats in one row of h or c. Its 16 floats beyond a multiple of kPad keep the rows of different
  // sketches from falling into the same cache sets.
  std::size_t state_stride() const { return state_stride_; }

  // What the kernels take in after a row in data units; the only place where the scale factor
  // divides.
  Input input_from_row(const Row& row, const Condition& condition) const {
    return {row.dx / scale_factor(), row.dy / scale_factor(), row.pen, condition.bias.data()};
  }

  // Head output `index` in the order of the contract (pen, π, μx, μy, log σx, log σy, atanh ρ) is
  // row `kernel_row(index)` of the kernels' order.
  int kernel_row(int index) const;

  std::size_t packed_bytes() const;

 private:
  void pack_floats(Pulse& pulse);
  void pack_scale(const std::vector<double>& column_scale);
  void pack_integers(const QuantisedRecurrent& quantised, Pulse& pulse);
  void pair_words(std::size_t row);
  void pack_head(Pulse& pulse);
  ConditionPtr make_condition(const Biases& biases, const AlignedFloats& h, AlignedFloats c) const;
  // h and c before the start token, one row each.
  std::array<AlignedFloats, 2> first_state(const float* z) const;

  std::shared_ptr<const Weights> weights_;
  const Kernels& kernels_;
  Packed packed_{};
  std::size_t state_stride_ = 0;
  AlignedFloats offsets_, recurrent_, head_, scale_, h_scale_;
  std::vector<std::int32_t> start_;  // i8
  // What conditions are made from: not the file, which others may change by then.
  std::vector<double> wx_;
  Biases plain_biases_;
  std::shared_ptr<const Encoder> encoder_;
  std::unique_ptr<const Dense> latent_gates_, latent_state_;  // z to gates' biases; to c and h
  std::vector<double> embed_;
  std::vector<float> to_b_, to_bo_;
  ConditionPtr default_condition_;

  mutable Mutex mutex_;  // of all that is below
  mutable std::atomic<bool> widened_{false};
  mutable AlignedFloats wide_recurrent_;
  mutable Packed wide_{};
  mutable std::vector<std::weak_ptr<const Condition>> conditions_;  // by object
  mutable std::array<ConditionPtr, 16> recent_{};                   // kept though nobody uses them
  mutable std::size_t next_recent_ = 0;
};

inline std::size_t padded(std::size_t n) { return (n + kPad - 1) / kPad * kPad; }

}  // namespace sketchrnn
