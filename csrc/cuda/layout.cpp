#include "cuda/layout.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "model/panels.h"

namespace sketchrnn::cuda {
namespace {

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

// many_integer.cuh tells the order.
std::vector<std::uint32_t> tensor_tiles(const Panels& panels, std::size_t hidden,
                                        std::size_t units) {
  constexpr std::size_t tile_units = kMmaUnits;
  const std::size_t chunks = rounded_up(hidden, kChunkDepth) / kChunkDepth;
  const std::size_t parts = panels.packed().precision == Precision::i8 ? 1 : 2;
  std::vector<std::uint32_t> tiles;
  tiles.reserve(parts * units / tile_units * chunks * 2 * kGates * 32 * 4);
  for (std::size_t part = 0; part < parts; ++part)
    for (std::size_t tile = 0; tile < units / tile_units; ++tile)
      for (std::size_t chunk = 0; chunk < chunks; ++chunk)
        for (std::size_t half = 0; half < 2; ++half)
          for (std::size_t g = 0; g < kGates; ++g)
            for (std::size_t thread = 0; thread < 32; ++thread)
              for (std::size_t r = 0; r < 4; ++r) {
                const std::size_t unit = tile * tile_units + thread / 4 + 8 * (r % 2);
                const std::size_t k = 64 * chunk + 16 * (thread % 4) + 8 * half + 4 * (r / 2);
                std::uint32_t word = 0;
                for (std::size_t e = 0; e < 4; ++e)
                  word |= panels.byte(k + e, g, unit, part) << 8 * e;
                tiles.push_back(word);
              }
  return tiles;
}

// Two int16 as the bytes low, low, high, high: what dp2a multiplies.
std::uint32_t low_bytes_first(std::uint32_t word) {
  return (word & 0xFF0000FFu) | (word >> 8 & 0xFF00u) | (word << 8 & 0xFF0000u);
}

// The shape alone.
NetView shape_of(const Net& net) {
  const Packed& packed = net.packed();
  NetView view{};
  view.precision = packed.precision;
  view.hidden = packed.hidden;
  view.units = static_cast<int>(rounded_up(static_cast<std::size_t>(packed.hidden), kUnitPad));
  view.mixtures = packed.mixtures;
  view.words = packed.words;
  view.padded_words = static_cast<int>(rounded_up(static_cast<std::size_t>(packed.words), kBlock));
  view.head_stride = packed.head_stride;
  view.scale_factor = net.scale_factor();
  view.h_limit = packed.h_limit;
  view.head_scale = packed.head_scale;
  return view;
}

}  // namespace

Layout::Layout(const Net& net) : view(shape_of(net)) {
  const Panels panels(net);
  const Packed& packed = panels.packed();
  const auto hidden = static_cast<std::size_t>(view.hidden);
  const auto units = static_cast<std::size_t>(view.units);
  const auto padded_words = static_cast<std::size_t>(view.padded_words);

  offsets = AlignedFloats(kOffsetRows * units * kGates);
  scale = AlignedFloats(units * kGates);
  rows.assign(hidden * kGates * padded_words, 0);
  for (std::size_t unit = 0; unit < hidden; ++unit)
    for (std::size_t g = 0; g < kGates; ++g) {
      for (std::size_t row = 0; row < kOffsetRows; ++row)
        offsets[(row * units + unit) * kGates + g] =
            panels.at(packed.offsets, kOffsetRows, row, g, unit);
      scale[unit * kGates + g] = panels.at(packed.scale, 1, 0, g, unit);
      for (std::size_t k = 0; k < static_cast<std::size_t>(packed.words); ++k)
        rows[(unit * kGates + g) * padded_words + k] =
            packed.precision == Precision::i16 ? low_bytes_first(panels.word(k, g, unit))
                                               : panels.word(k, g, unit);
    }
  tiles = packed.precision == Precision::f32 ? scalar_tiles(panels, hidden, units)
                                             : tensor_tiles(panels, hidden, units);
  h_scale = AlignedFloats(units);
  if (packed.h_scale != nullptr) std::copy_n(packed.h_scale, hidden, h_scale.data());

  view.offsets = offsets.data();
  view.scale = scale.data();
  view.rows = rows.data();
  view.tiles = tiles.data();
  view.h_scale = h_scale.data();
  view.head = packed.head;
}

// Of each eight rows thread q of four has the rows 2q and 2q + 1 of a product (GroupSums of
// cluster.cuh): it gets eight units that are neighbours, all four gates of each.
std::vector<std::uint32_t> cluster_weights(const Net& net, int blocks) {
  constexpr std::size_t units = kClusterUnits, groups = 2, rows = 128;
  const Panels panels(net);
  const std::size_t columns = static_cast<std::size_t>(blocks) * units / 16;
  const auto unit_at = [](std::size_t place) {
    return place / units * units +
           static_cast<std::size_t>(cluster_unit(static_cast<int>(place % units)));
  };
  std::vector<std::uint32_t> weights;
  weights.reserve(static_cast<std::size_t>(blocks) * groups * columns * rows * 4);
  for (std::size_t block = 0; block < static_cast<std::size_t>(blocks); ++block)
    for (std::size_t group = 0; group < groups; ++group)
      for (std::size_t column = 0; column < columns; ++column)
        for (std::size_t row = 0; row < rows; ++row)
          for (std::size_t k = 16 * column; k < 16 * column + 16; k += 4) {
            const std::size_t place =
                block * units + group * units / 2 + row % 8 / 2 * 8 + row / 16;
            const std::size_t gate = row / 8 % 2 * 2 + row % 2;
            std::uint32_t word = 0;
            for (std::size_t e = 0; e < 4; ++e)
              word |= panels.byte(unit_at(k + e), gate, unit_at(place), 0) << 8 * e;
            weights.push_back(word);
          }
  return weights;
}

AlignedFloats cluster_units(const Net& net, int blocks) {
  const Panels panels(net);
  const Packed& packed = panels.packed();
  AlignedFloats numbers(static_cast<std::size_t>(blocks) * kClusterUnits * kClusterNumbers);
  float* to = numbers.data();
  for (int block = 0; block < blocks; ++block)
    for (int place = 0; place < kClusterUnits; ++place, to += kClusterNumbers) {
      const int at = block * kClusterUnits + cluster_unit(place);
      if (at >= packed.hidden) continue;
      const auto unit = static_cast<std::size_t>(at);
      for (std::size_t g = 0; g < kGates; ++g) {
        for (std::size_t row = 0; row < kOffsetRows; ++row)
          to[row * kGates + g] = panels.at(packed.offsets, kOffsetRows, row, g, unit);
        to[kOffsetRows * kGates + g] = panels.at(packed.scale, 1, 0, g, unit);
      }
      to[kClusterNumbers - kGates] = packed.h_scale[unit];
    }
  return numbers;
}

AlignedFloats cluster_head(const Net& net, int blocks) {
  const Packed& packed = net.packed();
  const auto outputs = static_cast<std::size_t>(outputs_of(packed.mixtures));
  AlignedFloats head(outputs * static_cast<std::size_t>(blocks) * kClusterUnits);
  float* to = head.data();
  for (std::size_t o = 0; o < outputs; ++o)
    for (int block = 0; block < blocks; ++block)
      for (int place = 0; place < kClusterUnits; ++place, ++to) {
        const int at = block * kClusterUnits + cluster_unit(place);
        const auto unit = static_cast<std::size_t>(at);
        if (unit < packed.head_stride) *to = packed.head[o * packed.head_stride + unit];
      }
  return head;
}

ConditionTable::ConditionTable(const Conditions& conditions, std::size_t count) {
  std::map<std::size_t, std::uint32_t> places;  // by object
  std::vector<ConditionPtr> different;
  which.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto [place, is_new] = places.emplace(conditions.object(i), different.size());
    if (is_new) different.push_back(conditions.at(i));
    which[i] = place->second;
  }
  if (different.size() == 1) which.clear();

  const Net& net = *conditions.net();
  const NetView shape = shape_of(net);
  const Panels panels(net);
  // Clusters read, and drop, biases of a last block that is not full.
  numbers = AlignedFloats(different.size() * condition_floats(shape) + kClusterUnits * kGates);
  for (std::size_t i = 0; i < different.size(); ++i) {
    const Condition& from = *different[i];
    float* to = numbers.data() + i * condition_floats(shape);
    for (std::size_t row = 0; row < kBiasRows; ++row)
      for (int unit = 0; unit < shape.units; ++unit)
        for (std::size_t g = 0; g < kGates; ++g, ++to)
          if (unit < shape.hidden)
            *to = panels.at(from.bias.data(), kBiasRows, row, g, static_cast<std::size_t>(unit));
    std::copy_n(from.h.data(), shape.hidden, to);
    to += shape.head_stride;
    std::copy_n(from.c.data(), shape.hidden, to);
    std::memcpy(to + shape.units, from.head_bias.data(), from.head_bias.size() * sizeof(double));
  }
}

}  // namespace sketchrnn::cuda
