// x86-64 with AVX-512, VNNI and AMX (Sapphire Rapids 2023 and later): i8 for several sketches goes
// through the matrix unit, all else as with VNNI.
//
// One TDPBSSD multiplies 16 sketches × 64 bytes of h with 64 × 16 weights, 16,384 multiply-adds in
// 16 cycles; VNNI has 64 a vector. h is rounded into tiles of 1 KiB that lie one after another;
// packed weights are what tiles want as they lie: a word is four successive k of one column, a row
// of a tile 16 columns, rows one panel row (4 gates) apart.
//
// While tiles are multiplied, and some 160 ns after, the processor starts half as many vector
// multiplications a cycle. Hence phases: products of two panels for all sketches, then their cells.

#include <immintrin.h>

#include "kernels/kernels.h"
#include "platform.h"

namespace sketchrnn {
namespace {

#include "avx512_vec.h"
#include "body.h"

constexpr int kTileRows = 16;
constexpr int kTileBytes = 1024;
constexpr int kTileWords = 16;
constexpr int kMostGroups = kChunk / kTileRows;
constexpr int kTogether = 2;  // panels a phase

// What the products of one panel leave: twice for each gate and sketch 16 units, of the first two
// blocks of words. From the third block on the first are float32, the total so far.
struct Sums {
  alignas(64) int32_t of[2][kGates][kChunk][kPanel];

  float* total(int gate, int sketch) { return reinterpret_cast<float*>(of[0][gate][sketch]); }
};

// Palette 1 of the architecture (Intel SDM, LDTILECFG): bytes a row and rows of each tile.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  explicit TileShapes(int sketches) {
    const int groups = (sketches + kTileRows - 1) / kTileRows;
    const int last = sketches - (groups - 1) * kTileRows;
    for (int tile = 0; tile < 8; ++tile) {
      // One group: its four sums and h. Two: sums and h of the second.
      const bool of_last = groups == 1 ? tile < 5 : groups == 2 && tile < 6 && tile % 2 == 1;
      rows[tile] = static_cast<uint8_t>(of_last ? last : kTileRows);
      row_bytes[tile] = 64;
    }
  }
};

// GCC's tile intrinsics do not tell the compiler that they read and write memory.
inline void memory_is_current() { asm volatile("" ::: "memory"); }

inline void configure(int sketches) {
  const TileShapes shapes(sketches);
  memory_is_current();
  _tile_loadconfig(&shapes);
}

// h as the integers q of the precision, [group of sketches][tile of words][sketch][64 bytes], zeros
// behind the last unit: whatever weights lie there count for nothing.
inline void round_to_tiles(const Packed& net, int tiles, int n, const float* h, size_t stride,
                           int8_t* rounded) {
  // Packing takes 16 bytes of each of its operands in turn.
  const I in_order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  for (int s = 0; s < n; ++s) {
    const float* row = h + s * stride;
    const float* scale = net.h_scale;
    int8_t* to = rounded + (s / kTileRows) * tiles * kTileBytes + (s % kTileRows) * 64;
    for (int tile = 0; tile < tiles; ++tile) {
      I q[4];
      for (I& integers : q) {
        integers = rounded_integer(V::load(row), V::load(scale), net.h_limit);
        row += V::kWidth;
        scale += V::kWidth;
      }
      const I pairs = _mm512_packs_epi32(q[0], q[1]);
      const I more = _mm512_packs_epi32(q[2], q[3]);
      const I bytes = _mm512_permutexvar_epi32(in_order, _mm512_packs_epi16(pairs, more));
      _mm512_storeu_si512(to + tile * kTileBytes, bytes);
    }
  }
}

