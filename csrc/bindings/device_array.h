// An array in a GPU's memory, for whoever takes it without a copy: DLPack,
// __cuda_array_interface__.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/device.h"

namespace sketchrnn::bindings {

struct DeviceArray {
  std::shared_ptr<const void> owner;  // of the memory
  int ordinal;
  void* data;
  std::vector<std::int64_t> shape;
  bool floats;  // float32, else int64
};

// Strokes (total, 5) and offsets (n + 1,).
pybind11::tuple device_arrays_from(const std::shared_ptr<const DeviceBatch>& batch);

}  // namespace sketchrnn::bindings
