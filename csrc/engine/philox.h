// Philox4x32-10, the counter-based random generator of Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3" (SC 2011; library Random123). Every number is a pure function of (key, counter).
#pragma once

#include <array>
#include <cstdint>

namespace sketchrnn {

using Words4 = std::array<std::uint32_t, 4>;

constexpr Words4 philox4x32_10(Words4 counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// The random numbers of one point of one sketch.
struct PointUniforms {
  float component;  // [0, 1), 24 bits: inverse CDF of the mixture component
  float pen;        // [0, 1), 24 bits: inverse CDF of the pen state
  float radius;     // (0, 1], 32 bits: Box–Muller radius; small values decide how far tails reach
  float angle;      // [0, 1), 24 bits: Box–Muller angle in turns
};

// What a stream of random numbers is used for, the last word of the counter.
enum class RandomStream : std::uint32_t { draw = 0, distribution = 1, latent = 2 };

constexpr PointUniforms point_uniforms(std::uint64_t seed, std::uint64_t sketch,
                                       std::uint32_t point, RandomStream stream) {
  const Words4 words =
      philox4x32_10({static_cast<std::uint32_t>(sketch), static_cast<std::uint32_t>(sketch >> 32),
                     point, static_cast<std::uint32_t>(stream)},
                    {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  constexpr float two_to_minus_24 = 1.0f / 16777216.0f;
  constexpr float two_to_minus_32 = 1.0f / 4294967296.0f;
  // (w + ½)·2^-32 with w rounded to float32: from 2^-33 (a radius of 6.8 σ) up to 1 itself.
  const float radius = (static_cast<float>(words[2]) + 0.5f) * two_to_minus_32;
  return {static_cast<float>(words[0] >> 8) * two_to_minus_24,
          static_cast<float>(words[1] >> 8) * two_to_minus_24, radius,
          static_cast<float>(words[3] >> 8) * two_to_minus_24};
}

}  // namespace sketchrnn
