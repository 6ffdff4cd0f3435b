// From weights to a net that runs: the one place that knows how.
#pragma once

#include <memory>
#include <vector>

#include "kernels/isa.h"
#include "model/net.h"

namespace sketchrnn {

// Precision::i8 of weights that are not stored so calibrates them first: half a second for 512
// units. Throws Cancelled when `progress` says so.
std::shared_ptr<const Net> open_net(std::shared_ptr<const Weights> weights,
                                    Precision precision = Precision::f32,
                                    const Progress& progress = {},
                                    const Kernels& kernels = choose_kernels());

// The integers of a net's LSTM, and of its encoder's where it has one.
struct Calibrated {
  QuantisedRecurrent net, forward, backward;
};

// Those for Precision::i8 from drawings that the net, opened in Precision::f32, draws itself.
// Throws WeightsError if those overflow float32.
Calibrated calibrated(const std::shared_ptr<const Net>& net, const Progress& progress = {});

}  // namespace sketchrnn
