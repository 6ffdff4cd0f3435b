// Which GPUs there are, and which of them the kernels run on.

#include <cuda_runtime.h>

#include <string>

#include "cuda/device.h"

namespace sketchrnn::cuda {
namespace {

// The oldest device that the kernels are compiled for; newer ones run their PTX.
constexpr int kOldestMajor = 8;

}  // namespace

DeviceList devices() {
  DeviceList list{true, {}, ""};
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    (void)cudaGetLastError();
    list.reason = status == cudaErrorInsufficientDriver
                      ? "there is no NVIDIA driver, or one older than this build needs (CUDA " +
                            std::to_string(CUDART_VERSION / 1000) + "." +
                            std::to_string(CUDART_VERSION % 1000 / 10) + ")"
                  : status == cudaErrorNoDevice || status == cudaSuccess
                      ? "the NVIDIA driver finds no GPU"
                      : std::string("the NVIDIA driver: ") + cudaGetErrorString(status);
    return list;
  }
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp facts{};
    const cudaError_t asked = cudaGetDeviceProperties(&facts, i);
    if (asked != cudaSuccess) {
      (void)cudaGetLastError();
      list.found.push_back({i, "", 0, 0, 0, 0, false, cudaGetErrorString(asked)});
      continue;
    }
    const bool usable = facts.major >= kOldestMajor && facts.cooperativeLaunch != 0;
    list.found.push_back({i, facts.name, facts.major, facts.minor, facts.multiProcessorCount,
                          facts.totalGlobalMem, usable,
                          usable ? "" : "compute capability 8.0 or more is needed"});
  }
  return list;
}

}  // namespace sketchrnn::cuda
