// A net and a piece of work as the GPU's kernels see them: plain numbers, pointers to its memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

// For host and device alike; without nvcc there is only the host.
#if defined(__CUDACC__)
#define SKETCHRNN_BOTH __host__ __device__ inline
#else
#define SKETCHRNN_BOTH inline
#endif

namespace sketchrnn::cuda {

// Hidden units are padded to a multiple of this, so that every tile of every kernel is whole.
constexpr int kUnitPad = 32;
// h and weights for the tensor cores come in chunks of so many k.
constexpr int kChunkDepth = 64;
// A tensor-core tile has so many units.
constexpr int kMmaUnits = 16;
// Sketches that the kernel for few can advance together.
constexpr int kFewLanes = 32;
// Sketches of a block of the kernel for many, at most.
constexpr int kManyLanes = 64;
// What a cluster of blocks has (many_clusters.cuh): blocks at most, hidden units of each block, and
// two groups of so many sketches.
constexpr int kClusterBlocks = 8, kClusterUnits = 64, kClusterLanes = 64, kClusterGroups = 2;
// A block's units stand in its bytes and floats in another order than in the net, so that four
// neighbours are the partial sums l, l + 16, l + 32 and l + 48 of the head.
constexpr int cluster_unit(int place) { return place / 4 + place % 4 * 16; }
// Numbers of each unit there: what multiplies dx, dy, and the block sums of its gates; h_scale.
constexpr int kClusterNumbers = 16;
// Threads of a block of it: two warpgroups that multiply, one that samples.
constexpr int kClusterThreads = 384;
// Threads of a block: of the kernel for few at most (each keeps kBlock weights, a multiprocessor
// has 65,536 registers, and 20 components make 23 logits, a warp for each), of the kernel for many
// in f32, in i16 and i8.
constexpr int kFewThreads = 768, kScalarThreads = 512, kTensorThreads = 256;

struct NetView {
  Precision precision;
  int hidden, units;    // units: hidden rounded up to kUnitPad
  int mixtures, words;  // words of h, as in Packed
  int padded_words;     // rounded up to kBlock
  size_t head_stride;   // hidden rounded up to kPad
  float scale_factor;
  const float* offsets;   // [kOffsetRows][units][gate]
  const float* scale;     // [units][gate]
  const uint32_t* rows;   // recurrent words [units][gate][padded_words]: the kernel for few
  const uint32_t* tiles;  // the same, for many; f32: [units / 32][words][32][gate], i16 and i8:
                          // tensor-core fragments (many_integer.cuh)
  const float* h_scale;   // [units]
  float h_limit;
  const float* head;  // as in Packed
  double head_scale;

  constexpr int choices() const { return kPenStates + mixtures; }
  constexpr int outputs() const { return outputs_of(mixtures); }
};

// What a drawing has of its own (model/condition.h).
struct ConditionView {
  const float* bias;        // [kBiasRows][units][gate]
  const float* h;           // [head_stride]
  const float* c;           // [units]
  const double* head_bias;  // [outputs], in the kernels' order
};

// The different conditions of a call, one after another, and which of them each drawing has.
struct ConditionsView {
  const float* table;     // of condition_floats() each, on 16 bytes: bias, h, c, head_bias
  const uint32_t* which;  // null: all have the first
};

SKETCHRNN_BOTH size_t condition_floats(const NetView& net) {
  const size_t units = static_cast<size_t>(net.units), outputs = static_cast<size_t>(net.outputs());
  return (kBiasRows * kGates + 1) * units + net.head_stride + 4 * ((outputs + 1) / 2);
}

SKETCHRNN_BOTH ConditionView condition_number(const NetView& net, const ConditionsView& all,
                                              uint32_t number) {
  const float* const bias = all.table + number * condition_floats(net);
  const float* const h = bias + static_cast<size_t>(kBiasRows) * kGates * net.units;
  const float* const c = h + net.head_stride;
  return {bias, h, c, reinterpret_cast<const double*>(c + net.units)};
}

SKETCHRNN_BOTH uint32_t condition_of(const ConditionsView& all, uint64_t drawing) {
  return all.which == nullptr ? 0 : all.which[drawing];
}

SKETCHRNN_BOTH ConditionView condition_at(const NetView& net, const ConditionsView& all,
                                          uint64_t drawing) {
  return condition_number(net, all, condition_of(all, drawing));
}

// Drawings to be drawn: number k gets rows [k · row_stride, + lengths[k]) of `rows`.
struct Draw {
  uint64_t seed;
  uint64_t index;  // sketch index of drawing 0
  uint64_t count;
  uint32_t first_point;  // rows before those that are drawn
  uint32_t limit;        // rows at most, those before included
  Temperature temperature;
  Row* rows;
  size_t row_stride;
  uint32_t* lengths;
};

// Drawings to be followed: drawing k is rows [offsets[k], offsets[k + 1]).
struct Follow {
  const Row* rows;
  const int64_t* offsets;
  uint64_t count;
  float* z;  // [rows][outputs], in the contract's order
};

// What host and kernel say to each other meanwhile.
struct Control {
  unsigned long long* next;  // the next drawing that no lane has
  unsigned* finished;
  unsigned* bad;       // 1 + the number of a point that is not finite
  const int* stop;     // the host's: not 0: end now
  unsigned* reported;  // the host's: `finished` as it was a moment ago
};

struct FewWork {
  ConditionsView conditions;
  Draw draw;
  Control control;
  unsigned long long* exchange;  // [2][lanes][units], zero before the launch
  int lanes;
  int units;  // hidden units of a block
};

struct ManyWork {
  ConditionsView conditions;
  Draw draw;
  Follow follow;
  Control control;
  float* c;  // [blocks][units · lanes]
  int lanes;
};

// Blocks of a cluster for a net of so many units, a power of two; 0 where it would take more.
constexpr int cluster_blocks_for(int hidden) {
  int blocks = 1;
  while (blocks * kClusterUnits < hidden) blocks *= 2;
  return blocks <= kClusterBlocks ? blocks : 0;
}

struct Lane;
struct ClusterWork {
  ConditionsView conditions;
  Draw draw;
  Control control;
  const uint32_t* weights;  // cluster_weights() of layout.h
  const float* units;       // cluster_units()
  const float* head;        // cluster_head()
  Lane* lane;               // [blocks][kClusterGroups][kClusterLanes / blocks of a cluster]
};

}  // namespace sketchrnn::cuda
