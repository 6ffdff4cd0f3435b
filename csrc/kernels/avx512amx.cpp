// x86-64 with AVX-512, VNNI and AMX (Sapphire Rapids 2023 and later): i8 for several sketches goes
// through the matrix unit, all else as with VNNI.
//
// One TDPBUSD multiplies 16 sketches × 64 bytes of h with 64 × 16 weights, 16,384 multiply-adds in
// 16 cycles; VNNI has 64 a vector. Packed weights are what its tiles want as they lie: a word is
// four successive k of one column, a row of a tile 16 columns, rows one panel row (4 gates) apart.
//
//   tmm0..3  sums of gates i, j, f, o: a row for each sketch, 16 int32
//   tmm4, 5  h and weights of 16 words; tmm6, 7 the same for the last words, where fewer are left
//
// Per 16 words: 5 tile loads of 8 cycles (2 lines a cycle, from L1) beside 4 products of 16.

#include <immintrin.h>

#include "kernels/kernels.h"
#include "platform.h"

namespace sketchrnn {
namespace {

#include "avx512_vec.h"
#include "body.h"

constexpr int kTileRows = 16;
constexpr int kTileWords = 16;

// Palette 1 of the architecture (Intel SDM, LDTILECFG): bytes a row and rows of each tile.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  TileShapes(int sketches, int last_words) {
    for (int gate = 0; gate < kGates; ++gate) shape(gate, sketches, 64);
    shape(4, sketches, 4 * kTileWords);
    shape(5, kTileWords, 64);
    if (last_words > 0) {
      shape(6, sketches, 4 * last_words);
      shape(7, last_words, 64);
    }
  }

  void shape(int tile, int count, int bytes) {
    rows[tile] = static_cast<uint8_t>(count);
    row_bytes[tile] = static_cast<uint16_t>(bytes);
  }
};

// GCC's tile intrinsics do not tell the compiler that they read and write memory.
inline void memory_is_current() { asm volatile("" ::: "memory"); }

// Adds to the sums the products of the words at `k`, through tile H for h and W for weights. A
// macro, for instructions name their tiles by literal numbers.
#define SKETCHRNN_MULTIPLY(H, W)                                 \
  do {                                                           \
    const float* const weights = block.weights + k * kRowFloats; \
    _tile_loadd(H, h + k, h_bytes);                              \
    _tile_loadd(W, weights, kRowBytes);                          \
    _tile_dpbusd(0, H, W);                                       \
    _tile_loadd(W, weights + kPanel, kRowBytes);                 \
    _tile_dpbusd(1, H, W);                                       \
    _tile_loadd(W, weights + 2 * kPanel, kRowBytes);             \
    _tile_dpbusd(2, H, W);                                       \
    _tile_loadd(W, weights + 3 * kPanel, kRowBytes);             \
    _tile_dpbusd(3, H, W);                                       \
  } while (false)

// One block of words for up to 16 sketches, the tiles being configured for that many.
inline void sum_tiles(const Block<float>& block, int sketches, const float* h, size_t stride,
                      float* totals) {
  constexpr long kRowBytes = kRowFloats * sizeof(float);
  const long h_bytes = static_cast<long>(stride * sizeof(float));
  alignas(64) int32_t sums[kTileRows * kRowFloats];
  memory_is_current();
  // The same row of corrections for every sketch: rows no bytes apart.
  _tile_loadd(0, block.start, 0);
  _tile_loadd(1, block.start + kPanel, 0);
  _tile_loadd(2, block.start + 2 * kPanel, 0);
  _tile_loadd(3, block.start + 3 * kPanel, 0);
  int k = 0;
  for (; k + kTileWords <= block.count; k += kTileWords) SKETCHRNN_MULTIPLY(4, 5);
  if (k < block.count) SKETCHRNN_MULTIPLY(6, 7);
  _tile_stored(0, sums, kRowBytes);
  _tile_stored(1, sums + kPanel, kRowBytes);
  _tile_stored(2, sums + 2 * kPanel, kRowBytes);
  _tile_stored(3, sums + 3 * kPanel, kRowBytes);
  memory_is_current();
  for (int v = 0; v < kRowFloats; v += V::kWidth) {
    const F scale = V::load(block.scale + v);
    for (int s = 0; s < sketches; ++s) {
      float* total = totals + s * kRowFloats + v;
      const I sum = V::load_int(sums + s * kRowFloats + v);
      V::store(total, V::fma(V::to_float(sum), scale, V::load(total)));
    }
  }
}

#undef SKETCHRNN_MULTIPLY

// What this thread's tiles are configured for; 0 for nothing. Configuring takes as long as a
// product or two, and most blocks want what the last one had.
thread_local int configured = 0;

inline void configure(int sketches, int last_words) {
  const int wanted = sketches + 256 * last_words;
  if (configured == wanted) return;
  const TileShapes shapes(sketches, last_words);
  memory_is_current();
  _tile_loadconfig(&shapes);
  configured = wanted;
}

struct ElementI8Tiles : ElementI8 {};

// What body.h's step calls for one block and all sketches.
inline void sum_sketches(ElementI8Tiles, const Block<float>& block, int n, const float* h,
                         size_t stride, float* totals, Ahead& ahead) {
  while (n > 0) {
    const int sketches = n < kTileRows ? n : kTileRows;
    configure(sketches, block.count % kTileWords);
    ahead.fetch();
    sum_tiles(block, sketches, h, stride, totals);
    n -= sketches;
    h += sketches * stride;
    totals += sketches * kRowFloats;
  }
}

// Loading weights into tiles takes as long for one sketch as for 16; below this VNNI is faster
// (measured, 512 units).
constexpr int kFewestForTiles = 5;

void step_tiles(const Packed& net, int first_panel, int last_panel, bool backwards, int n,
                const Input* input, const float* h_in, float* c, float* h_out, size_t stride,
                float* rounded) {
  if (net.precision != Precision::i8 || n < kFewestForTiles)
    return step(net, first_panel, last_panel, backwards, n, input, h_in, c, h_out, stride, rounded);
  round_hidden(net, n, h_in, stride, rounded);
  step_panels<ElementI8Tiles>(net, first_panel, last_panel, backwards, n, input, rounded, c, h_out,
                              stride);
  // A thread whose tiles are in use makes the system save 8 KiB at every switch.
  _tile_release();
  configured = 0;
}

}  // namespace

const Kernels kAvx512Amx = {"avx512amx", kPanel, step_tiles, head, choose, place};

}  // namespace sketchrnn
