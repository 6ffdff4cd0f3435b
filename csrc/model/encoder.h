// The encoder of a net with a latent vector (Ha & Eck 2017, eq. 1 and 2), ready to run: two LSTMs
// and what makes μ and σ of their last h. Shared between threads, like Net.
#pragma once

#include <memory>
#include <utility>

#include "model/dense.h"
#include "model/net.h"

namespace sketchrnn {

struct Encoder {
  // Each direction is a net without a head; it starts from zeros, at `start`.
  struct Direction {
    std::shared_ptr<const Net> net;
    ConditionPtr start;
  };

  Direction forward, backward;
  Dense mu, log_variance;  // of [h forward, h backward]

  static std::shared_ptr<const Encoder> make(const Weights& weights,
                                             std::shared_ptr<const Net> forward,
                                             std::shared_ptr<const Net> backward) {
    const Kernels& kernels = forward->kernels();
    const auto both = 2 * static_cast<std::size_t>(forward->hidden());
    return std::make_shared<const Encoder>(
        Encoder{from_zeros(std::move(forward)), from_zeros(std::move(backward)),
                Dense(kernels, weights.mu_w, 0, both, weights.mu_b.read_wide()),
                Dense(kernels, weights.sigma_w, 0, both, weights.sigma_b.read_wide())});
  }

  static Direction from_zeros(std::shared_ptr<const Net> net) {
    auto start = std::make_shared<Condition>(*net->condition());
    start->h = AlignedFloats(net->state_stride());
    start->c = AlignedFloats(net->state_stride());
    return {std::move(net), std::move(start)};
  }
};

}  // namespace sketchrnn
