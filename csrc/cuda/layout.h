// A net's numbers in the order in which the GPU's kernels read them, still in the host's memory.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned.h"
#include "cuda/view.h"
#include "engine/conditions.h"
#include "model/net.h"

namespace sketchrnn::cuda {

struct Layout {
  explicit Layout(const Net& net);

  // Pointers into the arrays below and into the net, which must both stay.
  NetView view{};
  AlignedFloats offsets, scale, h_scale;
  std::vector<std::uint32_t> rows, tiles;
};

// The recurrent weights of an i8 net for clusters, which have `blocks` blocks:
// [block][warpgroup][k / 16][row][16 bytes], as many_clusters.cuh keeps them in shared memory.
std::vector<std::uint32_t> cluster_weights(const Net& net, int blocks);

// What else a cluster multiplies with, kClusterNumbers for each place of its blocks: those of the
// unit that is there, or zeros.
AlignedFloats cluster_units(const Net& net, int blocks);

// The head's weights in the order of those places, for each output.
AlignedFloats cluster_head(const Net& net, int blocks);

// The different conditions of the first `count` drawings of a call.
struct ConditionTable {
  ConditionTable(const Conditions& conditions, std::size_t count);

  ConditionsView view() const { return {numbers.data(), which.empty() ? nullptr : which.data()}; }

  AlignedFloats numbers;
  std::vector<std::uint32_t> which;  // none where all have the first
};

}  // namespace sketchrnn::cuda
