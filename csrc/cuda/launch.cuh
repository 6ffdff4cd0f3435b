// Starting a kernel with arguments of its own types.
#pragma once

#include <cuda_runtime.h>

#include "cuda/memory.cuh"

namespace sketchrnn::cuda {
namespace {

struct Launch {
  unsigned blocks, threads;
  std::size_t shared;
  bool cooperative;  // all blocks run at once, or none does
};

#if defined(__CUDACC__)
template <class... Parameters>
void start(int ordinal, void (*kernel)(Parameters...), const Launch& launch, cudaStream_t stream,
           std::remove_const_t<Parameters>... arguments) {
  void* pointers[] = {&arguments...};
  cudaLaunchAttribute cooperative{};
  cooperative.id = cudaLaunchAttributeCooperative;
  cooperative.val.cooperative = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(launch.blocks);
  config.blockDim = dim3(launch.threads);
  config.dynamicSmemBytes = launch.shared;
  config.stream = stream;
  config.attrs = &cooperative;
  config.numAttrs = launch.cooperative ? 1 : 0;
  check(cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(kernel), pointers), ordinal,
        "starting a kernel");
}
#else
// The tests' runtime wants the types themselves.
template <class... Parameters>
void start(int ordinal, void (*kernel)(Parameters...), const Launch& launch, cudaStream_t stream,
           std::remove_const_t<Parameters>... arguments) {
  check(fake::launch(kernel, launch.blocks, launch.threads, launch.shared, launch.cooperative,
                     stream, arguments...),
        ordinal, "starting a kernel");
}
#endif

}  // namespace
}  // namespace sketchrnn::cuda
