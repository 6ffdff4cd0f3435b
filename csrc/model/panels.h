// Reads what the processors' kernels have packed in panels, one unit at a time: for whoever computes
// with the very same numbers in another order (the GPU, a chip).
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/net.h"

namespace sketchrnn {

class Panels {
 public:
  explicit Panels(const Net& net)
      : packed_(net.packed_for_many()),
        panel_(static_cast<std::size_t>(net.kernels().panel)),
        pairs_(net.precision() == Precision::i8 && net.kernels().i8_pairs) {}

  // Element of an array [panels][rows_per_panel][gate][panel].
  template <class Word>
  Word at(const Word* array, std::size_t rows_per_panel, std::size_t row, std::size_t gate,
          std::size_t unit) const {
    return array[((unit / panel_ * rows_per_panel + row) * kGates + gate) * panel_ + unit % panel_];
  }
  std::uint32_t word(std::size_t k, std::size_t gate, std::size_t unit) const {
    const auto words = static_cast<std::size_t>(packed_.words);
    const std::size_t row = kGates * panel_;
    const auto* const weights = static_cast<const std::uint32_t*>(packed_.recurrent);
    return weights[unit / panel_ * words * row +
                   place_of_word(k, gate * panel_ + unit % panel_, words, row, pairs_)];
  }
  // Byte `part` of weight k, part 0 being the highest; 0 beyond the net.
  std::uint32_t byte(std::size_t k, std::size_t gate, std::size_t unit, std::size_t part) const {
    const std::size_t bytes = packed_.precision == Precision::i8 ? 1 : 2;
    const std::size_t place = k * bytes + (bytes - 1 - part);
    if (unit >= static_cast<std::size_t>(packed_.hidden) ||
        place / 4 >= static_cast<std::size_t>(packed_.words))
      return 0;
    return word(place / 4, gate, unit) >> 8 * (place % 4) & 0xFF;
  }
  const Packed& packed() const { return packed_; }

 private:
  const Packed& packed_;
  std::size_t panel_;
  bool pairs_;
};

}  // namespace sketchrnn
