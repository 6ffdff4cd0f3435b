// Teacher forcing over given drawings: negative log-likelihoods, or the raw predictions themselves.
#pragma once

#include <cstdint>
#include <vector>

#include "generator.h"
#include "net.h"

namespace sketchrnn {

// Drawings as rows with offsets, as in Batch.
struct Drawings {
  const Row* rows = nullptr;
  const std::int64_t* offsets = nullptr;
  std::size_t count = 0;
};

// Per row, in nats: −log Σ π·N(dx, dy) in the net's units (0 where p3 is set, which has no offset),
// and the cross-entropy of the pen state.
void score(const Net& net, const Drawings& drawings, int threads, double* offset_nll,
           double* pen_nll, const Progress& progress);

// Per row the net.outputs() raw head outputs, in the contract's order, that predicted it.
void forward(const Net& net, const Drawings& drawings, int threads, float* z,
             const Progress& progress);

// Both terms of one row from the raw head outputs (contract's order) that predicted it.
void row_nll(const Net& net, const Row& row, const float* z, double& offset_nll, double& pen_nll);

// log Σ π·N(dx, dy; …) of one point from raw head outputs in the contract's order, in float64.
double log_density(const float* z, int mixtures, double dx, double dy);
// log of the pen state's probability.
double log_pen(const float* z, Pen pen);

}  // namespace sketchrnn
