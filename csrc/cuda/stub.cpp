// In place of backend.cu in a build without nvcc.
#include "cuda/device.h"
#include "error.h"

namespace sketchrnn::cuda {
namespace {

constexpr const char* kReason =
    "this build has no CUDA backend: it was made without nvcc, or with SKETCHRNN_CUDA=OFF";

}  // namespace

DeviceList devices() { return {false, {}, kReason}; }

// NOLINTNEXTLINE(performance-unnecessary-value-param): backend.cu keeps it
std::shared_ptr<const Device> put_on_device(std::shared_ptr<const Net>, int) {
  throw DeviceError(std::string("device: ") + kReason);
}

std::shared_ptr<void> copied_on_device(int, const void*, std::size_t) {
  throw DeviceError(std::string("device: ") + kReason);
}

}  // namespace sketchrnn::cuda
