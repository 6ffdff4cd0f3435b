// A net as Python holds it, and what its calls take.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "bindings/arrays.h"
#include "engine/conditions.h"
#include "engine/device.h"

namespace sketchrnn::bindings {

// The net and where it draws.
struct PlacedNet {
  std::shared_ptr<const Device> device;

  const Net& net() const { return *device->net(); }
};

using Objects = std::optional<ObjectArray>;  // numbers into Net.objects: one, or one for each

using LatentArray = std::optional<FloatArray>;  // rows of N_z: one, or one for each

// Without latent vectors of its own, drawing i of a net that has some has that of (seed, index + i).
Conditions conditions_from(const PlacedNet& placed, const Objects& objects, const LatentArray& z,
                           std::uint64_t seed = 0, std::uint64_t index = 0);

// The bytes object stays alive as long as the weights.
std::shared_ptr<const Weights> weights_from_bytes(const py::bytes& container,
                                                  const std::string& what);

// The plain net's arrays, with the biases of an object, by default the default one's; and those of
// its encoder.
py::dict arrays_of(const PlacedNet& placed, std::optional<std::size_t> object);

// The recurrent weights in 8 bits as calibration finds them, by the names that the container has for
// them: q, and the scales of columns and h.
py::dict calibrated_arrays(const py::bytes& container, const std::string& what);

// What a step of precision i8 and the head compute with, to the bit, a unit after the other: for
// programs that have no kernels (nets/standalone.py).
py::dict units_of(const PlacedNet& placed, const Objects& objects, const LatentArray& z);

}  // namespace sketchrnn::bindings
