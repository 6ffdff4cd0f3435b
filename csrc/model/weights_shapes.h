// How large the arrays of a container must be: every size follows from H, M, N_z, E and K.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/weights.h"

namespace sketchrnn {

// A larger net than anyone has trained, small enough that no product of two sizes can overflow.
constexpr std::size_t kMaxHidden = 65536;

// Of the scales of 8-bit recurrent weights, after the prefix of their LSTM.
constexpr const char* kColumnScale = "wh.column_scale";
constexpr const char* kHiddenScale = "h.scale";

// (2, 3), in messages.
std::string shape_text(const std::vector<std::size_t>& shape);

// Of arrays that have been found, of one or two sizes each; sets `hidden` and `mixtures` of the net
// and its encoder. Throws WeightsError.
void check_shapes(Weights& weights);

}  // namespace sketchrnn
