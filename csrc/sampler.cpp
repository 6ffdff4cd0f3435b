#include "sampler.h"

#include <algorithm>

#include "aligned.h"
#include "philox.h"

namespace sketchrnn {

void sample(const Kernels& kernels, const float* z, int mixtures, Temperature temperature,
            std::uint64_t seed, std::size_t count, float* rows) {
  constexpr std::size_t n = kPad;  // points a round
  const auto choices = kPenStates + static_cast<std::size_t>(mixtures);
  AlignedFloats logits(choices * n);
  AlignedFloats params(kPlaceOutputs * n);
  AlignedFloats u(4 * n);
  AlignedFloats offsets(2 * n);
  std::int32_t component[n], pen[n];
  for (std::size_t o = 0; o < choices; ++o) std::fill_n(logits.data() + o * n, n, z[o]);
  for (std::size_t first = 0; first < count; first += n) {
    const std::size_t batch = std::min(n, count - first);
    for (std::size_t i = 0; i < n; ++i) {
      // The point's number, 64 bits, stands where a drawing has (sketch, point).
      const std::uint64_t number = first + i;
      const PointUniforms p = point_uniforms(seed, number >> 32, static_cast<std::uint32_t>(number),
                                             RandomStream::distribution);
      u[i] = p.component;
      u[n + i] = p.pen;
      u[2 * n + i] = p.radius;
      u[3 * n + i] = p.angle;
    }
    kernels.choose(logits.data(), n, static_cast<int>(n), mixtures, temperature, u.data(),
                   u.data() + n, component, pen);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < kPlaceOutputs; ++k)
        params[k * n + i] = z[choices + k * static_cast<std::size_t>(mixtures) +
                              static_cast<std::size_t>(component[i])];
    kernels.place(params.data(), n, static_cast<int>(n), temperature, u.data() + 2 * n,
                  u.data() + 3 * n, offsets.data(), offsets.data() + n);
    for (std::size_t i = 0; i < batch; ++i) {
      float* const row = rows + 5 * (first + i);
      row[0] = offsets[i];
      row[1] = offsets[n + i];
      for (int p = 0; p < kPenStates; ++p) row[2 + p] = pen[i] == p ? 1.0f : 0.0f;
    }
  }
}

}  // namespace sketchrnn
