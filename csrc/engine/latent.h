// Latent vectors: those that nobody gave, and those of given drawings.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/rows.h"
#include "model/net.h"
#include "progress.h"

namespace sketchrnn {

// `size` independent normals of drawing `index` of `seed`: Philox's stream "latent", a block for two
// of them, by the Box–Muller of the kernels.
std::vector<float> latent_normals(const Kernels& kernels, std::size_t size, std::uint64_t seed,
                                  std::uint64_t index);

// μ and σ (eq. 2) of every drawing, net.latent() numbers each; of a net that has a latent vector.
// All rows are read, the ending one too where there is one. The same whatever `threads` (0: every
// processor) and the other drawings are. Throws ArgumentError where a number overflows float32,
// Cancelled when `progress` says so.
void encode(const Net& net, const Drawings& drawings, int threads, float* mu, float* sigma,
            const Progress& progress);

}  // namespace sketchrnn
