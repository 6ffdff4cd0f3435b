// Drawings that lie on a device: their rows put together, and memory lent to others.
#pragma once

#include <utility>
#include <vector>

#include "cuda/device.h"
#include "cuda/memory.cuh"
#include "engine/rows.h"

namespace sketchrnn::cuda {
namespace {

// Stroke-5 rows one drawing after another, the given rows first.
__global__ void gather_kernel(const Row* rows, std::size_t row_stride, const std::int64_t* offsets,
                              std::uint64_t count, const Row* prefix, std::int64_t prefix_rows,
                              float* out) {
  for (std::uint64_t k = blockIdx.x; k < count; k += gridDim.x) {
    const std::int64_t length = offsets[k + 1] - offsets[k];
    for (std::int64_t t = threadIdx.x; t < length; t += blockDim.x)
      write_row(out + kStroke5 * (offsets[k] + t),
                t < prefix_rows ? prefix[t]
                                : rows[k * row_stride + static_cast<std::size_t>(t - prefix_rows)]);
  }
}

// Drawings on the device, one after another.
struct Drawn {
  Buffer<float> rows;
  Buffer<std::int64_t> device_offsets;
  std::vector<std::int64_t> offsets;
};

// Memory that has been lent goes only when the borrowers' streams, which nobody here knows, have
// done all they had to do.
void finish_all(int ordinal) {
  try {
    const Current current(ordinal);
    (void)cudaDeviceSynchronize();
  } catch (const DeviceError&) {  // the process is about to end
  }
}

class CudaBatch final : public DeviceBatch {
 public:
  CudaBatch(Drawn drawn, int ordinal) : drawn_(std::move(drawn)), ordinal_(ordinal) {}
  ~CudaBatch() override { finish_all(ordinal_); }
  const float* rows() const override { return drawn_.rows.get(); }
  const std::int64_t* offsets() const override { return drawn_.device_offsets.get(); }
  std::int64_t total() const override { return drawn_.offsets.back(); }
  std::size_t count() const override { return drawn_.offsets.size() - 1; }
  int ordinal() const override { return ordinal_; }

 private:
  Drawn drawn_;
  int ordinal_;
};

}  // namespace
}  // namespace sketchrnn::cuda
