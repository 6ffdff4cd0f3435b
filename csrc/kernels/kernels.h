// What every instruction set must provide: one table of functions over packed weights.
//
// All implementations share one body (body.h) over a small vector type, and every output is
// accumulated in one order that no vector width changes, so all of them return the same bits.
// This header is included by files compiled with special instruction flags, hence no STL in it: an
// inline STL function compiled here could be shared by the linker with the rest of the program.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace sketchrnn {

// The recurrent sum over k is cut into blocks of this many words, each summed from zero and then
// added to the total: rounding errors then grow with the block, not with the hidden size.
constexpr int kBlock = 64;

// A dot product of the head is kept as this many partial sums (element k goes to sum k mod 64) that
// are then added pairwise: four independent vectors of the widest implementation, and short enough
// sums that their rounding does not exceed that of h itself.
constexpr int kDotSums = 64;

// The widest vector of any implementation, in floats: buffers over sketches come in multiples of
// it.
constexpr int kMaxWidth = 16;

// Buffers over sketches and over hidden units are padded to this many floats, so that every kernel
// may load and store whole vectors.
constexpr int kPad = 64;

// The head's 3 + 6M outputs in the order the kernels keep them: first what is needed to choose
// (pen logits, π logits), then per component the five numbers that place a point.
constexpr int kPenStates = 3;
constexpr int kPlaceOutputs = 5;  // μx, μy, log σx, log σy, atanh ρ

constexpr int outputs_of(int mixtures) { return kPenStates + (1 + kPlaceOutputs) * mixtures; }
// M of a head with so many outputs; 0 where there is none.
constexpr int mixtures_of(size_t outputs) {
  constexpr size_t each = 1 + kPlaceOutputs;
  return outputs > kPenStates && (outputs - kPenStates) % each == 0
             ? static_cast<int>((outputs - kPenStates) / each)
             : 0;
}

// Factors that the packed weights and biases of the gates i, j, f, o carry: then a gate's sum is
// the exponent of 2 in σ(a) = 1/(1 + e^−a) and tanh(a) = (1 − e^−2a)/(1 + e^−2a), and the cell
// update is spared the conversion. −log2(e), and twice that for tanh.
constexpr float kGateScale[4] = {-1.44269504f, -2.88539008f, -1.44269504f, -1.44269504f};

constexpr int kGates = 4;  // i, j, f, o

// A step's input: offset in the net's units, pen state, and the drawing's gate biases (a
// Condition's), of which the pen state chooses a row.
enum class Pen : int32_t { down = 0, up = 1, end = 2, start = 3 };
constexpr int kBiasRows = 4;    // bias + pen down, up, end; bias + start token
constexpr int kOffsetRows = 2;  // Wx of dx; Wx of dy

struct Input {
  float dx, dy;
  Pen pen;
  const float* bias;
};

// One row of stroke-5 in data units: offset and pen state.
struct Row {
  float dx, dy;
  Pen pen;
};

// In which numbers the recurrent product h·Wh is computed. Everything else is float32 in each.
enum class Precision : int32_t { f32 = 0, i16 = 1, i8 = 2 };
constexpr int kPrecisions = 3;

// How the recurrent weights of Precision::f32 lie in memory: unscaled, as their file has them. The
// narrow types hold them exactly, and a single stream has to read a half or a quarter of the bytes.
enum class Storage : int32_t { f32, i16, f16, i8 };
constexpr int bytes_of(Storage storage) {
  return storage == Storage::f32 ? 4 : storage == Storage::i8 ? 1 : 2;
}

// The recurrent product goes in steps of one 32-bit word of h: one float32, two int16 or four
// bytes.
constexpr int elements_per_word(Precision precision) {
  return precision == Precision::f32 ? 1 : precision == Precision::i16 ? 2 : 4;
}

