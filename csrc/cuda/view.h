// A net and a piece of work as the GPU's kernels see them: plain numbers, pointers to its memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

namespace sketchrnn::cuda {

// Hidden units are padded to a multiple of this, so that every tile of every kernel is whole.
constexpr int kUnitPad = 32;
// h and weights for the tensor cores come in chunks of so many k.
constexpr int kChunkDepth = 64;
// A tensor-core tile has so many units.
constexpr int kMmaUnits = 16;
// Sketches that the kernel for few can advance together.
constexpr int kFewLanes = 8;
// Sketches of a block of the kernel for many, at most.
constexpr int kManyLanes = 64;

struct NetView {
  int hidden, units;    // units: hidden rounded up to kUnitPad
  int mixtures, words;  // words of h, as in Packed
  int padded_words;     // rounded up to kBlock
  size_t head_stride;   // hidden rounded up to kPad
  float scale_factor;
  const float* input;     // [kInputRows][units][gate]
  const float* scale;     // [units][gate]
  const uint32_t* rows;   // recurrent words [units][gate][padded_words]: the kernel for few
  const uint32_t* tiles;  // the same, for many; f32 and i16: [units / 32][words][32][gate],
                          // i8: tensor-core fragments (many_i8.cuh)
  const float* h_scale;   // [units]
  float h_limit;
  const float* head;  // as in Packed
  const double* head_bias;
  double head_scale;

  constexpr int choices() const { return kPenStates + mixtures; }
  constexpr int outputs() const { return kPenStates + 6 * mixtures; }
};

// Where drawings begin: h [head_stride] and c [units] after all rows so far.
struct Start {
  const float* h;
  const float* c;
};

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
  const int* stop;  // not 0: end now
  unsigned* bad;    // 1 + the number of a point that is not finite
};

struct FewWork {
  Start start;
  bool pending;  // `input` is to be taken in before the first point is drawn
  Input input;
  Draw draw;
  Follow follow;                 // offsets and z unused: the rows [0, count) of one drawing
  unsigned long long* exchange;  // [2][lanes][units], zero before the launch
  Control control;
  float* final_h;  // null, or where lane 0's state goes
  float* final_c;
  int lanes;
  int units;  // hidden units of a block
};

struct ManyWork {
  Start start;
  Draw draw;
  Follow follow;
  Control control;
  float* c;  // [blocks][units · lanes]
  int lanes;
};

}  // namespace sketchrnn::cuda
