#include "cuda/layout.h"

#include <algorithm>

namespace sketchrnn::cuda {
namespace {

constexpr std::size_t kGates = 4;

// Reads what the processors' kernels have packed, in panels.
class Panels {
 public:
  explicit Panels(const Net& net)
      : packed_(net.packed_for_many()), panel_(static_cast<std::size_t>(net.kernels().panel)) {}

  // Element of an array [panels][rows_per_panel][gate][panel].
  template <class Word>
  Word at(const Word* array, std::size_t rows_per_panel, std::size_t row, std::size_t gate,
          std::size_t unit) const {
    return array[((unit / panel_ * rows_per_panel + row) * kGates + gate) * panel_ + unit % panel_];
  }
  std::uint32_t word(std::size_t k, std::size_t gate, std::size_t unit) const {
    return at(static_cast<const std::uint32_t*>(packed_.recurrent),
              static_cast<std::size_t>(packed_.words), k, gate, unit);
  }
  const Packed& packed() const { return packed_; }

 private:
  const Packed& packed_;
  std::size_t panel_;
};

std::size_t rounded_up(std::size_t n, std::size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

std::vector<std::uint32_t> scalar_tiles(const Panels& panels, std::size_t hidden,
                                        std::size_t units) {
  const auto words = static_cast<std::size_t>(panels.packed().words);
  std::vector<std::uint32_t> tiles(units * words * kGates, 0);
  for (std::size_t unit = 0; unit < hidden; ++unit)
    for (std::size_t k = 0; k < words; ++k)
      for (std::size_t g = 0; g < kGates; ++g)
        tiles[((unit / kUnitPad * words + k) * kUnitPad + unit % kUnitPad) * kGates + g] =
            panels.word(k, g, unit);
  return tiles;
}

// many_i8.cuh tells the order.
std::vector<std::uint32_t> tensor_tiles(const Panels& panels, std::size_t hidden,
                                        std::size_t units) {
  constexpr std::size_t tile_units = kMmaUnits;
  const auto words = static_cast<std::size_t>(panels.packed().words);
  const std::size_t chunks = rounded_up(hidden, kChunkDepth) / kChunkDepth;
  std::vector<std::uint32_t> tiles;
  tiles.reserve(units / tile_units * chunks * 2 * kGates * 32 * 4);
  for (std::size_t tile = 0; tile < units / tile_units; ++tile)
    for (std::size_t chunk = 0; chunk < chunks; ++chunk)
      for (std::size_t half = 0; half < 2; ++half)
        for (std::size_t g = 0; g < kGates; ++g)
          for (std::size_t thread = 0; thread < 32; ++thread)
            for (std::size_t r = 0; r < 4; ++r) {
              const std::size_t unit = tile * tile_units + thread / 4 + 8 * (r % 2);
              const std::size_t k = 64 * chunk + 16 * (thread % 4) + 8 * half + 4 * (r / 2);
              const bool inside = unit < hidden && k / 4 < words;
              tiles.push_back(inside ? panels.word(k / 4, g, unit) : 0);
            }
  return tiles;
}

}  // namespace

Layout::Layout(const Net& net) {
  const Panels panels(net);
  const Packed& packed = panels.packed();
  const auto hidden = static_cast<std::size_t>(net.hidden());
  const auto words = static_cast<std::size_t>(packed.words);
  const std::size_t units = rounded_up(hidden, kUnitPad);
  const std::size_t padded_words = rounded_up(words, kBlock);

  input = AlignedFloats(kInputRows * units * kGates);
  scale = AlignedFloats(units * kGates);
  rows.assign(hidden * kGates * padded_words, 0);
  for (std::size_t unit = 0; unit < hidden; ++unit)
    for (std::size_t g = 0; g < kGates; ++g) {
      for (std::size_t row = 0; row < kInputRows; ++row)
        input[(row * units + unit) * kGates + g] =
            panels.at(packed.input, kInputRows, row, g, unit);
      scale[unit * kGates + g] = panels.at(packed.scale, 1, 0, g, unit);
      for (std::size_t k = 0; k < words; ++k)
        rows[(unit * kGates + g) * padded_words + k] = panels.word(k, g, unit);
    }
  tiles = packed.precision == Precision::i8 ? tensor_tiles(panels, hidden, units)
                                            : scalar_tiles(panels, hidden, units);
  h_scale = AlignedFloats(units);
  if (packed.h_scale != nullptr) std::copy_n(packed.h_scale, hidden, h_scale.data());
  start_h = AlignedFloats(packed.head_stride);
  start_c = AlignedFloats(units);
  std::copy_n(net.start_h(), hidden, start_h.data());
  std::copy_n(net.start_c(), hidden, start_c.data());

  view.hidden = net.hidden();
  view.units = static_cast<int>(units);
  view.mixtures = net.mixtures();
  view.words = packed.words;
  view.padded_words = static_cast<int>(padded_words);
  view.head_stride = packed.head_stride;
  view.scale_factor = net.scale_factor();
  view.input = input.data();
  view.scale = scale.data();
  view.rows = rows.data();
  view.tiles = tiles.data();
  view.h_scale = h_scale.data();
  view.h_limit = packed.h_limit;
  view.head = packed.head;
  view.head_bias = packed.head_bias;
  view.head_scale = packed.head_scale;
}

}  // namespace sketchrnn::cuda
