// The names of the precisions, as users write them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "error.h"
#include "kernels/kernels.h"

namespace sketchrnn {

constexpr const char* kPrecisionNames[] = {"f32", "i16", "i8"};
static_assert(sizeof kPrecisionNames / sizeof kPrecisionNames[0] == kPrecisions);

inline const char* name_of(Precision precision) {
  return kPrecisionNames[static_cast<std::size_t>(precision)];
}

// Throws ArgumentError for any other name.
inline Precision precision_from(std::string_view name) {
  std::string all;
  for (int i = 0; i < kPrecisions; ++i) {
    if (name == kPrecisionNames[i]) return static_cast<Precision>(i);
    all += std::string(i == 0                ? "\""
                       : i + 1 < kPrecisions ? "\", \""
                                             : "\" or \"") +
           kPrecisionNames[i];
  }
  throw ArgumentError("precision: expected " + all + "\", found \"" +
                      std::string(name.substr(0, 40)) + "\"");
}

}  // namespace sketchrnn