// The products of one panel and block: `count` tiles of words. Two gates at a time for two or three
// groups of sketches, all four for one, so that each tile that is loaded meets several others.
template <int Groups>
inline void multiply(const int8_t* h, size_t group, const float* weights, int count,
                     int32_t (*sums)[kChunk][kPanel]) {
  constexpr long kRowBytes = kRowFloats * sizeof(float);
  constexpr int kBesides = Groups == 1 ? kGates : 2;  // gates
  memory_is_current();
  for (int gate = 0; gate < kGates; gate += kBesides) {
    const int8_t* a = h;
    const float* b = weights + gate * kPanel;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if constexpr (Groups == 3) {
      _tile_zero(4);
      _tile_zero(5);
    }
    for (int k = 0; k < count; ++k, a += kTileBytes, b += kTileWords * kRowFloats) {
      if constexpr (Groups == 1) {
        _tile_loadd(4, a, 64);
        _tile_loadd(5, b, kRowBytes);
        _tile_dpbssd(0, 4, 5);
        _tile_loadd(6, b + kPanel, kRowBytes);
        _tile_dpbssd(1, 4, 6);
        _tile_loadd(7, b + 2 * kPanel, kRowBytes);
        _tile_dpbssd(2, 4, 7);
        _tile_loadd(5, b + 3 * kPanel, kRowBytes);
        _tile_dpbssd(3, 4, 5);
      } else if constexpr (Groups == 2) {
        _tile_loadd(6, b, kRowBytes);
        _tile_loadd(4, a, 64);
        _tile_dpbssd(0, 4, 6);
        _tile_loadd(5, a + group, 64);
        _tile_dpbssd(1, 5, 6);
        _tile_loadd(7, b + kPanel, kRowBytes);
        _tile_dpbssd(2, 4, 7);
        _tile_dpbssd(3, 5, 7);
      } else {
        _tile_loadd(7, b, kRowBytes);
        _tile_loadd(6, a, 64);
        _tile_dpbssd(0, 6, 7);
        _tile_loadd(6, a + group, 64);
        _tile_dpbssd(1, 6, 7);
        _tile_loadd(6, a + 2 * group, 64);
        _tile_dpbssd(2, 6, 7);
        _tile_loadd(7, b + kPanel, kRowBytes);
        _tile_dpbssd(5, 6, 7);
        _tile_loadd(6, a + group, 64);
        _tile_dpbssd(4, 6, 7);
        _tile_loadd(6, a, 64);
        _tile_dpbssd(3, 6, 7);
      }
    }
    int32_t* const first = sums[gate][0];
    int32_t* const second = sums[gate + 1][0];
    constexpr int kNext = kTileRows * kPanel;
    _tile_stored(0, first, 64);
    if constexpr (Groups == 1) {
      _tile_stored(1, second, 64);
      _tile_stored(2, sums[gate + 2][0], 64);
      _tile_stored(3, sums[gate + 3][0], 64);
    } else if constexpr (Groups == 2) {
      _tile_stored(1, first + kNext, 64);
      _tile_stored(2, second, 64);
      _tile_stored(3, second + kNext, 64);
    } else {
      _tile_stored(1, first + kNext, 64);
      _tile_stored(2, first + 2 * kNext, 64);
      _tile_stored(3, second, 64);
      _tile_stored(4, second + kNext, 64);
      _tile_stored(5, second + 2 * kNext, 64);
    }
  }
  memory_is_current();
}

// Up to kChunk sketches that step through the same panels.
struct Sketches {
  int count;
  const int8_t* h;  // in tiles
  size_t group;     // bytes from one group's tiles to the next one's
  const Input* input;
  float* c;
  float* h_out;
  size_t stride;
};

// Blocks of one phase: the first two, or one more.
struct Blocks {
  int first, count;
};

inline void multiply(const Packed& net, int panel, Blocks blocks, const Sketches& sketches,
                     Sums& sums) {
  const float* const weights = static_cast<const float*>(net.recurrent) +
                               static_cast<size_t>(panel) * net.words * kRowFloats;
  for (int i = 0; i < blocks.count; ++i) {
    const int word = (blocks.first + i) * kBlock;
    const int words = net.words - word < kBlock ? net.words - word : kBlock;
    const int count = (words + kTileWords - 1) / kTileWords;
    const int8_t* const h = sketches.h + word / kTileWords * kTileBytes;
    const float* const from = weights + static_cast<size_t>(word) * kRowFloats;
    auto* const to = sums.of[blocks.first == 0 ? i : 1];
    if (sketches.count > 2 * kTileRows)
      multiply<3>(h, sketches.group, from, count, to);
    else if (sketches.count > kTileRows)
      multiply<2>(h, sketches.group, from, count, to);
    else
      multiply<1>(h, sketches.group, from, count, to);
  }
}

