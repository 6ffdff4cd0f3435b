#include "engine/sampler.h"

#include "engine/rows.h"

namespace sketchrnn {

void sample(const Kernels& kernels, const float* z, int mixtures, Temperature temperature,
            std::uint64_t seed, std::size_t count, float* rows, const Progress& progress) {
  constexpr std::size_t together = kPad;
  PointSampler sampler(kernels, mixtures, together);
  const int choices = kPenStates + mixtures;
  for (int o = 0; o < choices; ++o)
    std::fill_n(sampler.logits() + static_cast<std::size_t>(o) * together, together, z[o]);
  Pulse pulse(progress);
  for (std::size_t first = 0; first < count; first += together) {
    if (first % (16 * together) == 0) pulse.check(first);
    const std::size_t n = std::min(together, count - first);
    for (std::size_t i = 0; i < n; ++i) {
      // The point's number, 64 bits, stands where a drawing has (sketch, point).
      const std::uint64_t number = first + i;
      sampler.set_uniforms(i, point_uniforms(seed, number >> 32, static_cast<std::uint32_t>(number),
                                             RandomStream::distribution));
    }
    sampler.draw(n, temperature, [&](std::size_t, int output, float* out, std::size_t stride) {
      const int component = (output - choices) / kPlaceOutputs;
      for (std::size_t k = 0; k < kPlaceOutputs; ++k)
        out[k * stride] = z[choices + static_cast<int>(k) * mixtures + component];
    });
    for (std::size_t i = 0; i < n; ++i)
      write_row(rows + kStroke5 * (first + i), sampler.row(i, 1.0f));
  }
}

}  // namespace sketchrnn
