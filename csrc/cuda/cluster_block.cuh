// A block of a cluster that draws many sketches in i8 (many_clusters.cuh): what all of its
// warpgroups see, and how it begins.
#pragma once

#include "cuda/cluster.cuh"

namespace sketchrnn::cuda {
namespace {

// Of each block. Nobody can be a whole phase behind: what begins a phase needs everybody's end of
// the one before.
struct ClusterBarriers {
  Barrier weights;                   // they are here
  Barrier bytes[kClusterGroups];     // the other blocks' parts of the group's h have come
  Barrier read[kClusterGroups];      // all blocks have multiplied with them: theirs may be replaced
  Barrier messages[kClusterGroups];  // all samplers' have come
  Barrier floats;                    // h for the block's own sampler has come
  Barrier ready;  // all samplers have done with the floats before, and know of the step to come
};
static_assert(sizeof(ClusterBarriers) == kClusterBarriers * sizeof(Barrier), "");

// kBlocks: of the cluster, where the compiler is to know; 0: as many as it has.
template <int kBlocks>
class ClusterBlock {
 public:
  SKETCHRNN_FN ClusterBlock(const NetView& net, const ClusterWork& work, char* memory)
      : net_(net),
        work_(work),
        blocks_(kBlocks != 0 ? kBlocks : static_cast<int>(cluster_blocks())),
        rank_(static_cast<int>(cluster_rank())),
        own_lanes_(kClusterLanes / blocks_),
        s_(cluster_shared(net, blocks_, memory)),
        barriers_(*reinterpret_cast<ClusterBarriers*>(s_.barriers)) {}

  SKETCHRNN_FN void begin() {
    const size_t depth = static_cast<size_t>(blocks_) * kClusterUnits;
    if (thread_ == 0) {
      const unsigned all = static_cast<unsigned>(blocks_);
      make_barrier(&barriers_.weights, 1);
      make_barrier(&barriers_.floats, 1);
      make_barrier(&barriers_.ready, all);
      for (int g = 0; g < kClusterGroups; ++g) {
        make_barrier(&barriers_.bytes[g], 1);
        make_barrier(&barriers_.read[g], kMultipliers * all);
        make_barrier(&barriers_.messages[g], 1);
        arrive(&barriers_.bytes[g]);  // the h before the first step are these zeros
      }
      publish_barriers();
      const uint32_t bytes = static_cast<uint32_t>(kGates * kClusterUnits * depth);
      arrive_expecting(&barriers_.weights, bytes);
      copy_in(s_.weights, work_.weights + rank_ * static_cast<size_t>(bytes / sizeof(uint32_t)),
              bytes, &barriers_.weights);
    }
    const size_t words = kClusterGroups * kClusterLanes * depth / sizeof(uint32_t);
    for (size_t i = thread_; i < words; i += kClusterThreads)
      reinterpret_cast<uint32_t*>(s_.bytes)[i] = 0;
    publish_writes();
    cluster_sync();
  }

 protected:
  static constexpr int kGroupThreads = 128, kWarps = 4, kMultipliers = 2;
  // Numbers of sync_some.
  static constexpr int kForMultipliers = 1, kForSamplers = 2, kForEach = 3;

  SKETCHRNN_FN Lane& lane(int g, int l) const {
    return work_.lane[(static_cast<size_t>(blockIdx.x) * kClusterGroups + g) * own_lanes_ + l];
  }
  SKETCHRNN_FN Message* messages(int g) const { return s_.message + g * kClusterLanes; }
  SKETCHRNN_FN Message* own_messages(int g) const { return messages(g) + rank_ * own_lanes_; }
  SKETCHRNN_FN int8_t* bytes(int g) const {
    return s_.bytes + g * blocks_ * (kClusterLanes * kClusterUnits);
  }
  SKETCHRNN_FN static MessageState state_of(const Message& m) {
    return static_cast<MessageState>(m.what >> 2 & 3);
  }

  // Whether any lane has anything to do, by a whole warp: the same answer in every block.
  SKETCHRNN_FN bool anybody(int g) const {
    const Message* const m = messages(g) + in_warp_;
    const bool busy = state_of(m[0]) != kIdle || state_of(m[kWarp]) != kIdle;
    return __ballot_sync(kWholeWarp, busy) != 0;
  }

  const int thread_ = static_cast<int>(threadIdx.x), in_group_ = thread_ % kGroupThreads;
  const int warpgroup_ = thread_ / kGroupThreads;
  const int warp_ = in_group_ / static_cast<int>(kWarp);  // of its warpgroup
  const int in_warp_ = thread_ % static_cast<int>(kWarp);
  const NetView& net_;
  const ClusterWork& work_;
  const int blocks_, rank_, own_lanes_;
  const ClusterShared s_;
  ClusterBarriers& barriers_;
  uint32_t half_steps_ = 0;  // steps of either group
};

}  // namespace
}  // namespace sketchrnn::cuda
