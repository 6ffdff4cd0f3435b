// The recurrent weights as integers, for the precisions i16 and i8.
#pragma once

#include <cstdint>
#include <vector>

#include "model/weights.h"
#include "progress.h"

namespace sketchrnn {

// In i8 weights are integers of 7 bits: two products with a byte of h then fit int16, and processors
// without an instruction for four have one for two (255 · 63 · 2 = 32,130; kernels/vector.h).
constexpr int kI8Weights = 63;

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
QuantisedRecurrent quantise_i16(const Weights& weights, const Progress& progress = {});

// i8: a static scale per hidden unit, folded into the weights; columns rounded to ±63 one input at a
// time, each rounding error being made up for by the inputs still to come as far as the second
// moments of `states` allow (GPTQ: Frantar et al. 2023, arXiv 2210.17323). `states` are hidden
// states that the net can meet, one row of H each (engine/open.h has them from its own
// drawings). All in float64 and in one fixed order: the same integers on every machine.
// Throws WeightsError if the weights overflow what 8 bits are stored with.
//
// Both throw Cancelled when `progress` says so.
QuantisedRecurrent quantise_i8(const Weights& weights, const std::vector<float>& states,
                               const Progress& progress = {});

// The same as stored in a container by an earlier quantise_i8. Columns of 8 bits, as files
// from before have them, are rounded to 7.
QuantisedRecurrent stored_i8(const Weights& weights);

}  // namespace sketchrnn
