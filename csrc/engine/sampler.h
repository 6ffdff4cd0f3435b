// The one way from head outputs to points: choose a component and a pen state, then place.
//
// Streams, batches and single distributions all come here; it is where temperature acts (paper,
// eq. 8; kernels/mixture.h has the formulas).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "aligned.h"
#include "engine/philox.h"
#include "engine/temperature.h"
#include "kernels/kernels.h"
#include "progress.h"

namespace sketchrnn {

// Points for up to `lanes` sketches at once, in the net's units.
class PointSampler {
 public:
  PointSampler(const Kernels& kernels, int mixtures, std::size_t lanes)
      : kernels_(kernels),
        mixtures_(mixtures),
        column_((lanes + kMaxWidth - 1) / kMaxWidth * kMaxWidth),
        logits_(static_cast<std::size_t>(kPenStates + mixtures) * column_),
        params_(kPlaceOutputs * column_),
        uniforms_(4 * column_),
        offsets_(2 * column_),
        choices_(2 * column_) {
    std::fill_n(uniforms_.data(), uniforms_.size(), 1.0f);
  }

  // Length of a buffer of one number per sketch.
  std::size_t column() const { return column_; }

  // The choice outputs (pen and π logits), [3 + M][column], to be filled before a draw.
  float* logits() { return logits_.data(); }

  void set_uniforms(std::size_t lane, const PointUniforms& u) {
    float* const at = uniforms_.data() + lane;
    at[0] = u.component;
    at[column_] = u.pen;
    at[2 * column_] = u.radius;
    at[3 * column_] = u.angle;
  }

  // parameters(lane, first output, out, stride) puts the five outputs of the lane's component from
  // number `first output` (kernels' order) on at out[0], out[stride], …
  template <class Parameters>
  void draw(std::size_t lanes, Temperature temperature, const Parameters& parameters) {
    const int n = static_cast<int>(lanes);
    const float* const u = uniforms_.data();
    std::int32_t* const component = choices_.data();
    kernels_.choose(logits_.data(), column_, n, mixtures_, temperature, u, u + column_, component,
                    component + column_);
    for (std::size_t i = 0; i < lanes; ++i)
      parameters(i, kPenStates + mixtures_ + component[i] * kPlaceOutputs, params_.data() + i,
                 column_);
    kernels_.place(params_.data(), column_, n, temperature, u + 2 * column_, u + 3 * column_,
                   offsets_.data(), offsets_.data() + column_);
  }

  // What was drawn for a sketch, offsets times `scale`.
  Row row(std::size_t lane, float scale) const {
    return {offsets_[lane] * scale, offsets_[column_ + lane] * scale,
            static_cast<Pen>(choices_[column_ + lane])};
  }

 private:
  const Kernels& kernels_;
  int mixtures_;
  std::size_t column_;
  AlignedFloats logits_, params_, uniforms_, offsets_;
  std::vector<std::int32_t> choices_;
};

// `count` stroke-5 rows (net units) from raw head outputs z in the contract's order, with point i's
// random numbers at counter (i, distribution stream). Throws Cancelled when `progress` says so.
void sample(const Kernels& kernels, const float* z, int mixtures, Temperature temperature,
            std::uint64_t seed, std::size_t count, float* rows, const Progress& progress = {});

}  // namespace sketchrnn
