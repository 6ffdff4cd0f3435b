// A net's numbers in the order in which the GPU's kernels read them, still in the host's memory.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned.h"
#include "cuda/view.h"
#include "net.h"

namespace sketchrnn::cuda {

struct Layout {
  explicit Layout(const Net& net);

  // Pointers into the arrays below and into the net, which must both stay.
  NetView view{};
  AlignedFloats input, scale, h_scale;
  std::vector<std::uint32_t> rows, tiles;
  AlignedFloats start_h, start_c;  // [head_stride], [units]
};

}  // namespace sketchrnn::cuda
