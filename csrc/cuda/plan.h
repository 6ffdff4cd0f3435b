// How work is cut for a device: which kernel, how many blocks, threads and lanes, how much shared
// memory, what fits at once. Numbers alone, so that they are tested where there is no device.
#pragma once

#include <cstddef>

#include "cuda/view.h"
#include "engine/device.h"

namespace sketchrnn::cuda {

// What a device offers.
struct Machine {
  int ordinal;
  int multiprocessors;
  std::size_t shared_bytes;  // of a block, at most
  int clusters;  // of kClusterBlocks blocks of cluster_kernel that run at once; 0: it has none
};

// Up to kFewLanes sketches go to the kernel for few, which uses the whole device for them. By
// count, for 512 units on an H100 (not measured): its step grows with the sketches, to some 10,000
// cycles for 32; in the kernel for many one multiprocessor reads all weights at every step, 16,000
// cycles in i8 and 65,000 in f32, whether it has 8 sketches or 1.
inline bool suits_few(std::size_t count, int lanes) {
  return count <= static_cast<std::size_t>(kFewLanes) && lanes == 0;
}

struct FewPlan {
  int lanes, units;  // units: of a block
  bool resident;     // weights stay in registers
  unsigned blocks, threads;
  std::size_t shared;
  std::size_t exchange_words;
};

// For `lanes` sketches at once, or as many as shared memory holds; the others follow when these
// end. Throws DeviceError where a block would need more than there is, as all of these do.
FewPlan plan_few(const NetView& net, const Machine& machine, int lanes);

struct ManyPlan {
  int lanes;  // of a block
  unsigned blocks, threads;
  std::size_t shared;
  std::size_t cells;  // floats of c
};

// `lanes` 0: the fewest with which all drawings are under way at once, so that few spread over the
// whole device, or as many as shared memory holds; else that many, if they fit.
ManyPlan plan_many(const NetView& net, const Machine& machine, std::size_t count, int lanes,
                   bool draw);

struct ClusterPlan {
  unsigned blocks, cluster;  // of the grid, of each cluster; 0: not this kernel
  unsigned threads;
  std::size_t shared;
  std::size_t lanes;  // of all blocks
};

// Whether `count` drawings go to clusters, and how: in i8, for nets whose units take all eight
// blocks, if there are more drawings than one group has. By count (not measured) a step of both
// groups takes less than the kernel for many needs to read the weights from L2 for 8 sketches on
// each multiprocessor. With `lanes` given it is the kernel for many, whose lanes they are.
ClusterPlan plan_clusters(const NetView& net, const Machine& machine, std::size_t count, int lanes);

// Drawings of those asked for that certainly fit into `free` bytes: their rows as drawn and as
// handed out, all of the greatest length.
std::size_t plan_wave(const Machine& machine, std::size_t free, std::size_t given,
                      const DrawOptions& options);

// The end of the drawings from number `first` on whose predictions are held at once.
std::size_t plan_part(const Drawings& drawings, std::size_t first, int outputs);

}  // namespace sketchrnn::cuda
