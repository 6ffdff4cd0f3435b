// The temperature of a draw (paper, eq. 8): π and pen logits divided by τ, σ multiplied by √τ.
#pragma once

#include <cfloat>
#include <cmath>
#include <optional>
#include <string>

#include "error.h"
#include "kernels/kernels.h"

namespace sketchrnn {

inline void check_temperature(const char* name, double value) {
  if (!(value >= 0.0) || std::isinf(value))
    throw ArgumentError(std::string(name) + ": expected a finite number of at least 0, found " +
                        std::to_string(value));
}

// `softmax` replaces τ for π and the pen alone (sketch-rnn-js uses 0.5 + 0.5τ there).
inline Temperature make_temperature(double tau, std::optional<double> softmax = std::nullopt) {
  check_temperature("temperature", tau);
  if (softmax) check_temperature("softmax_temperature", *softmax);
  const double categorical = softmax.value_or(tau);
  // The cap keeps 0 · (1/τ) = 0 for the likeliest category when 1/τ overflows float32.
  const double inverse = categorical > 0.0 ? 1.0 / categorical : 0.0;
  return {static_cast<float>(inverse < FLT_MAX ? inverse : FLT_MAX),
          static_cast<float>(std::sqrt(tau)), categorical == 0.0};
}

}  // namespace sketchrnn
