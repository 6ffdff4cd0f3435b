// Gate sums for many sketches on the tensor cores: bytes times bytes into int32, which is exact.
//
// A warp has 16 hidden units, whose four gates are four 16-row tiles, for up to 32 lanes: the four
// gates of a unit and lane then stand in one thread, which goes on with the cell. Weights lie in
// memory as the threads want them, 16 bytes a thread, and are read by the warps that need them
// straight into registers; h stands in shared memory as [lane][k] bytes. Within a chunk of 64 k,
// thread t of four takes the bytes 16t to 16t + 15 of both: the order in which a sum of integers is
// made does not matter, and 16 bytes are one load. In i16 both come twice, as high bytes with the
// sign and low ones without, and a block's sum is made of four products.
#pragma once

#include "cuda/many.cuh"

namespace sketchrnn::cuda {
namespace {

__host__ __device__ inline int chunks_of(const NetView& net) {
  return (net.hidden + kChunkDepth - 1) / kChunkDepth;
}

// The weights' place: [part][tile][chunk][half of the chunk][gate][thread of the warp][4 words],
// where word r of thread (g, t) = (thread / 4, thread % 4) has unit g + 8 (r % 2) of the tile and
// the four k from 64 · chunk + 16 t + 8 · half + 4 (r / 2) on. Part 0 are the bytes, or the high
// ones, part 1 the low ones. h: [part][lane][byte_row_words].
template <class Element>
struct TensorGates {
  static constexpr int kThreads = kTensorThreads;
  static constexpr bool kRounds = true;
  // Chunks of k in a block of words.
  static constexpr int kChunksPerBlock = kBlock * Element::kPerWord / kChunkDepth;
  static constexpr int kChunkWords = 2 * kGates * static_cast<int>(kWarp) * 4;

  // As the threads of step() go over it: [tile][lanes / 8][unit / 8][lane % 2][unit % 8][lane / 2].
  SKETCHRNN_FN static size_t cell_at(const NetView&, int lanes, int unit, int lane) {
    const int tile = unit / kMmaUnits, octet = lane / 8;
    const int register_ = unit % kMmaUnits / 8 * 2 + lane % 2;
    const int thread = unit % 8 * 4 + lane % 8 / 2;
    return ((static_cast<size_t>(tile) * (lanes / 8) + octet) * 4 + register_) * kWarp + thread;
  }
  SKETCHRNN_FN static void put(const NetView& net, uint32_t* words, int lanes, int lane, int k,
                               float h) {
    const size_t row = static_cast<size_t>(byte_row_words(net.hidden));
    const int32_t q = rounded_integer(h, net.h_scale[k], net.h_limit);
    int8_t* const bytes = reinterpret_cast<int8_t*>(words + lane * row) + k;
    if (Element::kPerWord == 4) {
      *bytes = static_cast<int8_t>(q);
    } else {
      *bytes = static_cast<int8_t>(q >> 8);
      bytes[row * lanes * sizeof(uint32_t)] = static_cast<int8_t>(q);
    }
  }

  SKETCHRNN_FN static void step(const NetView& net, const Lane* lane, int lanes,
                                const uint32_t* from, uint32_t* to, float* h, float* c) {
    if (lanes >= 32) return step_tiles<4>(net, lane, lanes, from, to, h, c);
    if (lanes == 16) return step_tiles<2>(net, lane, lanes, from, to, h, c);
    step_tiles<1>(net, lane, lanes, from, to, h, c);
  }

  template <int Octets>
  using Sums = int32_t[kGates][Octets][4];

  // sum += weights · h over the chunks [0, count), `weights` and `bytes` being the thread's own.
  template <bool kSignedWeights, bool kSignedH, int Octets>
  SKETCHRNN_FN static void multiply(Sums<Octets>& sum, const uint32_t* weights,
                                    const uint32_t* bytes, int row, int count) {
    for (int chunk = 0; chunk < count; ++chunk, bytes += kChunkDepth / 4) {
      uint4 x[Octets];
#pragma unroll
      for (int n = 0; n < Octets; ++n) x[n] = *reinterpret_cast<const uint4*>(bytes + n * 8 * row);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        uint32_t w[kGates][4];
#pragma unroll
        for (int g = 0; g < kGates; ++g, weights += 4 * kWarp) load_words(weights, w[g]);
#pragma unroll
        for (int g = 0; g < kGates; ++g)
#pragma unroll
          for (int n = 0; n < Octets; ++n)
            mma_bytes<kSignedWeights, kSignedH>(sum[g][n], w[g], half == 0 ? x[n].x : x[n].z,
                                                half == 0 ? x[n].y : x[n].w);
      }
    }
  }

  template <int Octets>
  SKETCHRNN_FN static void times_256(Sums<Octets>& sum) {
#pragma unroll
    for (int i = 0; i < kGates * Octets * 4; ++i)
      sum[i / (Octets * 4)][i / 4 % Octets][i % 4] = static_cast<int32_t>(
          static_cast<uint32_t>(sum[i / (Octets * 4)][i / 4 % Octets][i % 4]) << 8);
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
    const int row = byte_row_words(net.hidden);
    const int stride = lane_stride(lanes);
    const size_t low_weights = static_cast<size_t>(net.units / kMmaUnits) * chunks * kChunkWords;
    const size_t low_h = static_cast<size_t>(row) * lanes;
    // Neighbouring warps take the same tile for different lanes: the second finds it in L1.
    for (int job = warp; job < net.units / kMmaUnits * parts; job += warps) {
      __syncwarp();  // units beyond the net's have left the threads apart, which mma does not allow
      const int tile = job / parts;
      const int first = job % parts * 8 * Octets;
      // Of gate g, octet n: units `group` and `group + 8`, each for lanes 2 · quarter and + 1.
      float totals[kGates][Octets][4];
      for (int block = 0; block < chunks; block += kChunksPerBlock) {
        const int count = chunks - block < kChunksPerBlock ? chunks - block : kChunksPerBlock;
        const uint32_t* const weights =
            net.tiles + (static_cast<size_t>(tile) * chunks + block) * kChunkWords + in_warp * 4;
        const uint32_t* const bytes =
            from + (first + group) * row + quarter * 4 + block * (kChunkDepth / 4);
        Sums<Octets> sum = {};
        multiply<true, true, Octets>(sum, weights, bytes, row, count);
        if (Element::kPerWord == 2) {
          times_256<Octets>(sum);
          multiply<false, true, Octets>(sum, weights + low_weights, bytes, row, count);
          multiply<true, false, Octets>(sum, weights, bytes + low_h, row, count);
          times_256<Octets>(sum);
          multiply<false, false, Octets>(sum, weights + low_weights, bytes + low_h, row, count);
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