// Adds the blocks of a phase to the totals of one panel and, after the last, updates the cells.
// The order of additions is that of body.h.
inline void update_cells(const Packed& net, int panel, Blocks blocks, bool last,
                         const Sketches& sketches, Sums& sums) {
  const float* const scales = net.scale + static_cast<size_t>(panel) * kRowFloats;
  F scale[kGates];
  for (int gate = 0; gate < kGates; ++gate) scale[gate] = V::load(scales + gate * kPanel);
  const auto add = [&](F total, int slot, int gate, int s) {
    return V::fma(V::to_float(V::load_int(sums.of[slot][gate][s])), scale[gate], total);
  };
  const size_t unit = static_cast<size_t>(panel) * kPanel;
  float* c = sketches.c + unit;
  for (int s = 0; s < sketches.count; ++s, c += sketches.stride) {
    F total[kGates];
    if (blocks.first == 0) {
      const TotalsStart start(net, static_cast<size_t>(panel), sketches.input[s]);
      for (int gate = 0; gate < kGates; ++gate)
        total[gate] = add(start.at(gate * kPanel), 0, gate, s);
    } else {
      for (int gate = 0; gate < kGates; ++gate) total[gate] = V::load(sums.total(gate, s));
    }
    if (blocks.first != 0 || blocks.count > 1)
      for (int gate = 0; gate < kGates; ++gate) total[gate] = add(total[gate], 1, gate, s);
    if (!last) {
      for (int gate = 0; gate < kGates; ++gate) V::store(sums.total(gate, s), total[gate]);
      continue;
    }
    V::store(c, new_cell(total[0], total[1], total[2], V::load(c)));
    V::store(sums.total(3, s), output_denominator(total[3]));
  }
  if (!last) return;
  c = sketches.c + unit;
  float* h = sketches.h_out + unit;
  for (int s = 0; s < sketches.count; ++s, c += sketches.stride, h += sketches.stride)
    V::store(h, new_hidden(V::load(sums.total(3, s)), V::load(c)));
}

// Loading weights into tiles takes as long for one sketch as for 16; below this VNNI is faster
// (measured, 512 units).
constexpr int kFewestForTiles = 4;

void step_tiles(const Packed& net, int first_panel, int last_panel, bool backwards, int n,
                const Input* input, const float* h_in, float* c, float* h_out, size_t stride,
                float* rounded) {
  if (net.precision != Precision::i8 || n < kFewestForTiles)
    return step(net, first_panel, last_panel, backwards, n, input, h_in, c, h_out, stride, rounded);
  const int tiles = (net.words + kTileWords - 1) / kTileWords;
  const int blocks = (net.words + kBlock - 1) / kBlock;
  // Whole groups of 16 rows have room in n >= 4 rows of four bytes a unit.
  int8_t* const h = reinterpret_cast<int8_t*>(rounded);
  round_to_tiles(net, tiles, n, h_in, stride, h);
  Sums sums[kTogether];
  // How many sketches the tiles are configured for. Configuring takes as long as a product or two,
  // and most phases want what the last one had.
  int configured = 0;
  for (int done = 0; done < last_panel - first_panel; done += kTogether) {
    const int left = last_panel - first_panel - done;
    const int panels = left < kTogether ? left : kTogether;
    const int panel = backwards ? last_panel - done - panels : first_panel + done;
    for (int first = 0; first < n; first += kChunk) {
      const size_t group = static_cast<size_t>(tiles) * kTileBytes;
      const Sketches sketches{n - first < kChunk ? n - first : kChunk,
                              h + first / kTileRows * group,
                              group,
                              input + first,
                              c + first * stride,
                              h_out + first * stride,
                              stride};
      if (configured != sketches.count) configure(sketches.count);
      configured = sketches.count;
      Blocks part{0, blocks < 2 ? blocks : 2};
      for (;;) {
        const bool last = part.first + part.count == blocks;
        for (int p = 0; p < panels; ++p) multiply(net, panel + p, part, sketches, sums[p]);
        for (int p = 0; p < panels; ++p)
          update_cells(net, panel + p, part, last, sketches, sums[p]);
        if (last) break;
        part = {part.first + part.count, 1};
      }
    }
  }
  // A thread whose tiles are in use makes the system save 8 KiB at every switch.
  _tile_release();
}

}  // namespace

const Kernels kAvx512Amx = {"avx512amx", kPanel, step_tiles, head, choose, place};

}  // namespace sketchrnn