// Packed weights. Hidden units are cut into panels of `panel` units (a property of the kernel):
//   offsets:   [panels][kOffsetRows][gate i,j,f,o][panel] float32
//   recurrent: [panels][words][gate i,j,f,o][panel] words; a word holds the weights of as many
//              successive k as it has elements, words = hidden over elements_per_word, rounded up;
//              a half or a quarter as long where f32 is stored narrow; place_of_word says where in a
//              panel, for i8 may be packed in pairs
//   scale:     [panels][gate][panel]; a gate's total grows by a block's sum times this
//   head:      [3 + 6M][head_stride] float32, head_stride = hidden rounded up to kPad, zero beyond
//
// i16 and i8: h_k is rounded to the integer q_k = h_k · h_scale[k], within ±h_limit; a block's sum
// of q · weights is exact in int32 (i8 perhaps as unsigned bytes q + 128, which `start` takes off again).
//   h_scale:   [hidden rounded up to kPad]
//   start:     [panels][blocks][gate][panel] int32, −128 · Σ weights for i8, else absent
//
// Biases belong to the drawing (Condition): those of the gates, [panels][kBiasRows][gate][panel],
// come with each Input, those of the head with each sketch.
//
// A head output is float32(bias + head_scale · Σ), the last two operations in float64: nets
// learn needle-sharp normals, and rounding a fixed-point net's head weights and biases to float32
// would cost up to 2e-5 nats per point (measured on the public sheep net), more than all else
// together.
struct Packed {
  Precision precision;
  Storage storage;
  int hidden;
  int mixtures;
  int panels;
  int words;
  size_t head_stride;
  const float* offsets;
  const void* recurrent;
  const float* h_scale;
  float h_limit;
  const float* scale;
  const int32_t* start;
  const float* head;
  double head_scale;
};

// How a distribution is turned into one point (paper, eq. 8).
struct Temperature {
  float inverse_softmax;  // 1 / temperature of the categoricals
  float sqrt_spread;      // square root of the temperature of σ; 0 puts the point on the mean
  bool greedy;            // categoricals at temperature 0: take the largest
};

// Where word k of a column of [gate][panel] stands among a panel's recurrent weights, which have
// `words` rows of `row` words. A last word that has no second stays where it would be without pairs.
constexpr size_t place_of_word(size_t k, size_t column, size_t words, size_t row, bool pairs) {
  const bool paired = pairs && (k | 1) < words;
  return paired ? (k & ~size_t{1}) * row + 2 * column + (k & 1) : k * row + column;
}

struct Kernels {
  const char* isa;
  int panel;

  // One LSTM step for n sketches, hidden units of panels [first_panel, last_panel). Row r of h_in,
  // c and h_out is sketch r, rows are `stride` floats apart; c is updated in place. A row's padding
  // up to a whole panel is written too, with zeros. `backwards` takes the panels from the last to
  // the first, which changes no result: a single stream turns round at every step, and so finds in
  // L2 what it read last, where going round in a circle would find nothing. `rounded` is room for n
  // rows of `stride` words, used by the integer precisions alone; threads that share a step need
  // one each.
  void (*step)(const Packed& net, int first_panel, int last_panel, bool backwards, int n,
               const Input* input, const float* h_in, float* c, float* h_out, size_t stride,
               float* rounded);

  // Head outputs [first, first + count) for n sketches: out[(row - first) * out_stride + sketch].
  // bias[sketch] are all its 3 + 6M biases.
  void (*head)(const Packed& net, int first, int count, int n, const double* const* bias,
               const float* h, size_t stride, float* out, size_t out_stride);

  // Component and pen state for n sketches by inverse CDF, from the first 3 + M head outputs laid
  // out as `head` writes them (stride a multiple of kMaxWidth) and one uniform in [0, 1) for each.
  void (*choose)(const float* logits, size_t stride, int n, int mixtures, Temperature temperature,
                 const float* uniform_component, const float* uniform_pen, int32_t* component,
                 int32_t* pen);

  // Offsets for n sketches from the five parameters of the chosen components ([5][stride]) and two
  // uniforms by Box–Muller: `radius` in (0, 1], `angle` in [0, 1). In the net's units.
  void (*place)(const float* params, size_t stride, int n, Temperature temperature,
                const float* radius, const float* angle, float* dx, float* dy);

  int i8_added = 0;       // to each weight of i8 as it is packed; the step takes it off again
  bool i8_pairs = false;  // in i8, words 2j and 2j + 1 of a column lie side by side
};

// One for each instruction set; isa.cpp lists them.
extern const Kernels kPortable, kAvx2, kAvxVnni, kAvx512, kAvx512Vnni, kAvx512Amx, kNeon, kNeonDot,
    kNeonI8mm, kWasm, kWasmRelaxed;

}  // namespace sketchrnn
