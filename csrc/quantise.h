// The recurrent weights as integers, for the precisions i16 and i8.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "weights.h"

namespace sketchrnn {

class Net;

// wh[k][u] ≈ q[k][u] · column_scale[u] · h_scale[k], where h_k · h_scale[k] is rounded to an
// integer within ±h_limit: the product of a weight's and a hidden unit's integer counts
// column_scale[u].
struct QuantisedRecurrent {
  std::vector<std::int16_t> q;       // (H, 4H)
  std::vector<double> column_scale;  // (4H)
  std::vector<float> h_scale;        // (H)
  float h_limit = 0.0f;
};

// 16 bits: the public nets' own integers as they are, other nets' weights rounded column by column;
// h gets as many bits (up to 15) as the largest sum over a block of weights can take in int32.
QuantisedRecurrent quantise_i16(const Weights& weights);

// 8 bits: a static scale per hidden unit, from drawings that the net draws itself, folded into the
// weights; columns rounded one input at a time, each rounding error being made up for by the inputs
// still to come as far as the drawings' second moments allow (GPTQ: Frantar et al. 2023,
// arXiv 2210.17323). All in float64 and in one fixed order: the same integers on every machine.
// `net` is the same net in float32.
QuantisedRecurrent quantise_i8(const std::shared_ptr<const Net>& net);

// The same as stored in a container by an earlier quantise_i8.
QuantisedRecurrent stored_i8(const Weights& weights);

}  // namespace sketchrnn
