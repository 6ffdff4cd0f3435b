// Nets on a GPU: the one interface behind which is either CUDA (backend.cu, devices.cu) or its absence
// (stub.cpp).
//
// Nothing here touches the driver before somebody asks for a device. Drawings and predictions have
// the bits of the processor's engine, for the same precision and seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/device.h"
#include "error.h"

namespace sketchrnn::cuda {

struct DeviceInfo {
  int ordinal;
  std::string name;
  int major, minor;  // compute capability
  int multiprocessors;
  std::size_t memory;  // bytes
  bool usable;
  std::string reason;  // why it is not
};

struct DeviceList {
  bool compiled;  // whether this build has the backend
  std::vector<DeviceInfo> found;
  std::string reason;  // why there is none
};

// Asks the driver, if there is one.
DeviceList devices();

// Throws DeviceError: no such device, no memory, a net too large.
std::shared_ptr<const Device> put_on_device(std::shared_ptr<const Net> net, int ordinal);

// A copy of `bytes` bytes of a device's memory, made when this returns.
std::shared_ptr<void> copied_on_device(int ordinal, const void* data, std::size_t bytes);

[[noreturn]] inline void fail(int ordinal, const std::string& what) {
  throw DeviceError("device cuda:" + std::to_string(ordinal) + ": " + what);
}

}  // namespace sketchrnn::cuda
