// What a drawing may have of its own: biases and the state it starts from.
//
// An input that stays the same for a whole drawing (which of many objects to draw, a latent vector)
// acts through the biases alone, so that kernels, batches and devices know nothing else of it.
#pragma once

#include <memory>
#include <vector>

#include "aligned.h"

namespace sketchrnn {

// What is added to the sums of the gates (4H, without the forget gate's +1) and of the head.
struct Biases {
  std::vector<double> gates, head;
};

// The same as the kernels read them, and where a drawing with them starts.
struct Condition {
  AlignedFloats bias;             // [panels][kBiasRows][gate][panel], see Input
  std::vector<double> head_bias;  // 3 + 6M, in the kernels' order
  AlignedFloats h, c;             // after the start token: one row each, Net::state_stride() floats
};

using ConditionPtr = std::shared_ptr<const Condition>;

}  // namespace sketchrnn
