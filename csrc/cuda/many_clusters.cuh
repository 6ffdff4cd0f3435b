// Many sketches in i8 on clusters of blocks (sm_90a): the weights lie still in shared memory, h goes
// round, and while two warpgroups do the cells of one group of sketches a third samples the other.
//
// A cluster of 8 blocks has 512 units, 64 a block, and two groups of 64 lanes, of each of which
// every block samples 8. A step of a group in a block: the product of 64 units' four gates with all
// 64 lanes by wgmma, in blocks of 256 k as the contract scales them; the cells, c in registers; the
// block's part of the new h goes to all blocks as bytes, and to the blocks that sample them as
// floats. Samplers answer with a Message for each lane, which all blocks get. A lane that begins a
// drawing is told so and takes its h and c from the condition in place of a step. Nothing waits for
// a whole cluster: copies end at mbarriers (ClusterBarriers says at which). All sums are those of
// kernels/body.h; sampling and cells are thread.cuh's.
#pragma once

#include "cuda/cluster_cells.cuh"
#include "cuda/cluster_sampler.cuh"

namespace sketchrnn::cuda {
namespace {

#if !defined(__CUDACC__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define SKETCHRNN_CLUSTERS 1
#define SKETCHRNN_CLUSTER_BOUNDS __launch_bounds__(kClusterThreads, 1)
#else
// Where there is no wgmma the kernel is empty and takes no block of its size, by which the host
// knows (clusters_of() of backend.cu).
#define SKETCHRNN_CLUSTERS 0
#define SKETCHRNN_CLUSTER_BOUNDS __launch_bounds__(32)
#endif

// Registers are handed from the warpgroup that samples to those that keep c and two products.
constexpr int kSamplerRegisters = 104, kMultiplierRegisters = 200;

template <int kBlocks>
__global__ void SKETCHRNN_CLUSTER_BOUNDS cluster_kernel(const __grid_constant__ NetView net,
                                                        const __grid_constant__ ClusterWork work) {
#if SKETCHRNN_CLUSTERS
  SKETCHRNN_SHARED_MEMORY(memory);
  // Each part makes its own numbers: fewer are kept from one to the other.
  ClusterBlock<kBlocks>(net, work, memory).begin();
  if (threadIdx.x < kClusterThreads - 128) {
    take_registers<kMultiplierRegisters>();
    ClusterCells<kBlocks>(net, work, memory).multiply();
  } else {
    give_registers<kSamplerRegisters>();
    ClusterSampler<kBlocks>(net, work, memory).sample();
  }
  cluster_sync();  // no block may end while another writes to its memory
#endif
}

}  // namespace
}  // namespace sketchrnn::cuda
