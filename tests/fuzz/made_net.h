// A net of any small shape, with any numbers that a container may hold, out of a fuzzer's bytes.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/philox.h"
#include "input.h"

namespace fuzz {

// Sizes on both sides of what kernels do at once: a word's elements and a vector; and, seldom, for
// they cost most, a panel and a block.
constexpr int kHidden[] = {1, 2, 3, 4, 5, 7, 8};
constexpr int kLarge[] = {16, 17, 33, 65};

inline std::size_t any_hidden(Input& input) {
  const std::size_t how = input.byte();
  return static_cast<std::size_t>(how < 252 ? kHidden[how % std::size(kHidden)]
                                            : kLarge[how - 252]);
}

inline std::uint16_t half_bits(float value) {  // towards zero; finite
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, 4);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  const int exponent = static_cast<int>(bits >> 23 & 0xFFu) - 112;
  if (exponent <= 0) return sign;
  if (exponent >= 31) return static_cast<std::uint16_t>(sign | 0x7BFFu);
  return static_cast<std::uint16_t>(sign | exponent << 10 | (bits >> 13 & 0x3FFu));
}

struct MadeArray {
  const char* name;
  std::size_t rows, columns;  // columns 0: a vector of `rows`
  std::size_t count() const { return rows * (columns == 0 ? 1 : columns); }
};

// One array's bytes: random numbers of one magnitude, of which some are replaced by any others.
inline std::string made_numbers(Input& input, const MadeArray& array, int dtype, std::uint32_t seed,
                                bool positive) {
  const std::uint8_t how = input.byte();
  // Mostly what nets have, about 1/√H; else from subnormal to the largest.
  const int exponent =
      how < 200 ? -static_cast<int>(how % 4) : static_cast<int>(how) % 28 * 10 - 149;
  std::string bytes;
  for (std::size_t i = 0; i < array.count(); ++i) {
    const std::uint32_t word =
        sketchrnn::philox4x32_10({static_cast<std::uint32_t>(i), 0, 0, 0}, {seed, 7})[0];
    float value = static_cast<float>(
        std::ldexp(static_cast<double>(static_cast<std::int32_t>(word)), exponent - 31));
    if (positive) value = std::fmin(1e6f, std::fmax(std::fabs(value), 1e-45f));
    if (dtype == 0) bytes.append(reinterpret_cast<const char*>(&value), 4);
    const std::uint16_t half = half_bits(value);
    if (dtype == 1) bytes.append(reinterpret_cast<const char*>(&half), 2);
    if (dtype == 2) bytes.append(reinterpret_cast<const char*>(&word), 2);
    if (dtype == 3) bytes.append(reinterpret_cast<const char*>(&word), 1);
  }
  const std::size_t element = dtype == 0 ? 4 : dtype == 3 ? 1 : 2;
  for (std::size_t left = input.below(4); left-- > 0;) {
    const std::size_t at = input.take<std::uint16_t>() % array.count();
    std::string_view raw = input.text(element);
    if (raw.size() == element) bytes.replace(at * element, element, raw);
  }
  return bytes;
}

// A container, hardly ever refused: only for numbers that are not finite, or scales out of range.
inline std::string made_container(Input& input) {
  const std::size_t h = any_hidden(input);
  const std::size_t m = 1 + input.below(3);
  const std::size_t outputs = 3 + 6 * m;
  const std::size_t max_len = 1 + input.below(6);
  const std::uint8_t kinds = input.byte();
  const bool bytes = (kinds & 12u) == 12u;
  const bool quantised = bytes && (kinds & 16u) != 0;
  const auto seed = input.take<std::uint32_t>();
  static constexpr const char* scales[] = {"16", "1", "45.5", "1e-6", "1e6", "0.1"};
  static constexpr const char* tokens[] = {"[0,0,0,0,0]", "[0,0,1,0,0]", "[1e6,-1e6,1,1,1]",
                                           "[1e-40,0.5,0,1,0]"};
  static constexpr const char* steps[] = {"3.0518509475997192e-4", "1e-3", "1e3", "1e-40",
                                          "1e-320"};
  static constexpr const char* dtypes[] = {"F32", "F16", "I16", "I8"};
  std::string header =
      R"({"__metadata__":{"format":"sketchrnn","format_version":"1","name":"made",)";
  header += std::string("\"scale_factor\":\"") + scales[input.below(std::size(scales))] +
            "\",\"max_len\":\"" + std::to_string(max_len) + "\",\"start_token\":\"" +
            tokens[input.below(std::size(tokens))] + "\"";
  std::vector<MadeArray> arrays = {
      {"wx", 5, 4 * h}, {"wh", h, 4 * h}, {"b", 4 * h, 0}, {"wo", h, outputs}, {"bo", outputs, 0}};
  if (bytes) arrays.push_back({"wh.column_scale", 4 * h, 0});
  if (quantised) arrays.push_back({"h.scale", h, 0});
  const std::size_t scaled = arrays.size();
  // An encoder of as few units and numbers, stored like the rest but for 8 bits.
  if ((kinds & 0xE0u) == 0xE0u && !quantised) {
    const std::size_t n = 1 + h % 3;
    arrays[0].rows = 5 + n;
    arrays.insert(arrays.end(), {{"fw.wx", 5, 4 * n},
                                 {"fw.wh", n, 4 * n},
                                 {"fw.b", 4 * n, 0},
                                 {"bw.wx", 5, 4 * n},
                                 {"bw.wh", n, 4 * n},
                                 {"bw.b", 4 * n, 0},
                                 {"mu.w", 2 * n, n},
                                 {"mu.b", n, 0},
                                 {"sigma.w", 2 * n, n},
                                 {"sigma.b", n, 0},
                                 {"z.w", n, 2 * h},
                                 {"z.b", 2 * h, 0}});
  }
  for (const MadeArray& array : arrays)
    header += std::string(",\"") + array.name + ".scale\":\"" +
              steps[input.below(std::size(steps))] + "\"";
  header += "}";
  std::string data;
  for (std::size_t a = 0; a < arrays.size(); ++a) {
    const MadeArray& array = arrays[a];
    const bool scales_alone = a > 4 && a < scaled;
    const int dtype = scales_alone ? 0 : a == 1 && bytes ? 3 : static_cast<int>((kinds & 3u) % 3);
    const std::size_t first = data.size();
    data += made_numbers(input, array, dtype, seed + static_cast<std::uint32_t>(a), scales_alone);
    header += std::string(",\"") + array.name + "\":{\"dtype\":\"" + dtypes[dtype] +
              "\",\"shape\":[" + std::to_string(array.rows) +
              (array.columns == 0 ? "" : "," + std::to_string(array.columns)) +
              "],\"data_offsets\":[" + std::to_string(first) + "," + std::to_string(data.size()) +
              "]}";
  }
  header += "}";
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return out + header + data;
}

inline double any_temperature(Input& input) {
  const std::uint8_t how = input.byte();
  constexpr double usual[] = {0.4, 0.0, 1.0, 0.1, 1e-300, 1e30, 2.5};
  return how < 250 ? usual[how % std::size(usual)] : input.take<double>();
}

}  // namespace fuzz
