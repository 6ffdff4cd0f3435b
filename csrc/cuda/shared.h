// What a block of each kernel keeps in shared memory. The kernels cut it, plan.cpp adds it up.
#pragma once

#include "cuda/view.h"

namespace sketchrnn::cuda {

// One sketch in the making.
struct Lane {
  uint64_t drawing;
  uint64_t row, last;  // followed drawings: the row to predict, the last one
  uint32_t point;      // drawn ones: rows so far
  int32_t active;
  int32_t fresh;  // the drawing has just begun: its state is yet to be put there
  Input input;
  ConditionView own;
};

// Cuts shared memory into arrays; from a null base only their sizes are added up.
struct Carver {
  char* base;
  size_t used;

  template <class T>
  SKETCHRNN_BOTH T* take(size_t count) {
    used = (used + 15) / 16 * 16;
    T* const part = base == nullptr ? nullptr : reinterpret_cast<T*>(base + used);
    used += count * sizeof(T);
    return part;
  }
};

// What of a point's making needs no prediction.
struct Chance {
  float component, pen;  // uniform
  float n1, n2;          // normal
};

struct FewShared {
  float* h;         // [lanes][head_stride]
  uint32_t* words;  // [lanes][padded_words], h itself where it is not rounded
  float* sums;      // [blocks of words][units][gate][lanes]
  float* c;         // [units][lanes]
  float* logits;    // [choices][lanes]
  float* params;    // [lanes][kPlaceOutputs]
  Chance* chance;   // [lanes]
  Lane* lane;       // [lanes]
  int* component;   // [lanes]
  int* pen;         // [lanes]
  int* flags;       // [0] stop, [1] some lane is active
  size_t bytes;
};

// Threads that the kernel for few has recurrent sums for: one for each unit of a block, gate, and
// block of words.
SKETCHRNN_BOTH int few_items(const NetView& net, int units) {
  return net.padded_words / kBlock * units * kGates;
}

SKETCHRNN_BOTH FewShared few_shared(const NetView& net, bool rounds, int lanes, int units,
                                    char* base) {
  Carver carve{base, 0};
  FewShared s{};
  const size_t n = static_cast<size_t>(lanes);
  // What only the number of lanes places comes first: the kernel has few registers left to keep
  // pointers in, and such places cost one instruction to find again.
  s.flags = carve.take<int>(2);
  s.component = carve.take<int>(n);
  s.pen = carve.take<int>(n);
  s.chance = carve.take<Chance>(n);
  s.params = carve.take<float>(kPlaceOutputs * n);
  s.lane = carve.take<Lane>(n);
  s.logits = carve.take<float>(net.choices() * n);
  s.c = carve.take<float>(units * n);
  s.sums = carve.take<float>(few_items(net, units) * n);
  s.h = carve.take<float>(n * net.head_stride);
  s.words = rounds ? carve.take<uint32_t>(n * net.padded_words) : reinterpret_cast<uint32_t*>(s.h);
  s.bytes = carve.used;
  return s;
}

// Floats from one k to the next in [k][lane] arrays: rows start in different banks, and stay on 16
// bytes.
constexpr int lane_stride(int lanes) { return lanes + 4; }

// Words from one lane's h to the next where h stands as bytes [lane][k]: 64 bytes past a multiple
// of 128, so that the eight lanes and four threads of a load meet in no bank.
constexpr int byte_row_words(int hidden) { return (hidden + 127) / 128 * 32 + 16; }

// Words of h of all lanes as the recurrent product of the kernel for many reads them.
SKETCHRNN_BOTH size_t many_words(const NetView& net, int lanes) {
  if (net.precision == Precision::f32)
    return static_cast<size_t>(net.padded_words) * lane_stride(lanes);
  const int parts = net.precision == Precision::i16 ? 2 : 1;
  return static_cast<size_t>(byte_row_words(net.hidden)) * parts * lanes;
}

struct ManyShared {
  uint32_t* words[2];  // h as the recurrent product reads it, now and after the step
  float* h;        // [head_stride][lane_stride]: words[0] and words[1] themselves in turn for f32
  float* logits;   // [choices][lanes]
  Lane* lane;      // [lanes]
  int* component;  // [lanes]
  int* pen;        // [lanes]
  size_t bytes;
};

SKETCHRNN_BOTH ManyShared many_shared(const NetView& net, bool rounds, bool draw, int lanes,
                                      char* base) {
  Carver carve{base, 0};
  ManyShared s{};
  const size_t n = static_cast<size_t>(lanes);
  for (uint32_t*& words : s.words) words = carve.take<uint32_t>(many_words(net, lanes));
  s.h = rounds ? carve.take<float>(net.head_stride * lane_stride(lanes))
               : reinterpret_cast<float*>(s.words[0]);
  s.logits = carve.take<float>(draw ? net.choices() * n : 0);
  s.lane = carve.take<Lane>(n);
  s.component = carve.take<int>(n);
  s.pen = carve.take<int>(n);
  s.bytes = carve.used;
  return s;
}

// What a block of a cluster is told of a lane before each step.
struct Message {
  float dx, dy;
  uint32_t what;  // number of the condition · 16 + state · 4 + pen
};
enum MessageState : uint32_t { kIdle, kSteps, kBegins };

struct ClusterShared {
  // Bytes lie as wgmma reads them: [k / 16][row][16], k being places (cluster_unit).
  int8_t* weights;     // [2 warpgroups][k / 16][128][16]
  int8_t* bytes;       // h of all units, rounded: [group][k / 16][lane][16]
  float* floats;       // h of the block's own lanes, of one group: [block][lane][64]
  float* going;        // h of the block's units on its way: [lane][64]
  Message* message;    // [group][lane]
  float* logits;       // [kLogitRows or more][the block's own lanes]
  uint64_t* barriers;  // ClusterBarriers of cluster_block.cuh
  size_t bytes_used;
};
constexpr int kClusterBarriers = 9;
// Where logits have been, from the row on: the pen, the component, its parameters.
constexpr int kPenRow = 0, kComponentRow = kPenStates, kParameterRow = kComponentRow + 1;
constexpr int kLogitRows = kParameterRow + kPlaceOutputs;

SKETCHRNN_BOTH ClusterShared cluster_shared(const NetView& net, int blocks, char* base) {
  Carver carve{base, 0};
  ClusterShared s{};
  const size_t depth = static_cast<size_t>(blocks) * kClusterUnits;
  s.weights = carve.take<int8_t>(kGates * kClusterUnits * depth);
  s.bytes = carve.take<int8_t>(kClusterGroups * kClusterLanes * depth);
  s.floats = carve.take<float>(kClusterLanes * kClusterUnits);
  s.going = carve.take<float>(kClusterLanes * kClusterUnits);
  s.message = carve.take<Message>(kClusterGroups * kClusterLanes);
  const size_t own_lanes = static_cast<size_t>(kClusterLanes / blocks);
  const int rows = net.choices() > kLogitRows ? net.choices() : kLogitRows;
  s.logits = carve.take<float>(static_cast<size_t>(rows) * own_lanes);
  s.barriers = carve.take<uint64_t>(kClusterBarriers);
  s.bytes_used = carve.used;
  return s;
}

}  // namespace sketchrnn::cuda
