// Points drawn from one predicted distribution.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace sketchrnn {

// `count` stroke-5 rows (5 floats each, net units) from raw head outputs z in the contract's order:
// the sampler of every step, with point i's random numbers at counter (i, distribution stream).
void sample(const Kernels& kernels, const float* z, int mixtures, Temperature temperature,
            std::uint64_t seed, std::size_t count, float* rows);

}  // namespace sketchrnn
