// Whole drawings: the one call behind draw and complete, in every language and on every device.
#pragma once

#include <vector>

#include "engine/device.h"

namespace sketchrnn {

// Continues the rows of `prefix` (none: draws from the start) options.count times. Drawing k is the
// same whatever count, threads, lanes and device are. Throws ArgumentError, Cancelled.
Batch draw(const Device& device, const Conditions& conditions, const std::vector<Row>& prefix,
           const DrawOptions& options, const Progress& progress);

// The same, left in the device's memory.
std::shared_ptr<const DeviceBatch> draw_there(const Device& device, const Conditions& conditions,
                                              const std::vector<Row>& prefix,
                                              const DrawOptions& options, const Progress& progress);

}  // namespace sketchrnn
