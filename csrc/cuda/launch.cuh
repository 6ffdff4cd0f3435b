// Starting a kernel with arguments of its own types.
#pragma once

#include <cuda_runtime.h>

#include "cuda/memory.cuh"

namespace sketchrnn::cuda {
namespace {

struct Launch {
  unsigned blocks, threads;
  std::size_t shared;
  bool cooperative;      // all blocks run at once, or none does
  unsigned cluster = 1;  // blocks that see each other's shared memory
};

#if defined(__CUDACC__)
// A launch in CUDA's words, which point into this: it stays where it is.
struct LaunchWords {
  LaunchWords(const Launch& launch, cudaStream_t stream) {
    if (launch.cooperative) {
      attribute.id = cudaLaunchAttributeCooperative;
      attribute.val.cooperative = 1;
    } else {
      attribute.id = cudaLaunchAttributeClusterDimension;
      attribute.val.clusterDim = {launch.cluster, 1, 1};
    }
    config.gridDim = dim3(launch.blocks);
    config.blockDim = dim3(launch.threads);
    config.dynamicSmemBytes = launch.shared;
    config.stream = stream;
    config.attrs = &attribute;
    config.numAttrs = launch.cooperative || launch.cluster > 1 ? 1 : 0;
  }
  LaunchWords(const LaunchWords&) = delete;
  LaunchWords& operator=(const LaunchWords&) = delete;

  cudaLaunchAttribute attribute{};
  cudaLaunchConfig_t config{};
};

template <class... Parameters>
void start(int ordinal, void (*kernel)(Parameters...), const Launch& launch, cudaStream_t stream,
           std::remove_const_t<Parameters>... arguments) {
  void* pointers[] = {&arguments...};
  const LaunchWords words(launch, stream);
  check(cudaLaunchKernelExC(&words.config, reinterpret_cast<const void*>(kernel), pointers),
        ordinal, "starting a kernel");
}

// How many clusters of a launch are resident at once; 0 on a device that has none.
template <class... Parameters>
int resident_clusters(void (*kernel)(Parameters...), const Launch& launch) {
  const LaunchWords words(launch, nullptr);
  int clusters = 0;
  if (cudaOccupancyMaxActiveClusters(&clusters, reinterpret_cast<const void*>(kernel),
                                     &words.config) == cudaSuccess)
    return clusters;
  (void)cudaGetLastError();
  return 0;
}
#else
// The tests' runtime wants the types themselves.
template <class... Parameters>
void start(int ordinal, void (*kernel)(Parameters...), const Launch& launch, cudaStream_t stream,
           std::remove_const_t<Parameters>... arguments) {
  check(fake::launch(kernel, launch.blocks, launch.threads, launch.shared, launch.cooperative,
                     launch.cluster, stream, arguments...),
        ordinal, "starting a kernel");
}
template <class... Parameters>
int resident_clusters(void (*)(Parameters...), const Launch&) {
  return fake::runtime().clusters;
}
#endif

}  // namespace
}  // namespace sketchrnn::cuda
