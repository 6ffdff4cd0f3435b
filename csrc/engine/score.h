// Negative log-likelihoods of given drawings, and of single points.
#pragma once

#include <cstdint>

#include "engine/device.h"

namespace sketchrnn {

// Per row, in nats, under teacher forcing: −log Σ π·N(dx, dy) in the net's units (0 where p3 is
// set, which has no offset), and the cross-entropy of the pen state. `threads` 0: every processor.
void score(const Device& device, const Conditions& conditions, const Drawings& drawings,
           int threads, double* offset_nll, double* pen_nll, const Progress& progress);

// log Σ π·N(dx, dy; …) of one point from raw head outputs in the contract's order, in float64.
double log_density(const float* z, int mixtures, double dx, double dy);
// log of the pen state's probability.
double log_pen(const float* z, Pen pen);

}  // namespace sketchrnn
