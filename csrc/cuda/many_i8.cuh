// Gate sums for many sketches on the tensor cores: bytes times bytes into int32, which is exact.
//
// A warp has 16 hidden units, whose four gates are four 16-row tiles, for up to 32 lanes: the four
// gates of a unit and lane then stand in one thread, which goes on with the cell. Weights lie in
// memory as the threads want them, 16 bytes a thread, and are read by the warps that need them
// straight into registers; h stands in shared memory as [lane][k] bytes. Within a chunk of 64 k,
// thread t of four takes the bytes 16t to 16t + 15 of both: the order in which a sum of integers is
// made does not matter, and 16 bytes are one load.
#pragma once

#include "cuda/many.cuh"

namespace sketchrnn::cuda {
namespace {

constexpr int kChunksPerBlock = 4 * kBlock / kChunkDepth;  // chunks of k in a block of words

__host__ __device__ inline int chunks_of(const NetView& net) {
  return (net.hidden + kChunkDepth - 1) / kChunkDepth;
}

// The weights' place: [tile][chunk][half of the chunk][gate][thread of the warp][4 words], where
// word r of thread (g, t) = (thread / 4, thread % 4) has unit g + 8 (r % 2) of the tile and the
// four k from 64 · chunk + 16 t + 8 · half + 4 (r / 2) on.
struct TensorGates {
  static constexpr int kThreads = 256;
  static constexpr bool kRounds = true;

  // Words from one lane's h to the next: 64 bytes past a multiple of 128, so that the eight lanes
  // and four threads of a load meet in no bank.
  __host__ __device__ static int row_words(const NetView& net) {
    return (net.hidden + 127) / 128 * 32 + 16;
  }
  __host__ __device__ static size_t buffer_words(const NetView& net, int lanes) {
    return static_cast<size_t>(row_words(net)) * lanes;
  }
  // As the threads of step() go over it: [tile][lanes / 8][unit / 8][lane % 2][unit % 8][lane / 2].
  SKETCHRNN_FN static size_t cell_at(const NetView&, int lanes, int unit, int lane) {
    const int tile = unit / kMmaUnits, octet = lane / 8;
    const int register_ = unit % kMmaUnits / 8 * 2 + lane % 2;
    const int thread = unit % 8 * 4 + lane % 8 / 2;
    return ((static_cast<size_t>(tile) * (lanes / 8) + octet) * 4 + register_) * kWarp + thread;
  }
  SKETCHRNN_FN static void put(const NetView& net, uint32_t* words, int, int lane, int k, float h) {
    I8::put(words + static_cast<size_t>(lane) * row_words(net), 1, k, h, net);
  }

  SKETCHRNN_FN static void step(const NetView& net, const Lane* lane, int lanes,
                                const uint32_t* from, uint32_t* to, float* h, float* c) {
    if (lanes >= 32) return step_tiles<4>(net, lane, lanes, from, to, h, c);
    if (lanes == 16) return step_tiles<2>(net, lane, lanes, from, to, h, c);
    step_tiles<1>(net, lane, lanes, from, to, h, c);
  }

  // Octets: groups of 8 lanes that a warp has together.
  template <int Octets>
  SKETCHRNN_FN static void step_tiles(const NetView& net, const Lane* lane, int lanes,
                                      const uint32_t* from, uint32_t* to, float* h, float* c) {
    const int warp = static_cast<int>(threadIdx.x / kWarp);
    const int warps = static_cast<int>(blockDim.x / kWarp);
    const int in_warp = static_cast<int>(threadIdx.x % kWarp);
    const int group = in_warp / 4, quarter = in_warp % 4;
    const int parts = lanes / (8 * Octets);
    const int chunks = chunks_of(net);
    const int row = row_words(net);
    const int stride = lane_stride(lanes);
    // Neighbouring warps take the same tile for different lanes: the second finds it in L1.
    for (int job = warp; job < net.units / kMmaUnits * parts; job += warps) {
      const int tile = job / parts;
      const int first = job % parts * 8 * Octets;
      const uint32_t* weights =
          net.tiles + (static_cast<size_t>(tile) * chunks * 2 * kGates * kWarp + in_warp) * 4;
      const uint32_t* const bytes = from + (first + group) * row + quarter * 4;
      // Of gate g, octet n: units `group` and `group + 8`, each for lanes 2 · quarter and + 1.
      float totals[kGates][Octets][4];
      for (int block = 0; block < chunks; block += kChunksPerBlock) {
        int32_t sum[kGates][Octets][4] = {};
        const int last = block + kChunksPerBlock < chunks ? block + kChunksPerBlock : chunks;
        for (int chunk = block; chunk < last; ++chunk) {
          uint4 x[Octets];
#pragma unroll
          for (int n = 0; n < Octets; ++n)
            x[n] = *reinterpret_cast<const uint4*>(bytes + n * 8 * row + chunk * (kChunkDepth / 4));
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            uint32_t w[kGates][4];
#pragma unroll
            for (int g = 0; g < kGates; ++g) {
              load_words(weights, w[g]);
              weights += 4 * kWarp;
            }
#pragma unroll
            for (int g = 0; g < kGates; ++g)
#pragma unroll
              for (int n = 0; n < Octets; ++n)
                mma_s8(sum[g][n], w[g], half == 0 ? x[n].x : x[n].z, half == 0 ? x[n].y : x[n].w);
          }
        }
#pragma unroll
        for (int r = 0; r < 4; ++r) {
          const int unit = tile * kMmaUnits + group + r / 2 * 8;
          float scale[kGates];
          load_scale(net, unit, scale);
#pragma unroll
          for (int n = 0; n < Octets; ++n) {
            float start[kGates];
            if (block == 0)
              start_totals(net, unit, lane[first + n * 8 + quarter * 2 + r % 2].input, start);
#pragma unroll
            for (int g = 0; g < kGates; ++g)
              totals[g][n][r] = fmaf(static_cast<float>(sum[g][n][r]), scale[g],
                                     block == 0 ? start[g] : totals[g][n][r]);
          }
        }
      }
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const int unit = tile * kMmaUnits + group + r / 2 * 8;
        if (unit >= net.hidden) continue;
#pragma unroll
        for (int n = 0; n < Octets; ++n) {
          const int l = first + n * 8 + quarter * 2 + r % 2;
          const float gates[kGates] = {totals[0][n][r], totals[1][n][r], totals[2][n][r],
                                       totals[3][n][r]};
          const float value = update(gates, c[cell_at(net, lanes, unit, l)]);
          h[static_cast<size_t>(unit) * stride + l] = value;
          put(net, to, lanes, l, unit, value);
        }
      }
    }
  }
};

}  // namespace
}  // namespace sketchrnn::cuda
